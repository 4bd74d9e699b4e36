//! Moves: taken over, merged, and put into an order that works.

use bitvault_planner::{LocalId, Policy, Trees};

use crate::notation::{SAME, check, check_after_death, check_but, node, policy};

#[test]
fn a_move_and_a_rename_are_taken_over_in_one_step() {
    check(
        "1 docs/\n 2 f = A",
        SAME,
        "1 docs/\n 2 docs/g = A",
        "remote: move 2 to 1/g",
    );
    check(
        "1 docs/\n 2 f = A",
        "1 docs/\n 2 docs/g = A",
        SAME,
        "local: move 2 to 1/g",
    );
}

#[test]
fn a_folder_renamed_there_and_a_file_edited_in_it_here_go_together() {
    check(
        "1 docs/\n 2 docs/f = A",
        "1 papers/\n 2 papers/f = A",
        "1 docs/\n 2 docs/f = B",
        "local: move 1 to 0/papers\n remote: upload 2 = B over A",
    );
}

#[test]
fn modified_and_then_renamed_keeps_the_file() {
    check(
        "1 f = A",
        SAME,
        "1 g = B",
        "remote: move 1 to 0/g\n remote: upload 1 = B over A",
    );
}

#[test]
fn what_was_moved_and_touched_is_the_same_file_once_it_was_read() {
    let has_its_inode = |trees: &mut Trees| {
        let then = trees.synced.get(node(1)).and_then(|synced| synced.fingerprint);
        let entry = trees.local.get_mut(LocalId(100)).unwrap();
        entry.fingerprint.inode = then.unwrap().inode;
    };
    let leaves = Policy {
        excluded: [node(1)].into(),
        ..policy()
    };
    for policy in [policy(), leaves] {
        check_but(&policy, "1 f = A", "a g = ?", has_its_inode, "read a");
        check_but(&policy, "1 f = A", "a g = A", has_its_inode, "adopt a as 1");
    }
    check_but(
        &policy(),
        "1 f = A",
        "a g = B",
        has_its_inode,
        "remote: delete 1 of 1\n remote: upload a as 0/g = B",
    );
}

#[test]
fn a_rename_here_and_a_move_there_are_merged() {
    check(
        "1 docs/\n 2 f = A",
        "1 docs/\n 2 docs/f = A",
        "1 docs/\n 2 g = A",
        "local: move 2 to 1/g\n remote: move 2 to 1/g",
    );
}

#[test]
fn a_move_whose_answer_was_lost_is_not_somebody_elses_when_the_node_was_moved_again() {
    check_after_death(
        "1 f = A",
        "1 g = A",
        "1 g = A asked",
        "1 h = A",
        "remote: move 1 to 0/h",
    );
    check_after_death(
        "1 f = A",
        "1 g = A",
        "1 g = A asked",
        "1 f = A",
        "remote: move 1 to 0/f",
    );
    check_after_death(
        "1 d/\n 2 f = A",
        "1 d/\n 2 d/f = A",
        "1 d/\n 2 d/f = A asked",
        "1 d/\n 2 g = A",
        "remote: move 2 to 0/g",
    );
    // It never reached the server, or somebody has moved it on since.
    check_after_death(
        "1 f = A",
        "1 f = A",
        "1 g = A asked",
        "1 h = A",
        "remote: move 1 to 0/h",
    );
    check_after_death(
        "1 f = A",
        "1 i = A",
        "1 g = A asked",
        "1 h = A",
        "local: move 1 to 0/i",
    );
}

#[test]
fn what_was_moved_and_what_was_made_there_may_change_names_before_the_device_knows() {
    check_after_death(
        "1 d/",
        "1 e/\n 2 a/",
        "1 e/ asked\n b a/ asked",
        "1 a/\n b e/",
        "remote: move 2 to 0/a (moving, laptop, 2) (aside)",
    );
}

#[test]
fn two_different_renames_end_with_the_servers() {
    check("1 f = A", "1 there = A", "1 here = A", "local: move 1 to 0/there");
}

#[test]
fn the_same_rename_on_both_sides_is_adopted() {
    check("1 f = A", "1 g = A", "1 g = A", "adopt 1");
}

#[test]
fn a_move_against_an_edit_keeps_both() {
    check(
        "1 f = A",
        "1 f = B",
        "1 g = A",
        "local: download 1 = B over A\n remote: move 1 to 0/g",
    );
}

#[test]
fn the_conflict_of_a_moved_file_waits_until_the_file_is_in_its_place() {
    check("1 f = A", "1 f = B", "1 g = C", "remote: move 1 to 0/g");
}

#[test]
fn two_moves_that_make_a_cycle_end_with_the_servers() {
    check(
        "1 a/\n 2 b/",
        "1 a/\n 2 a/b/",
        "2 b/\n 1 b/a/",
        "local: move 1 to 0/a",
    );
}

#[test]
fn a_swap_here_steps_aside_once_and_then_goes_on() {
    check(
        "1 a = A\n 2 b = B",
        SAME,
        "1 b = A\n 2 a = B",
        "remote: move 2 to 0/b (moving, laptop, 2) (aside)",
    );
    check(
        "1 a = A\n 2 b = B",
        "1 a = A\n 2 b (moving, laptop, 2) = B",
        "1 b = A\n 2 a = B",
        "remote: move 1 to 0/b",
    );
    check(
        "1 b = A\n 2 b = B",
        "1 b = A\n 2 b (moving, laptop, 2) = B",
        "1 b = A\n 2 a = B",
        "remote: move 2 to 0/a",
    );
}

#[test]
fn a_swap_there_steps_aside_here_and_is_not_taken_for_a_rename() {
    check(
        "1 a = A\n 2 b = B",
        "1 b = A\n 2 a = B",
        SAME,
        "local: move 2 to 0/b (moving, laptop, 2) (aside)",
    );
    check(
        "1 a = A\n 2 b = B",
        "1 b = A\n 2 a = B",
        "1 a = A\n 2 b (moving, laptop, 2) = B",
        "local: move 1 to 0/b",
    );
}

#[test]
fn what_steps_aside_here_returns_when_the_server_takes_the_swap_back() {
    check(
        "1 a = A\n 2 b = B",
        SAME,
        "1 a = A\n 2 b (moving, laptop, 2) = B",
        "local: move 2 to 0/b",
    );
}

#[test]
fn a_chain_of_renames_begins_at_its_end_and_needs_nobody_aside() {
    check(
        "1 a = A\n 2 b = B\n 3 c = C",
        SAME,
        "1 b = A\n 2 c = B\n 3 d = C",
        "remote: move 3 to 0/d",
    );
}

#[test]
fn an_inverted_hierarchy_is_turned_round() {
    check(
        "1 a/\n 2 a/b/",
        SAME,
        "2 a/\n 1 a/b/",
        "remote: move 1 to 0/a (moving, laptop, 1) (aside)",
    );
    check(
        "1 a/\n 2 a/b/",
        "1 a (moving, laptop, 1)/\n 2 a (moving, laptop, 1)/b/",
        "2 a/\n 1 a/b/",
        "remote: move 2 to 0/a",
    );
}

#[test]
fn a_move_over_an_existing_file_deletes_that_first() {
    check("1 a = A\n 2 b = B", SAME, "1 b = A", "remote: delete 2 of 2");
}

#[test]
fn a_move_over_a_file_that_was_edited_there_takes_a_name_of_its_own() {
    check(
        "1 a = A\n 2 b = B",
        "1 a = A\n 2 b = C",
        "1 b = A",
        "forget 2
         local: move 1 to 0/b (conflicted copy, laptop, 2026-03-09) (twin)
         remote: move 1 to 0/b (conflicted copy, laptop, 2026-03-09) (twin)",
    );
}

#[test]
fn new_folders_of_one_name_become_one_with_all_they_hold() {
    check(
        "",
        "1 docs/\n 2 docs/there = A",
        "a docs/\n b docs/here = B",
        "adopt a as 1\n local: download 2 as a/there = A\n remote: upload b as 1/here = B",
    );
}

#[test]
fn a_move_into_a_new_folder_waits_for_the_folder() {
    check(
        "1 f = A",
        SAME,
        "a new/\n 1 new/f = A",
        "remote: create a as 0/new/",
    );
    check(
        "1 f = A",
        "2 new/\n 1 new/f = A",
        SAME,
        "local: create 2 as 0/new/",
    );
}

#[test]
fn a_move_of_what_may_only_be_read_is_taken_back_and_told() {
    check(
        "1 share/\n 2 share/f = A",
        "1! share/\n 2! share/f = A",
        "1 share/\n 2 f = A",
        "local: move 2 to 1/f\n problem: 2 ReadOnly",
    );
}

#[test]
fn what_is_new_in_a_folder_that_may_only_be_read_stays_and_is_told() {
    check(
        "1 share/",
        "1! share/",
        "1 share/\n a share/f = A",
        "problem: a ReadOnly",
    );
}
