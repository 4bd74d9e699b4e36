//! What is spelled alike: trigrams find candidates, an edit distance decides (`search.mistakes`, in the migrations).

use std::collections::BTreeSet;

/// Shortest word that is taken for misspelled, in characters: shorter ones are near to everything.
const CHARS_MIN: usize = 4;
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
}
