//! Names of the engine's own in the synced folder.

/// The folder beneath the root that holds marker and trash. Never synced.
pub const FOLDER: &str = ".bitvault";
/// The marker, in [`FOLDER`].
pub const MARKER: &str = "root.json";
/// The device's trash, in [`FOLDER`].
pub const TRASH: &str = "trash";
const TEMP: &str = ".bitvault-tmp-";
const TAG_DIGITS: usize = 16;

/// What a temporary file with this tag is called.
pub fn temp_name(tag: u64) -> String {
    format!("{TEMP}{tag:016x}")
}

/// Whether it is what [`temp_name`] makes, and nothing that merely begins like it.
pub fn is_temp(name: &str) -> bool {
    name.strip_prefix(TEMP).is_some_and(|tag| {
        tag.len() == TAG_DIGITS && tag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_engine_makes_count_as_its_own() {
        assert!(is_temp(&temp_name(0)) && is_temp(&temp_name(u64::MAX)));
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
