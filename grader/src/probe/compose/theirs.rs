//! The learner's Compose file, and what lies beside it.

use std::path::{Path, PathBuf};

use grader_core::{evidence::Text, workbook::ComposeSpec};
use serde_json::Value;

use crate::probe::{Place, Stop};

/// The names under which Compose finds a file by itself, and then its override too.
const DEFAULT_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The learner's files.
pub(super) struct Theirs {
    /// The workspace.
    pub root: PathBuf,
    /// The folder of the Compose file, from which its paths begin.
    pub folder: PathBuf,
    /// The file and what Compose lays over it by itself.
    pub files: Vec<PathBuf>,
    /// The same as the learner names them.
    pub shown: Vec<String>,
}

impl Theirs {
    /// Finds them, or says what is missing.
    pub(super) fn find(spec: &ComposeSpec, place: &Place<'_>) -> Result<Self, Stop> {
        let other = "write it, or name yours: grader config set compose.file=PATH";
        let missing = || Stop::blocked(format!("there is no {}", spec.file), other);
        let root = place.workspace.root().canonicalize().map_err(|_| missing())?;
        let file = root.join(&spec.file).canonicalize().map_err(|_| missing())?;
        if !file.starts_with(&root) || !file.is_file() {
            return Err(Stop::blocked(format!("{} is no file of the workspace", spec.file), other));
        }
        let folder = file.parent().unwrap_or(&root).to_owned();
        let mut files = vec![file.clone()];
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if DEFAULT_NAMES.contains(&name)
            && let Some((stem, extension)) = name.rsplit_once('.')
        {
            let own = [extension, "yml", "yaml"].map(|end| folder.join(format!("{stem}.override.{end}")));
            files.extend(own.into_iter().find(|path| path.is_file()));
        }
        let shown = files
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned())
            .collect();
        Ok(Self { root, folder, files, shown })
    }

    /// Blocks where Compose refuses a file for want of what lies beside it: a variable or an `env_file` that
    /// is not committed is no fault of the file. Where `.env` is there, the file is what is wrong.
    pub(super) fn is_complete(&self, refused: &Text) -> Result<(), Stop> {
        let said = &refused.head;
        let dot_env = self.folder.join(".env");
        let shown = dot_env.strip_prefix(&self.root).unwrap_or(&dot_env).display();
        if let Some((_, rest)) = said.split_once("required variable ")
            && let Some(variable) = rest.split_whitespace().next()
            && !dot_env.exists()
        {
            return Err(Stop::blocked(
                format!("{} needs the variable {variable}, and it is not set", self.shown[0]),
                format!("echo '{variable}=…' >> {shown}"),
            ));
        }
        if said.contains("env file ") && said.contains("not found") {
            let file = said.split("env file ").nth(1).and_then(|rest| rest.split(" not found").next());
            let path = self.folder.join(file.unwrap_or(""));
            let file = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
            return Err(Stop::blocked(
                format!("{} needs the file {file}, and it is not there", self.shown[0]),
                format!("write {file}, or make it `required: false`"),
            ));
        }
        Ok(())
    }

    /// The folder to copy: that of the Compose file, or all where the file leads above it.
    pub(super) fn to_copy(&self, config: &Value) -> &Path {
        fn leads_above(value: &Value, root: &Path, folder: &Path) -> bool {
            match value {
                Value::String(text) => {
                    let path = Path::new(text.as_str());
                    path.starts_with(root) && !path.starts_with(folder)
                }
                Value::Array(items) => items.iter().any(|item| leads_above(item, root, folder)),
                Value::Object(map) => map.values().any(|item| leads_above(item, root, folder)),
                Value::Null | Value::Bool(_) | Value::Number(_) => false,
            }
        }
        if leads_above(config, &self.root, &self.folder) { &self.root } else { &self.folder }
    }
}
