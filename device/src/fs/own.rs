//! Names of the engine's own in the synced folder.

use time::OffsetDateTime;

/// The folder beneath the root that holds marker and trash. Never synced.
pub const FOLDER: &str = ".bitvault";
/// The marker, in [`FOLDER`].
pub const MARKER: &str = "root.json";
/// The device's trash, in [`FOLDER`].
pub const TRASH: &str = "trash";
const TEMP: &str = ".bitvault-tmp-";
const PARTIAL: &str = ".bitvault-part-";
const SWAP: &str = ".bitvault-swap-";
const OLD: &str = ".bitvault-old-";
const TAG_DIGITS: usize = 16;

/// What a file that is being written is called: it holds what is on the server, or a part of that.
pub fn temp_name(tag: u64) -> String {
    format!("{TEMP}{tag:016x}")
}

/// What a file is called that is being fetched and worth going on with: a beginning of the version that the tag stands for.
pub fn partial_name(tag: u64) -> String {
    format!("{PARTIAL}{tag:016x}")
}

/// What it is called from when it is about to change places with a file of the person's: from then on it may be either.
pub fn swap_name(temp: &str) -> String {
    match temp.strip_prefix(PARTIAL) {
        Some(tag) => format!("{SWAP}{tag}"),
        None => temp.replacen(TEMP, SWAP, 1),
    }
}

/// What a file is called that has made place, and could not go to the trash.
pub fn old_name(swap: &str) -> String {
    swap.replacen(SWAP, OLD, 1)
}

/// Whether it is what [`temp_name`] or [`partial_name`] makes, and nothing that merely begins like it.
pub fn is_temp(name: &str) -> bool {
    name.strip_prefix(TEMP).is_some_and(is_tag) || is_partial(name)
}

/// Whether it is what [`partial_name`] makes.
pub fn is_partial(name: &str) -> bool {
    name.strip_prefix(PARTIAL).is_some_and(is_tag)
}

/// Whether it is what [`swap_name`] makes.
pub fn is_swap(name: &str) -> bool {
    name.strip_prefix(SWAP).is_some_and(is_tag)
}

/// Whether it is what [`old_name`] makes.
pub fn is_old(name: &str) -> bool {
    name.strip_prefix(OLD).is_some_and(is_tag)
}

/// Whether it is what a crash, or a disk that failed, may leave in a folder.
pub fn is_leftover(name: &str) -> bool {
    is_temp(name) || is_swap(name) || is_old(name)
}

/// Whether the engine keeps this name in a folder for itself.
pub fn is_own(name: &str, is_in_root: bool) -> bool {
    is_leftover(name) || (is_in_root && name == FOLDER)
}

/// The folder of the trash for what goes there now: the time, and a number that no other has.
pub fn label(now: OffsetDateTime, number: u64) -> String {
    let (hour, minute, second) = now.to_hms();
    format!(
        "{}T{hour:02}{minute:02}{second:02}-{:08x}",
        day(now),
        number & 0xffff_ffff
    )
}

/// What labels of a day begin with; all those of earlier days come before it.
pub fn day(at: OffsetDateTime) -> String {
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// Whether it may be what [`label`] makes.
pub fn is_label(name: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T000000-xxxxxxxx";
    name.len() == SHAPE.len()
        && name.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            shape => byte == *shape,
        })
}

fn is_tag(tag: &str) -> bool {
    tag.len() == TAG_DIGITS && tag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_engine_makes_count_as_its_own() {
        assert!(is_temp(&temp_name(0)) && is_temp(&temp_name(u64::MAX)));
        assert!(is_swap(&swap_name(&temp_name(7))) && !is_temp(&swap_name(&temp_name(7))));
        let old = old_name(&swap_name(&temp_name(7)));
        assert!(is_old(&old) && is_leftover(&old) && !is_swap(&old) && !is_temp(&old));
        let partial = partial_name(7);
        assert!(is_partial(&partial) && is_temp(&partial) && !is_partial(&temp_name(7)));
        assert_eq!(swap_name(&partial), swap_name(&temp_name(7)));
        let label = label(OffsetDateTime::UNIX_EPOCH, u64::MAX);
        assert_eq!(label, "1970-01-01T000000-ffffffff");
        assert!(is_label(&label) && !is_label("photos") && !is_label("1970-01-01T000000-fffffff/"));
        assert!(is_own(FOLDER, true) && !is_own(FOLDER, false));
        for name in [
            ".bitvault-tmp-",
            ".bitvault-tmp-1",
            ".bitvault-tmp-000000000000000G",
            "a.bitvault-tmp-0",
        ] {
            assert!(!is_temp(name), "{name}");
        }
    }
}
