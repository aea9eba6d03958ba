//! Why a command could not be done: what, why, and what to type next.

use std::{error::Error, io};

use grader_core::workbook::Diagnostic;

use super::Exit;
use crate::{
    course::CourseError,
    progress::ProgressError,
    run::RunError,
    term::{Look, clean_line, diagnostics},
    workspace::{WorkspaceError, edit::EditError, lay_out::LayOutError, reset::ResetError},
};

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// It was typed in a way that means nothing here.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to type instead.
        fix: Option<String>,
    },
    /// Something has to be done before.
    #[error("{what}")]
    NotReady {
        /// What is missing.
        what: String,
        /// What to do about it.
        fix: String,
    },
    /// There is no workspace that can be used.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The workbook cannot be used.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// No workspace was laid out.
    #[error(transparent)]
    LayOut(#[from] LayOutError),
    /// `workspace.toml` was not edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Files were not reset.
    #[error(transparent)]
    Reset(#[from] ResetError),
    /// Progress could not be read or recorded.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// A run could not be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Data could not be written as JSON.
    #[error("cannot write the result as JSON")]
    Json(#[from] serde_json::Error),
    /// Something of the system failed.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl CliError {
    /// Wrong usage with a way out.
    pub fn usage(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), fix: Some(fix.into()) }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Workspace(_) => Exit::Usage,
            Self::NotReady { .. } => Exit::Blocked,
            Self::Course(CourseError::Broken { .. } | CourseError::TooMany { .. }) => Exit::Usage,
            Self::Course(CourseError::Unreadable { .. } | CourseError::File { .. }) => Exit::Usage,
            Self::LayOut(LayOutError::Write { .. }) => Exit::Error,
            Self::LayOut(_) => Exit::Usage,
            Self::Edit(EditError::Read(_) | EditError::Write(_)) => Exit::Error,
            Self::Edit(_) => Exit::Usage,
            Self::Reset(ResetError::Io { .. }) => Exit::Error,
            Self::Reset(_) => Exit::Usage,
            Self::Progress(_) | Self::Run(_) | Self::Json(_) | Self::System { .. } => Exit::Error,
        }
    }

    /// What to do about it.
    fn fix(&self) -> Option<String> {
        match self {
            Self::Usage { fix, .. } => fix.clone(),
            Self::NotReady { fix, .. } => Some(fix.clone()),
            Self::Workspace(WorkspaceError::NotFound { .. }) => {
                Some("grader init DIR makes a workspace; -C DIR names one".into())
            }
            Self::Workspace(WorkspaceError::Unreadable { path, .. }) => {
                Some(format!("ls -l {}", path.display()))
            }
            Self::Workspace(WorkspaceError::Broken { .. }) | Self::Edit(EditError::Broken { .. }) => {
                Some("edit workspace.toml where it is marked; nothing was changed".into())
            }
            Self::Course(CourseError::Broken { .. }) | Self::LayOut(LayOutError::Names { .. }) => {
                Some("grader lint shows every fault of the workbook".into())
            }
            Self::Course(_) => Some("--workbook DIR names a folder with checks/workbook.toml".into()),
            Self::LayOut(LayOutError::NotEmpty { .. }) => {
                Some("name a folder that is not there yet: grader init my-course".into())
            }
            Self::LayOut(LayOutError::Already { .. }) => {
                Some("go on with it: grader; for a second one: grader init OTHER-DIR".into())
            }
            Self::LayOut(LayOutError::Choice(error)) | Self::Edit(error) => edit_fix(error),
            Self::Reset(ResetError::Link { path } | ResetError::NotAFile { path }) => {
                Some(format!("move it out of the way: mv {path} {path}.mine"))
            }
            Self::Progress(error) => error.mend(),
            Self::LayOut(LayOutError::Write { .. })
            | Self::Reset(_)
            | Self::Run(_)
            | Self::Json(_)
            | Self::System { .. } => None,
        }
    }

    /// The faults of a file, with its text, where there are some to show.
    fn faults(&self) -> Option<(&[Diagnostic], Texts<'_>)> {
        match self {
            Self::Workspace(WorkspaceError::Broken { text, faults, .. })
            | Self::Edit(EditError::Broken { text, faults })
            | Self::LayOut(
                LayOutError::Names { text, faults } | LayOutError::Choice(EditError::Broken { text, faults }),
            ) => Some((faults, Texts::One(text))),
            Self::Course(CourseError::Broken { files, faults }) => Some((faults, Texts::Of(files))),
            _ => None,
        }
    }

    /// Lays it out: the faults of a file, what is wrong with its causes, and what to do.
    pub fn laid_out(&self, look: &Look) -> String {
        let mut out = String::new();
        if let Some((faults, texts)) = self.faults() {
            let text_of = |path: &str| match &texts {
                Texts::One(text) => Some(*text),
                Texts::Of(files) => files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok()),
            };
            out.push_str(&diagnostics(faults, text_of, look));
        }
        let mut what = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !what.ends_with(&text) {
                what = format!("{what}: {text}");
            }
            cause = error.source();
        }
        out.push_str(&format!("error: {}\n", clean_line(&what)));
        if let Some(fix) = self.fix() {
            out.push_str(&format!("fix: {}\n", clean_line(&fix)));
        }
        out
    }
}

/// Where the text of a faulty file is.
enum Texts<'a> {
    One(&'a str),
    Of(&'a grader_core::workbook::Files),
}

fn edit_fix(error: &EditError) -> Option<String> {
    match error {
        EditError::NoAssignment { .. } => Some("grader config set app.image=myapp".into()),
        EditError::UnknownKey { .. } => Some("grader schema workspace lists every key".into()),
        EditError::Broken { .. } => {
            Some("edit workspace.toml where it is marked; nothing was changed".into())
        }
        EditError::Form { key, .. } => {
            Some(format!("grader config set {key}=VALUE, with a value of that form"))
        }
        EditError::Read(_) | EditError::Write(_) => None,
    }
}
