//! Trivy's database of vulnerabilities: where it is, and how old.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use grader_core::workbook::VulnerabilitiesSpec;
use jiff::Timestamp;
use serde::Deserialize;

use super::Stop;

/// The command that brings a database, or a newer one.
pub(crate) const DOWNLOAD: &str = "trivy image --download-db-only";

/// A database that is there.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseSeen {
    /// The folder with `trivy.db` and `metadata.json`.
    pub folder: PathBuf,
    /// When it was made.
    pub updated_at: Timestamp,
    /// How old it is.
    pub age_hours: u64,
    /// Its schema's version.
    pub schema: u64,
    /// Whether it says that it is a stand-in.
    pub stand_in: bool,
    /// How large it is.
    pub size_bytes: u64,
}

/// Whether there is one.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseState {
    /// It is there.
    Seen(DatabaseSeen),
    /// None is in this folder.
    None { folder: PathBuf },
    /// What is there cannot be read, and why.
    Unreadable { folder: PathBuf, why: String },
}

/// What is read of `metadata.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    version: u64,
    updated_at: Timestamp,
    #[serde(default)]
    stand_in: Option<String>,
}

impl DatabaseState {
    /// Looks where Trivy itself would.
    pub(crate) fn here() -> Self {
        match cache_folder() {
            Some(cache) => Self::in_cache(&cache, Timestamp::now()),
            None => Self::None { folder: PathBuf::from("~/.cache/trivy/db") },
        }
    }

    fn in_cache(cache: &Path, now: Timestamp) -> Self {
        let folder = cache.join("db");
        match read(&folder, now) {
            Ok(seen) => Self::Seen(seen),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::None { folder },
            Err(error) => Self::Unreadable { folder, why: error.to_string() },
        }
    }
}

fn read(folder: &Path, now: Timestamp) -> io::Result<DatabaseSeen> {
    let size_bytes = fs::metadata(folder.join("trivy.db"))?.len();
    let text = fs::read_to_string(folder.join("metadata.json"))?;
    let metadata: Metadata = serde_json::from_str(&text).map_err(io::Error::other)?;
    // A date in the future is that of a clock that is wrong: it counts as new, since nothing newer can be had.
    let seconds = now.duration_since(metadata.updated_at).as_secs().max(0);
    Ok(DatabaseSeen {
        folder: folder.to_owned(),
        updated_at: metadata.updated_at,
        age_hours: u64::try_from(seconds / 3600).unwrap_or(0),
        schema: metadata.version,
        stand_in: metadata.stand_in.is_some(),
        size_bytes,
    })
}

impl DatabaseSeen {
    /// Whole days.
    pub(crate) fn age_days(&self) -> u64 {
        self.age_hours / 24
    }

    /// Whether it is older than so many days.
    pub(crate) fn is_older_than(&self, days: u32) -> bool {
        self.age_hours > u64::from(days) * 24
    }
}

/// The database, or blocked.
pub(super) fn usable(spec: &VulnerabilitiesSpec) -> Result<DatabaseSeen, Stop> {
    let most = spec.database_at_most_days;
    match DatabaseState::here() {
        DatabaseState::Seen(seen) if seen.is_older_than(most) => Err(Stop::blocked(
            format!(
                "Trivy's database is {} days old; this check takes one of at most {most}",
                seen.age_days()
            ),
            DOWNLOAD,
        )),
        DatabaseState::Seen(seen) => Ok(seen),
        DatabaseState::None { folder } => {
            Err(Stop::blocked(format!("Trivy has no database in {}", folder.display()), DOWNLOAD))
        }
        DatabaseState::Unreadable { folder, why } => Err(Stop::blocked(
            format!("Trivy's database in {} cannot be read: {why}", folder.display()),
            format!("rm -r {} && {DOWNLOAD}", folder.display()),
        )),
    }
}

/// Where Trivy keeps what it fetches: `TRIVY_CACHE_DIR`, else the user's place for such files.
fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("TRIVY_CACHE_DIR") {
        return Some(folder);
    }
    let home = variable("HOME");
    let caches = if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| home.map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("trivy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cache(metadata: &str) -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("db")).unwrap();
        fs::write(cache.path().join("db/trivy.db"), "x").unwrap();
        fs::write(cache.path().join("db/metadata.json"), metadata).unwrap();
        cache
    }

    #[test]
    fn the_age_is_counted_from_its_making_and_not_from_its_download() {
        let cache = cache(
            r#"{"Version":2,"NextUpdate":"2026-11-26T00:00:00Z","UpdatedAt":"2026-11-15T00:00:00.5Z","DownloadedAt":"2026-11-25T00:00:00Z"}"#,
        );
        let DatabaseState::Seen(seen) = DatabaseState::in_cache(cache.path(), at("2026-11-25T01:00:00Z"))
        else {
            panic!("it is there");
        };
        assert_eq!((seen.age_days(), seen.stand_in, seen.schema), (10, false, 2));
        assert!(seen.is_older_than(7) && !seen.is_older_than(11));
    }

    #[test]
    fn half_a_database_is_none_and_a_broken_one_is_told() {
        let empty = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        assert!(matches!(DatabaseState::in_cache(empty.path(), now), DatabaseState::None { .. }));
        let broken = cache("{}");
        assert!(matches!(DatabaseState::in_cache(broken.path(), now), DatabaseState::Unreadable { .. }));
        fs::remove_file(broken.path().join("db/trivy.db")).unwrap();
        assert!(matches!(DatabaseState::in_cache(broken.path(), now), DatabaseState::None { .. }));
    }
}
