//! The form of names and paths that a learner gives: refused at the border, with what would do.

/// Why a value cannot be what it is given for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {what}: expected {expected}")]
pub struct FormError {
    /// The value as given.
    pub value: String,
    /// What it was given for.
    pub what: &'static str,
    /// What would do.
    pub expected: &'static str,
}

/// Checks the value of one key of `workspace.toml`; a key without a form of its own takes any text.
pub fn check(key: &str, value: &str) -> Result<(), FormError> {
    match key {
        "app.image" | "app.before" => image(value),
        "app.path" | "compose.file" => path_inside(value),
        "app.env_file" if !value.is_empty() => path_inside(value),
        "app.health" | "compose.probe" => request_path(value),
        "app.sha_arg" => variable_name(value),
        _ => match key.strip_prefix("app.env.") {
            Some(name) => variable_name(name),
            None => Ok(()),
        },
    }
}

/// A reference to an image, as `myapp`, `myapp:v1` or `registry.example:5000/team/myapp`.
pub fn image(value: &str) -> Result<(), FormError> {
    let (name, digest) = value.split_once('@').map_or((value, None), |(name, digest)| (name, Some(digest)));
    // A colon after the last slash begins the tag; before it, a port.
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    let mut parts: Vec<&str> = name.split('/').collect();
    if parts.len() > 1 && is_host(parts[0]) {
        parts.remove(0);
    }
    let good = parts.iter().all(|part| is_name_part(part))
        && tag.is_none_or(is_tag)
        && digest.is_none_or(|digest| digest.len() == 71 && digest.starts_with("sha256:"));
    let expected = "lower case letters, digits and - _ . with a tag after a colon if need be, as myapp:v1";
    if good { Ok(()) } else { Err(FormError { value: value.to_owned(), what: "name of an image", expected }) }
}

/// A path within the workspace, as `app` or `src/web`.
pub fn path_inside(value: &str) -> Result<(), FormError> {
    let plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', '\n']);
    let ours = value.split('/').next().is_some_and(|first| matches!(first, ".grader" | ".git"));
    if value.split('/').all(plain) && !ours {
        return Ok(());
    }
    let expected = "a path within the workspace without `..`, as app or src/web";
    Err(FormError { value: value.to_owned(), what: "path here", expected })
}

fn request_path(value: &str) -> Result<(), FormError> {
    if value.starts_with('/') && !value.contains(char::is_whitespace) {
        return Ok(());
    }
    Err(FormError {
        value: value.to_owned(),
        what: "path of a request",
        expected: "a leading slash, as /healthz",
    })
}

fn variable_name(value: &str) -> Result<(), FormError> {
    let mut bytes = value.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    let expected = "letters, digits and _, as DATABASE_URL";
    Err(FormError { value: value.to_owned(), what: "name of a variable", expected })
}

/// A registry's host, told from a part of a name by its dot or port.
fn is_host(part: &str) -> bool {
    let (host, port) = part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port)));
    let label = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    part.contains(['.', ':'])
        && host.bytes().all(label)
        && host.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_name_part(part: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = part.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(b))
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_from_what_is_none() {
        for good in ["myapp", "my-app:v1", "a/b_c:1.2", "localhost:5000/x", "r.io/a/b:T", "a.b/c"] {
            assert_eq!(image(good), Ok(()), "{good}");
        }
        for bad in
            ["", "My App", "UPPER", "a:", "a:b c", "-a", "a/", "/a", "a@sha256:12", "a:../x", "a\u{1b}"]
        {
            assert!(image(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_stays_inside() {
        assert!(["app", "src/web", "a b"].iter().all(|path| path_inside(path).is_ok()));
        for bad in ["", ".", "..", "/etc", "a/../b", "a//b", ".grader/x", ".git", "a/"] {
            assert!(path_inside(bad).is_err(), "{bad}");
        }
    }
}
