//! Words and sentences of a Markdown text. Pure.

/// One sentence: its text, and its words as they are compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) words: Vec<String>,
    /// It ends with a mark that ends sentences.
    pub(super) ended: bool,
}

/// The sentences of a text. Headings, comments, code blocks and tables are none.
pub(super) fn sentences(markdown: &str) -> Vec<Sentence> {
    paragraphs(&without_comments(markdown)).iter().flat_map(|paragraph| split(paragraph)).collect()
}

/// The words of a text as they are compared: in lower case, without marks; hyphens part words.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        // An apostrophe and what cannot be seen belong to no word and part none.
        if matches!(letter, '\'' | '’' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}') {
            continue;
        }
        // Nearly all letters are these, and a workbook has half a million of them.
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        } else if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase().map(latin));
        } else if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// Whether a phrase stands in `words` at this place; a word that ends with `*` may go on.
pub(super) fn phrase_at(phrase: &[String], words: &[String], from: usize) -> bool {
    !phrase.is_empty()
        && phrase.len() <= words.len().saturating_sub(from)
        && phrase.iter().zip(&words[from..]).all(|(wanted, word)| match wanted.strip_suffix('*') {
            Some(beginning) => word.starts_with(beginning),
            None => word == wanted,
        })
}

/// Letters of other scripts that look like ours: a copied text does not become one's own by them.
fn latin(letter: char) -> char {
    const PAIRS: [(char, char); 20] = [
        ('а', 'a'),
        ('е', 'e'),
        ('о', 'o'),
        ('р', 'p'),
        ('с', 'c'),
        ('у', 'y'),
        ('х', 'x'),
        ('і', 'i'),
        ('ј', 'j'),
        ('ѕ', 's'),
        ('һ', 'h'),
        ('ԁ', 'd'),
        ('ԛ', 'q'),
        ('ԝ', 'w'),
        ('ӏ', 'l'),
        ('ο', 'o'),
        ('α', 'a'),
        ('ν', 'v'),
        ('ι', 'i'),
        ('ρ', 'p'),
    ];
    PAIRS.iter().find(|(theirs, _)| *theirs == letter).map_or(letter, |(_, ours)| *ours)
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        // As in HTML, a comment without an end goes on to the end.
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// Text between blank lines, headings, list marks and code blocks, each in one line.
fn paragraphs(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark)) {
            match fence {
                None => fence = Some(mark),
                Some(open) if open == mark => fence = None,
                Some(_) => {}
            }
            found.push(String::new());
            continue;
        }
        let heading =
            line.starts_with('#') || (line.len() > 1 && line.bytes().all(|b| matches!(b, b'=' | b'-')));
        if fence.is_some() || heading || line.is_empty() || line.starts_with('|') {
            found.push(String::new());
            continue;
        }
        let line = line.trim_start_matches(['>', ' ']);
        let item = item(line);
        if item.is_some() {
            found.push(String::new());
        }
        if let Some(paragraph) = found.last_mut() {
            paragraph.push_str(&without_targets(item.unwrap_or(line)));
            paragraph.push(' ');
        }
    }
    found.retain(|paragraph| !paragraph.trim().is_empty());
    found
}

/// What follows the mark of a list's item; `None` for a line that begins none.
fn item(line: &str) -> Option<&str> {
    if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return Some(rest);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    (digits > 0).then(|| rest.strip_prefix(". ").or(rest.strip_prefix(") "))).flatten()
}

/// A link's words stay, where it leads does not count.
fn without_targets(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        kept.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// Parts a paragraph after each `.`, `!` and `?` that a space or the end follows.
fn split(paragraph: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut letters = paragraph.chars().peekable();
    while let Some(letter) = letters.next() {
        text.push(letter);
        // Quotes, brackets and emphasis may close after the mark that ends the sentence.
        let closing = text.trim_end_matches(['"', '”', ')', '*', '_', '`']);
        let ended = closing.ends_with(['.', '!', '?']) && !is_short(closing);
        if ended && letters.peek().is_none_or(|next| next.is_whitespace()) {
            push(&mut found, &std::mem::take(&mut text), true);
        }
    }
    push(&mut found, &text, false);
    found
}

/// `e.g.` and the like end no sentence.
fn is_short(text: &str) -> bool {
    const SHORT: [&str; 5] = ["e.g.", "i.e.", "etc.", "cf.", "vs."];
    SHORT.iter().any(|short| text.to_lowercase().ends_with(short))
}

fn push(found: &mut Vec<Sentence>, text: &str, ended: bool) {
    let words = words(text);
    if !words.is_empty() {
        found.push(Sentence { text: text.trim().to_owned(), words, ended });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(markdown: &str) -> Vec<String> {
        sentences(markdown).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn words_are_compared_without_marks() {
        assert_eq!(words("Copy-on-write, isn't **it**?"), ["copy", "on", "write", "isnt", "it"]);
        assert_eq!(words("128+9 = 137"), ["128", "9", "137"]);
        assert!(words(" … — ").is_empty());
    }

    #[test]
    fn sentences_end_at_their_marks() {
        assert_eq!(
            texts("One is 1.5 long. Two (as they say.) Three"),
            ["One is 1.5 long.", "Two (as they say.)", "Three"]
        );
        assert_eq!(texts("It is short, e.g. this one! Is it?"), ["It is short, e.g. this one!", "Is it?"]);
        let ended: Vec<bool> = sentences("a, b, c\n\nd.").iter().map(|sentence| sentence.ended).collect();
        assert_eq!(ended, [false, true]);
    }

    #[test]
    fn what_is_no_prose_is_left_out() {
        let text = "# Heading one\n<!-- write\nhere. -->\nA line\nand its end.\n\n- an item\n- another\n\n```\ncode. \n```\n\
                    Title\n=====\n1. first\n| a | b |\n> said [so](http://x.y/z).\n<!-- no end. All gone.";
        assert_eq!(texts(text), ["A line and its end.", "an item", "another", "Title", "first", "said [so."]);
    }

    #[test]
    fn a_phrase_may_be_open() {
        let words = words("the network namespaces of it");
        let phrase: Vec<String> = ["network", "namespace*"].map(str::to_owned).to_vec();
        assert!(phrase_at(&phrase, &words, 1));
        assert!(!phrase_at(&phrase, &words, 0) && !phrase_at(&phrase, &words, 4));
        assert!(!phrase_at(&[], &words, 0));
    }
}
