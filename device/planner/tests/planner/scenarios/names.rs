//! Names that are the same, and names that a device can't hold.

use bitvault_planner::{NameRules, Policy};

use crate::notation::{SAME, check, check_as, policy};

fn windows() -> Policy {
    Policy {
        names: NameRules::windows(),
        ..policy()
    }
}

#[test]
fn a_case_only_rename_is_a_rename_of_the_same_node() {
    check("1 readme = A", SAME, "1 README = A", "remote: move 1 to 0/README");
    check("1 readme = A", "1 README = A", SAME, "local: move 1 to 0/README");
}

#[test]
fn a_name_that_the_file_system_decomposes_is_the_same_name() {
    check("1 caf\u{e9} = A", SAME, "1 cafe\u{301} = A", "");
    check("", "", "a cafe\u{301} = A", "remote: upload a as 0/caf\u{e9} = A");
}

#[test]
fn siblings_that_differ_in_case_only_can_not_both_be_on_the_server() {
    check(
        "1 Makefile = A",
        SAME,
        "1 Makefile = A\n a makefile = B",
        "local: move a to 0/makefile (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
    check(
        "",
        "",
        "a b = A\n b B = B",
        "local: move a to 0/b (conflicted copy, laptop, 2026-03-09) (conflict)\n remote: upload b as 0/B = B",
    );
}

#[test]
fn twins_by_composition_can_not_both_be_on_the_server() {
    check(
        "1 caf\u{e9} = A",
        SAME,
        "1 caf\u{e9} = A\n a cafe\u{301} = B",
        "local: move a to 0/caf\u{e9} (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn a_folder_whose_name_is_taken_moves_aside_with_all_it_holds() {
    check(
        "",
        "1 x = A",
        "a x/\n b x/f = B",
        "local: move a to 0/x (conflicted copy, laptop, 2026-03-09) (conflict)",
    );
}

#[test]
fn new_files_whose_names_differ_in_case_are_one_when_their_content_is() {
    check("", "1 Readme = A", "a README = A", "local: move a to 0/Readme");
}

#[test]
fn names_that_windows_can_not_hold_are_written_otherwise_there_and_read_back() {
    check_as(
        &windows(),
        "",
        "1 a:b = A\n 2 con.txt = B\n 3 end./",
        "",
        "local: create 3 as 0/end%2E/
         local: download 1 as 0/a%3Ab = A
         local: download 2 as 0/%63on.txt = B",
    );
    let held = "1 a%3Ab = A\n 2 %63on.txt = B\n 3 end%2E/";
    check_as(&windows(), "1 a:b = A\n 2 con.txt = B\n 3 end./", SAME, held, "");
    check_as(
        &windows(),
        "",
        "1 a:b = A\n 2 con.txt = B\n 3 end./",
        "a a%3Ab = A\n b %63on.txt = B\n c end%2E/",
        "adopt a as 1\n adopt b as 2\n adopt c as 3",
    );
}

#[test]
fn a_name_and_one_that_looks_like_its_escape_both_arrive() {
    check_as(
        &windows(),
        "",
        "1 end. = A\n 2 end%2e = B",
        "",
        "local: download 1 as 0/end%2E = A\n local: download 2 as 0/end%252e = B",
    );
}

#[test]
fn what_an_earlier_release_wrote_without_an_escape_is_renamed_here_and_not_on_the_server() {
    check_as(
        &windows(),
        "1 end%2e = A",
        SAME,
        SAME,
        "local: move 1 to 0/end%252e",
    );
    // And makes room for the other one.
    check_as(
        &windows(),
        "1 end%2e = A",
        "1 end%2e = A\n 2 end. = B",
        SAME,
        "local: move 1 to 0/end%252e",
    );
}

#[test]
fn a_rename_here_of_what_is_written_otherwise_is_read_back() {
    check_as(
        &windows(),
        "1 a:b = A",
        SAME,
        "1 a%3Ac = A",
        "remote: move 1 to 0/a:c",
    );
}

#[test]
fn a_name_that_is_too_long_here_is_cut_and_is_no_rename() {
    let short = Policy {
        names: NameRules {
            longest: 20,
            ..NameRules::posix()
        },
        ..policy()
    };
    let cut = "xxxxxxxxxxx~94d0aef6";
    let remote = format!("1 {} = A", "x".repeat(40));
    check_as(
        &short,
        "",
        &remote,
        "",
        &format!("local: download 1 as 0/{cut} = A"),
    );
    check_as(&short, &remote, SAME, &format!("1 {cut} = A"), "");
    check_as(&short, "", &remote, &format!("a {cut} = A"), "adopt a as 1");
}

#[test]
fn a_name_that_the_server_does_not_take_is_told_and_stops_nobody_else() {
    check(
        "",
        "",
        "a bad\u{7}/\n b bad\u{7}/f = A\n c good = B",
        "problem: a NameInvalid(Control)\n remote: upload c as 0/good = B",
    );
    check(
        "1 f = A",
        SAME,
        "1 f\u{7} = B",
        "problem: 1 NameInvalid(Control)\n remote: upload 1 = B over A",
    );
}

#[test]
fn an_ignored_entry_in_the_way_is_told_and_left_alone() {
    check(
        "",
        "1 cache/\n 2 f = A",
        "i- cache/",
        "problem: 1 NameOccupied\n local: download 2 as 0/f = A",
    );
}

#[test]
fn an_ignored_entry_is_not_synced_but_a_synced_one_stays_so_when_it_is_ignored() {
    check("", "", "i- cache/\n s@ link\n j- f = A", "");
    check("1 f = A", SAME, "1- f = B", "remote: upload 1 = B over A");
}
