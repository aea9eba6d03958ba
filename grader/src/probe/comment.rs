//! Comments in files of a copy: an edit that changes bytes and no meaning. Start at [`Comment`].

use std::path::Path;

/// How a comment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comment {
    /// `# …`
    Hash,
    /// `// …`
    Slashes,
    /// `<!-- … -->`
    Xml,
    /// `/* … */`
    Css,
    /// There is none: spaces and tabs on a line of their own at the end.
    Blanks,
}

impl Comment {
    /// A line that means nothing, and says this.
    pub(super) fn saying(self, nonce: &str) -> String {
        match self {
            Self::Hash => format!("# {nonce}"),
            Self::Slashes => format!("// {nonce}"),
            Self::Xml => format!("<!-- {nonce} -->"),
            Self::Css => format!("/* {nonce} */"),
            Self::Blanks => {
                nonce.bytes().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)).map(blank).collect()
            }
        }
    }

    /// How a manifest of this name takes one; `None` if it is none.
    pub(super) fn of_manifest(folder: &Path, name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let pins = ["requirements", "constraints"].iter().any(|start| name.starts_with(start))
            || folder.file_name().is_some_and(|folder| folder == "requirements");
        match name.as_str() {
            "pyproject.toml" | "poetry.lock" | "uv.lock" | "pdm.lock" | "pylock.toml" | "pipfile"
            | "setup.cfg" | "setup.py" | "environment.yml" | "environment.yaml" | "pnpm-lock.yaml"
            | "cargo.toml" | "cargo.lock" | "gemfile" | "mix.exs" | "gradle.lockfile" => Some(Self::Hash),
            "package.json"
            | "package-lock.json"
            | "npm-shrinkwrap.json"
            | "bun.lock"
            | "pipfile.lock"
            | "composer.json"
            | "composer.lock"
            | "go.sum"
            | "packages.lock.json" => Some(Self::Blanks),
            "go.mod" | "build.gradle" | "build.gradle.kts" | "settings.gradle" | "settings.gradle.kts" => {
                Some(Self::Slashes)
            }
            "pom.xml" | "directory.packages.props" => Some(Self::Xml),
            _ if pins && ["txt", "in"].contains(&extension) => Some(Self::Hash),
            _ if ["csproj", "fsproj"].contains(&extension) => Some(Self::Xml),
            _ => None,
        }
    }

    /// How a source of this name takes one; `None` if we do not know it for one.
    pub(super) fn of_source(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension {
            "py" | "rb" | "sh" | "ex" | "exs" | "pl" => Some(Self::Hash),
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "go" | "java" | "kt" | "rs"
            | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "swift" | "scala" | "dart" => Some(Self::Slashes),
            "html" | "vue" | "svelte" => Some(Self::Xml),
            "css" | "scss" => Some(Self::Css),
            _ => None,
        }
    }
}

const fn blank(bit: u8) -> char {
    if bit == 0 { ' ' } else { '\t' }
}
