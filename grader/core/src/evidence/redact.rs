//! Secrets are replaced before they become evidence: by name where a name tells, by value wherever
//! the value turns up again.

use serde_json::{Value, json};

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
    /// Collects the values of those variables whose names mark them.
    pub fn of_env<'a>(env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets = Self::default();
        for (name, value) in env {
            if looks_secret(name) {
                secrets.add(value);
            }
        }
        secrets
    }

    /// Adds one value, and the password inside it where it is a URL with one.
    pub fn add(&mut self, value: &str) {
        if let Some((_, rest)) = value.split_once("://")
            && let Some((user_info, _)) = rest.split_once('@')
            && let Some((_, password)) = user_info.split_once(':')
        {
            self.push(password);
        }
        self.push(value);
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
}
