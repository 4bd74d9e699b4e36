//! What is spelled alike: trigrams find candidates, an edit distance decides.

use std::collections::BTreeSet;

/// Shortest word that is taken for misspelled, in characters: shorter ones are near to everything.
const CHARS_MIN: usize = 4;
/// From this length on two mistakes are forgiven, otherwise one.
const TWO_MISTAKES_FROM: usize = 8;
/// Longest word whose trigrams are kept.
const CHARS_MAX: usize = 32;

/// The trigrams of a word that may be misspelled, with blanks around it, as pg_trgm cuts them; none of a word with digits:
/// nobody means another number.
pub(crate) fn trigrams(word: &str) -> Vec<String> {
    let length = word.chars().count();
    if !(CHARS_MIN..=CHARS_MAX).contains(&length) || !word.chars().all(char::is_alphabetic) {
        return Vec::new();
    }
    let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
    let grams: BTreeSet<String> = padded.windows(3).map(|gram| gram.iter().collect()).collect();
    grams.into_iter().collect()
}

/// How many mistakes lie between what was typed and a word, if they are few enough to be taken for it. A swap of two
/// neighbours is one mistake. What was typed may be the beginning of the word; then one is forgiven.
pub(crate) fn mistakes(typed: &str, word: &str) -> Option<usize> {
    let length = typed.chars().count();
    let allowed = if length < TWO_MISTAKES_FROM { 1 } else { 2 };
    let whole = strsim::osa_distance(typed, word);
    if whole <= allowed {
        return Some(whole);
    }
    let begun: String = word.chars().take(length).collect();
    (strsim::osa_distance(typed, &begun) <= 1).then_some(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_letters_have_trigrams() {
        assert_eq!(trigrams("word"), ["  w", " wo", "ord", "rd ", "wor"]);
        for none in ["abc", "2024", "img0042", &"x".repeat(33)] {
            assert!(trigrams(none).is_empty(), "{none}");
        }
        assert_eq!(trigrams("ärzte").len(), 6);
    }

    #[test]
    fn few_mistakes_are_forgiven_and_more_in_long_words() {
        for (typed, word, expected) in [
            ("reprot", "report", Some(1)),
            ("reort", "report", Some(1)),
            ("quaterly", "quarterly", Some(1)),
            ("qaurtelry", "quarterly", Some(2)),
            ("invocies", "invoice", Some(2)),
            ("repotr", "reportage", Some(2)),
            ("rport", "sport", Some(1)),
            ("mouse", "house", Some(1)),
            ("mouse", "horse", None),
            ("invoice", "voice", None),
        ] {
            assert_eq!(mistakes(typed, word), expected, "{typed} {word}");
        }
    }
}
