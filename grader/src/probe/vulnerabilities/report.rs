//! Trivy's report: read, compared with the image, and put into the words of the evidence.

use std::collections::{BTreeMap, BTreeSet};

use grader_core::{
    evidence::{
        Finding, FindingCount, FindingCounts, OsSeen, RecordedPackage, ScanTarget, Scanner, UnrecordedCode,
        VulnerabilitiesEvidence, VulnerabilityDatabase,
    },
    workbook::VulnerabilitiesSpec,
};
use grader_engine::{Captured, ImageFacts};

use super::{
    Stop,
    database::DatabaseSeen,
    faulty,
    format::{Package, Report, Target},
    records::{Records, plain_name},
    scanner::InstalledScanner,
};

/// The schema of the reports that are understood.
const SCHEMA: u64 = 2;

/// How many findings are told one by one.
const MOST_FINDINGS: usize = 400;

/// How many of anything else.
const MOST: usize = 100;

/// Why a report cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(pub String);

impl Report {
    /// Reads what Trivy printed.
    pub(super) fn read(printed: &Captured) -> Result<Self, Unusable> {
        if printed.cut_bytes > 0 {
            return Err(Unusable(format!(
                "it is larger than a report can be: {} bytes",
                printed.total_bytes
            )));
        }
        let bytes = [printed.first.as_slice(), printed.last.as_slice()].concat();
        let report: Self =
            serde_json::from_slice(&bytes).map_err(|error| Unusable(format!("it is none: {error}")))?;
        if report.schema_version != SCHEMA {
            return Err(Unusable(format!("its schema is {}, not {SCHEMA}", report.schema_version)));
        }
        if report.results.iter().any(|target| !target.suppressed.is_empty()) {
            return Err(Unusable("it leaves out findings, although no list of exceptions was given".into()));
        }
        Ok(report)
    }

    /// Whether a vulnerability is in it.
    pub(super) fn names(&self, id: &str) -> bool {
        self.results.iter().flat_map(|target| &target.vulnerabilities).any(|found| found.id == id)
    }

    /// Insists that it is one of this image, layer by layer.
    pub(super) fn is_of(&self, image: &ImageFacts) -> Result<(), Stop> {
        if self.metadata.diff_ids == image.diff_ids {
            return Ok(());
        }
        let detail = format!(
            "layers of the report: {}; of {}: {}",
            self.metadata.diff_ids.join(" "),
            image.id,
            image.diff_ids.join(" ")
        );
        Err(faulty("Trivy's report is of another image than the one that it was given", detail))
    }

    /// The same in the words of the evidence, beside what the image's own records tell.
    pub(super) fn evidence(
        &self,
        spec: &VulnerabilitiesSpec,
        image: &ImageFacts,
        scanner: &InstalledScanner,
        sha256: String,
        database: &DatabaseSeen,
        records: &Records,
    ) -> VulnerabilitiesEvidence {
        let mut findings = self.findings();
        let counts = counted(&findings);
        let without_fix = without_fix(&findings);
        let findings_not_told = findings.len().saturating_sub(MOST_FINDINGS) as u64;
        findings.truncate(MOST_FINDINGS);
        let updated_at = database.updated_at.to_string();
        VulnerabilitiesEvidence {
            reference: spec.image.clone(),
            id: image.id.clone(),
            scanner: Scanner {
                name: "trivy".into(),
                path: scanner.program.path().display().to_string(),
                sha256,
                version: scanner.said.clone(),
                found_first: spec.known.id.clone(),
            },
            database: VulnerabilityDatabase {
                schema: database.schema,
                updated_on: updated_at.chars().take(10).collect(),
                updated_at,
                age_hours: database.age_hours,
                size_bytes: database.size_bytes,
                stand_in: database.stand_in,
            },
            os: self.os(),
            os_recognised: self.metadata.os.is_some(),
            packages: self.packages(|_| true).count() as u64,
            os_packages: self.packages(is_of_os).count() as u64,
            targets: self.targets(),
            findings,
            findings_not_told,
            without_fix,
            counts,
            missed: self.missed(records),
            altered: first(records.altered().map(recorded)),
            unrecorded: self.unrecorded(records),
        }
    }

    fn packages(&self, of: fn(&Target) -> bool) -> impl Iterator<Item = &Package> {
        self.results.iter().filter(move |target| of(target)).flat_map(|target| &target.packages)
    }

    fn os(&self) -> Option<OsSeen> {
        let base = self.packages(is_of_os).find(|package| package.name == "base-files");
        self.metadata.os.as_ref().map(|os| OsSeen {
            family: short(&os.family, 40),
            version: short(&os.name, 40),
            end_of_life: os.end_of_life,
            release_of_packages: base.and_then(|package| debian_release(&package.version)),
        })
    }

    fn targets(&self) -> Vec<ScanTarget> {
        let targets = self.results.iter().take(MOST).map(|target| ScanTarget {
            class: short(&target.class, 40),
            kind: short(&target.kind, 40),
            packages: target.packages.len() as u64,
        });
        targets.collect()
    }

    /// Every finding; what can be mended and weighs most comes first.
    fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for target in &self.results {
            findings.extend(target.vulnerabilities.iter().map(|found| Finding {
                id: short(&found.id, 60),
                severity: short(&found.severity, 20),
                package: short(&found.pkg_name, 200),
                installed: short(&found.installed_version, 100),
                fixed: some(&found.fixed_version, 100),
                has_fix: !found.fixed_version.is_empty(),
                status: short(&found.status, 40),
                class: short(&target.class, 40),
                path: some(&found.pkg_path, 200),
                title: some(&found.title, 120),
                url: some(&found.url, 200),
            }));
        }
        let rank = |finding: &Finding| {
            let weight = severity_rank(&finding.severity);
            (!(weight < 2 && finding.has_fix), weight, !finding.has_fix)
        };
        findings.sort_by(|one, other| {
            rank(one).cmp(&rank(other)).then_with(|| {
                (&one.id, &one.package, &one.path).cmp(&(&other.id, &other.package, &other.path))
            })
        });
        findings
    }

    /// Packages that the image records and the report does not have.
    fn missed(&self, records: &Records) -> Vec<RecordedPackage> {
        let of_os: BTreeSet<&str> = self.packages(is_of_os).map(|package| package.name.as_str()).collect();
        let of_python: BTreeSet<String> = self
            .packages(|target| target.kind == "python-pkg" || target.kind == "conda-pkg")
            .map(|package| plain_name(&package.name))
            .collect();
        let owned = self.owned();
        let debian = records.debian().filter(|(name, _)| !of_os.contains(name.as_str()));
        // What the system's own packages bring along is theirs, and scanned as theirs.
        let python = records.python().filter(|(name, path)| {
            !of_python.contains(&plain_name(name)) && !owned.contains_key(path.as_str())
        });
        first(debian.chain(python).map(recorded))
    }

    fn unrecorded(&self, records: &Records) -> Vec<UnrecordedCode> {
        let owned = self.owned();
        let is_owned = |path: &str| {
            let inside = format!("{path}/");
            owned.contains_key(path)
                || owned.range(inside.as_str()..).next().is_some_and(|(file, ())| file.starts_with(&inside))
        };
        let python = records
            .code_without_record()
            .filter(|path| !is_owned(path))
            .map(|path| (path, "a record of its package, `*.dist-info`"));
        let debian = records.lists_without_status().map(|path| (path, "an entry in dpkg's status"));
        let found = python.chain(debian).take(MOST);
        found
            .map(|(path, lacks)| UnrecordedCode {
                path: short(&format!("/{path}"), 200),
                lacks: lacks.into(),
            })
            .collect()
    }

    /// Every file that a package of the system brought, without its leading slash.
    fn owned(&self) -> BTreeMap<&str, ()> {
        self.packages(is_of_os)
            .flat_map(|package| &package.installed_files)
            .map(|path| (path.trim_start_matches('/'), ()))
            .collect()
    }
}

fn is_of_os(target: &Target) -> bool {
    target.class == "os-pkgs"
}

fn recorded((package, path): (String, String)) -> RecordedPackage {
    RecordedPackage { package: short(&package, 200), path: short(&format!("/{path}"), 200) }
}

fn first(packages: impl Iterator<Item = RecordedPackage>) -> Vec<RecordedPackage> {
    packages.take(MOST).collect()
}

/// The release of Debian whose `base-files` has this version: `13.8+deb13u8` belongs to 13. Ubuntu counts
/// otherwise.
fn debian_release(version: &str) -> Option<String> {
    if version.contains("ubuntu") {
        return None;
    }
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some(digits).filter(|digits| !digits.is_empty())
}

fn severity_rank(severity: &str) -> u8 {
    match severity {
        "CRITICAL" => 0,
        "HIGH" => 1,
        "MEDIUM" => 2,
        "LOW" => 3,
        // `UNKNOWN`, and whatever a later version may call one.
        _ => 4,
    }
}

fn counted(findings: &[Finding]) -> FindingCounts {
    let mut counts = FindingCounts::default();
    for finding in findings {
        let count: &mut FindingCount = match severity_rank(&finding.severity) {
            0 => &mut counts.critical,
            1 => &mut counts.high,
            2 => &mut counts.medium,
            3 => &mut counts.low,
            _ => &mut counts.unknown,
        };
        let side = if finding.has_fix { &mut count.with_fix } else { &mut count.without_fix };
        *side += 1;
    }
    counts
}

/// Each vulnerability once, with the first package that has it.
fn without_fix(findings: &[Finding]) -> Vec<String> {
    let mut named = BTreeSet::new();
    findings
        .iter()
        .filter(|finding| severity_rank(&finding.severity) < 2 && !finding.has_fix)
        .filter(|finding| named.insert(&finding.id))
        .map(|finding| format!("{} {}", finding.id, finding.package))
        .take(MOST)
        .collect()
}

fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn some(text: &str, most: usize) -> Option<String> {
    (!text.is_empty()).then(|| short(text, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Report, String> {
        let bytes = text.as_bytes().to_vec();
        let total_bytes = bytes.len() as u64;
        Report::read(&Captured { first: bytes, last: Vec::new(), total_bytes, cut_bytes: 0 })
            .map_err(|Unusable(why)| why)
    }

    #[test]
    fn what_is_no_report_of_a_known_schema_is_refused() {
        assert!(read("").unwrap_err().contains("it is none"));
        assert!(read("null").unwrap_err().contains("it is none"));
        assert!(read(r#"{"Results":[]}"#).unwrap_err().contains("SchemaVersion"));
        assert!(read(r#"{"SchemaVersion":3}"#).unwrap_err().contains("schema is 3"));
        let suppressed = r#"{"SchemaVersion":2,"Results":[{"ExperimentalModifiedFindings":[{"Type":"x"}]}]}"#;
        assert!(read(suppressed).unwrap_err().contains("leaves out findings"));
        assert!(read(r#"{"SchemaVersion":2}"#).is_ok());
    }

    #[test]
    fn what_can_be_mended_and_weighs_most_comes_first() {
        let one = |id: &str, severity: &str, fixed: &str| {
            format!(
                r#"{{"VulnerabilityID":"{id}","PkgName":"p","Severity":"{severity}","FixedVersion":"{fixed}"}}"#
            )
        };
        let all = [
            one("a", "LOW", "1"),
            one("b", "CRITICAL", ""),
            one("c", "HIGH", "2"),
            one("d", "CRITICAL", "3"),
            one("b", "CRITICAL", ""),
        ];
        let report =
            read(&format!(r#"{{"SchemaVersion":2,"Results":[{{"Vulnerabilities":[{}]}}]}}"#, all.join(",")));
        let findings = report.unwrap().findings();
        let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["d", "c", "b", "b", "a"]);
        assert_eq!(counted(&findings).critical, FindingCount { with_fix: 1, without_fix: 2 });
        assert_eq!(without_fix(&findings), ["b p"]);
    }

    #[test]
    fn the_release_shows_in_the_base_package() {
        assert_eq!(debian_release("13.8+deb13u8").as_deref(), Some("13"));
        assert_eq!(debian_release("13ubuntu10.2"), None);
        assert_eq!(debian_release(""), None);
    }
}
