//! What goes, and what stays although somebody deleted it.

use bitvault_planner::{Guard, Policy};

use crate::notation::{SAME, check, check_as, policy};

#[test]
fn a_delete_here_goes_to_the_server_as_a_whole() {
    check(
        "1 docs/\n 2 docs/a = A\n 3 docs/b/",
        SAME,
        "",
        "remote: delete 1 of 1 2 3",
    );
}

#[test]
fn a_tombstone_removes_here_as_a_whole() {
    check(
        "1 docs/\n 2 docs/a = A\n 3 docs/b/",
        "1 gone\n 2 gone\n 3 gone",
        SAME,
        "local: remove 1 of 1 2 3",
    );
}

#[test]
fn absence_without_a_tombstone_removes_nothing() {
    check(
        "1 docs/\n 2 docs/a = A",
        "",
        SAME,
        "problem: 1 Unexplained\n problem: 2 Unexplained",
    );
}

#[test]
fn what_is_new_in_a_folder_that_is_not_listed_waits() {
    check(
        "1 docs/",
        "",
        "1 docs/\n a docs/new = N",
        "problem: 1 Unexplained",
    );
}

#[test]
fn what_both_deleted_is_forgotten() {
    check("1 f = A", "1 gone", "", "forget 1");
    check("1 f = A", "", "", "forget 1");
}

#[test]
fn an_edit_wins_against_a_delete_on_either_side() {
    check("1 f = A", "1 gone", "1 f = B", "forget 1");
    check("", "", "a f = B", "remote: upload a as 0/f = B");
    check("1 f = A", "1 f = B", "", "forget 1");
    check("", "1 f = B", "", "local: download 1 as 0/f = B");
}

#[test]
fn an_unsynced_file_in_a_folder_deleted_there_keeps_the_folder_and_only_that() {
    check(
        "1 docs/\n 2 docs/old = A",
        "1 gone\n 2 gone",
        "1 docs/\n 2 docs/old = A\n a docs/new = N",
        "forget 1\n local: remove 2 of 2",
    );
    check("", "", "b docs/\n a docs/new = N", "remote: create b as 0/docs/");
}

#[test]
fn an_unread_file_in_a_folder_deleted_there_lets_the_folder_wait() {
    check(
        "1 docs/\n 2 docs/old = A",
        "1 gone\n 2 gone",
        "1 docs/\n 2 docs/old = ?",
        "read 2",
    );
}

#[test]
fn a_new_file_there_in_a_folder_deleted_here_brings_the_folder_back_with_only_that() {
    check(
        "1 docs/\n 2 docs/old = A",
        "1 docs/\n 2 docs/old = A\n 3 docs/new = N",
        "",
        "forget 1\n remote: delete 2 of 2",
    );
    check("", "1 docs/\n 3 docs/new = N", "", "local: create 1 as 0/docs/");
}

#[test]
fn a_folder_goes_after_what_moved_out_of_it() {
    check("1 docs/\n 2 docs/f = A", SAME, "2 f = A", "remote: move 2 to 0/f");
    check(
        "1 docs/\n 2 docs/f = A",
        "1 gone\n 2 f = A",
        SAME,
        "local: move 2 to 0/f",
    );
}

#[test]
fn what_was_moved_into_a_folder_that_is_deleted_meanwhile_keeps_the_folder() {
    check(
        "1 docs/\n 2 f = A",
        "1 gone\n 2 f = A",
        "1 docs/\n 2 docs/f = A",
        "forget 1",
    );
    check(
        "1 docs/\n 2 f = A",
        "1 docs/\n 2 docs/f = A",
        "2 f = A",
        "forget 1",
    );
}

#[test]
fn ignored_entries_go_to_the_trash_with_their_folder() {
    check(
        "1 docs/",
        "1 gone",
        "1 docs/\n i- docs/cache/\n s@ docs/link",
        "local: remove 1 of 1 i s",
    );
}

#[test]
fn a_symbolic_link_in_the_place_of_a_file_is_no_delete() {
    check("1 f = A", SAME, "s@ f", "problem: 1 NameOccupied");
}

#[test]
fn lost_access_is_treated_as_a_tombstone_but_an_edit_survives_it() {
    check("1 f = A", "1 hidden", SAME, "local: remove 1 of 1");
    check("1 f = A", "1 hidden", "1 f = B", "forget 1");
}

#[test]
fn a_delete_of_what_may_only_be_read_is_taken_back() {
    check(
        "1 share/\n 2 share/f = A",
        "1! share/\n 2! share/f = A",
        "1 share/",
        "forget 2\n problem: 2 ReadOnly",
    );
}

#[test]
fn a_file_becomes_a_folder_and_a_folder_a_file() {
    check("1 x = A", SAME, "a x/", "remote: delete 1 of 1");
    check("1 x = A", "1 gone\n 2 x/", SAME, "local: remove 1 of 1");
    check("1 x/", SAME, "a x = A", "remote: delete 1 of 1");
    check("1 x/", "1 gone\n 2 x = A", SAME, "local: remove 1 of 1");
}

#[test]
fn a_file_that_takes_the_place_of_the_folder_around_it_lets_the_folder_step_aside() {
    check(
        "1 x/\n 2 x/f = A",
        "1 gone\n 2 x = A",
        SAME,
        "local: move 1 to 0/x (moving, laptop, 1) (aside)",
    );
}

/// Ten synced files.
fn ten() -> String {
    (1..=10)
        .map(|number| format!("{number} f{number} = A\n"))
        .collect()
}

fn first(count: usize, of: &str) -> String {
    of.lines()
        .take(count)
        .fold(String::new(), |kept, line| kept + line + "\n")
}

#[test]
fn deleting_more_than_half_pauses_on_either_side_and_the_rest_goes_on() {
    let half = first(5, &ten());
    check(
        &ten(),
        SAME,
        &half,
        "remote: delete 10 of 10\n remote: delete 6 of 6\n remote: delete 7 of 7\n remote: delete 8 of 8\n remote: delete 9 of 9",
    );
    let less = first(4, &ten());
    check(
        &ten(),
        &format!("{}20 new = N", ten()),
        &less,
        "pause: 6 of 10 deleted, Remote\n local: download 20 as 0/new = N",
    );
    let gone = "5 gone\n6 gone\n7 gone\n8 gone\n9 gone\n10 gone";
    check(
        &ten(),
        &format!("{less}{gone}"),
        SAME,
        "pause: 6 of 10 deleted, Local",
    );
}

#[test]
fn what_a_person_agreed_to_is_deleted() {
    let agreed = Policy {
        guard: Guard {
            agreed_remote: 10,
            ..Guard::default()
        },
        ..policy()
    };
    let lines: String = (1..=10)
        .map(|number| format!("remote: delete {number} of {number}\n"))
        .collect();
    check_as(&agreed, &ten(), SAME, "", &lines);
}

#[test]
fn more_than_a_thousand_that_are_a_tenth_pause_too() {
    let many = |count: usize| -> String { (1000..1000 + count).map(|n| format!("{n} f{n} = A\n")).collect() };
    check(
        &many(10_000),
        SAME,
        &many(8_999),
        "pause: 1001 of 10000 deleted, Remote",
    );
}

#[test]
fn a_few_deletes_never_pause() {
    check(
        "1 a = A\n2 b = B",
        SAME,
        "",
        "remote: delete 1 of 1\nremote: delete 2 of 2",
    );
}
