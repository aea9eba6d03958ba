//! A small workbook of a test's own, with checks made for speed.

use std::{fmt::Write as _, fs, path::Path};

/// A workbook in the making.
#[derive(Default)]
pub(crate) struct Course {
    checks: Vec<(String, String)>,
}

/// A probe that runs the tests' image with these arguments and watches it; `keys` are further ones.
pub(crate) fn container(arguments: &[&str], keys: &str) -> String {
    format!("kind = \"container\"\nas = \"app\"\nrun = {{ command = {arguments:?} }}\n{keys}")
}

/// Asks the container for half a second.
pub(crate) const SERVES: &str = "serve = { path = \"/\", port = 8000, for = \"500ms\" }";

impl Course {
    /// One check `1.1` of a container that stays and answers. Its processes are not watched: on a machine that
    /// is too busy to look often enough that would be an error, rightly.
    pub(crate) fn stays() -> Self {
        Self::default().engine("1.1", &container(&["serve", "ok"], SERVES), "app.state.running")
    }

    /// Adds a check of one probe that uses the engine.
    pub(crate) fn engine(self, id: &str, probe: &str, rule: &str) -> Self {
        self.check(id, "uses = [\"engine\"]\nwithin = \"40s\"", probe, rule, "'it does not'")
    }

    /// Adds a check that asks no engine: an answer must be there and be right.
    pub(crate) fn answer(self, id: &str) -> Self {
        let probe = format!("kind = \"answers\"\nas = \"noted\"\nfile = \"{id}.toml\"\nkeys = [\"n\"]");
        self.check(id, "within = \"5s\"", &probe, "noted.taken.n.number == 1.0", "noted.problem")
    }

    /// Adds a check with what stands before its probe, and with how a failure says what was seen.
    pub(crate) fn check(mut self, id: &str, head: &str, probe: &str, rule: &str, actual: &str) -> Self {
        let text = format!(
            r#"format = 1
title = "It holds"
{head}
looked_at = "'it'"
proves = "It."
leaves_open = "All else."
debrief = "Because."
[[probe]]
{probe}
[[assert]]
id = "it"
holds = "still"
rule = {rule:?}
expected = "it does"
actual = {actual:?}
because = "It must."
fix = "Let it; what it lacks is named in workspace.toml: `[app] env`, or `with`."
[[hint]]
text = "Look."
[[hint]]
text = "That way."
[[hint]]
text = "Nearly."
"#
        );
        self.checks.push((id.to_owned(), text));
        self
    }

    /// Writes it into a folder.
    pub(crate) fn write(&self, folder: &Path) {
        let mut manifest = "format = 1\nid = \"small\"\ntitle = \"Small\"\n".to_owned();
        let mut chapters: Vec<&str> =
            self.checks.iter().filter_map(|(id, _)| Some(id.split_once('.')?.0)).collect();
        chapters.dedup();
        for chapter in chapters {
            let _ = write!(manifest, "[[chapter]]\nnumber = {chapter}\ntitle = \"One\"\n");
        }
        fs::create_dir_all(folder.join("checks")).unwrap();
        for (id, text) in &self.checks {
            let _ = write!(manifest, "[[exercise]]\nid = \"{id}\"\ntodo = \"Do it\"\n");
            fs::write(folder.join(format!("checks/{id}.toml")), text).unwrap();
        }
        fs::write(folder.join("checks/workbook.toml"), manifest).unwrap();
    }
}
