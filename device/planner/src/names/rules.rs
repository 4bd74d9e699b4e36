//! What a file system can hold, and what its names stand for on the server.

use std::fmt;

use unicode_normalization::char::canonical_combining_class;

use crate::names::{NAME_BYTES, Name, key};

/// What is wrong with a name for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// It is empty.
    Empty,
    /// It is longer than [`NAME_BYTES`].
    TooLong,
    /// It is `.` or `..`.
    Dots,
    /// It holds a slash.
    Slash,
    /// It holds a control character.
    Control,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TooLong => "is longer than 255 bytes",
            Self::Dots => "is `.` or `..`",
            Self::Slash => "holds a slash",
            Self::Control => "holds a control character",
        })
    }
}

/// Refuses what the server refuses.
pub fn check_for_server(name: &Name) -> Result<(), Trouble> {
    let text = name.as_str();
    if text.is_empty() {
        Err(Trouble::Empty)
    } else if text.len() > NAME_BYTES {
        Err(Trouble::TooLong)
    } else if text == "." || text == ".." {
        Err(Trouble::Dots)
    } else if text.contains('/') {
        Err(Trouble::Slash)
    } else if text.chars().any(char::is_control) {
        Err(Trouble::Control)
    } else {
        Ok(())
    }
}

/// What names a device's file system can hold. What it can't is written with `%` and two hex digits in place of each byte
/// in the way, and read back so: `a:b` is `a%3Ab`, `CON` is `%43ON`, `end.` is `end%2E`. A name that would be taken for
/// such a one, in whatever case, has its `%` written so: `end%2e` is `end%252e`. All others stay as they are.
///
/// Invariants: two names whose keys differ on the server have keys that differ here, and a name made here is read back as
/// the name that it stands for; only a name that is too long even so is cut, with a hash in place of what is lost, and is
/// known again because the synced tree has its whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRules {
    /// Characters that no name may hold.
    pub forbidden: String,
    /// Whether `CON`, `NUL`, `COM1` and their kin are devices, with any extension.
    pub has_device_names: bool,
    /// Whether a dot or space at the end is lost.
    pub drops_trailing_dots: bool,
    /// Longest name, in bytes of UTF-8.
    pub longest: usize,
}

impl NameRules {
    /// Linux and macOS: all that the server takes.
    pub fn posix() -> Self {
        Self {
            forbidden: "/".to_owned(),
            has_device_names: false,
            drops_trailing_dots: false,
            longest: NAME_BYTES,
        }
    }

    /// Windows, and FAT and NTFS wherever they are mounted.
    pub fn windows() -> Self {
        Self {
            forbidden: "<>:\"/\\|?*".to_owned(),
            has_device_names: true,
            drops_trailing_dots: true,
            longest: NAME_BYTES,
        }
    }

    /// What a name of the server is called on this device.
    pub fn to_local(&self, name: &Name) -> Name {
        let text = name.as_str();
        match self.keeps(text) {
            true => name.clone(),
            false => Name::from(self.escaped(text)),
        }
    }

    /// Whether an entry of that name on the device is called as a node of that name on the server is called here.
    pub(crate) fn is_called(&self, local: &Name, remote: &Name) -> bool {
        match self.keeps(remote.as_str()) {
            true => local.is_same(remote),
            false => local.is_same(&self.to_local(remote)),
        }
    }

    /// Whether the device can hold a name as it is, and it does not read like one that was changed.
    fn keeps(&self, text: &str) -> bool {
        self.holds(text) && self.read_back(text).is_none()
    }

    /// Plans ask for nearly every name, so that the usual case is worth a few lines.
    fn has_forbidden(&self, text: &str) -> bool {
        let forbidden = self.forbidden.as_bytes();
        match forbidden.is_ascii() {
            true => text.bytes().any(|byte| forbidden.contains(&byte)),
            false => text.chars().any(|c| self.forbidden.contains(c)),
        }
    }

    /// What a name of this device is called on the server.
    pub fn to_remote(&self, name: &Name) -> Name {
        self.read_back(name.as_str())
            .map_or_else(|| name.clone(), Name::from)
            .composed()
    }

    /// Whether the file system keeps this name as it is.
    fn holds(&self, text: &str) -> bool {
        text.len() <= self.longest && !self.has_forbidden(text) && self.trap(text).is_none()
    }

    /// The byte that makes a name special without being forbidden: the first of a device's name, the last dot or space.
    fn trap(&self, text: &str) -> Option<usize> {
        if self.drops_trailing_dots && text.ends_with(['.', ' ']) {
            return Some(text.len() - 1);
        }
        (self.has_device_names && is_device(text)).then_some(0)
    }

    /// Whether an entry that is called so may be a node of this name that the device could not have under it: as it would be
    /// read back, or, as releases without an escape for it wrote it, unchanged.
    pub(crate) fn may_stand_for(&self, local: &Name, remote: &Name) -> bool {
        let is_read_so = || unescaped(local.as_str()).is_some_and(|plain| Name::from(plain).is_same(remote));
        !self.to_local(remote).is_same(remote) && (local.is_same(remote) || is_read_so())
    }

    /// What the name stands for, if it is one that [`Self::to_local`] makes of another name, or differs from that in case
    /// only: many file systems that need it don't tell case apart.
    fn read_back(&self, text: &str) -> Option<String> {
        if !text.contains('%') {
            return None;
        }
        let key = key(text);
        // Folding makes letters of ligatures, and a few of these are hex digits.
        [text, &key].into_iter().find_map(|written| {
            let plain = unescaped(written)?;
            let name = Name::from(plain.as_str());
            // Each step reads a shorter name, so this ends.
            let may_be_it = plain.len() < written.len() && check_for_server(&name).is_ok();
            (may_be_it && self.to_local(&name).key() == key).then_some(plain)
        })
    }

    fn escaped(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len() + 8);
        let traps = [
            self.trap(text),
            // A name may be caught at both ends: `CON.`.
            (self.has_device_names && is_device(text)).then_some(0),
        ];
        let mut follows_escape = false;
        for (at, c) in text.char_indices() {
            let is_escape = c == '%' && looks_like_escape(&text[at..]);
            // A mark would be composed with the digit before it.
            let is_swallowed = follows_escape && canonical_combining_class(c) != 0;
            follows_escape =
                is_escape || is_swallowed || self.forbidden.contains(c) || traps.contains(&Some(at));
            if follows_escape {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    made.push_str(&format!("%{byte:02X}"));
                }
            } else {
                made.push(c);
            }
        }
        if made.len() > self.longest {
            let mark = format!("~{:08x}", fnv(text));
            made.truncate(made.floor_char_boundary(self.longest - mark.len()));
            made.push_str(&mark);
        }
        made
    }
}

/// Whether a text begins with `%` and two hex digits once it is folded.
fn looks_like_escape(text: &str) -> bool {
    let end = text.char_indices().nth(3).map_or(text.len(), |(end, _)| end);
    escape_at(key(&text[..end]).as_bytes(), 0).is_some()
}

/// The byte that `%` and two hex digits at this place stand for.
fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at + 1..at + 3)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(digits[0])? * 16 + digit(digits[1])?) as u8)
}

fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], escape_at(bytes, at)) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

/// The names that Windows keeps for devices, whatever follows the first dot.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn is_device(text: &str) -> bool {
    let stem = text
        .split('.')
        .next()
        .unwrap_or(text)
        .trim_end()
        .to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" => true,
        _ => ["COM", "LPT"].iter().any(|kind| {
            stem.strip_prefix(kind).is_some_and(|digit| {
                matches!(
                    digit.chars().collect::<Vec<_>>()[..],
                    ['0'..='9' | '¹' | '²' | '³']
                )
            })
        }),
    }
}

/// FNV-1a, folded to 32 bits: tells cut names apart.
fn fnv(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(remote: &str, local: &str) {
        let rules = NameRules::windows();
        assert_eq!(rules.to_local(&Name::from(remote)).as_str(), local);
        assert_eq!(rules.to_remote(&Name::from(local)).as_str(), remote);
    }

    #[test]
    fn what_windows_cannot_hold_is_written_otherwise_and_read_back() {
        check("plain.txt", "plain.txt");
        check("a:b", "a%3Ab");
        check("CON", "%43ON");
        check("nul.tar.gz", "%6Eul.tar.gz");
        check("com¹", "%63om¹");
        check("CONSOLE", "CONSOLE");
        check("end.", "end%2E");
        check("end. ", "end.%20");
        check("CON.", "%43ON%2E");
        check("...", "..%2E");
    }

    #[test]
    fn a_name_that_only_looks_like_an_escape_is_kept_apart() {
        check("100%.txt", "100%.txt");
        check("100%25.txt", "100%25.txt");
        check("a%3Ab", "a%253Ab");
        check("a%253Ab", "a%25253Ab");
        check("%zz", "%zz");
        check("end%2e", "end%252e");
        check("a%3ab", "a%253ab");
        check("%43on", "%2543on");
        check("My%20File.pdf", "My%20File.pdf");
    }

    /// A file system that folds case writes `%3ﬀ` and `%3Ff` as one name.
    #[test]
    fn a_name_that_looks_like_an_escape_once_its_ligatures_are_folded_is_kept_apart() {
        check("?f", "%3Ff");
        check("%3ﬀ", "%253ﬀ");
        check("%ﬀ", "%ﬀ");
    }

    #[test]
    fn a_name_that_differs_in_case_from_an_escape_is_read_as_that() {
        let read = |name| NameRules::windows().to_remote(&Name::from(name));
        assert_eq!(read("end%2e").as_str(), "end.");
        assert_eq!(read("A%3aB").as_str(), "A:B");
    }

    #[test]
    fn what_no_name_of_the_server_can_hold_is_not_read_out_of_a_name() {
        check("a%2Fb", "a%2Fb");
        for rules in [NameRules::posix(), NameRules::windows()] {
            for name in ["a%2Fb", "%00", "%2E%2E", "%2F"] {
                let name = Name::from(name);
                assert_eq!(rules.to_remote(&rules.to_local(&name)), name);
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_two_such_stay_apart() {
        let rules = NameRules {
            longest: 64,
            ..NameRules::posix()
        };
        let one = rules.to_local(&Name::from(format!("{}1", "x".repeat(99))));
        let two = rules.to_local(&Name::from(format!("{}2", "x".repeat(99))));
        assert_eq!((one.as_str().len(), two.as_str().len()), (64, 64));
        assert_ne!(one, two);
    }

    #[test]
    fn linux_holds_every_name_of_the_server_as_it_is() {
        for name in ["CON", "a:b", "end.", "a%3Ab", "100%25"] {
            let name = Name::from(name);
            assert_eq!(NameRules::posix().to_local(&name), name);
            assert_eq!(NameRules::posix().to_remote(&name), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_is_held_read_back_and_its_own_whatever_the_file_system_makes_of_case(
            one in "[a%235AeEf.COoNn:? é\u{301}ﬀßſ]{1,9}",
            other in "[a%235AeEf.COoNn:? é\u{301}ﬀßſ]{1,9}",
        ) {
            check_own(&Name::from(one), &Name::from(other));
        }

        /// Two names that are close to each other: what one may be written as.
        #[test]
        fn a_name_and_what_is_like_its_escape_are_kept_apart(
            one in "[a%235AeEf.COoNn:? é\u{301}ﬀßſ]{1,9}",
            case in proptest::collection::vec(proptest::bool::ANY, 30),
        ) {
            let one = Name::from(one);
            let held = NameRules::windows().to_local(&one);
            let turned = |(c, is_upper): (char, bool)| match is_upper {
                true => c.to_uppercase().next().unwrap_or(c),
                false => c.to_lowercase().next().unwrap_or(c),
            };
            let other: String = held.as_str().chars().zip(case.into_iter().cycle()).map(turned).collect();
            check_own(&one, &Name::from(other.replace("ff", "ﬀ")));
            check_own(&one, &Name::from(other));
        }
    }

    #[track_caller]
    fn check_own(one: &Name, other: &Name) {
        if check_for_server(one).is_err() || check_for_server(other).is_err() {
            return;
        }
        let rules = NameRules::windows();
        for name in [one, other] {
            let held = rules.to_local(name);
            assert!(rules.holds(held.as_str()), "{held}");
            assert_eq!(rules.to_remote(&held), name.composed(), "{name} as {held}");
        }
        if one.key() != other.key() {
            let (one_here, other_here) = (rules.to_local(one), rules.to_local(other));
            assert_ne!(one_here.key(), other_here.key(), "{one} and {other}");
        }
    }
}
