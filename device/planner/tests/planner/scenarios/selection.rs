//! Selective sync: what leaves the device stays on the server.

use bitvault_planner::Policy;

use crate::notation::{SAME, check, check_as, node, policy};

fn without(excluded: u64) -> Policy {
    Policy {
        excluded: [node(excluded)].into(),
        ..policy()
    }
}

const TREE: &str = "1 videos/\n 2 videos/f = A\n 3 other = B";

#[test]
fn what_is_left_out_leaves_the_device_and_stays_on_the_server() {
    check_as(&without(1), TREE, SAME, SAME, "local: remove 1 of 1 2 (left out)");
    check_as(&without(1), "3 other = B", TREE, "3 other = B", "");
}

#[test]
fn what_has_left_is_no_delete_even_if_the_device_died_before_it_knew() {
    check_as(&without(1), TREE, SAME, "3 other = B", "forget 1\n forget 2");
}

#[test]
fn what_is_taken_in_again_comes_back() {
    check("3 other = B", TREE, "3 other = B", "local: create 1 as 0/videos/");
}

#[test]
fn what_is_not_on_the_server_yet_goes_there_before_it_leaves() {
    check_as(
        &without(1),
        TREE,
        SAME,
        "1 videos/\n 2 videos/f = C\n a videos/new = N\n 3 other = B",
        "remote: upload 2 = C over A\n remote: upload a as 1/new = N",
    );
}

#[test]
fn an_edit_there_of_what_is_left_out_is_not_fetched() {
    check_as(
        &without(1),
        "1 videos/\n 2 videos/f = A",
        "1 videos/\n 2 videos/f = B",
        SAME,
        "local: remove 1 of 1 2 (left out)",
    );
}

#[test]
fn what_moves_there_into_a_folder_that_is_left_out_leaves_too() {
    check_as(
        &without(1),
        "3 other = B",
        "1 videos/\n 3 videos/other = B",
        "3 other = B",
        "local: remove 3 of 3 (left out)",
    );
}

#[test]
fn a_new_folder_here_of_a_name_that_is_left_out_is_something_else() {
    check_as(
        &without(1),
        "",
        "1 videos/",
        "a videos/\n b videos/f = A",
        "local: move a to 0/videos (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn a_delete_here_around_a_folder_that_is_left_out_does_not_take_it_along() {
    check_as(
        &without(2),
        "1 docs/\n 3 docs/f = A",
        "1 docs/\n 2 docs/videos/\n 4 docs/videos/v = V\n 3 docs/f = A",
        "",
        "forget 1\n remote: delete 3 of 3",
    );
}
