//! Which known entry each scanned one is.
//!
//! A line is a path and what the file system tells: `i` the inode, `m` and `c` the times (0 where left out), `b` when the
//! inode was made (unknown where left out). A known entry has its number in front, and every file was read. Found is each
//! entry's number, with `?` when it has to be read; numbers from 10 on are new.

use std::collections::BTreeMap;

use bitvault_planner::{
    Content, Fingerprint, LocalId, LocalKind, LocalNode, LocalTree, Name, NodeId, RemoteKind, Scan,
    ScanEntry, ScanParent, Sha256, SyncedNode, SyncedTree, VersionId,
};
use uuid::Uuid;

/// A scan of everything.
#[track_caller]
fn check(known: &str, scanned: &str, expected: &str) {
    let mut local = known_tree(known);
    scan(scanned, |_| true).observe(&mut local, &SyncedTree::new());
    assert_eq!(written(&local), trimmed(expected));
}

#[test]
fn what_is_as_it_was_is_not_read_again() {
    check(
        "1 docs/ i1\n2 docs/f i2 m5 c5",
        "docs/ i1\ndocs/f i2 m5 c5",
        "1 docs/\n2 docs/f",
    );
}

#[test]
fn a_moved_file_and_a_moved_folder_stay_what_they_are() {
    check(
        "1 docs/ i1\n2 docs/f i2 m5 c5\n3 empty/ i3",
        "papers/ i1\npapers/f i2 m5 c5\npapers/empty/ i3",
        "1 papers/\n2 papers/f\n3 papers/empty/",
    );
}

#[test]
fn a_renamed_file_is_read_again_because_its_change_time_moved() {
    check("1 f i1 m5 c5", "g i1 m5 c6", "1 g ?");
}

#[test]
fn an_edit_that_keeps_size_and_modification_time_is_noticed() {
    check("1 f i1 m5 c5", "f i1 m5 c6", "1 f ?");
}

#[test]
fn times_of_zero_before_1970_and_in_the_future_are_times_like_others() {
    for time in ["0", "-5", "9223372036854775807"] {
        check(&format!("1 f i1 m{time} c3"), &format!("f i1 m{time} c3"), "1 f");
        check(&format!("1 f i1 m{time} c3"), "f i1 m1 c3", "1 f ?");
    }
}

#[test]
fn an_atomic_save_is_the_file_of_its_place() {
    check("1 f i1 m5 c5", "f i2 m6 c6", "1 f ?");
}

#[test]
fn an_atomic_save_that_keeps_a_backup_gives_the_name_to_the_new_file_and_the_id_to_the_old_one() {
    check("1 f i1 m5 c5", "f~ i1 m5 c6\nf i2 m7 c7", "1 f~ ?\n10 f ?");
}

#[test]
fn an_inode_that_was_used_again_makes_another_file() {
    check("1 f i1 m5 c5", "g i1 m6 c6", "10 g ?");
    check("1 f i1 m5 c5 b1", "g i1 m5 c6 b2", "10 g ?");
}

#[test]
fn modified_and_renamed_is_the_same_file_where_the_file_system_tells_when_it_was_made() {
    check("1 f i1 m5 c5 b1", "g i1 m6 c6 b1", "1 g ?");
}

#[test]
fn an_inode_that_was_used_again_in_the_same_place_is_an_edit() {
    check("1 f i1 m5 c5 b1", "f i1 m6 c6 b2", "1 f ?");
}

#[test]
fn a_folder_is_no_file_of_its_name() {
    check("1 x i1 m5 c5", "x/ i1", "10 x/");
}

#[test]
fn two_swapped_files_are_told_apart() {
    check(
        "1 a i1 m5 c5\n2 b i2 m6 c6",
        "a i2 m6 c8\nb i1 m5 c7",
        "1 b ?\n2 a ?",
    );
}

#[test]
fn an_inverted_hierarchy_is_seen_as_two_moves() {
    check(
        "1 a/ i1\n2 a/b/ i2\n3 a/f i3 m5 c5\n4 a/b/g i4 m6 c6",
        "a/ i2\na/b/ i1\na/b/f i3 m5 c5\na/g i4 m6 c6",
        "1 a/b/\n2 a/\n3 a/b/f\n4 a/g",
    );
}

#[test]
fn of_two_hard_links_each_stays_itself() {
    check("1 a i1 m5 c5\n2 b i1 m5 c5", "a i1 m5 c5\nb i1 m5 c5", "1 a\n2 b");
    check("1 a i1 m5 c5", "a i1 m5 c6\nb i1 m5 c6", "1 a ?\n10 b ?");
}

#[test]
fn what_is_gone_is_gone_with_all_below_it() {
    check("1 docs/ i1\n2 docs/f i2 m5 c5\n3 g i3 m5 c5", "g i3 m5 c5", "3 g");
}

#[test]
fn a_folder_that_is_not_listed_keeps_what_it_holds() {
    let mut local = known_tree("1 docs/ i1\n2 docs/f i2 m5 c5\n3 g i3 m5 c5");
    scan("docs/ i1", |path| path != "docs").observe(&mut local, &SyncedTree::new());
    assert_eq!(written(&local), "1 docs/\n2 docs/f");
}

#[test]
fn a_partial_scan_asks_for_the_folder_that_something_came_out_of() {
    let known = "1 docs/ i1\n2 docs/f i2 m5 c5\n3 papers/ i3\n4 papers/old i4 m1 c1";
    let papers = |entries: Vec<ScanEntry>, listed: &[u64]| Scan {
        listed: listed.iter().map(|id| LocalId(*id)).collect(),
        entries,
    };
    let entry = |folder: u64, name: &str, tells: &str| ScanEntry {
        parent: ScanParent::Listed(LocalId(folder)),
        name: Name::from(name),
        kind: LocalKind::File,
        fingerprint: fingerprint(tells),
        content: None,
        ignored: false,
        listed: false,
    };
    let found = vec![entry(3, "old", "i4 m1 c1"), entry(3, "f", "i2 m5 c5")];
    let mut local = known_tree(known);
    assert_eq!(papers(found.clone(), &[3]).worth_listing(&local), [LocalId(1)]);
    assert_eq!(papers(vec![found[0].clone()], &[3]).worth_listing(&local), []);
    let whole = papers(found, &[1, 3]);
    assert_eq!(whole.worth_listing(&local), []);
    let observed = whole.observe(&mut local, &SyncedTree::new());
    assert_eq!(written(&local), "1 docs/\n2 papers/f\n3 papers/\n4 papers/old");
    assert_eq!((observed.changed, observed.gone), (vec![LocalId(2)], vec![]));
}

#[test]
fn an_entry_that_was_gone_for_a_moment_is_known_again() {
    let sha256 = Sha256([b'K'; 32]);
    let mut synced = SyncedTree::new();
    synced.insert(SyncedNode {
        node: NodeId(Uuid::from_u128(5)),
        local: LocalId(5),
        parent: NodeId(Uuid::nil()),
        name: Name::from("f"),
        kind: RemoteKind::File(Content {
            version: VersionId(Uuid::nil()),
            sha256,
            size: 1,
        }),
        fingerprint: Some(fingerprint("i1 m5 c5")),
    });
    for (scanned, expected) in [
        ("f i1 m5 c5", "5 f"),
        ("g i1 m5 c5", "5 g"),
        ("f i9 m8 c8", "5 f ?"),
    ] {
        let mut local = known_tree("");
        scan(scanned, |_| true).observe(&mut local, &synced);
        assert_eq!(written(&local), expected);
    }
}

fn fingerprint(tells: &str) -> Fingerprint {
    let number = |key: char| {
        tells
            .split(' ')
            .find_map(|word| word.strip_prefix(key)?.parse::<i64>().ok())
    };
    Fingerprint {
        device: 1,
        inode: number('i').unwrap_or(0) as u64,
        born: number('b'),
        size: 1,
        modified: number('m').unwrap_or(0),
        changed: number('c').unwrap_or(0),
    }
}

fn known_tree(text: &str) -> LocalTree {
    let mut tree = LocalTree::new(LocalNode {
        id: LocalId(0),
        parent: None,
        name: Name::from(""),
        kind: LocalKind::Folder,
        fingerprint: fingerprint("i1000"),
        content: None,
        sent: None,
        ignored: false,
    });
    tree.reserve(LocalId(9));
    let mut folders = BTreeMap::from([("", LocalId(0))]);
    for line in text.lines() {
        let (id, rest) = line.split_once(' ').unwrap();
        let (path, tells) = rest.split_once(' ').unwrap();
        let id = LocalId(id.parse().unwrap());
        let (folder, name, kind) = split(path);
        if kind == LocalKind::Folder {
            folders.insert(path.trim_end_matches('/'), id);
        }
        tree.insert(LocalNode {
            id,
            parent: Some(folders[folder]),
            name: Name::from(name),
            kind,
            fingerprint: fingerprint(tells),
            content: (kind == LocalKind::File).then_some(Sha256([b'K'; 32])),
            sent: None,
            ignored: false,
        });
    }
    tree
}

fn scan(text: &str, is_listed: impl Fn(&str) -> bool) -> Scan {
    let mut folders = BTreeMap::from([("", ScanParent::Listed(LocalId(0)))]);
    let mut scan = Scan {
        listed: vec![LocalId(0)],
        entries: Vec::new(),
    };
    for line in text.lines() {
        let (path, tells) = line.split_once(' ').unwrap();
        let (folder, name, kind) = split(path);
        let path = path.trim_end_matches('/');
        folders.insert(path, ScanParent::Entry(scan.entries.len()));
        scan.entries.push(ScanEntry {
            parent: folders[folder],
            name: Name::from(name),
            kind,
            fingerprint: fingerprint(tells),
            content: None,
            ignored: false,
            listed: kind == LocalKind::Folder && is_listed(path),
        });
    }
    scan
}

fn split(path: &str) -> (&str, &str, LocalKind) {
    let kind = if path.ends_with('/') {
        LocalKind::Folder
    } else {
        LocalKind::File
    };
    let path = path.trim_end_matches('/');
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (folder, name, kind)
}

fn written(tree: &LocalTree) -> String {
    let mut lines = Vec::new();
    for node in tree.iter().filter(|node| node.parent.is_some()) {
        let mut path = node.name.to_string();
        let mut at = node.parent;
        while let Some(folder) = at
            .and_then(|id| tree.get(id))
            .filter(|folder| folder.parent.is_some())
        {
            path = format!("{}/{path}", folder.name);
            at = folder.parent;
        }
        let end = match (node.kind, node.content) {
            (LocalKind::Folder, _) => "/",
            (_, None) => " ?",
            _ => "",
        };
        lines.push(format!("{} {path}{end}", node.id.0));
    }
    lines.join("\n")
}

fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}
