//! The workbook: the course as its author wrote it, and as it is meant.
//!
//! A workbook is a set of files ([`Files`]); where they come from is the caller's affair. Reading it
//! ([`Workbook::read`]) finds every fault at once ([`Diagnostic`]); what it returns is resolved: no
//! optional key is left for the judge to wonder about. Start at [`Workbook`].

mod catalogue;
mod check;
mod check_file;
mod diagnostic;
pub mod lint;
mod manifest;
mod places;
mod resolve;
mod schema_walk;
mod source;
mod spec;
mod worked_out;

pub use catalogue::{Catalogue, Declared, UnknownPath, evidence_schema, evidence_schemas};
pub use check::{Absent, Assertion, Case, Check, Hint, Holds, Nothing, Probe, Use};
pub use check_file::check_schema;
pub use diagnostic::{Diagnostic, Severity, nearest};
pub use manifest::{Chapter, Exercise, Manifest, manifest_schema};
pub use schema_walk::parse_toml;
pub use source::SourceFile;
pub use spec::{
    AnswersSpec, BuildSpec, ComposeSpec, Concept, ContainerSpec, ContainersSpec, EndpointSpec, GitSpec,
    HealthSpec, ImageSpec, KnownVulnerability, ProbeKind, ProbeSpec, ProseSpec, RunSpec, RunningSpec,
    ServeSpec, Setting, VulnerabilitiesSpec,
};
pub use worked_out::{Files, Workbook};
