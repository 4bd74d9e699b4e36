use std::collections::BTreeMap;

use bitvault_planner::{
    Cause, Content, Fingerprint, LocalId, LocalKind, LocalNode, Name, NameRules, NodeId, Operation, Place,
    RemoteKind, RemoteNode, Sha256, Tombstone, VersionId,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::remote::{Change, ConflictOf, Told};
use crate::state::Kept;

fn id(number: u128) -> NodeId {
    NodeId(Uuid::from_u128(number))
}

fn remote(number: u128, parent: Option<u128>, kind: RemoteKind) -> RemoteNode {
    RemoteNode {
        id: id(number),
        parent: parent.map(id),
        name: Name::from(format!("n{number}")),
        kind,
        revision: 7,
        writable: true,
    }
}

fn file(number: u8) -> RemoteKind {
    RemoteKind::File(Content {
        version: VersionId(Uuid::from_u128(u128::from(number))),
        sha256: Sha256([number; 32]),
        size: u64::MAX,
    })
}

fn entry(number: u64, parent: Option<u64>, kind: LocalKind) -> LocalNode {
    LocalNode {
        id: LocalId(number),
        parent: parent.map(LocalId),
        name: Name::from(format!("n{number}")),
        kind,
        fingerprint: Fingerprint {
            device: u64::MAX,
            inode: number,
            born: None,
            size: 3,
            modified: i64::MIN,
            changed: i64::MAX,
        },
        content: (kind == LocalKind::File).then_some(Sha256([9; 32])),
        sent: Some(Sha256([8; 32])),
        ignored: kind == LocalKind::Other,
    }
}

fn meta() -> Meta {
    Meta {
        state: "one".to_owned(),
        seal: "a".to_owned(),
        next_seal: None,
        folder: (1, 2),
        shown: "/home/x".to_owned(),
        account: "somebody".to_owned(),
        remote_root: id(1).to_string(),
        device: None,
        cursor: None,
        anew: false,
    }
}

fn upsert(node: RemoteNode) -> Change {
    Change {
        seq: 1,
        actor: None,
        what: Told::Upsert(node),
    }
}

/// Trees with something of every kind.
fn filled() -> Kept {
    let mut kept = Kept::begin(
        meta(),
        remote(1, None, RemoteKind::Folder),
        entry(0, None, LocalKind::Folder),
    );
    for node in [
        remote(2, Some(1), RemoteKind::Folder),
        remote(3, Some(2), file(9)),
        remote(5, Some(1), file(5)),
        remote(99, None, RemoteKind::Folder),
        remote(7, Some(99), RemoteKind::Folder),
        remote(8, None, file(8)),
    ] {
        kept.take_in(&upsert(node));
    }
    kept.take_in(&Change {
        seq: 4,
        actor: None,
        what: Told::Remove(id(5), Cause::Trashed),
    });
    kept.created_local(
        id(2),
        Place {
            parent: id(1),
            name: Name::from("n2"),
        },
        LocalId(0),
        Name::from("n2"),
        entry(1, None, LocalKind::Folder).fingerprint,
    );
    if let RemoteKind::File(content) = file(9) {
        kept.fetching(id(3), RemoteKind::File(content));
    }
    kept.fetching(id(6), RemoteKind::Folder);
    kept.asking(&Operation::CreateRemoteFolder {
        local: LocalId(3),
        parent: id(2),
        name: Name::from("n9"),
    });
    kept.set_meta(|meta| meta.cursor = Some("c1".to_owned()));
    kept.log(LogLine {
        at: OffsetDateTime::UNIX_EPOCH,
        what: "download".to_owned(),
        path: "n2".to_owned(),
        detail: String::new(),
    });
    kept
}

#[track_caller]
fn check_same(kept: &Kept, store: &mut SqliteStore) {
    let loaded = store.load().unwrap().expect("a state");
    let trees = kept.trees();
    assert_eq!(loaded.trees.remote, trees.remote);
    assert_eq!(loaded.trees.synced, trees.synced);
    assert!(loaded.trees.local.iter().eq(trees.local.iter()));
    assert_eq!(&loaded.meta, kept.meta());
}

#[test]
fn what_was_written_is_read_again_after_the_process_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut kept = filled();
    {
        let mut store = SqliteStore::open(&path).unwrap();
        assert!(store.load().unwrap().is_none());
        store.apply(&kept.take_changes()).unwrap();
    }
    let mut store = SqliteStore::open(&path).unwrap();
    check_same(&kept, &mut store);
    assert_eq!(store.load().unwrap().unwrap().outside.iter().count(), 3);
    assert_eq!(store.log(9).unwrap().len(), 1);

    kept.removed_local(LocalId(1));
    kept.take_in(&Change {
        seq: 5,
        actor: None,
        what: Told::Remove(id(2), Cause::Deleted),
    });
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);
}

/// What a state that was written in an earlier layout holds when it is opened now.
fn brought_up_to_date(kept: &mut Kept, back: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut store = SqliteStore::open(&path).unwrap();
    store.apply(&kept.take_changes()).unwrap();
    drop(store);
    Connection::open(&path).unwrap().execute_batch(back).unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    store.load().unwrap().expect("a state")
}

#[test]
fn a_state_of_the_first_layout_is_brought_up_to_date() {
    let mut kept = filled();
    let back = "DROP TABLE fetched; DROP TABLE asides; DROP TABLE asked; DROP TABLE untold; PRAGMA user_version = 1;";
    let loaded = brought_up_to_date(&mut kept, back);
    assert_eq!(loaded.trees.synced, kept.trees().synced);
    assert_eq!(loaded.trees.remote.fetched(id(3)), None);
    assert!(loaded.asides.is_empty());
}

#[test]
fn a_state_of_the_second_layout_is_brought_up_to_date() {
    let mut kept = filled();
    let back = "CREATE TABLE earlier (
            node BLOB PRIMARY KEY,
            version BLOB NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL
        ) WITHOUT ROWID;
        INSERT INTO earlier SELECT * FROM fetched WHERE version IS NOT NULL;
        DROP TABLE fetched; ALTER TABLE earlier RENAME TO fetched; DROP TABLE asked; DROP TABLE untold;
        PRAGMA user_version = 2;";
    let loaded = brought_up_to_date(&mut kept, back);
    assert_eq!(loaded.trees.synced, kept.trees().synced);
    assert_eq!(loaded.trees.remote.fetched(id(3)), Some(file(9)));
    assert_eq!(loaded.trees.remote.fetched(id(6)), None);
}

#[test]
fn a_state_of_the_third_layout_is_brought_up_to_date() {
    let mut kept = filled();
    let loaded = brought_up_to_date(
        &mut kept,
        "DROP TABLE asked; DROP TABLE untold; PRAGMA user_version = 3;",
    );
    assert_eq!(loaded.trees.remote, kept.trees().remote);
    assert!(loaded.asked.is_empty());
}

#[test]
fn a_state_of_the_fourth_layout_is_brought_up_to_date() {
    let mut kept = filled();
    let loaded = brought_up_to_date(&mut kept, "DROP TABLE untold; PRAGMA user_version = 4;");
    assert_eq!(loaded.trees.remote, kept.trees().remote);
    assert!(!Kept::loaded(loaded).lacks_answered());
}

#[test]
fn what_was_answered_is_kept_until_the_journal_tells_of_it() {
    let mut kept = filled();
    let mut store = SqliteStore::in_memory().unwrap();
    let mut written = |kept: &mut Kept| {
        store.apply(&kept.take_changes()).unwrap();
        Kept::loaded(store.load().unwrap().unwrap()).lacks_answered()
    };
    let told = kept.trees().remote.get(id(3)).unwrap().clone();
    let answered = RemoteNode {
        name: Name::from("moved"),
        revision: told.revision + 2,
        ..told.clone()
    };
    let between = RemoteNode {
        revision: told.revision + 1,
        ..told
    };
    kept.moved_remote(answered.clone(), None);
    assert!(kept.lacks_answered() && written(&mut kept));
    // Somebody else's change of before.
    kept.take_in(&upsert(between));
    assert!(kept.lacks_answered() && written(&mut kept));
    kept.take_in(&upsert(answered.clone()));
    assert!(!kept.lacks_answered() && !written(&mut kept));
    // The journal was faster than the answer.
    kept.moved_remote(answered.clone(), None);
    assert!(!kept.lacks_answered());

    // What goes with a folder above it is told of with that.
    kept.moved_remote(
        RemoteNode {
            revision: answered.revision + 1,
            ..answered
        },
        None,
    );
    kept.take_in(&Change {
        seq: 9,
        actor: None,
        what: Told::Remove(id(2), Cause::AccessLost),
    });
    assert!(!kept.lacks_answered() && !written(&mut kept));
}

#[test]
fn what_was_asked_for_is_kept_until_the_answer_is_known() {
    let mut kept = filled();
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    let asked = store.load().unwrap().unwrap().asked;
    let place = Place {
        parent: id(2),
        name: Name::from("n9"),
    };
    assert_eq!(asked, BTreeMap::from([(LocalId(3), place)]));
    kept.arrived(&NameRules::posix());
    store.apply(&kept.take_changes()).unwrap();
    assert!(store.load().unwrap().unwrap().asked.is_empty());
}

#[test]
fn a_second_engine_is_refused_and_a_look_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = SqliteStore::open(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StateError::Busy)));
    let mut other = SqliteStore::beside(&path).unwrap();
    other.change_control(|control| control.paused = true).unwrap();
    drop(store);
    assert!(SqliteStore::open(&path).unwrap().control().unwrap().paused);
}

#[test]
fn a_state_of_a_later_release_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    drop(SqliteStore::open(&path).unwrap());
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", LAYOUT + 1).unwrap();
    drop(database);
    assert!(matches!(
        SqliteStore::open(&path),
        Err(StateError::TooNew { found, .. }) if found == LAYOUT + 1
    ));
}

#[test]
fn a_folder_that_moves_in_brings_what_the_journal_told_of_it_before() {
    let mut kept = filled();
    kept.take_in(&upsert(remote(9, Some(7), file(1))));
    kept.take_in(&upsert(remote(7, Some(1), RemoteKind::Folder)));
    assert_eq!(kept.trees().remote.get(id(9)).unwrap().parent, Some(id(7)));
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);

    kept.take_in(&upsert(remote(7, Some(99), RemoteKind::Folder)));
    assert!(kept.trees().remote.get(id(9)).is_none());
    assert_eq!(
        kept.trees().remote.tombstone(id(9)).unwrap().cause,
        Cause::MovedAway
    );
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);
    assert_eq!(store.load().unwrap().unwrap().outside.below(id(7)).len(), 2);
}

#[test]
fn what_moves_into_a_folder_that_was_not_named_is_not_taken_for_moved_away() {
    let mut kept = filled();
    let moved_in = upsert(remote(2, Some(50), RemoteKind::Folder));
    kept.take_in(&moved_in);
    assert_eq!(kept.trees().remote.tombstone(id(2)), None);
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);

    // Whatever is told of that folder in the end is told of what lies in it.
    let told: [(Change, Option<Cause>); 3] = [
        (upsert(remote(50, Some(1), RemoteKind::Folder)), None),
        (
            upsert(remote(50, Some(99), RemoteKind::Folder)),
            Some(Cause::MovedAway),
        ),
        (
            Change {
                seq: 5,
                actor: None,
                what: Told::Remove(id(50), Cause::Trashed),
            },
            Some(Cause::Trashed),
        ),
    ];
    for (change, cause) in told {
        let mut kept = filled();
        kept.take_in(&moved_in);
        kept.take_in(&change);
        for node in [2, 3] {
            let tombstone = kept.trees().remote.tombstone(id(node));
            assert_eq!(tombstone.map(|tombstone| tombstone.cause), cause, "{change:?}");
        }
        let mut store = SqliteStore::in_memory().unwrap();
        store.apply(&kept.take_changes()).unwrap();
        check_same(&kept, &mut store);
    }
}

#[test]
fn what_moves_into_a_folder_that_is_gone_is_kept_in_sight_until_that_is_told_of() {
    let mut kept = filled();
    assert!(kept.trees().remote.tombstone(id(5)).is_some());
    kept.take_in(&upsert(remote(2, Some(5), RemoteKind::Folder)));
    assert!(kept.trees().remote.get(id(2)).is_some());
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);
}

#[test]
fn what_changes_again_after_it_was_moved_away_stays_moved_away() {
    let mut kept = filled();
    let synced = kept.trees().synced.get(id(2)).cloned();
    assert!(synced.is_some());
    for _ in 0..2 {
        kept.take_in(&upsert(remote(2, Some(99), RemoteKind::Folder)));
    }
    let tombstone = kept.trees().remote.tombstone(id(2));
    assert_eq!(tombstone.unwrap().cause, Cause::MovedAway);
    assert_eq!(kept.trees().synced.get(id(2)).cloned(), synced);
}

#[test]
fn a_server_that_was_put_back_is_believed_about_what_was_elsewhere() {
    let mut kept = filled();
    kept.take_in(&upsert(remote(9, Some(7), file(1))));
    kept.disagree();
    let earlier = RemoteNode {
        name: Name::from("as it was"),
        revision: 6,
        ..remote(9, Some(7), file(1))
    };
    kept.take_in(&upsert(remote(7, Some(1), RemoteKind::Folder)));
    kept.take_in(&upsert(earlier.clone()));
    assert_eq!(kept.trees().remote.get(id(9)), Some(&earlier));
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);
}

#[test]
fn a_server_that_is_read_anew_is_believed_about_earlier_revisions() {
    let mut kept = filled();
    kept.begin_reading_anew();
    let earlier = RemoteNode {
        name: Name::from("as it was"),
        revision: 6,
        ..remote(3, Some(2), file(1))
    };
    kept.take_in(&upsert(remote(2, Some(1), RemoteKind::Folder)));
    kept.take_in(&upsert(earlier.clone()));
    assert_eq!(kept.trees().remote.get(id(3)), Some(&earlier));
}

#[test]
fn what_is_not_named_when_the_server_is_read_anew_is_lost_and_not_deleted() {
    let mut kept = filled();
    kept.begin_reading_anew();
    kept.take_in(&upsert(remote(3, Some(1), file(9))));
    kept.end_reading_anew();
    let remote = &kept.trees().remote;
    assert!(remote.get(id(3)).is_some() && remote.get(id(1)).is_some());
    assert!(remote.get(id(2)).is_none() && remote.tombstone(id(2)).is_none());
}

#[test]
fn a_tombstone_reaches_what_is_below_even_when_the_state_is_loaded_again() {
    let mut kept = filled();
    kept.take_in(&Change {
        seq: 9,
        actor: None,
        what: Told::Remove(id(2), Cause::Trashed),
    });
    let _: Tombstone = *kept.trees().remote.tombstone(id(3)).unwrap();
    let mut store = SqliteStore::in_memory().unwrap();
    store.apply(&kept.take_changes()).unwrap();
    check_same(&kept, &mut store);
}

#[test]
fn what_a_copy_is_of_is_kept_until_the_server_has_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut kept = filled();
    let content = file(9).content().unwrap();
    let at = Place {
        parent: id(2),
        name: Name::from("n3"),
    };
    let print = entry(2, Some(1), LocalKind::File).fingerprint;
    let local = kept.downloaded(id(3), content, at, (LocalId(1), Name::from("n3")), print);
    kept.set_aside(local);
    assert!(kept.trees().synced.of_local(local).is_none());
    // A crash came before the rename: it is planned again, for an entry that is bound to nothing.
    kept.set_aside(local);
    let of = ConflictOf {
        node: id(3),
        base: Some(content.version),
    };
    assert_eq!(kept.aside(local), Some(of));
    let mut store = SqliteStore::open(&path).unwrap();
    store.apply(&kept.take_changes()).unwrap();
    drop(store);

    let mut store = SqliteStore::open(&path).unwrap();
    let mut kept = Kept::loaded(store.load().unwrap().unwrap());
    assert_eq!(kept.aside(local), Some(of));
    kept.created_remote(local, remote(6, Some(2), file(9)));
    store.apply(&kept.take_changes()).unwrap();
    assert!(store.load().unwrap().unwrap().asides.is_empty());
}

#[test]
fn processes_that_open_a_new_state_at_once_all_can() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| SqliteStore::beside(&path).map(drop)))
                .collect();
            for opened in opening {
                opened.join().unwrap().unwrap();
            }
        });
    }
}
