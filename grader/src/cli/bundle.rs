//! `grader bundle`: one file to send to a teacher, after it was said what is in it and what is not.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use grader_core::{
    Attempt, ExerciseId,
    bundle::{
        Bundle, BundledAttempt, BundledCheck, BundledHistory, BundledWorkbook, FORMAT, LARGEST, held_before,
    },
    digest::sha256,
    evidence::{Evidence, Secrets},
    judge::judge,
    since::Since,
    workbook::Check,
};
use serde_json::{Value, json};

use super::{
    CliError, Exit, Face,
    args::BundleArgs,
    cards::{beside_of, card_of, earlier},
    ids, show,
};
use crate::{
    probe,
    run::Session,
    term::{
        self, Look, clean_line,
        layout::{block, bytes, count, labelled, room, title, wrap},
    },
};

pub(super) fn run(face: &Face, args: &BundleArgs) -> Result<Exit, CliError> {
    let session = face.session_to_read()?;
    let id = ids::exercise(&session.course.workbook.manifest, &args.id)?;
    let attempt = show::last_attempt(&session, id)?;
    let check = session.course.workbook.checks.get(&id).ok_or_else(|| {
        CliError::usage(format!("this workbook has no check for {id}"), "--workbook DIR names another one")
    })?;
    let mut bundle = gather(&session, id, check, &attempt)?;
    let mut text = written(&bundle)?;
    if text.len() > LARGEST {
        if let Some(before) = &mut bundle.before {
            before.evidence = Value::Null;
            bundle.left_out.push("the evidence of the attempt before: the whole was too large".into());
        }
        text = written(&bundle)?;
    }
    let number = attempt.number.map_or_else(|| "last".into(), |number| number.to_string());
    let path =
        args.output.clone().unwrap_or_else(|| PathBuf::from(format!("bundle-{id}-attempt-{number}.json")));
    if !face.global.json {
        face.term.say(&contents(&bundle, face.look()));
    }
    write(&path, text.as_bytes())?;
    let shown = path.display().to_string();
    if face.global.json {
        face.term.json(&json!({
            "format": 1, "file": shown, "bytes": text.len(), "exercise": id, "attempt": attempt.number,
            "left_out": bundle.left_out,
        }))?;
    } else {
        let size = bytes(u64::try_from(text.len()).unwrap_or(u64::MAX));
        face.term.result(&labelled("written", &format!("{shown}  {size}"), face.look()));
    }
    Ok(Exit::Done)
}

fn written(bundle: &Bundle) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(bundle)? + "\n")
}

/// For its owner alone, and never over what is there.
fn write(path: &Path, text: &[u8]) -> Result<(), CliError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => CliError::usage(
            format!("`{}` is there already; nothing was written", path.display()),
            "name another file: --output FILE",
        ),
        _ => CliError::System { what: format!("cannot write `{}`", path.display()), source },
    })?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(|source| {
        // Half a bundle helps nobody; that it cannot be removed either is less than what went wrong.
        let _removed = fs::remove_file(path);
        CliError::System { what: format!("cannot write `{}`", path.display()), source }
    })
}

fn gather(session: &Session, id: ExerciseId, check: &Check, attempt: &Attempt) -> Result<Bundle, CliError> {
    let clean = Clean::of(session, check);
    let before = earlier(session, attempt, Some(check))?.map(|(_, earlier)| earlier).unwrap_or_default();
    let since = Since::of(check, attempt, &before);
    let before = before.first().filter(|_| since.is_some());
    let bundled = |attempt: &Attempt| {
        let card = card_of(session, attempt, Some(check))?;
        let look = Look { width: 80, plain: false, unicode: true };
        let card = term::card::card(&card, &beside_of(session, attempt, Some(check), None)?, &look);
        let card = anstream::adapter::strip_str(&card).to_string();
        Ok::<_, CliError>(BundledAttempt::of(attempt, clean.text(&card), clean.evidence(attempt)?))
    };
    let path = format!("checks/{id}.toml");
    let file = session.course.files.get(&path).map(|file| String::from_utf8_lossy(file).into_owned());
    let history = session.progress.attempts(id)?;
    let bundle = Bundle {
        format: FORMAT,
        exercise: id,
        title: check.title.clone(),
        grader: env!("CARGO_PKG_VERSION").to_owned(),
        workbook: workbook(session),
        check: BundledCheck { hash: check.hash.clone(), text: file.unwrap_or_default(), path },
        attempt: bundled(attempt)?,
        before: before.map(bundled).transpose()?,
        since,
        history: history
            .iter()
            .map(|it| BundledHistory {
                attempt: it.number,
                started: it.started,
                verdict: it.verdict.as_str(),
            })
            .collect(),
        hints_taken: session.progress.hints_taken(id)?,
        names: names(session)?,
        left_out: vec![
            "your name and id".into(),
            "your files, but for what of an answer the check has read".into(),
            "values of variables (app.env, app.env_file)".into(),
            "other exercises".into(),
        ],
    };
    Ok(bundle)
}

fn workbook(session: &Session) -> BundledWorkbook {
    let files = session.course.files.below("checks").filter(|(path, _)| !path.contains('/'));
    let lines: String = files.map(|(path, bytes)| format!("{path} {}\n", sha256(bytes))).collect();
    let manifest = &session.course.workbook.manifest;
    BundledWorkbook { id: manifest.id.clone(), title: manifest.title.clone(), hash: sha256(lines.as_bytes()) }
}

/// The learner's names that checks use. Nobody needs the value of a variable to help.
fn names(session: &Session) -> Result<Value, CliError> {
    let file = session.workspace.file();
    let mut names = json!({ "app": file.app, "compose": file.compose });
    names["app"]["env"] = json!(file.app.env.keys().collect::<Vec<_>>());
    Ok(names)
}

/// What is taken out of texts and evidence.
struct Clean<'a> {
    check: &'a Check,
    secrets: Secrets,
    home: Option<String>,
}

impl<'a> Clean<'a> {
    fn of(session: &Session, check: &'a Check) -> Self {
        // What cannot be read now was read when the check ran, and replaced then.
        let env = probe::app_environment(&session.workspace)
            .unwrap_or_else(|_| session.workspace.file().app.env.clone());
        let secrets = Secrets::of_env(env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let home = std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned));
        Self { check, secrets, home: home.filter(|home| home.len() > 1) }
    }

    fn text(&self, text: &str) -> String {
        let text = self.secrets.redact_text(text);
        self.home.as_deref().map_or_else(|| text.clone(), |home| without(&text, home))
    }

    /// Evidence without secrets, and without the home folder as far as it is judged the same without it.
    fn evidence(&self, attempt: &Attempt) -> Result<Value, CliError> {
        let mut evidence = serde_json::to_value(&attempt.evidence)?;
        self.secrets.redact(&mut evidence["seen"]);
        let Some(home) = &self.home else { return Ok(evidence) };
        let mut shorter = evidence.clone();
        // Paths of tools and sockets are never judged.
        replace(&mut evidence["looks"], home);
        // A home of one name, as /root, is one in containers too.
        if Path::new(home).components().count() > 2 {
            replace(&mut shorter, home);
            let again: Evidence = serde_json::from_value(shorter.clone())?;
            let held = held_before(&attempt.outcomes);
            let judged = judge(self.check, &again, &held);
            if judged.outcomes == judge(self.check, &attempt.evidence, &held).outcomes {
                return Ok(shorter);
            }
        }
        Ok(evidence)
    }
}

fn replace(value: &mut Value, home: &str) {
    match value {
        Value::String(text) if text.contains(home) => *text = without(text, home),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, home)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, home)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `~` in place of the home folder, where it ends there or a path goes on.
fn without(text: &str, home: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        out.push_str(before);
        let goes_on =
            after.chars().next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        out.push_str(if goes_on { home } else { "~" });
        rest = after;
    }
    out + rest
}

/// What is in it and what is not, before it is written.
fn contents(bundle: &Bundle, look: &Look) -> String {
    let id = bundle.exercise;
    let out = title(&format!("{id}  {}", bundle.title), look);
    let attempt = |it: &BundledAttempt| {
        let number = it.result.attempt.map_or_else(|| "the last attempt".into(), |n| format!("attempt {n}"));
        format!("{number} ({}): its card, and all that was seen", it.result.verdict)
    };
    let mut inside = vec![attempt(&bundle.attempt)];
    if let Some(before) = &bundle.before {
        inside.push(format!("{}; it failed on the same", attempt(before)));
    }
    inside.push(format!(
        "how {} ended; {} taken",
        count(bundle.history.len(), "attempt"),
        count(usize::from(bundle.hints_taken), "hint")
    ));
    inside.push(format!("{}, and the version of the grader", bundle.check.path));
    let looks = bundle.attempt.evidence["looks"].as_array().cloned().unwrap_or_default();
    if looks.iter().any(|look| !look["engine"].is_null()) {
        inside.push("versions of the engine and of its machine".into());
        inside.push("what your container printed; secrets are replaced".into());
    }
    if looks.iter().any(|look| look["tools"].as_array().is_some_and(|tools| !tools.is_empty())) {
        inside.push("versions of the programs that were run".into());
    }
    inside.push("app and compose of workspace.toml".into());
    let variables: Vec<String> = bundle.names["app"]["env"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if !variables.is_empty() {
        inside.push(format!("names of variables, without values: {}", clean_line(&variables.join(", "))));
    }
    out + &list("in it", &inside, look) + &list("not in it", &bundle.left_out, look)
}

/// Lines below each other with one label; each with its own where output is plain.
fn list(label: &str, lines: &[String], look: &Look) -> String {
    if look.plain {
        return lines.iter().map(|line| labelled(label, line, look)).collect();
    }
    let wrapped: Vec<String> = lines.iter().flat_map(|line| wrap(line, room(look))).collect();
    block(label, &wrapped, look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_goes_and_its_neighbours_stay() {
        let home = "/home/ada";
        for (text, short) in [
            ("unix:///home/ada/.docker/run.sock", "unix://~/.docker/run.sock"),
            ("/home/ada", "~"),
            ("/home/adam/x and /home/ada: x", "/home/adam/x and ~: x"),
        ] {
            assert_eq!(without(text, home), short);
        }
    }
}
