//! What every command works with: the terminal, the options, and the rooms that it asks for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{CliError, args::Global};
use crate::{
    course::{Course, Origin},
    progress::Progress,
    run::Session,
    term::{Look, Term},
    workspace::{Workspace, WorkspaceError},
};

/// What every command works with.
pub(super) struct Face {
    /// The terminal.
    pub term: Arc<Term>,
    /// The options.
    pub global: Global,
}

impl Face {
    /// How output shall look.
    pub(super) fn look(&self) -> &Look {
        self.term.look()
    }

    /// Where the workbook comes from.
    pub(super) fn origin(&self) -> Origin {
        let folder = self.global.workbook.as_deref();
        Origin::of(folder.filter(|folder| !folder.as_os_str().is_empty()))
    }

    /// The workbook.
    pub(super) fn course(&self) -> Result<Course, CliError> {
        Ok(Course::open(self.origin())?)
    }

    /// Where the search for a workspace begins.
    pub(super) fn here(&self) -> PathBuf {
        self.global.directory.clone().unwrap_or_else(|| ".".into())
    }

    /// The workspace.
    pub(super) fn workspace(&self) -> Result<Workspace, CliError> {
        let here = self.here();
        if !here.is_dir() {
            let what = format!("there is no folder `{}`", here.display());
            return Err(CliError::usage(what, "grader init DIR makes a workspace; -C DIR names one"));
        }
        Ok(Workspace::find(&here)?)
    }

    /// The workspace, if one is meant; `None` where there is none in or above this folder.
    pub(super) fn workspace_if_any(&self) -> Result<Option<Workspace>, CliError> {
        match self.workspace() {
            Ok(workspace) => Ok(Some(workspace)),
            Err(CliError::Workspace(WorkspaceError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Workspace, workbook and progress, for looking: nothing is made or written.
    pub(super) fn session_to_read(&self) -> Result<Session, CliError> {
        let workspace = self.workspace()?;
        let course = self.course()?;
        let progress = Progress::open_to_read(workspace.root())?;
        Ok(Session { workspace, course, progress })
    }

    /// Workspace, workbook and progress, for recording. Where nothing can be recorded it says so, and goes on.
    pub(super) fn session_to_record(&self) -> Result<Session, CliError> {
        let workspace = self.workspace()?;
        let course = self.course()?;
        let (progress, not_recorded) = Progress::open_or_unrecorded(workspace.root());
        if let Some(reason) = not_recorded {
            let mend = reason.mend.map(|mend| format!("\nfix: {mend}")).unwrap_or_default();
            self.term.say(&format!("note: nothing will be recorded: {}{mend}\n", reason.why));
        }
        Ok(Session { workspace, course, progress })
    }

    /// A path as a learner would type it from here.
    pub(super) fn shown(&self, path: &Path) -> String {
        let here = std::env::current_dir().ok();
        let short = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
        let shown = short.unwrap_or_else(|| path.to_owned()).display().to_string();
        if shown.is_empty() { ".".into() } else { shown }
    }
}
