//! The machine itself: room on the disk, processor, git.

use std::path::Path;

use super::{
    Fact, Seen,
    system::System,
    tools::{Said, ask},
};
use crate::{term::layout::bytes, workspace::Workspace};

/// Room that builds of images want.
const ROOM: u64 = 5_000_000_000;

pub(super) async fn facts(workspace: Option<&Workspace>) -> Vec<Fact> {
    let folder = workspace.map_or(Path::new("."), Workspace::root);
    let (git, identity) = tokio::join!(git(), identity(folder));
    [disk("disk", folder), processor(), git].into_iter().chain(identity).collect()
}

/// The room left where a folder is.
pub(super) fn disk(name: &'static str, folder: &Path) -> Fact {
    match rustix::fs::statvfs(folder) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            if free >= ROOM {
                return Fact::new(name, Seen::Ok, format!("{} free", bytes(free)));
            }
            let detail = format!("{} free here, builds want {}", bytes(free), bytes(ROOM));
            Fact::new(name, Seen::Note, detail).mend("docker builder prune")
        }
        Err(error) => Fact::new(name, Seen::Note, format!("the room left cannot be told: {error}")),
    }
}

fn processor() -> Fact {
    Fact::new("system", Seen::Ok, format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH))
}

async fn git() -> Fact {
    let missing =
        |detail: String| Fact::new("git", Seen::Missing, detail).mend(System::this().install("git"));
    match ask("git", &["--version"], Path::new("/")).await {
        Said::Words(words) => {
            let version = words.trim().strip_prefix("git version ").unwrap_or(words.trim()).to_owned();
            Fact::new("git", Seen::Ok, version)
        }
        Said::None => missing("not found".into()),
        Said::Nothing(why) => missing(why),
    }
}

/// Said only where git would refuse a commit for want of it.
async fn identity(folder: &Path) -> Option<Fact> {
    let (name, email) = tokio::join!(
        ask("git", &["config", "user.name"], folder),
        ask("git", &["config", "user.email"], folder)
    );
    let lacks = |said: &Said| match said {
        Said::Nothing(_) => true,
        Said::Words(words) => words.trim().is_empty(),
        // That there is no git is said already.
        Said::None => false,
    };
    let given = |part: &str| std::env::var_os(format!("GIT_AUTHOR_{part}")).is_some();
    let lacking = lacks(&name) && !given("NAME") || lacks(&email) && !given("EMAIL");
    lacking.then(|| {
        Fact::new("identity", Seen::Note, "git does not know who commits here").mend(
            "git config --global user.name 'Your Name' && git config --global user.email you@example.org",
        )
    })
}
