use super::*;

fn target(name: &str) -> Target {
    Target {
        parent_id: "root".into(),
        folders: Vec::new(),
        name: name.into(),
        on_conflict: None,
    }
}

fn queue(files: usize) -> Queue {
    let mut queue = Queue::default();
    for number in 0..files {
        queue.add(target(&format!("{number}.txt")), 100);
    }
    queue
}

fn start(queue: &mut Queue) -> Run {
    queue.start_next().expect("a place is free").0
}

fn state(queue: &Queue, id: u64) -> &State {
    &queue
        .items()
        .iter()
        .find(|item| item.id == id)
        .expect("listed")
        .state
}

fn failure() -> State {
    State::Failed(Failure {
        message: "no".into(),
        trace_id: None,
    })
}

#[test]
fn no_more_files_run_than_there_are_places_and_the_oldest_goes_first() {
    let mut queue = queue(FILES_AT_ONCE + 2);
    let runs: Vec<Run> = std::iter::from_fn(|| queue.start_next().map(|(run, _)| run)).collect();
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(queue.advance(runs[1], State::Done));
    assert_eq!(queue.start_next().map(|(run, _)| run.id), Some(4));
    assert_eq!(queue.start_next().map(|(run, _)| run.id), None);
}

#[test]
fn a_run_that_was_cancelled_is_no_longer_heard() {
    let mut queue = queue(1);
    let old = start(&mut queue);
    assert!(queue.cancel(1), "its transfer is to be stopped");
    queue.progress(old, 50);
    assert!(!queue.advance(old, State::Done));
    assert_eq!(*state(&queue, 1), State::Cancelled);

    queue.retry(1);
    let new = start(&mut queue);
    assert!(
        !queue.advance(old, failure()),
        "the earlier run can't end the new one"
    );
    queue.progress(old, 99);
    assert_eq!(queue.items()[0].sent, 0);
    assert!(queue.advance(new, State::Done));
    assert_eq!(queue.items()[0].sent, 100);
}

#[test]
fn a_waiting_file_is_cancelled_without_a_transfer_to_stop() {
    let mut queue = queue(1);
    assert!(!queue.cancel(1));
    assert_eq!(*state(&queue, 1), State::Cancelled);
    assert!(queue.start_next().is_none());
}

#[test]
fn a_failed_file_is_tried_again_from_the_beginning() {
    let mut queue = queue(1);
    let run = start(&mut queue);
    queue.progress(run, 80);
    queue.advance(run, failure());
    queue.retry(1);
    assert_eq!((queue.items()[0].sent, state(&queue, 1)), (0, &State::Waiting));
}

#[test]
fn a_done_file_is_neither_cancelled_nor_tried_again() {
    let mut queue = queue(1);
    let run = start(&mut queue);
    queue.advance(run, State::Done);
    queue.cancel(1);
    queue.retry(1);
    assert_eq!(*state(&queue, 1), State::Done);
}

#[test]
fn progress_never_exceeds_the_size() {
    let mut queue = queue(1);
    let run = start(&mut queue);
    queue.progress(run, 1_000);
    assert_eq!(queue.items()[0].sent, 100);
}

#[test]
fn each_choice_for_a_taken_name_has_its_way() {
    for (choice, expected, name) in [
        (Choice::Replace, State::Waiting, "0.txt"),
        (Choice::KeepBoth, State::Waiting, "0 (2).txt"),
        (Choice::Skip, State::Skipped, "0.txt"),
    ] {
        let mut queue = queue(1);
        let run = start(&mut queue);
        queue.advance(run, State::Conflict);
        queue.resolve(1, choice, false);
        assert_eq!(
            (state(&queue, 1), queue.items()[0].target.name.as_str()),
            (&expected, name)
        );
        assert_eq!(queue.items()[0].target.on_conflict, Some(choice));
    }
}

#[test]
fn do_this_for_all_covers_present_and_later_conflicts_but_not_the_next_batch() {
    let mut queue = queue(3);
    let (first, second, third) = (start(&mut queue), start(&mut queue), start(&mut queue));
    queue.advance(first, State::Conflict);
    queue.advance(second, State::Conflict);
    queue.resolve(1, Choice::Skip, true);
    assert_eq!(
        (state(&queue, 1), state(&queue, 2)),
        (&State::Skipped, &State::Skipped)
    );
    queue.advance(third, State::Conflict);
    assert_eq!(*state(&queue, 3), State::Skipped);

    queue.add(target("later.txt"), 1);
    let later = start(&mut queue);
    queue.advance(later, State::Conflict);
    assert_eq!(*state(&queue, 4), State::Conflict);
}

#[test]
fn a_file_in_conflict_leaves_its_place_to_the_next() {
    let mut queue = queue(FILES_AT_ONCE + 1);
    let run = start(&mut queue);
    start(&mut queue);
    start(&mut queue);
    queue.advance(run, State::Conflict);
    assert_eq!(start(&mut queue).id, 4);
}

#[test]
fn totals_leave_out_what_was_given_up() {
    let mut queue = queue(4);
    let (first, second, _third) = (start(&mut queue), start(&mut queue), start(&mut queue));
    queue.advance(first, State::Done);
    queue.progress(second, 40);
    queue.cancel(4);
    let totals = queue.totals();
    assert_eq!(
        totals,
        Totals {
            files: 3,
            done: 1,
            open: 2,
            failed: 0,
            conflicts: 0,
            bytes: 300,
            sent: 140
        }
    );
}

#[test]
fn clearing_keeps_what_is_open_or_waits_for_a_person() {
    let mut queue = queue(5);
    let (first, second, third) = (start(&mut queue), start(&mut queue), start(&mut queue));
    queue.advance(first, State::Done);
    queue.advance(second, State::Conflict);
    queue.advance(third, failure());
    assert_eq!(queue.clear_ended(), [1, 3]);
    assert_eq!(
        queue.items().iter().map(|item| item.id).collect::<Vec<_>>(),
        [2, 4, 5]
    );
}
