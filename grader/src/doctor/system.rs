//! Which system this is, so that a mending command fits it.

use std::fs;

/// A system, as far as its commands differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Macos,
    Debian,
    Fedora,
    Arch,
    Alpine,
    Suse,
    Other,
}

impl System {
    /// This one.
    pub(super) fn this() -> Self {
        if cfg!(target_os = "macos") {
            return Self::Macos;
        }
        // A system without the file is one whose commands we do not know.
        Self::of(&fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// The one that an `os-release` file describes.
    fn of(os_release: &str) -> Self {
        let value = |key: &str| {
            os_release
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .map(|value| value.trim_matches('"').to_owned())
                .unwrap_or_default()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        let is = |known: &[&str]| names.split(' ').any(|name| known.contains(&name));
        if is(&["debian", "ubuntu"]) {
            Self::Debian
        } else if is(&["fedora", "rhel", "centos"]) {
            Self::Fedora
        } else if is(&["arch"]) {
            Self::Arch
        } else if is(&["alpine"]) {
            Self::Alpine
        } else if is(&["suse", "opensuse"]) {
            Self::Suse
        } else {
            Self::Other
        }
    }

    /// The command that installs a package.
    pub(super) fn install(self, package: &str) -> String {
        match self {
            Self::Macos => format!("brew install {package}"),
            Self::Debian => format!("sudo apt-get install {package}"),
            Self::Fedora => format!("sudo dnf install {package}"),
            Self::Arch => format!("sudo pacman -S {package}"),
            Self::Alpine => format!("sudo apk add {package}"),
            Self::Suse => format!("sudo zypper install {package}"),
            Self::Other => format!("install {package} with your system's packages"),
        }
    }
}

impl System {
    /// The command that installs `docker` itself.
    pub(super) fn docker(self) -> String {
        match self {
            Self::Macos => "brew install --cask docker".into(),
            Self::Debian => self.install("docker.io"),
            Self::Fedora => self.install("moby-engine"),
            Self::Arch | Self::Alpine | Self::Suse => self.install("docker"),
            Self::Other => "install Docker: https://docs.docker.com/get-started/get-docker/".into(),
        }
    }

    /// The command that installs its plugin for building.
    pub(super) fn buildx(self) -> String {
        match self {
            Self::Alpine => self.install("docker-cli-buildx"),
            Self::Macos | Self::Debian | Self::Fedora | Self::Arch | Self::Suse => {
                self.install("docker-buildx")
            }
            Self::Other => "install buildx: https://github.com/docker/buildx#installing".into(),
        }
    }

    /// The command that installs its plugin for several containers.
    pub(super) fn compose(self) -> String {
        match self {
            Self::Alpine => self.install("docker-cli-compose"),
            Self::Macos | Self::Debian | Self::Fedora | Self::Arch | Self::Suse => {
                self.install("docker-compose")
            }
            Self::Other => "install Compose: https://docs.docker.com/compose/install/".into(),
        }
    }

    /// The command that installs Trivy; not every system has it among its packages.
    pub(super) fn trivy(self) -> String {
        match self {
            Self::Macos | Self::Arch | Self::Alpine | Self::Suse => self.install("trivy"),
            Self::Debian | Self::Fedora | Self::Other => {
                "install Trivy: https://trivy.dev/latest/getting-started/installation/".into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_system_has_the_commands_of_its_parent() {
        assert_eq!(System::of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), System::Debian);
        assert_eq!(System::of("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n"), System::Fedora);
        assert_eq!(System::of(""), System::Other);
    }
}
