//! A text that the learner wrote: its length, what it speaks of, what of it stands in the workbook.
//!
//! Coverage is counted here and nothing is understood: whether an explanation is right, a person reads.

mod corpus;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use grader_core::{
    evidence::{ConceptSeen, ProseEvidence, SentenceSeen, Text},
    workbook::{Concept, ProseSpec},
};

use self::{
    corpus::Corpus,
    words::{Sentence, phrase_at, sentences, words},
};
use super::{Place, Stop, answers::Answer};

/// The most that a text may weigh, in bytes.
const LARGEST: u64 = 100_000;

/// The most sentences that are told one by one.
const MOST_SENTENCES: usize = 500;

pub(super) fn look(spec: &ProseSpec, place: &Place<'_>) -> Result<ProseEvidence, Stop> {
    let Answer { file, sha256, bytes } = Answer::read(&spec.file, LARGEST, place)?;
    let (text, problem) = match std::str::from_utf8(&bytes) {
        Ok(text) => (text, None),
        Err(_) => ("", Some("it is not UTF-8 text".to_owned())),
    };
    let corpus = Corpus::of(place.texts, usize::from(spec.piece_words.max(1)));
    Ok(ProseEvidence { file, sha256, problem, ..read(text, spec, &corpus) })
}

/// What a text holds, apart from where it came from.
fn read(text: &str, spec: &ProseSpec, corpus: &Corpus) -> ProseEvidence {
    let found = sentences(text);
    let common: BTreeSet<String> = spec.common.iter().flat_map(|word| words(word)).collect();
    let mut seen = BTreeSet::new();
    let distinct: Vec<SentenceSeen> = found
        .iter()
        .filter(|sentence| seen.insert(sentence.words.clone()))
        .map(|sentence| SentenceSeen {
            word_count: sentence.words.len() as u64,
            common_words: sentence.words.iter().filter(|word| common.contains(*word)).count() as u64,
            ended: sentence.ended,
        })
        .collect();
    let copied = corpus.found_in(&found);
    ProseEvidence {
        file: String::new(),
        sha256: String::new(),
        problem: None,
        word_count: distinct.iter().map(|sentence| sentence.word_count).sum(),
        sentences: distinct.into_iter().take(MOST_SENTENCES).collect(),
        concepts: spec.concepts.iter().map(|concept| seen_of(concept, &found)).collect(),
        piece_words: u64::from(spec.piece_words.max(1)),
        piece_count: copied.pieces,
        pieces_of_workbook: copied.known,
        longest_copy: copied.longest.map(|text| Text::bounded(text.as_bytes(), 400)),
        corpus_sha256: corpus.sha256.clone(),
        text: Text::bounded(text.as_bytes(), 100_000),
    }
}

fn seen_of(concept: &Concept, sentences: &[Sentence]) -> ConceptSeen {
    let phrases = |list: &[String]| -> Vec<Vec<String>> { list.iter().map(|text| phrase(text)).collect() };
    let (named, explained) = (phrases(&concept.named), phrases(&concept.explained));
    // Of each sentence, which of its words are a part of the name.
    let names: BTreeMap<usize, BTreeSet<usize>> = sentences
        .iter()
        .enumerate()
        .map(|(at, sentence)| (at, places_of(&named, sentence)))
        .filter(|(_, places)| !places.is_empty())
        .collect();
    let nothing = BTreeSet::new();
    let explains = |at: usize| {
        let Some(sentence) = sentences.get(at) else { return false };
        let taken = names.get(&at).unwrap_or(&nothing);
        explained.iter().any(|phrase| {
            (0..sentence.words.len()).any(|from| {
                phrase_at(phrase, &sentence.words, from)
                    && (from..from + phrase.len()).all(|place| !taken.contains(&place))
            })
        })
    };
    let explained_at = names.keys().copied().find(|at| explains(*at) || explains(at + 1));
    let said = explained_at.or(names.keys().next().copied()).and_then(|at| sentences.get(at));
    ConceptSeen {
        name: concept.name.clone(),
        named: !names.is_empty(),
        explained: explained_at.is_some(),
        said: said.map(|sentence| Text::bounded(sentence.text.as_bytes(), 400)),
    }
}

/// The words of a phrase; a `*` at a word's end is kept.
fn phrase(text: &str) -> Vec<String> {
    text.split_whitespace()
        .flat_map(|part| {
            let open = part.ends_with('*');
            let mut found = words(part);
            if open && let Some(last) = found.last_mut() {
                last.push('*');
            }
            found
        })
        .collect()
}

fn places_of(phrases: &[Vec<String>], sentence: &Sentence) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for phrase in phrases {
        for from in 0..sentence.words.len() {
            if phrase_at(phrase, &sentence.words, from) {
                places.extend(from..from + phrase.len());
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use grader_core::workbook::Files;

    use super::*;

    const BOOK: &str = "A namespace isolates what a group of processes can see of the machine it runs on.";

    fn spec() -> ProseSpec {
        ProseSpec {
            file: "1.1.md".into(),
            concepts: vec![Concept {
                name: "net".into(),
                named: vec!["net namespace*".into(), "network namespace*".into()],
                explained: vec!["network".into(), "interface*".into()],
            }],
            common: vec!["the".into(), "a".into(), "its".into()],
            piece_words: 8,
        }
    }

    fn seen(text: &str) -> ProseEvidence {
        let mut files = Files::default();
        files.insert("book/src/01.md", BOOK.as_bytes().to_vec());
        read(text, &spec(), &Corpus::of(&files, 8))
    }

    #[test]
    fn a_name_does_not_explain_itself() {
        let named = &seen("There is a network namespace. It is good.").concepts[0];
        assert!(named.named && !named.explained);
        let same = &seen("A network namespace has interfaces of its own.").concepts[0];
        assert!(same.explained);
        let next = &seen("One is the net namespace! With it comes a network of one's own.").concepts[0];
        assert!(next.explained);
        let later = &seen("One is the net namespace. Good. Interfaces are nice.").concepts[0];
        assert!(!later.explained);
    }

    #[test]
    fn a_sentence_counts_once() {
        let seen = seen("The cat sat on a mat. The cat sat on a mat. The cat SAT on a mat!");
        assert_eq!((seen.sentences.len(), seen.word_count), (1, 6));
        assert_eq!(seen.sentences[0].common_words, 2);
        assert!(seen.sentences[0].ended);
    }

    #[test]
    fn a_copy_is_found_whatever_its_marks() {
        let plain = seen(BOOK);
        assert_eq!((plain.piece_count, plain.pieces_of_workbook), (9, 9));
        let disguised = BOOK.replace("isolates", "**isolates**").replace("processes", "PRO\u{ad}cesses,");
        assert_eq!(seen(&disguised).pieces_of_workbook, 9);
        // A Cyrillic letter looks the same and is another one.
        assert_eq!(seen(&BOOK.replace('o', "\u{43e}")).pieces_of_workbook, 9);
        let own =
            seen("What a process sees of its machine depends on the namespaces into which it was born.");
        assert_eq!(own.pieces_of_workbook, 0);
        assert!(own.longest_copy.is_none());
    }

    #[test]
    fn a_longest_copy_is_told_in_the_learners_words() {
        let text = "I read that a namespace isolates what a group of processes can see of things.";
        let copy = seen(text).longest_copy.unwrap().head;
        assert_eq!(copy, "a namespace isolates what a group of processes can see of");
    }
}
