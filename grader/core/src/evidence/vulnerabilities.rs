//! What a vulnerability scanner found in an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the scanner found, and with what it looked. Source: Trivy's JSON report, run by the grader on the
/// image's archive with none of the learner's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VulnerabilitiesEvidence {
    /// The name by which the check asked for the image.
    pub reference: String,
    /// Image id, `sha256:…`: what was exported and scanned. Source: Engine API; the report's own list of
    /// layers was compared with the engine's.
    pub id: String,
    /// The scanner.
    pub scanner: Scanner,
    /// Its database.
    pub database: VulnerabilityDatabase,
    /// The operating system as the scanner recognised it; null for an image without one, as `FROM scratch`.
    pub os: Option<OsSeen>,
    /// Whether there is one: `os` without the null.
    pub os_recognised: bool,
    /// Packages that the scanner saw in the image.
    pub packages: u64,
    /// Those of them that belong to the operating system.
    pub os_packages: u64,
    /// Where it saw them.
    pub targets: Vec<ScanTarget>,
    /// What it found: at most 400. HIGH and CRITICAL with a fixed version come first, then the rest by severity.
    pub findings: Vec<Finding>,
    /// Findings that are not told one by one.
    pub findings_not_told: u64,
    /// Findings of severity HIGH or CRITICAL without a fixed version, as `CVE-2025-69720 ncurses-bin`; of one
    /// vulnerability in several packages the first package. At most 100.
    pub without_fix: Vec<String>,
    /// How many there are of each severity.
    pub counts: FindingCounts,
    /// Packages of which the image's own records tell (dpkg's status, `*.dist-info`) and the scanner's report
    /// does not. At most 100.
    pub missed: Vec<RecordedPackage>,
    /// Packages whose record is not the one that was installed: it has another SHA-256 than `RECORD` beside it
    /// says. At most 100.
    pub altered: Vec<RecordedPackage>,
    /// Code that belongs to no record of a package, where packages are installed: no scanner can know its
    /// version. At most 100. Source: the image's files.
    pub unrecorded: Vec<UnrecordedCode>,
}

/// The scanner. `PATH` may hold a counterfeit, so it is told exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scanner {
    /// `trivy`.
    pub name: String,
    /// Absolute path of what was run.
    pub path: String,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Version as it says itself, as `0.74.0`.
    pub version: String,
    /// A vulnerability that it was made to find first, in a folder of the grader's own, and did.
    pub found_first: String,
}

/// The database of vulnerabilities. Source: its `metadata.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VulnerabilityDatabase {
    /// Version of its schema.
    pub schema: u64,
    /// When it was made, RFC 3339.
    pub updated_at: String,
    /// The same, the day alone: `2026-11-24`.
    pub updated_on: String,
    /// How old it was when the image was scanned, in hours.
    pub age_hours: u64,
    /// How large it is, in bytes.
    pub size_bytes: u64,
    /// Whether it says of itself that it is a stand-in with a handful of vulnerabilities.
    pub stand_in: bool,
}

/// An operating system as the scanner recognised it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OsSeen {
    /// As `debian`.
    pub family: String,
    /// Its version, as `13.8`.
    pub version: String,
    /// Whether it gets no more mends.
    pub end_of_life: bool,
    /// The release that the package `base-files` belongs to, as `13`; null where there is no such package or
    /// its version does not say.
    pub release_of_packages: Option<String>,
}

/// A place in which packages were seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScanTarget {
    /// `os-pkgs` or `lang-pkgs`.
    pub class: String,
    /// What kind, as `debian`, `python-pkg`, `gobinary`.
    pub kind: String,
    /// Packages in it.
    pub packages: u64,
}

/// One vulnerability in one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// As `CVE-2023-30861`.
    pub id: String,
    /// `UNKNOWN`, `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub severity: String,
    /// The package, at most 200 characters.
    pub package: String,
    /// Its version in the image.
    pub installed: String,
    /// The version, or versions, in which it is mended; null if there is none.
    pub fixed: Option<String>,
    /// Whether there is a fixed version.
    pub has_fix: bool,
    /// `affected`, `fixed`, `will_not_fix`, `fix_deferred`, `under_investigation`, `end_of_life`, `unknown`.
    pub status: String,
    /// `os-pkgs` or `lang-pkgs`.
    pub class: String,
    /// The package's own record in the image, where the scanner says so.
    pub path: Option<String>,
    /// What it is, at most 120 characters.
    pub title: Option<String>,
    /// Where to read on.
    pub url: Option<String>,
}

/// How many findings there are, by severity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingCounts {
    /// CRITICAL.
    pub critical: FindingCount,
    /// HIGH.
    pub high: FindingCount,
    /// MEDIUM.
    pub medium: FindingCount,
    /// LOW.
    pub low: FindingCount,
    /// UNKNOWN.
    pub unknown: FindingCount,
}

/// Findings of one severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingCount {
    /// With a version in which they are mended.
    pub with_fix: u64,
    /// Without one.
    pub without_fix: u64,
}

/// A package that the image's own records name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct RecordedPackage {
    /// Its name, at most 200 characters.
    pub package: String,
    /// The record that names it.
    pub path: String,
}

/// Code without a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct UnrecordedCode {
    /// A folder or file, at most 200 characters; for Debian the package's list of files.
    pub path: String,
    /// What lacks: `dist-info` or `dpkg status`.
    pub lacks: String,
}
