//! The log: on standard error where it is asked for, and in `.grader/log/` for every check.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use jiff::Timestamp;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::term::variable;

/// How many logs of checks are kept.
const KEPT: usize = 20;

/// What is logged into the file, and with `-v`.
const USUAL: &str = "grader=debug,grader_core=debug,grader_engine=debug,warn";

/// What is logged with `-vv`.
const DETAILED: &str = "grader=trace,grader_core=trace,grader_engine=trace,debug";

/// Starts logging: to standard error for `-v` or GRADER_LOG, into `file` if there is one.
pub(super) fn start(verbose: u8, file: Option<File>) {
    let asked = variable("GRADER_LOG");
    let words = match (asked, verbose) {
        (Some(words), _) => Some(words),
        (None, 0) => None,
        (None, 1) => Some(USUAL.to_owned()),
        (None, _) => Some(DETAILED.to_owned()),
    };
    let to_terminal = words.map(|words| {
        fmt::layer().with_writer(io::stderr).with_ansi(false).with_filter(EnvFilter::new(words))
    });
    let to_file = file.map(|file| {
        fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_filter(EnvFilter::new(USUAL))
    });
    // A second start, as in a test, changes nothing.
    let _started = tracing_subscriber::registry().with(to_terminal).with(to_file).try_init();
}

/// Makes the log of a check below `grader_dir`; the oldest ones go.
pub(super) fn file(grader_dir: &Path) -> io::Result<(PathBuf, File)> {
    let folder = grader_dir.join("log");
    for folder in [grader_dir, &folder] {
        // What is written there must be ours, and not somewhere that a link leads to.
        if folder.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(io::Error::other(format!("`{}` is a symbolic link", folder.display())));
        }
    }
    fs::create_dir_all(&folder)?;
    forget_oldest(&folder)?;
    let name = format!("check-{}-{}.log", Timestamp::now().strftime("%Y%m%dT%H%M%S"), std::process::id());
    let path = folder.join(name);
    let file = File::options().create_new(true).write(true).open(&path)?;
    Ok((path, file))
}

fn forget_oldest(folder: &Path) -> io::Result<()> {
    let mut logs: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    for log in logs.iter().rev().skip(KEPT - 1) {
        match fs::remove_file(log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // Another grader was faster.
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_logs_go() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        for nth in 0..30 {
            fs::write(folder.path().join(format!("log/check-2020{nth:04}.log")), "").unwrap();
        }
        file(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("log")).unwrap().count(), KEPT);
    }
}
