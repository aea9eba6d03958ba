//! Numbers of users and groups on both sides of a user namespace. Start at [`IdMap::inside`].

use serde::{Deserialize, Serialize};

use super::parse::ParseError;

/// A user or group: the number that the engine's host sees, and the one inside the container's
/// user namespace. A root that looks like 100000 from outside is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id {
    /// As the engine's host counts.
    pub host: u32,
    /// As the container's user namespace counts; null when it has no number for it.
    pub inside: Option<u32>,
}

/// The four numbers that a process has of users, or of groups. Source: `Uid:` and `Gid:` of
/// `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Who started it.
    pub real: Id,
    /// In whose name it acts.
    pub effective: Id,
    /// In whose name it can act again.
    pub saved: Id,
    /// In whose name it touches files.
    pub filesystem: Id,
}

/// A run of numbers that a user namespace maps. Source: `/proc/PID/uid_map`, `gid_map`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first number inside.
    pub inside: u32,
    /// The first number outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// How a user namespace numbers users or groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdMap(pub Vec<IdRange>);

impl IdMap {
    /// Reads the text of `uid_map` or `gid_map`.
    ///
    /// # Errors
    /// A line is not three numbers.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        text.lines()
            .map(|line| {
                let mut numbers = line.split_whitespace().map(str::parse);
                match (numbers.next(), numbers.next(), numbers.next()) {
                    (Some(Ok(inside)), Some(Ok(outside)), Some(Ok(count))) => {
                        Ok(IdRange { inside, outside, count })
                    }
                    _ => Err(ParseError::new("id map", line)),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns the number inside for one outside, if there is one.
    #[must_use]
    pub fn inside(&self, outside: u32) -> Option<u32> {
        self.0.iter().find_map(|range| {
            let offset = outside.checked_sub(range.outside)?;
            (offset < range.count).then(|| range.inside + offset)
        })
    }

    /// Returns the number outside for one inside, if there is one.
    #[must_use]
    pub fn outside(&self, inside: u32) -> Option<u32> {
        self.0.iter().find_map(|range| {
            let offset = inside.checked_sub(range.inside)?;
            (offset < range.count).then(|| range.outside + offset)
        })
    }
}

/// From where numbers were seen: decides which of the two sides a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// From outside the container's user namespace.
    FromOutside(&'a IdMap),
    /// From within it: the kernel has mapped already.
    FromInside(&'a IdMap),
}

impl Seen<'_> {
    pub(crate) fn id(self, number: u32) -> Id {
        match self {
            Self::FromOutside(map) => Id { host: number, inside: map.inside(number) },
            Self::FromInside(map) => Id { host: map.outside(number).unwrap_or(number), inside: Some(number) },
        }
    }

    pub(crate) fn ids(self, [real, effective, saved, filesystem]: [u32; 4]) -> Ids {
        Ids {
            real: self.id(real),
            effective: self.id(effective),
            saved: self.id(saved),
            filesystem: self.id(filesystem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_engine_maps_every_number_to_itself() {
        let map = IdMap::parse("         0          0 4294967295\n").unwrap();
        assert_eq!(map.inside(0), Some(0));
        assert_eq!(map.inside(10001), Some(10001));
        assert_eq!(map.inside(u32::MAX), None);
    }

    #[test]
    fn a_rootless_root_looks_like_its_user() {
        let map = IdMap::parse("0 1000 1\n1 100000 65536\n").unwrap();
        assert_eq!(map.inside(1000), Some(0));
        assert_eq!(map.inside(100000), Some(1));
        assert_eq!(map.inside(110000), Some(10001));
        assert_eq!(map.inside(0), None);
        assert_eq!(map.inside(165536), None);
        assert_eq!(map.outside(0), Some(1000));
    }

    #[test]
    fn a_remapped_root_looks_like_100000() {
        let map = IdMap::parse("0 100000 65536\n").unwrap();
        let seen = Seen::FromOutside(&map);
        let root = Id { host: 100000, inside: Some(0) };
        assert_eq!(seen.id(100000), root);
        // Seen from within, the kernel says 0 for the same process.
        assert_eq!(Seen::FromInside(&map).id(0), root);
        assert_eq!(seen.id(0).inside, None);
    }

    #[test]
    fn the_last_number_does_not_overflow() {
        let map = IdMap::parse("0 4294967290 6").unwrap();
        assert_eq!(map.inside(4294967295), Some(5));
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(IdMap::parse("0 0").is_err());
        assert!(IdMap::parse("0 -1 5").is_err());
        assert!(IdMap::parse("").unwrap().0.is_empty());
    }
}
