//! What the bars are measured on: an image whose process is up at once, a container of it that runs, and
//! workspaces with as much progress as a bar asks for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use grader::progress::Progress;
use grader_core::Attempt;

use crate::recorded;

/// The image of P1, P2 and P3.
pub const IMAGE: &str = "grader-bench/up-at-once";

/// Everything that is set up once.
pub struct Stage {
    /// The program.
    pub grader: PathBuf,
    /// The folder of everything else.
    pub folder: tempfile::TempDir,
    /// A container of [`IMAGE`] that runs.
    pub container: String,
}

impl Stage {
    /// Builds the image and starts the container.
    pub fn set_up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir(&context).unwrap();
        let dockerfile = "FROM python:3.13-slim\nRUN useradd --uid 10001 --no-create-home app\nUSER 10001\n\
                          CMD [\"sleep\", \"100000\"]\n";
        fs::write(context.join("Dockerfile"), dockerfile).unwrap();
        docker(&["build", "-q", "-t", IMAGE, &context.to_string_lossy()]);
        let container = docker(&["run", "-d", "--label", "grader.bench=up", IMAGE]);
        Self { grader: PathBuf::from(env!("CARGO_BIN_EXE_grader")), folder, container }
    }

    /// A call of the grader in a folder of the stage.
    pub fn grader(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.grader);
        command.arg("-C").arg(folder).args(arguments).env_remove("GRADER_WORKBOOK").env_remove("GRADER_LOG");
        command
    }

    /// A workspace with the image, made by `init`.
    pub fn workspace(&self, name: &str) -> PathBuf {
        let root = self.folder.path().join(name);
        let made = Command::new(&self.grader)
            .args(["init", "--yes"])
            .arg(&root)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let set = self.grader(&root, &["config", "set", &format!("app.image={IMAGE}")]).output().unwrap();
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        root
    }

    /// A workspace in which so many attempts have been recorded.
    pub fn with_attempts(&self, name: &str, many: u32) -> PathBuf {
        let root = self.workspace(name);
        let progress = Progress::open(&root).unwrap();
        for at in 0..many {
            progress.record(&attempt(at)).unwrap();
        }
        root
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        docker(&["rm", "-f", &self.container]);
    }
}

/// An attempt with as much evidence as one of a container.
pub fn attempt(at: u32) -> Attempt {
    const EXERCISES: [&str; 9] = ["1.1", "1.2", "2.1", "2.2", "2.3", "3.1", "4.1", "4.2", "4.3"];
    recorded::attempt(EXERCISES[at as usize % EXERCISES.len()].parse().unwrap(), 3000)
}

/// Runs docker; returns what it printed, without its last newline.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
