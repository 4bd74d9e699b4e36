//! Scenarios as text: three trees in, a plan out.
//!
//! A tree has a node on each line: its id, its path, and, for a file, `= ` and its content in a letter; a folder ends with `/`.
//! A number is a node of the server and the entry bound to it; a letter is an entry that nobody synced. Behind the id may
//! stand `!` for what the server does not let this device change, `-` for what the ignore rules name and `@` for a symbolic
//! link. `?` is a content that was not read yet, and `B sent A` is B where A was sent before and no answer came; `B fetched A`
//! on the server is B where A was being put in place on the device. What ends with `asked` the server was asked to have where
//! it is, and no answer came. On the server `gone` and `hidden` in place of a path are tombstones. The root is 0 and not written down.
//!
//! A plan has an operation on each line, in the order of the alphabet.

use std::collections::BTreeMap;

use bitvault_planner::{
    Cause, Content, Date, DownloadTo, Fingerprint, Guard, LocalId, LocalKind, LocalNode, LocalTree, Name,
    NameRules, NodeId, Operation, Pause, Place, Plan, Policy, RemoteKind, RemoteNode, RemoteTree, RemoveWhy,
    Sha256, SyncedNode, SyncedTree, Tombstone, Trees, UploadTo, VersionId, Why, plan,
};
use uuid::Uuid;

/// Stands for a tree that is as the synced one.
pub(crate) const SAME: &str = "same";

/// Checks the plan of a Linux device called `laptop`.
#[track_caller]
pub(crate) fn check(synced: &str, remote: &str, local: &str, expected: &str) {
    check_as(&policy(), synced, remote, local, expected);
}

/// Checks the plan of a device with its own policy.
#[track_caller]
pub(crate) fn check_as(policy: &Policy, synced: &str, remote: &str, local: &str, expected: &str) {
    let or_same = |text: &'static str, tree: &str| {
        if tree == text {
            synced.to_owned()
        } else {
            tree.to_owned()
        }
    };
    check_trees(
        policy,
        &Trees {
            remote: remote_tree(&or_same(SAME, remote)),
            local: local_tree(&or_same(SAME, local)),
            synced: synced_tree(synced),
        },
        expected,
    );
}

/// Checks the plan of a device that died while it sent what `local` says, read the journal, and finds `found` in its folder.
#[track_caller]
pub(crate) fn check_after_death(synced: &str, remote: &str, local: &str, found: &str, expected: &str) {
    let policy = policy();
    let mut trees = Trees {
        remote: remote_tree(remote),
        local: local_tree(local),
        synced: synced_tree(synced),
    };
    trees.arrived(&asked(local), &policy.names);
    trees.local = local_tree(found);
    check_trees(&policy, &trees, expected);
}

/// Checks the plan of a device that noted that it fetches file 1 as the server shows it, and did not get to put it in place.
#[track_caller]
pub(crate) fn check_after_fetching(synced: &str, remote: &str, local: &str, expected: &str) {
    let mut trees = Trees {
        remote: remote_tree(remote),
        local: local_tree(local),
        synced: synced_tree(synced),
    };
    let shown = trees.remote.get(node(1)).and_then(|node| node.kind.content());
    trees.fetching(node(1), RemoteKind::File(shown.unwrap()));
    check_trees(&policy(), &trees, expected);
}

/// Checks the plan for trees of which something can't be written down.
#[track_caller]
pub(crate) fn check_but(
    policy: &Policy,
    synced: &str,
    local: &str,
    but: impl FnOnce(&mut Trees),
    expected: &str,
) {
    let mut trees = Trees {
        remote: remote_tree(synced),
        local: local_tree(local),
        synced: synced_tree(synced),
    };
    but(&mut trees);
    check_trees(policy, &trees, expected);
}

/// Checks the plan of a device that noted something of its trees, and then found `found` in its folder.
#[track_caller]
pub(crate) fn check_after_noting(
    synced: &str,
    remote: &str,
    note: impl FnOnce(&mut Trees),
    found: &str,
    expected: &str,
) {
    let mut trees = Trees {
        remote: remote_tree(remote),
        local: local_tree(synced),
        synced: synced_tree(synced),
    };
    note(&mut trees);
    trees.local = local_tree(found);
    trees.seen(true);
    check_trees(&policy(), &trees, expected);
}

#[track_caller]
fn check_trees(policy: &Policy, trees: &Trees, expected: &str) {
    let planned = plan(&trees.remote, &trees.local, &trees.synced, policy);
    let mut expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    expected.sort_unstable();
    assert_eq!(
        written(&planned),
        expected.join("\n"),
        "\n(left is what was planned)"
    );
}

pub(crate) fn policy() -> Policy {
    Policy {
        device: "laptop".to_owned(),
        today: Date {
            year: 2026,
            month: 3,
            day: 9,
        },
        names: NameRules::posix(),
        excluded: [].into(),
        guard: Guard::default(),
    }
}

pub(crate) fn node(number: u64) -> NodeId {
    NodeId(Uuid::from_u128(u128::from(number)))
}

/// A line of a tree.
struct Line<'t> {
    id: u64,
    flags: &'t str,
    parent: u64,
    name: Name,
    is_folder: bool,
    content: Option<char>,
    sent: Option<char>,
    fetched: Option<char>,
    is_asked: bool,
    word: &'t str,
}

fn lines(tree: &str) -> Vec<Line<'_>> {
    let mut folders = BTreeMap::from([("", 0)]);
    let mut lines = Vec::new();
    for line in tree.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (id, rest) = line.split_once(' ').unwrap();
        let flags = id.trim_start_matches(|c: char| c.is_alphanumeric());
        let id = id_of(id.trim_end_matches(flags));
        let (rest, is_asked) = match rest.strip_suffix(" asked") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (path, content) = rest.split_once(" = ").unwrap_or((rest, ""));
        let is_folder = path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if is_folder {
            folders.insert(path, id);
        }
        let (content, sent) = content.split_once(" sent ").unwrap_or((content, ""));
        let (content, fetched) = content.split_once(" fetched ").unwrap_or((content, ""));
        lines.push(Line {
            id,
            flags,
            parent: *folders
                .get(folder)
                .unwrap_or_else(|| panic!("no folder {folder:?} before {line:?}")),
            name: Name::from(name),
            is_folder,
            content: content.chars().next(),
            sent: sent.chars().next(),
            fetched: fetched.chars().next(),
            is_asked,
            word: rest,
        });
    }
    lines
}

/// Entries that nobody synced are numbered from 100 on.
fn id_of(text: &str) -> u64 {
    match text.as_bytes() {
        [letter @ b'a'..=b'z'] => u64::from(letter - b'a') + 100,
        _ => text.parse().unwrap_or_else(|_| panic!("{text:?} is no id")),
    }
}

fn id_text(id: u64) -> String {
    match id {
        100..=125 => char::from(b'a' + (id - 100) as u8).to_string(),
        _ => id.to_string(),
    }
}

fn sha256(content: char) -> Sha256 {
    Sha256([content as u8; 32])
}

fn content(letter: char) -> Content {
    Content {
        version: VersionId(Uuid::from_u128(letter as u128)),
        sha256: sha256(letter),
        size: 1,
    }
}

fn remote_kind(line: &Line<'_>) -> RemoteKind {
    line.content
        .map_or(RemoteKind::Folder, |letter| RemoteKind::File(content(letter)))
}

fn fingerprint(id: u64, content: Option<char>) -> Fingerprint {
    Fingerprint {
        device: 1,
        inode: id,
        born: None,
        size: content.map_or(0, |_| 1),
        modified: content.map_or(0, |letter| letter as i64),
        changed: 0,
    }
}

fn remote_tree(text: &str) -> RemoteTree {
    let root = RemoteNode {
        id: node(0),
        parent: None,
        name: Name::from(""),
        kind: RemoteKind::Folder,
        revision: 1,
        writable: true,
    };
    let mut tree = RemoteTree::new(root.clone());
    for line in lines(text) {
        let cause = match line.word {
            "gone" => Some(Cause::Trashed),
            "hidden" => Some(Cause::AccessLost),
            _ => None,
        };
        if let Some(cause) = cause {
            tree.bury(
                node(line.id),
                Tombstone {
                    seq: 7,
                    actor: None,
                    cause,
                },
            );
            continue;
        }
        tree.set_fetched(
            node(line.id),
            line.fetched.map(|letter| RemoteKind::File(content(letter))),
        );
        tree.insert(RemoteNode {
            id: node(line.id),
            parent: Some(node(line.parent)),
            kind: remote_kind(&line),
            writable: !line.flags.contains('!'),
            name: line.name,
            ..root
        });
    }
    tree
}

fn local_tree(text: &str) -> LocalTree {
    let root = LocalNode {
        id: LocalId(0),
        parent: None,
        name: Name::from(""),
        kind: LocalKind::Folder,
        fingerprint: fingerprint(0, None),
        content: None,
        sent: None,
        ignored: false,
    };
    let mut tree = LocalTree::new(root.clone());
    for line in lines(text) {
        tree.insert(LocalNode {
            id: LocalId(line.id),
            parent: Some(LocalId(line.parent)),
            kind: match (line.flags.contains('@'), line.is_folder) {
                (true, _) => LocalKind::Other,
                (_, true) => LocalKind::Folder,
                (_, false) => LocalKind::File,
            },
            fingerprint: fingerprint(line.id, line.content),
            content: line.content.filter(|letter| *letter != '?').map(sha256),
            sent: line.sent.map(sha256),
            ignored: line.flags.contains('-'),
            name: line.name,
        });
    }
    tree
}

/// Where the server was asked to have entries of the device.
fn asked(text: &str) -> BTreeMap<LocalId, Place> {
    let asked = lines(text).into_iter().filter(|line| line.is_asked);
    let place = |line: Line<'_>| Place {
        parent: node(line.parent),
        name: line.name,
    };
    asked.map(|line| (LocalId(line.id), place(line))).collect()
}

fn synced_tree(text: &str) -> SyncedTree {
    let mut tree = SyncedTree::new();
    for line in lines(text) {
        tree.insert(SyncedNode {
            node: node(line.id),
            local: LocalId(line.id),
            parent: node(line.parent),
            kind: remote_kind(&line),
            fingerprint: Some(fingerprint(line.id, line.content)),
            name: line.name,
        });
    }
    tree
}

fn written(plan: &Plan) -> String {
    let operations = plan.operations.iter().map(operation);
    let pauses = plan.pauses.iter().map(|pause| match pause {
        Pause::MassDelete {
            side,
            deletes,
            synced,
        } => {
            format!("pause: {deletes} of {synced} deleted, {side:?}")
        }
        Pause::RootGone => "pause: root gone".to_owned(),
    });
    let problems = plan.problems.iter().map(|problem| {
        let id = problem.local.map(|local| local.0).or(problem.node.map(number));
        format!("problem: {} {:?}", id_text(id.unwrap_or(0)), problem.reason)
    });
    let mut lines: Vec<String> = operations.chain(pauses).chain(problems).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn number(id: NodeId) -> u64 {
    id.0.as_u128() as u64
}

fn operation(operation: &Operation) -> String {
    let n = |id: &NodeId| id_text(number(*id));
    let l = |id: &LocalId| id_text(id.0);
    let c = |hash: &Sha256| char::from(hash.0[0]);
    match operation {
        Operation::Adopt { node, local } if number(*node) == local.0 => format!("adopt {}", n(node)),
        Operation::Adopt { node, local } => format!("adopt {} as {}", l(local), n(node)),
        Operation::Forget { node } => format!("forget {}", n(node)),
        Operation::Hash { local, .. } => format!("read {}", l(local)),
        Operation::CreateRemoteFolder { local, parent, name } => {
            format!("remote: create {} as {}/{name}/", l(local), n(parent))
        }
        Operation::Upload {
            local, sha256, to, ..
        } => match to {
            UploadTo::New { parent, name } => {
                format!(
                    "remote: upload {} as {}/{name} = {}",
                    l(local),
                    n(parent),
                    c(sha256)
                )
            }
            UploadTo::Version { node, base } => {
                let base = char::from(base.0.as_u128() as u8);
                format!("remote: upload {} = {} over {base}", n(node), c(sha256))
            }
        },
        Operation::MoveRemote {
            node,
            parent,
            name,
            why,
            ..
        } => {
            format!("remote: move {} to {}/{name}{}", n(node), n(parent), reason(*why))
        }
        Operation::DeleteRemote { node, covers, .. } => {
            let covers: Vec<String> = covers.iter().map(|(id, _)| n(id)).collect();
            format!("remote: delete {} of {}", n(node), covers.join(" "))
        }
        Operation::CreateLocalFolder {
            node, parent, name, ..
        } => {
            format!("local: create {} as {}/{name}/", n(node), l(parent))
        }
        Operation::Download { node, content, to } => match to {
            DownloadTo::New { parent, name, .. } => {
                format!(
                    "local: download {} as {}/{name} = {}",
                    n(node),
                    l(parent),
                    c(&content.sha256)
                )
            }
            DownloadTo::Replace { local, expected } => {
                let old = char::from(expected.modified as u8);
                format!("local: download {} = {} over {old}", l(local), c(&content.sha256))
            }
        },
        Operation::MoveLocal {
            local,
            parent,
            name,
            why,
            ..
        } => {
            format!("local: move {} to {}/{name}{}", l(local), l(parent), reason(*why))
        }
        Operation::RemoveLocal {
            local,
            covers,
            ignored,
            why,
        } => {
            let covers: Vec<String> = covers
                .iter()
                .map(|(id, _)| l(id))
                .chain(ignored.iter().map(l))
                .collect();
            let why = if *why == RemoveWhy::Excluded {
                " (left out)"
            } else {
                ""
            };
            format!("local: remove {} of {}{why}", l(local), covers.join(" "))
        }
    }
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::Follow => "",
        Why::StepAside => " (aside)",
        Why::Twin => " (twin)",
        Why::Conflict => " (conflict)",
    }
}
