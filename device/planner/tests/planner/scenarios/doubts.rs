//! What the device may have taken away itself, and did not live to note.

use bitvault_planner::{LocalId, Trees};

use crate::notation::{SAME, check, check_after_noting, node};

const FILE: &str = "1 f = A";

/// Selective sync is about to remove it.
fn leaves(trees: &mut Trees) {
    trees.leaving(LocalId(1));
}

/// The server tells of it again, which was gone.
fn returns(trees: &mut Trees) {
    trees.returning(node(1));
}

#[test]
fn what_may_have_been_removed_here_and_is_missing_was_deleted_by_nobody() {
    check(FILE, SAME, "", "remote: delete 1 of 1");
    for note in [leaves, returns] {
        check_after_noting(FILE, FILE, note, "", "forget 1");
    }
    check_after_noting(
        "1 d/\n 2 d/f = A",
        "1 d/\n 2 d/f = A",
        leaves,
        "",
        "forget 1\n forget 2",
    );
}

#[test]
fn what_was_to_leave_and_was_renamed_meanwhile_is_still_the_same() {
    for note in [leaves, returns] {
        check_after_noting(FILE, FILE, note, "1 g = A", "remote: move 1 to 0/g");
    }
}

#[test]
fn what_comes_back_under_another_name_is_renamed_here_though_another_one_has_its_name() {
    let remote = "1 g = A\n 2 f = B";
    check_after_noting(FILE, remote, returns, FILE, "local: move 1 to 0/g");
    let remote = "1 g = C\n 2 f = B";
    check_after_noting(
        FILE,
        remote,
        returns,
        FILE,
        "local: download 1 = C over A\n local: move 1 to 0/g",
    );
}

#[test]
fn what_was_seen_here_since_can_be_deleted_by_a_person() {
    let found = |trees: &mut Trees| {
        leaves(trees);
        trees.seen(true);
    };
    check_after_noting(FILE, FILE, found, "", "remote: delete 1 of 1");
    // A look at a part of the folder may not have come there.
    let looked = |trees: &mut Trees| {
        leaves(trees);
        trees.seen(false);
    };
    check_after_noting(FILE, FILE, looked, "", "forget 1");
}

#[test]
fn what_took_the_place_of_something_that_may_have_been_removed_is_no_edit_of_it() {
    let replaced = |trees: &mut Trees| {
        leaves(trees);
        let entry = trees.local.get_mut(LocalId(1)).unwrap();
        entry.fingerprint.inode += 1;
        entry.content = None;
        trees.seen(false);
        assert!(trees.synced.is_empty());
    };
    check_after_noting(FILE, FILE, replaced, "", "local: download 1 as 0/f = A");
}
