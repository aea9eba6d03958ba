//! Versions as programs say them.

use std::fmt;

/// A version: its first numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second.
    pub minor: u64,
    /// The third.
    pub patch: u64,
}

impl Version {
    /// A version of three numbers.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The first version in a text, as `v2.26.1-4` or `buildx 0.13.1+ds1`: two or three numbers with dots.
pub fn said_version(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut numbers = word.split('.').map(|part| part.parse().ok());
        let (major, minor) = (numbers.next()??, numbers.next()??);
        Some(Version { major, minor, patch: numbers.next().flatten().unwrap_or(0) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_is_found_whatever_stands_around_it() {
        assert_eq!(said_version("2.26.1-4"), Some(Version::new(2, 26, 1)));
        assert_eq!(said_version("github.com/docker/buildx 0.13.1+ds1 0.13.1"), Some(Version::new(0, 13, 1)));
        assert_eq!(said_version("Docker Compose version v5.0.0"), Some(Version::new(5, 0, 0)));
        assert_eq!(said_version("Version: 0.74.0\nVulnerability DB:"), Some(Version::new(0, 74, 0)));
        assert_eq!(said_version("dev"), None);
        assert_eq!(said_version("1."), None);
        assert!(Version::new(0, 9, 0) < Version::new(0, 13, 0));
    }
}
