//! The machine itself: room on the disk, processor, git.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{Fact, Seen, system::System};
use crate::{term::layout::bytes, workspace::Workspace};

/// Room that builds of images want.
const ROOM: u64 = 5_000_000_000;

pub(super) fn facts(workspace: Option<&Workspace>) -> Vec<Fact> {
    let folder = workspace.map_or(Path::new("."), Workspace::root);
    vec![disk(folder), processor(), git()]
}

fn disk(folder: &Path) -> Fact {
    match rustix::fs::statvfs(folder) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            if free >= ROOM {
                return Fact::new("disk", Seen::Ok, format!("{} free", bytes(free)));
            }
            let detail = format!("{} free here, builds want {}", bytes(free), bytes(ROOM));
            Fact::new("disk", Seen::Note, detail).mend("docker system df; docker builder prune")
        }
        Err(error) => Fact::new("disk", Seen::Note, format!("the room left cannot be told: {error}")),
    }
}

fn processor() -> Fact {
    Fact::new("system", Seen::Ok, format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH))
}

fn git() -> Fact {
    let output = Command::new("git").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            let words = String::from_utf8_lossy(&output.stdout);
            let version = words.trim().strip_prefix("git version ").unwrap_or(words.trim()).to_owned();
            Fact::new("git", Seen::Ok, version)
        }
        Ok(_) | Err(_) => Fact::new("git", Seen::Missing, "not found").mend(System::this().install("git")),
    }
}
