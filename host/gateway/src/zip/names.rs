//! Names in an archive: what is unpacked lands below the folder that it is unpacked in, on any system.

use bitvault_proto::v1 as rpc;
use std::collections::HashSet;

/// The archive's name, and of the folder that holds all that is in it.
pub(crate) fn top_name(node: &rpc::Node) -> String {
    match node.name.as_str() {
        // The top of somebody's own tree.
        "" => "Files".to_owned(),
        name => safe(name),
    }
}

/// A name without what some system takes for a separator, a drive or a stream. Slashes, control characters, `.` and `..`
/// are no names to begin with; that they are looked for again costs nothing.
fn safe(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    match plain.as_str() {
        "" | "." | ".." => "_".to_owned(),
        _ => plain,
    }
}

/// The names of one folder, each once, whatever the case.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name for the archive, numbered when making it safe made it another's.
    pub(super) fn take(&mut self, name: &str) -> String {
        let plain = safe(name);
        let mut text = plain.clone();
        let mut number = 2;
        while !self.0.insert(text.to_lowercase()) {
            text = format!("{plain} ({number})");
            number += 1;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder_it_is_unpacked_in() {
        for (name, expected) in [
            ("a.txt", "a.txt"),
            ("..\\..\\evil.exe", ".._.._evil.exe"),
            ("C:evil", "C_evil"),
            ("/etc/passwd", "_etc_passwd"),
            ("..", "_"),
            ("a\u{1}b", "a_b"),
            ("файл 東京", "файл 東京"),
        ] {
            assert_eq!(Names::default().take(name), expected);
        }
    }

    #[test]
    fn names_that_become_the_same_are_numbered() {
        let mut names = Names::default();
        let taken = ["a_b", "a:b", "A\\b", "c"].map(|name| names.take(name));
        assert_eq!(taken, ["a_b", "a_b (2)", "A_b (3)", "c"]);
    }
}
