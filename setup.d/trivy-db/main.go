// Makes a small vulnerability database in Trivy's own format, from the advisories beside it.
//
// It is for machines that cannot fetch the real one: the scanner, its flags and its report are then
// the real ones, and only the list of vulnerabilities is short. metadata.json says so in a field that
// Trivy does not read: "StandIn". The date in it is that of its making.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	bolt "go.etcd.io/bbolt"
)

//go:embed advisories.json
var written []byte

type advisories struct {
	About  string   `json:"about"`
	Python []python `json:"python"`
	Debian []debian `json:"debian"`
}

type python struct {
	ID         string   `json:"id"`
	Package    string   `json:"package"`
	Vulnerable []string `json:"vulnerable"`
	Patched    []string `json:"patched"`
	Severity   string   `json:"severity"`
	Title      string   `json:"title"`
}

type debian struct {
	ID       string `json:"id"`
	Release  string `json:"release"`
	Package  string `json:"package"`
	Fixed    string `json:"fixed"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
}

// What Trivy reads, and a word of ours.
type noted struct {
	metadata.Metadata
	StandIn string
}

// A Debian advisory without a fix: Trivy's own type leaves the status out, which is read as a number.
type unfixed struct {
	Status   int
	Severity types.Severity `json:",omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trivy-db DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	var from advisories
	if err := json.Unmarshal(written, &from); err != nil {
		return fmt.Errorf("advisories.json: %w", err)
	}
	if err := db.Init(dir); err != nil {
		return err
	}
	into := db.Config{}
	err := into.BatchUpdate(func(tx *bolt.Tx) error {
		for _, one := range from.Python {
			if err := putPython(into, tx, one); err != nil {
				return err
			}
		}
		for _, one := range from.Debian {
			if err := putDebian(into, tx, one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := into.DeleteAdvisoryDetailBucket(); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	now := time.Now().UTC()
	note, err := json.Marshal(noted{
		Metadata: metadata.Metadata{
			Version: db.SchemaVersion, NextUpdate: now.Add(24 * time.Hour), UpdatedAt: now, DownloadedAt: now,
		},
		StandIn: from.About,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "metadata.json"), note, 0o644)
}

func putPython(into db.Config, tx *bolt.Tx, one python) error {
	bucket := "pip::GitHub Security Advisory pip"
	source := types.DataSource{
		ID: "ghsa", Name: "GitHub Security Advisory pip",
		URL: "https://github.com/advisories?query=type%3Areviewed+ecosystem%3Apip",
	}
	advisory := types.Advisory{VulnerableVersions: one.Vulnerable, PatchedVersions: one.Patched}
	return put(into, tx, bucket, source, one.ID, one.Package, advisory, one.Severity, one.Title)
}

func putDebian(into db.Config, tx *bolt.Tx, one debian) error {
	bucket := "debian " + one.Release
	source := types.DataSource{
		ID: "debian", Name: "Debian Security Tracker", URL: "https://salsa.debian.org/security-tracker-team/security-tracker",
	}
	if one.Fixed != "" {
		return put(into, tx, bucket, source, one.ID, one.Package, types.Advisory{FixedVersion: one.Fixed}, one.Severity, one.Title)
	}
	severity, err := types.NewSeverity(one.Severity)
	if err != nil {
		return err
	}
	advisory := unfixed{Status: int(types.StatusAffected)}
	// Debian's own word, where it has one, goes before everybody else's.
	if severity == types.SeverityLow {
		advisory.Severity = severity
	}
	return put(into, tx, bucket, source, one.ID, one.Package, advisory, one.Severity, one.Title)
}

func put(into db.Config, tx *bolt.Tx, bucket string, source types.DataSource, id, name string, advisory any, severity, title string) error {
	if err := into.PutDataSource(tx, bucket, source); err != nil {
		return err
	}
	if err := into.PutAdvisoryDetail(tx, id, name, []string{bucket}, advisory); err != nil {
		return err
	}
	if err := into.SaveAdvisoryDetails(tx, id); err != nil {
		return err
	}
	level, err := types.NewSeverity(severity)
	if err != nil {
		return err
	}
	by := types.SourceID("nvd")
	if source.ID == "ghsa" {
		by = "ghsa"
	}
	return into.PutVulnerability(tx, id, types.Vulnerability{
		Title: title, Severity: severity, VendorSeverity: types.VendorSeverity{by: level},
		References: []string{"https://nvd.nist.gov/vuln/detail/" + id},
	})
}
