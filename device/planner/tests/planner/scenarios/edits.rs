//! Contents: who wins, and what becomes of the other.

use crate::notation::{SAME, check, check_after_death, check_after_fetching};

#[test]
fn what_agrees_needs_nothing() {
    check("1 docs/\n 2 docs/plan.txt = A", SAME, SAME, "");
}

#[test]
fn an_edit_here_goes_to_the_server_and_an_edit_there_comes_here() {
    check("1 f = A", SAME, "1 f = B", "remote: upload 1 = B over A");
    check("1 f = A", "1 f = B", SAME, "local: download 1 = B over A");
}

#[test]
fn two_edits_of_one_file_leave_a_conflicted_copy_of_the_one_here() {
    check(
        "1 f.txt = A",
        "1 f.txt = B",
        "1 f.txt = C",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09).txt (conflict)",
    );
    // The binding has ended: the copy is a new file, the server's file comes in its place.
    check(
        "",
        "1 f.txt = B",
        "a f (conflicted copy, laptop, 2026-03-09).txt = C",
        "local: download 1 as 0/f.txt = B
         remote: upload a as 0/f (conflicted copy, laptop, 2026-03-09).txt = C",
    );
}

#[test]
fn a_conflict_is_the_same_when_the_device_died_before_it_renamed() {
    check(
        "",
        "1 f.txt = B",
        "a f.txt = C",
        "local: move a to 0/f (conflicted copy, laptop, 2026-03-09).txt (conflict)",
    );
}

#[test]
fn equal_edits_make_no_conflict() {
    check("1 f = A", "1 f = B", "1 f = B", "adopt 1");
}

#[test]
fn an_edit_that_was_taken_back_makes_no_conflict() {
    check("1 f = A", "1 f = B", "1 f = A", "local: download 1 = B over A");
}

#[test]
fn a_conflict_on_a_conflicted_copy_is_named_after_the_file_that_both_come_from() {
    check(
        "1 f (conflicted copy, phone, 2026-03-08).txt = A",
        "1 f (conflicted copy, phone, 2026-03-08).txt = B",
        "1 f (conflicted copy, phone, 2026-03-08).txt = C",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09).txt (conflict)",
    );
}

#[test]
fn a_second_conflict_of_a_day_takes_the_next_number() {
    check(
        "1 f.txt = A\n 2 f (conflicted copy, laptop, 2026-03-09).txt = X",
        "1 f.txt = B\n 2 f (conflicted copy, laptop, 2026-03-09).txt = X",
        "1 f.txt = C\n 2 f (conflicted copy, laptop, 2026-03-09).txt = X",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09, 2).txt (conflict)",
    );
}

#[test]
fn a_file_that_was_not_read_since_it_changed_is_read_first_and_touched_by_nothing() {
    check("1 f = A", SAME, "1 f = ?", "read 1");
    check("1 f = A", "1 f = B", "1 f = ?", "read 1");
    check("1 f = A", "1 gone", "1 f = ?", "read 1");
    check("", "1 f = B", "a f = ?", "read a");
}

#[test]
fn two_new_files_of_one_name_and_content_are_one() {
    check("", "1 f = A", "a f = A", "adopt a as 1");
}

#[test]
fn two_new_files_of_one_name_and_different_content_both_stay() {
    check(
        "",
        "1 f = A",
        "a f = B",
        "local: move a to 0/f (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn an_upload_whose_answer_was_lost_is_no_edit_of_somebody_else() {
    check("1 f = A", "1 f = B", "1 f = B sent B", "adopt 1");
    // And the file was edited again since.
    check(
        "1 f = A",
        "1 f = B",
        "1 f = C sent B",
        "remote: upload 1 = C over B",
    );
    check("", "1 f = B", "a f = C sent B", "adopt a as 1");
}

#[test]
fn what_arrived_before_the_device_died_is_its_own_even_if_the_file_is_gone_by_then() {
    check_after_death("", "1 f = A", "a f = A sent A", "", "remote: delete 1 of 1");
    check_after_death(
        "1 f = A",
        "1 f = B",
        "1 f = B sent B",
        "",
        "remote: delete 1 of 1",
    );
    check_after_death(
        "",
        "1 f = A",
        "a f = A sent A",
        "a g = A",
        "remote: move 1 to 0/g",
    );
    // Another file was moved to its place: it can have the name once ours is gone.
    check_after_death(
        "2 g = B",
        "1 f = A\n 2 g = B",
        "2 g = B\n a f = A sent A",
        "2 f = B",
        "remote: delete 1 of 1",
    );
    check_after_death(
        "1 f = A\n 2 g = B",
        "1 f = C\n 2 g = B",
        "1 f = C sent C\n 2 g = B",
        "2 f = B",
        "remote: delete 1 of 1",
    );
}

#[test]
fn a_folder_that_the_server_made_before_the_device_died_is_its_own_even_if_it_is_gone_by_then() {
    check_after_death("", "1 d/", "a d/ asked", "", "remote: delete 1 of 1");
    check_after_death("", "1 d/", "a d/ asked", "a e/", "remote: move 1 to 0/e");
    // A file has its name: it can have that once the folder is gone.
    check_after_death("", "1 d/", "a d/ asked", "b d = A", "remote: delete 1 of 1");
    // Somebody has put something into it: it stays.
    check_after_death("", "1 d/\n 2 d/f = A", "a d/ asked", "", "forget 1");
    // The server was never asked: it is somebody else's.
    check_after_death("", "1 d/", "a d/", "", "local: create 1 as 0/d/");
}

#[test]
fn what_somebody_else_made_of_it_before_the_device_knew_stays_although_the_file_is_gone() {
    check_after_death(
        "",
        "1 f = C",
        "a f = A sent A",
        "",
        "local: download 1 as 0/f = C",
    );
    check_after_death(
        "",
        "1 g = A",
        "a f = A sent A",
        "",
        "local: download 1 as 0/g = A",
    );
    check_after_death("1 f = A", "1 f = C", "1 f = B sent B", "", "forget 1");
}

#[test]
fn a_download_that_the_device_did_not_live_to_note_is_no_edit() {
    check(
        "1 f = A",
        "1 f = C fetched B",
        "1 f = B",
        "local: download 1 = C over B",
    );
    check("", "1 f = C fetched B", "a f = B", "adopt a as 1");
    check(
        "1 f = C",
        "1 f = C fetched B",
        "1 f = B",
        "local: download 1 = C over B",
    );
    check("1 f = A", "1 f = B fetched B", "1 f = B", "adopt 1");
    check(
        "1 f = A",
        "1 f = B fetched B",
        "1 f = C",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn a_download_that_was_not_noted_is_no_edit_after_the_next_one_was_begun() {
    check_after_fetching(
        "1 f = A",
        "1 f = C fetched B",
        "1 f = B",
        "local: download 1 = C over B",
    );
    check_after_fetching(
        "1 f = A",
        "1 f = C fetched B",
        "1 f = D",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn somebody_elses_edit_after_a_lost_answer_is_a_conflict() {
    check(
        "1 f = A",
        "1 f = D",
        "1 f = C sent B",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn a_restored_version_of_the_same_content_lets_the_edit_here_follow() {
    check("1 f = A", "1 f = A", "1 f = B", "remote: upload 1 = B over A");
}

#[test]
fn an_edit_of_what_may_only_be_read_stays_here_and_is_told() {
    check("1 f = A", "1! f = A", "1 f = B", "problem: 1 ReadOnly");
    check(
        "1 f = A",
        "1! f = C",
        "1 f = B",
        "local: move 1 to 0/f (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn after_the_state_is_lost_equal_trees_are_adopted_at_once() {
    check(
        "",
        "1 docs/\n 2 docs/deep/\n 3 docs/deep/f = A\n 4 g = B",
        "a docs/\n b docs/deep/\n c docs/deep/f = A\n d g = B",
        "adopt a as 1\n adopt b as 2\n adopt c as 3\n adopt d as 4",
    );
}
