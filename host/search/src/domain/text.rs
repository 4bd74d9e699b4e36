//! Text as it is searched: folded, without accents, cut into words.

use bitvault_proto::v1::HighlightRange;
use caseless::Caseless as _;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

/// Most words of one name; the rest of a longer one is not found.
const WORDS_MAX: usize = 40;
/// Longest word, in characters; a longer one is found by its beginning.
const WORD_CHARS: usize = 64;
/// Most words of the tags and fields of one node.
const SAID_MAX: usize = 200;
/// What stands before a word of tags and fields in the dictionary; `search.find` of the migrations knows it as well. No word of a
/// name holds this sign, nor those of marks.
const SAID: char = '#';

/// One character as it is searched: caseless, compatible forms as one, accents left out.
fn fold_char(c: char) -> impl Iterator<Item = char> {
    std::iter::once(c)
        .nfkd()
        .filter(|c| !is_accent(*c))
        .default_case_fold()
}

/// Accents that people leave out. Vowel signs of other scripts are marks as well, and stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}

/// A name or a query as it is compared as a whole.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(fold_char).collect()
}

/// A word, or a part of one, with where its characters stand in the name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    text: String,
    /// First character.
    start: usize,
    /// After each character: the bytes of `text` so far.
    ends: Vec<usize>,
}

impl Piece {
    fn of(chars: &[char], start: usize) -> Self {
        let mut piece = Self {
            text: String::new(),
            start,
            ends: Vec::new(),
        };
        for c in &chars[..chars.len().min(WORD_CHARS)] {
            piece.text.extend(fold_char(*c));
            piece.ends.push(piece.text.len());
        }
        piece
    }

    /// Where the first `bytes` of its text stand in the name.
    fn range(&self, bytes: usize) -> HighlightRange {
        let chars = self.ends.iter().take_while(|end| **end < bytes).count() + 1;
        let end = self.start + chars.min(self.ends.len());
        HighlightRange {
            start: u32::try_from(self.start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether a new part begins between two characters of a word: `reportFinal`, `img0042`.
fn is_seam(before: char, after: char) -> bool {
    (before.is_lowercase() && after.is_uppercase()) || (before.is_numeric() != after.is_numeric())
}

/// Words, and the parts of those that are put together.
fn pieces(text: &str) -> Vec<Piece> {
    let chars: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let length = chars[at..].iter().take_while(|c| is_word(**c)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let word = &chars[at..at + length];
        pieces.push(Piece::of(word, at));
        let seams = (1..length).filter(|i| is_seam(word[i - 1], word[*i]) && !is_combining_mark(word[*i]));
        let cuts: Vec<usize> = std::iter::once(0).chain(seams).chain([length]).collect();
        if cuts.len() > 2 {
            // A single letter says nothing.
            let parts = cuts.windows(2).filter(|cut| cut[1] - cut[0] > 1);
            pieces.extend(parts.map(|cut| Piece::of(&word[cut[0]..cut[1]], at + cut[0])));
        }
        at += length;
    }
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The words that a name is found by, each once.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for piece in pieces(name) {
        if words.len() == WORDS_MAX {
            break;
        }
        if !words.contains(&piece.text) {
            words.push(piece.text);
        }
    }
    words
}

/// The word that every node of a family has: with a sign that no word of a name holds.
pub(crate) fn word_of_family(family: &str) -> String {
    format!(":{family}")
}

/// The word that everything has that an account made.
pub(crate) fn word_of_owner(owner: Uuid) -> String {
    format!(":{}", owner.simple())
}

/// The words that a node is found by beside those of its name, each once: of its tags and of the texts of its fields.
pub(crate) fn said<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    for word in texts.flat_map(words) {
        if said.len() == SAID_MAX {
            break;
        }
        if known.insert(word.clone()) {
            said.push(word);
        }
    }
    said
}

/// A word of tags and fields as it stands in the dictionary.
pub(crate) fn word_said(word: &str) -> String {
    format!("{SAID}{word}")
}

/// What people may have typed for a word of the dictionary.
pub(crate) fn spoken(word: &str) -> &str {
    word.strip_prefix(SAID).unwrap_or(word)
}

/// The word that everything has that carries a tag.
pub(crate) fn mark_of_tag(tag: &str) -> String {
    format!("={}", fold(tag.trim()))
}

/// The word that everything has that carries a field with that text: `name:text`. Texts are long, so it is a digest.
pub(crate) fn mark_of_field(field: &str) -> String {
    let hash = Sha256::digest(fold(field.trim()));
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash[..16]);
    format!("~{}", Uuid::from_bytes(digest).simple())
}

/// Whether each token begins a word of some name in the path, or is excused.
pub(crate) fn is_on_path(path: &str, tokens: &[String], excused: impl Fn(usize) -> bool) -> bool {
    let words: Vec<String> = path.split('/').flat_map(words).collect();
    let begun = |token: &String| words.iter().any(|word| word.starts_with(token));
    tokens
        .iter()
        .enumerate()
        .all(|(at, token)| excused(at) || begun(token))
}

/// The words of a query, each once, in order.
pub(crate) fn tokens(query: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for word in query.split(|c| !is_word(c)) {
        let token: String = word.chars().take(WORD_CHARS).flat_map(fold_char).collect();
        if !token.is_empty() && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens
}

/// The parts of a name that begin with one of `tokens` or are one of `words`, in order and apart from each other.
pub(crate) fn highlights(name: &str, tokens: &[String], words: &[String]) -> Vec<HighlightRange> {
    let mut ranges = Vec::new();
    for piece in pieces(name) {
        let begun = tokens.iter().filter(|token| piece.text.starts_with(*token));
        let longest = begun.map(String::len).max();
        let whole = words.contains(&piece.text).then_some(piece.text.len());
        if let Some(bytes) = longest.or(whole) {
            ranges.push(piece.range(bytes));
        }
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<HighlightRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_words_and_by_the_parts_of_words() {
        for (name, expected) in [
            ("Annual Report 2024.pdf", vec!["annual", "report", "2024", "pdf"]),
            ("IMG_0042.JPG", vec!["img", "0042", "jpg"]),
            ("IMG0042.jpg", vec!["img0042", "img", "0042", "jpg"]),
            (
                "quarterlyReportFinal",
                vec!["quarterlyreportfinal", "quarterly", "report", "final"],
            ),
            ("Straße Ärger.txt", vec!["strasse", "arger", "txt"]),
            ("e\u{301}te\u{301}", vec!["ete"]),
            ("ﬁle Ⅷ", vec!["file", "viii"]),
            ("v2", vec!["v2"]),
            ("हिन्दी", vec!["हिन्दी"]),
            ("a-a-a", vec!["a"]),
            ("…—\u{202e}🦀", vec![]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
        assert_eq!(words(&"x".repeat(255))[0].len(), WORD_CHARS);
        let many: String = (0..100).map(|number| format!("{number} ")).collect();
        assert_eq!(words(&many).len(), WORDS_MAX);
    }

    #[test]
    fn tags_and_fields_have_words_and_marks_of_their_own() {
        assert_eq!(
            said(["tax 2024", "Übung", "tax", ""].into_iter()),
            ["tax", "2024", "ubung"]
        );
        let many: String = (0..30).map(|number| format!("{number}x ")).collect();
        let texts: Vec<String> = (0..20)
            .map(|text| many.replace('x', &format!("x{text}")))
            .collect();
        assert_eq!(said(texts.iter().map(String::as_str)).len(), SAID_MAX);
        let tag = mark_of_tag(" Übung");
        assert_eq!((tag.as_str(), spoken(&word_said("tax"))), ("=ubung", "tax"));
        let field = mark_of_field("client:Ada & Co");
        assert_eq!(field, mark_of_field("CLIENT:ada & co "));
        assert_ne!(field, mark_of_field("client:Ada"));
        // No two kinds meet, nor does a word of a name.
        let signs = [&tag, &field, &word_said("x"), &word_of_family("image")].map(|word| word.chars().next());
        let apart: HashSet<_> = signs.into_iter().flatten().collect();
        assert!(apart.len() == 4 && apart.iter().all(|sign| !is_word(*sign)));
    }

    #[test]
    fn a_path_has_the_words_of_all_its_names() {
        let tokens = ["zeph".to_owned(), "invoice".to_owned()];
        assert!(is_on_path("/Project Zephyr/a/Invoice 7", &tokens, |_| false));
        assert!(!is_on_path("Invoice 7", &tokens, |_| false));
        assert!(is_on_path("Invoice 7", &tokens, |at| at == 0));
    }

    #[test]
    fn a_query_is_cut_at_what_is_no_word() {
        assert_eq!(tokens(" Annual-Report.pdf "), ["annual", "report", "pdf"]);
        assert_eq!(tokens("IMG0042"), ["img0042"]);
        assert_eq!(tokens("a A à"), ["a"]);
        assert_eq!(tokens("%' OR \"1\"=\\1*"), ["or", "1"]);
        assert!(tokens("…").is_empty());
    }

    #[test]
    fn what_matched_is_told_in_characters_of_the_name() {
        let marked = |name: &str, tokens: &[&str], words: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let chars: Vec<char> = name.chars().collect();
            highlights(name, &own(tokens), &own(words))
                .iter()
                .map(|range| chars[range.start as usize..range.end as usize].iter().collect())
                .collect::<Vec<String>>()
        };
        assert_eq!(marked("Größe Report.pdf", &["gros", "rep"], &[]), ["Größ", "Rep"]);
        assert_eq!(marked("Straßen", &["strass"], &[]), ["Straß"]);
        assert_eq!(
            marked("quarterlyReport", &["rep", "quarterly"], &[]),
            ["quarterly", "Rep"]
        );
        assert_eq!(
            marked("quarterlyReport", &["quarterlyrep", "rep"], &[]),
            ["quarterlyRep"]
        );
        assert_eq!(marked("my reprot.doc", &["report"], &["reprot"]), ["reprot"]);
        assert_eq!(marked("nothing", &["x"], &[]), Vec::<String>::new());
    }
}
