//! What CEL cannot say: a small documented set of pure functions.

use std::sync::Arc;

use cel::{Context, ExecutionError, Value as Cel};

/// Every function that a rule may call beyond CEL's own: how it is called, and what it yields.
pub const FUNCTIONS: [(&str, &str); 7] = [
    ("close(a, b, within)", "whether two numbers differ by at most `within`"),
    ("agrees(a, b, share)", "whether `a` differs from `b` by at most that share of `b`, as 0.05"),
    ("megabytes(bytes)", "bytes as a text, `251.3 MB`; 1 MB is 10⁶ bytes"),
    ("seconds(milliseconds)", "milliseconds as a text, `6.2 s`, `6 s`"),
    ("short(digest)", "an id or digest in short, `sha256:9c1e44d2`"),
    ("counted(number, one, many)", "a number with its word, `1 look`, `24 looks`"),
    ("listed(texts, most)", "a list of texts in a row, `a, b and 3 more`; at most that many are named"),
];

/// CEL's own functions that a rule may call; `has`, `all`, `exists`, `exists_one`, `map` and `filter` are
/// macros.
pub const CEL_FUNCTIONS: [&str; 13] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bytes",
    "bool",
    "type",
    "dyn",
];

type Result<T> = std::result::Result<T, ExecutionError>;

pub(super) fn add_to(context: &mut Context<'_, '_>) {
    let added = [
        context.add_function("close", close),
        context.add_function("agrees", agrees),
        context.add_function("megabytes", megabytes),
        context.add_function("seconds", seconds),
        context.add_function("short", short),
        context.add_function("counted", counted),
        context.add_function("listed", listed),
    ];
    debug_assert!(added.iter().all(std::result::Result::is_ok), "each name is added once: {added:?}");
}

fn number(function: &str, value: &Cel) -> Result<f64> {
    match value {
        Cel::Int(whole) => Ok(*whole as f64),
        Cel::UInt(whole) => Ok(*whole as f64),
        Cel::Float(float) => Ok(*float),
        other => Err(ExecutionError::function_error(function, format!("{} is no number", other.type_of()))),
    }
}

fn text(text: String) -> Cel {
    Cel::String(Arc::new(text))
}

fn close(a: Cel, b: Cel, within: Cel) -> Result<bool> {
    let (a, b, within) = (number("close", &a)?, number("close", &b)?, number("close", &within)?);
    Ok((a - b).abs() <= within)
}

fn agrees(a: Cel, b: Cel, share: Cel) -> Result<bool> {
    let (a, b, share) = (number("agrees", &a)?, number("agrees", &b)?, number("agrees", &share)?);
    Ok((a - b).abs() <= b.abs() * share)
}

fn megabytes(bytes: Cel) -> Result<Cel> {
    Ok(text(format!("{:.1} MB", number("megabytes", &bytes)? / 1e6)))
}

fn seconds(milliseconds: Cel) -> Result<Cel> {
    let seconds = format!("{:.1}", number("seconds", &milliseconds)? / 1000.0);
    Ok(text(format!("{} s", seconds.strip_suffix(".0").unwrap_or(&seconds))))
}

fn short(digest: Arc<String>) -> String {
    let (algorithm, hex) = digest.split_once(':').map_or(("", digest.as_str()), |(a, h)| (a, h));
    let hex: String = hex.chars().take(8).collect();
    if algorithm.is_empty() { hex } else { format!("{algorithm}:{hex}") }
}

fn counted(count: i64, one: Arc<String>, many: Arc<String>) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn listed(texts: Cel, most: i64) -> Result<Cel> {
    let Cel::List(texts) = texts else {
        return Err(ExecutionError::function_error("listed", "its first argument is no list"));
    };
    let most = usize::try_from(most).unwrap_or(0);
    let mut named = Vec::new();
    for item in texts.iter().take(most) {
        let Cel::String(item) = item else {
            return Err(ExecutionError::function_error("listed", "the list holds something that is no text"));
        };
        named.push(item.as_str());
    }
    let rest = texts.len().saturating_sub(most);
    let more = format!("{rest} more");
    if rest > 0 {
        named.push(&more);
    }
    Ok(text(match named.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }))
}
