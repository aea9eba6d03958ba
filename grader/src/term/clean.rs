//! Makes harmless what others wrote: a learner's program may print anything, and a terminal obeys.

/// Takes out whatever a terminal would obey: escape sequences, control characters (C0, C1), marks that
/// turn the direction of writing. A line break and a tab become a space: this is for one line.
pub fn clean_line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.trim_end_matches(['\n', '\r']).chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\x1b' => skip_sequence(&mut rest),
            // The C1 forms of CSI and of what introduces a string.
            '\u{9b}' => skip_parameters(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut rest),
            '\n' | '\t' | '\r' | '\u{2028}' | '\u{2029}' => clean.push(' '),
            other if is_harmful(other) => {}
            other => clean.push(other),
        }
    }
    clean
}

/// The lines of a text, each made harmless.
pub fn clean_lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(clean_line)
}

/// Makes a JSON text harmless: what a terminal would obey stands in it as an escape of JSON.
///
/// Control characters below U+0020 are escaped by the serializer; these are what it leaves.
pub(super) fn clean_json(json: &str) -> String {
    if !json.contains(|c: char| is_harmful(c) && c != '\n') {
        return json.to_owned();
    }
    let mut clean = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                clean.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            clean.push(character);
        }
    }
    clean
}

/// Whether a character makes a terminal do something, or makes a reader see another text.
const fn is_harmful(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Direction of writing.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Byte order mark, annotations, tags: nothing is seen of them.
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Skips what follows an ESC.
fn skip_sequence(rest: &mut Rest<'_>) {
    match rest.next_if(|next| !next.is_control()) {
        Some('[') => skip_parameters(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        Some(' '..='/') => {
            while rest.next_if(|next| (' '..='/').contains(next)).is_some() {}
            rest.next_if(|next| ('0'..='~').contains(next));
        }
        Some(_) | None => {}
    }
}

/// Skips parameters and the final character of a CSI sequence.
fn skip_parameters(rest: &mut Rest<'_>) {
    while rest.next_if(|next| (' '..='?').contains(next)).is_some() {}
    rest.next_if(|next| ('@'..='~').contains(next));
}

/// Skips a string up to BEL or ST. One that does not end, ends with the text.
fn skip_string(rest: &mut Rest<'_>) {
    while let Some(character) = rest.next() {
        match character {
            '\x07' | '\u{9c}' => return,
            '\x1b' if rest.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_vanish_whole() {
        for (text, clean) in [
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]52;c;aGVsbG8=\x1b\\after", "after"),
            ("\x1bPq#0;2;0\x1b\\after", "after"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{9d}0;t\u{9c}x", "x"),
            ("\x1b(Bx", "x"),
            ("\x1bcreset", "reset"),
            ("a\u{202e}b", "ab"),
            ("10 %\r20 %\r\n", "10 % 20 %"),
            ("a\tb\0c", "a bc"),
            ("\x1b", ""),
            ("\x1b[", ""),
            ("\x1b]0;never ends", ""),
        ] {
            assert_eq!(clean_line(text), clean, "{text:?}");
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let json = serde_json::to_string_pretty(&serde_json::json!({ "a": "\u{9b}2J\u{202e}\u{e0041}\x1b" }));
        let clean = clean_json(&json.unwrap());
        assert!(clean.is_ascii(), "{clean}");
        let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
        assert_eq!(value["a"], "\u{9b}2J\u{202e}\u{e0041}\x1b");
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in any::<String>()) {
            prop_assert!(!clean_line(&text).chars().any(is_harmful));
        }

        #[test]
        fn nothing_is_left_of_text_around_sequences(
            parts in prop::collection::vec("(\\x1b\\[[0-9;?]{0,6}[A-Za-z]|\\x1b\\][0-9]{1,2};[a-z]{0,5}\\x07|[\\x00-\\x1f\\x7f]|[a-z ]{1,4})", 0..20),
        ) {
            let clean = clean_line(&parts.concat());
            prop_assert!(!clean.chars().any(is_harmful), "{clean:?}");
        }

        #[test]
        fn harmless_text_stays_as_it_is(text in "[a-zA-Z0-9 .,:äöü✓日本]{0,60}") {
            prop_assert_eq!(clean_line(&text), text);
        }
    }
}
