//! The id of an exercise, parsed once at the border.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names one exercise: `chapter.item`, ordered as numbers (`2.9` before `2.10`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExerciseId {
    /// The chapter, from 1.
    pub chapter: u16,
    /// The item within the chapter, from 1.
    pub item: u16,
}

/// Says why a text is no exercise id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no exercise id: expected chapter.item, as 4.2")]
pub struct InvalidExerciseId {
    /// The text as given.
    pub text: String,
}

impl FromStr for ExerciseId {
    type Err = InvalidExerciseId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| -> Option<u16> {
            let plain =
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && !part.starts_with('0');
            if plain { part.parse().ok() } else { None }
        };
        text.split_once('.')
            .and_then(|(chapter, item)| Some(Self { chapter: number(chapter)?, item: number(item)? }))
            .ok_or_else(|| InvalidExerciseId { text: text.to_owned() })
    }
}

impl fmt::Display for ExerciseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.chapter, self.item))
    }
}

impl Serialize for ExerciseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExerciseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ExerciseId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExerciseId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^[1-9][0-9]*\.[1-9][0-9]*$",
            "description": "An exercise: chapter.item"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_as_numbers() {
        let mut ids: Vec<ExerciseId> = ["10.1", "2.10", "2.9"].iter().map(|id| id.parse().unwrap()).collect();
        ids.sort();
        let shown: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["2.9", "2.10", "10.1"]);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "4", "4.", ".2", "4.02", "0.1", "4.2.1", "+4.2", "4.-2", "99999.1", "a.b"] {
            assert!(text.parse::<ExerciseId>().is_err(), "{text}");
        }
    }
}
