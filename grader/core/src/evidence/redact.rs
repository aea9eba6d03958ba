//! Secrets are replaced before they become evidence: by name where a name tells, by value wherever
//! the value turns up again.

use serde_json::{Value, json};

use super::Text;

/// Words in a variable's name that mark its value as a secret.
const SECRET_WORDS: [&str; 12] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE",
    "CREDENTIAL",
    "CONNECTION_STRING",
    "_KEY",
    "DATABASE_URL",
    "REDIS_URL",
];

/// Values shorter than this are not hunted for: they would match everywhere.
const SHORTEST: usize = 6;

/// Says whether a variable of this name holds a secret.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// The secret values of one run, for replacing them in what a probe yields.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Collects the values of those variables whose names mark them, and of all the passwords in URLs.
    pub fn of_env<'a>(env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets = Self::default();
        for (name, value) in env {
            if looks_secret(name) {
                secrets.add(value);
            } else if let Some(password) = password_in(value) {
                secrets.push(password);
            }
        }
        secrets
    }

    /// Adds one value, and the password inside it where it is a URL with one.
    pub fn add(&mut self, value: &str) {
        if let Some(password) = password_in(value) {
            self.push(password);
        }
        self.push(value);
        // As a program that answers in JSON would write it.
        let in_json = Value::from(value).to_string();
        self.push(in_json.trim_matches('"'));
    }

    fn push(&mut self, value: &str) {
        if value.len() >= SHORTEST && !self.0.iter().any(|known| known == value) {
            self.0.push(value.to_owned());
            // The longest first, so that a part is never replaced inside a whole.
            self.0.sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// Replaces every secret in a text.
    pub fn redact_text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), &format!("[redacted, {} bytes]", secret.len()))
            } else {
                text
            }
        })
    }

    /// Replaces every secret in what someone else wrote, and the parts of one that a cut has left.
    pub fn redact_cut(&self, text: &mut Text) {
        text.head = self.redact_text(&text.head);
        text.tail = self.redact_text(&text.tail);
        if text.cut_bytes == 0 {
            return;
        }
        let begun = |secret: &String| {
            parts(secret).map(|at| &secret[..at]).filter(|part| text.head.ends_with(part)).map(str::len).max()
        };
        if let Some(length) = self.0.iter().filter_map(begun).max() {
            text.head.truncate(text.head.len() - length);
            text.head.push_str("[redacted]");
        }
        let ended = |secret: &String| {
            parts(secret)
                .map(|at| &secret[at..])
                .filter(|part| text.tail.starts_with(part))
                .map(str::len)
                .max()
        };
        if let Some(length) = self.0.iter().filter_map(ended).max() {
            text.tail.replace_range(..length, "[redacted]");
        }
    }

    /// Replaces every secret in every string below `value`.
    pub fn redact(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(secret) = self.0.iter().find(|secret| *secret == text) {
                    *value = json!({ "redacted": true, "bytes": secret.len() });
                } else {
                    for secret in &self.0 {
                        if text.contains(secret.as_str()) {
                            *text =
                                text.replace(secret.as_str(), &format!("[redacted, {} bytes]", secret.len()));
                        }
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.redact(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The password of a URL that has one.
fn password_in(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (user_info, _) = rest.split_once('@')?;
    user_info.split_once(':').map(|(_, password)| password)
}

/// Where a text can be cut in two parts.
fn parts(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.char_indices().map(|(at, _)| at).skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_gone_wherever_it_turns_up() {
        let secrets =
            Secrets::of_env([("DATABASE_URL", "postgres://app:hunter2hunter2@db/app"), ("LANG", "C.UTF-8")]);
        let mut value = json!({
            "env": "postgres://app:hunter2hunter2@db/app",
            "log": ["cannot log in with hunter2hunter2", "LANG is C.UTF-8"],
        });
        secrets.redact(&mut value);
        assert_eq!(
            value,
            json!({
                "env": { "redacted": true, "bytes": 36 },
                "log": ["cannot log in with [redacted, 14 bytes]", "LANG is C.UTF-8"],
            })
        );
    }
    #[test]
    fn a_password_in_a_url_is_a_secret_whatever_the_variable_is_called() {
        let secrets = Secrets::of_env([("BROKER", "amqp://ada:hunter2hunter2@mq/"), ("PAGE", "http://mq/")]);
        assert_eq!(
            secrets.redact_text("amqp://ada:hunter2hunter2@mq/ http://mq/"),
            "amqp://ada:[redacted, 14 bytes]@mq/ http://mq/"
        );
    }

    #[test]
    fn a_secret_as_json_writes_it_is_gone_too() {
        let secrets = Secrets::of_env([("API_KEY", "two\"quotes\\")]);
        assert_eq!(secrets.redact_text(r#"{"k":"two\"quotes\\"}"#), r#"{"k":"[redacted, 13 bytes]"}"#);
    }

    #[test]
    fn of_a_secret_across_a_cut_no_part_stays() {
        let secrets = Secrets::of_env([("TOKEN", "hunter2-hunter3")]);
        let mut text = Text::cut(b"log in: hunter2-hun", b"nter3 failed", 1000);
        secrets.redact_cut(&mut text);
        assert_eq!((text.head.as_str(), text.tail.as_str()), ("log in: [redacted]", "[redacted] failed"));
        let mut whole = Text::bounded(b"half a hunter", 100);
        secrets.redact_cut(&mut whole);
        assert_eq!(whole.head, "half a hunter");
    }
}
