//! What a learner's program or file says: kept bounded, and always told apart from facts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The beginning and the end of a text that someone else wrote; the middle may be cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// The first part, or all. Invalid UTF-8 is replaced by U+FFFD.
    pub head: String,
    /// The last part; empty if nothing was cut.
    pub tail: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that are in neither part.
    pub cut_bytes: u64,
}

impl Text {
    /// Keeps at most `bound` bytes of `raw`, half from either end.
    pub fn bounded(raw: &[u8], bound: usize) -> Self {
        if raw.len() <= bound {
            return Self { head: lossy(raw), tail: String::new(), bytes: raw.len() as u64, cut_bytes: 0 };
        }
        let half = bound / 2;
        Self::cut(&raw[..half], &raw[raw.len() - half..], raw.len() as u64)
    }

    /// Makes a text of its first and last bytes, where the middle was never kept.
    pub fn cut(head: &[u8], tail: &[u8], bytes: u64) -> Self {
        let kept = (head.len() + tail.len()) as u64;
        Self { head: lossy(head), tail: lossy(tail), bytes, cut_bytes: bytes.saturating_sub(kept) }
    }
}

fn lossy(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

/// What a container printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Standard output. Source: the engine's logs.
    pub stdout: Text,
    /// Standard error. Source: the engine's logs.
    pub stderr: Text,
}

/// One value that a learner's program or file gave, in the forms in which a rule may read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// The value as text, if it was a string or a number, at most 1000 bytes.
    pub text: Option<String>,
    /// The value as a number, if it was written as one (a string is none).
    pub number: Option<f64>,
}

impl Taken {
    /// Takes a JSON value apart; what is neither string nor finite number is absent.
    pub fn from_json(value: Option<&Value>) -> Self {
        match value {
            Some(Value::String(text)) => Self { text: Some(text.chars().take(1000).collect()), number: None },
            Some(Value::Number(number)) => {
                Self { text: Some(number.to_string()), number: number.as_f64().filter(|n| n.is_finite()) }
            }
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => Self::default(),
        }
    }
}

/// Shortens every [`Text`] below `value` to `keep` bytes; says whether it cut anything.
pub(super) fn shorten_texts(value: &mut Value, keep: usize) -> bool {
    match value {
        Value::Object(map) => {
            let shape = ["head", "tail", "bytes", "cut_bytes"];
            if map.len() == shape.len()
                && shape.iter().all(|key| map.contains_key(*key))
                && let Ok(text) = serde_json::from_value::<Text>(Value::Object(map.clone()))
            {
                let short = shorten(&text, keep);
                let cut = short != text;
                if cut && let Ok(short) = serde_json::to_value(short) {
                    *value = short;
                }
                return cut;
            }
            shorten_all(map.values_mut(), keep)
        }
        Value::Array(items) => shorten_all(items.iter_mut(), keep),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Shortens below every one of them, not only until the first that was cut.
fn shorten_all<'a>(values: impl Iterator<Item = &'a mut Value>, keep: usize) -> bool {
    let mut cut = false;
    for value in values {
        cut |= shorten_texts(value, keep);
    }
    cut
}

fn shorten(text: &Text, keep: usize) -> Text {
    let half = keep / 2;
    if text.head.len() + text.tail.len() <= keep {
        return text.clone();
    }
    let (head, tail) = if text.tail.is_empty() {
        (text.head.as_str(), text.head.as_str())
    } else {
        (text.head.as_str(), text.tail.as_str())
    };
    let head_end = head.floor_char_boundary(half);
    let tail_start = tail.ceil_char_boundary(tail.len() - half.min(tail.len()));
    let mut short = Text::cut(&head.as_bytes()[..head_end], &tail.as_bytes()[tail_start..], text.bytes);
    // Replaced characters may weigh more than the bytes they stand for: never claim less was cut.
    short.cut_bytes = short.cut_bytes.max(text.cut_bytes);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_both_ends_and_says_what_went() {
        let raw: Vec<u8> = (0..1000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let text = Text::bounded(&raw, 100);
        assert_eq!((text.head.len(), text.tail.len()), (50, 50));
        assert_eq!(text.cut_bytes, text.bytes - 100);
        assert!(text.tail.ends_with("999"));
    }

    #[test]
    fn a_string_of_digits_is_no_number() {
        let taken = Taken::from_json(Some(&Value::String("12".into())));
        assert_eq!((taken.text.as_deref(), taken.number), (Some("12"), None));
    }
}
