//! Makes of a specimen what a learner would have: a workspace with its history, and built images.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use grader_engine::Engine;
use tokio::process::Command;

use crate::specimen::Specimen;

/// The finished app, built, on which most specimens stand.
const SAMPLE: &str = "specimen/sample-app";

/// What a learner starts from, built: the image before.
const START: &str = "specimen/start";

/// What of a specimen's folder is the harness's and not the learner's.
const OURS: [&str; 6] =
    ["expect.toml", "evidence.json", "prepare", "before-check", "answer-question", "after-check"];

/// The same commit must have the same name in every workspace: the base image bears it.
const WHEN: &str = "2026-01-01T00:00:00Z";

/// The images that specimens share, and where their files are.
pub struct Bases {
    sample_app: PathBuf,
}

impl Bases {
    /// Builds both.
    pub async fn build(root: &Path) -> Result<Self, String> {
        let bases = Self { sample_app: root.join("sample-app") };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let first = bases.first_commit(folder.path()).await?;
        build(&folder.path().join("app"), SAMPLE, None, &first).await?;
        let start = tempfile::tempdir().map_err(|error| error.to_string())?;
        for chapter in ["02-image", "04-hardening"] {
            copy(&root.join("exercises").join(chapter), start.path())?;
        }
        build(&start.path().join("app"), START, None, &first).await?;
        Ok(bases)
    }

    /// The finished app alone, committed.
    async fn first_commit(&self, workspace: &Path) -> Result<String, String> {
        copy(&self.sample_app, &workspace.join("app"))?;
        run(workspace, "git", &["init", "-q", "-b", "main"]).await?;
        commit(workspace, "The app").await
    }
}

/// Lays the submission out in `workspace` and builds its images.
pub async fn submission(
    specimen: &Specimen,
    bases: &Bases,
    workspace: &Path,
    engine: &Engine,
) -> Result<(), String> {
    bases.first_commit(workspace).await?;
    let app = workspace.join("app");
    copy(&specimen.folder, &app)?;
    for ours in OURS {
        let path = app.join(ours);
        if path.exists() {
            std::fs::remove_file(path).map_err(|error| error.to_string())?;
        }
    }
    hook(specimen, "prepare", &app).await?;
    let image = format!("specimen/{}", specimen.tag());
    let before = format!("{image}:before");
    let mut names = BTreeMap::from([
        ("app.image".to_owned(), toml::Value::from(image.clone())),
        ("app.before".to_owned(), toml::Value::from(before.clone())),
    ]);
    names.extend(specimen.expect.workspace.clone());
    std::fs::write(workspace.join("workspace.toml"), workspace_toml(&names))
        .map_err(|error| error.to_string())?;
    let head = commit(workspace, "The submission").await?;
    // A name that the specimen overrides is one that shall not be there, or is built elsewhere.
    if specimen.expect.build && !specimen.expect.workspace.contains_key("app.image") {
        build(&app, &image, None, &head).await?;
        if specimen.exercise.chapter == 2 && !specimen.expect.workspace.contains_key("app.before") {
            match specimen.expect.before.as_deref() {
                None | Some("start") => run(&app, "docker", &["tag", START, &before]).await.map(drop)?,
                Some("same") => run(&app, "docker", &["tag", &image, &before]).await.map(drop)?,
                Some(dockerfile) => build(&app, &before, Some(dockerfile), &head).await?,
            }
            answers(specimen, workspace, engine, &image, &before).await?;
        }
    } else {
        for (name, text) in &specimen.expect.answers {
            write_answer(workspace, name, text)?;
        }
    }
    hook(specimen, "before-check", workspace).await
}

/// Runs a script of the specimen in `folder`, if it has one of that name. It is told its specimen's name,
/// which no other has, in `SPECIMEN`.
pub async fn hook(specimen: &Specimen, name: &str, folder: &Path) -> Result<(), String> {
    let script = specimen.folder.join(name);
    if !script.exists() {
        return Ok(());
    }
    let tag = specimen.tag();
    run(folder, "env", &[&format!("SPECIMEN={tag}"), &script.to_string_lossy()]).await.map(drop)
}

/// Writes the figures down as a learner would who has read them off the engine.
async fn answers(
    specimen: &Specimen,
    workspace: &Path,
    engine: &Engine,
    image: &str,
    before: &str,
) -> Result<(), String> {
    let mut answers = BTreeMap::from([(
        "2.2.toml".to_owned(),
        "before_mb = {before_mb}\nafter_mb = {after_mb}\n".to_owned(),
    )]);
    answers.extend(specimen.expect.answers.clone());
    let size = async |reference: &str| match engine.image(reference).await {
        Ok(facts) => Ok(format!("{:.1}", facts.size_bytes as f64 / 1e6)),
        Err(error) => Err(error.to_string()),
    };
    let (after_mb, before_mb) = (size(image).await?, size(before).await?);
    for (name, template) in answers {
        let text = template.replace("{before_mb}", &before_mb).replace("{after_mb}", &after_mb);
        write_answer(workspace, &name, &text)?;
    }
    Ok(())
}

fn write_answer(workspace: &Path, name: &str, text: &str) -> Result<(), String> {
    let folder = workspace.join("answers");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    std::fs::write(folder.join(name), text).map_err(|error| error.to_string())
}

fn workspace_toml(names: &BTreeMap<String, toml::Value>) -> String {
    let mut tables: BTreeMap<&str, toml::Table> = BTreeMap::new();
    for (name, value) in names {
        if let Some((table, key)) = name.split_once('.') {
            tables.entry(table).or_default().insert(key.to_owned(), value.clone());
        }
    }
    let tables: Vec<String> = tables.iter().map(|(table, keys)| format!("[{table}]\n{keys}")).collect();
    format!("format = 1\n{}", tables.join("\n"))
}

async fn build(context: &Path, tag: &str, dockerfile: Option<&str>, sha: &str) -> Result<(), String> {
    let file = dockerfile.unwrap_or("Dockerfile");
    let argument = format!("GIT_SHA={sha}");
    let arguments = ["build", "-q", "-t", tag, "-f", file, "--build-arg", &argument, "."];
    run(context, "docker", &arguments).await.map(drop)
}

async fn commit(folder: &Path, message: &str) -> Result<String, String> {
    run(folder, "git", &["add", "-A", "-f"]).await?;
    run(folder, "git", &["commit", "-q", "--allow-empty", "-m", message]).await?;
    run(folder, "git", &["rev-parse", "HEAD"]).await.map(|head| head.trim().to_owned())
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("DOCKER_BUILDKIT", "1")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Ada")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "ada@example.org")))
        .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, WHEN)))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} {}: {said}", arguments.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Copies a folder's files over another's, with their modes; caches of test runs stay behind.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::create_dir_all(to).map_err(|error| error.to_string())?;
    for entry in std::fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name();
        if ["__pycache__", ".pytest_cache", ".venv"].iter().any(|cache| name == *cache) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target).map_err(|error| format!("{}: {error}", source.display()))?;
        }
    }
    Ok(())
}
