//! Trivy's JSON report, as far as it is read.

use serde::Deserialize;

/// What is read of it; Trivy leaves out what is empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    pub schema_version: u64,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub results: Vec<Target>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Metadata {
    #[serde(rename = "OS")]
    pub os: Option<Os>,
    #[serde(rename = "DiffIDs")]
    pub diff_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Os {
    pub family: String,
    pub name: String,
    #[serde(rename = "EOSL")]
    pub end_of_life: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Target {
    pub class: String,
    #[serde(rename = "Type")]
    pub kind: String,
    pub packages: Vec<Package>,
    pub vulnerabilities: Vec<Vulnerability>,
    #[serde(rename = "ExperimentalModifiedFindings")]
    pub suppressed: Vec<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    pub installed_files: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    pub id: String,
    pub pkg_name: String,
    pub pkg_path: String,
    pub installed_version: String,
    pub fixed_version: String,
    pub status: String,
    pub severity: String,
    pub title: String,
    #[serde(rename = "PrimaryURL")]
    pub url: String,
}
