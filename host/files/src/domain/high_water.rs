//! Keys of the marks in the store: `.bitvault-high-water/{database}/{mark}`, the id as 32 hex digits and the mark as 19 decimal
//! ones, so that the highest comes last in a listing. Each mark is an object of its own, written once: none is ever written over.

use uuid::Uuid;

const DIGITS: usize = 19;

/// What the keys of a database's marks begin with.
pub(crate) fn prefix(database: Uuid) -> String {
    format!(".bitvault-high-water/{}/", database.simple())
}

/// The key of a mark.
pub(crate) fn key(prefix: &str, mark: i64) -> String {
    format!("{prefix}{mark:0DIGITS$}")
}

/// The mark that a key names, if it is one.
pub(crate) fn mark(prefix: &str, key: &str) -> Option<i64> {
    let digits = key.strip_prefix(prefix)?;
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_marks_and_strangers_are_none() {
        let ours = prefix(Uuid::from_u128(1));
        let marks = [0, 9, 10, i64::MAX];
        let keys = marks.map(|mark| key(&ours, mark));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| mark(&ours, &key)), marks.map(Some));
        let other = key(&prefix(Uuid::from_u128(2)), 1);
        for key in [
            "",
            &ours,
            &format!("{ours}1"),
            &format!("{ours}{:+019}", 1),
            &other,
        ] {
            assert_eq!(mark(&ours, key), None, "{key}");
        }
    }
}
