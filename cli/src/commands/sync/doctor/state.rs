//! What the device remembers.

use super::super::place::Place;
use super::{Findings, Known, some};
use crate::error::Error;
use crate::human::{instant, size};
use bitvault_device::state::{Loaded, SqliteStore, StateError, Store as _};

/// Lines of the log that are looked through for what is out of the ordinary.
const LOG_LINES: usize = 200;
/// What the engine notes when something went wrong before.
const UNUSUAL: [&str; 3] = ["anew", "reread", "sweep"];
/// Less room than this for the state, in bytes, and the next sync may fail.
const ROOM: u64 = 32 << 20;

/// Looks at the state; answers what it says when it can be read.
pub(super) fn look(place: &Place, findings: &mut Findings) -> Result<Option<Known>, Error> {
    let file = place.file();
    let anew = format!(
        "stop the sync, move {} away and sync again: both sides are compared anew by content, nothing is removed",
        file.display()
    );
    room(place, findings);
    let read = || -> Result<_, StateError> {
        let mut store = SqliteStore::beside(&file)?;
        let damage = store.damage()?;
        let loaded = store.load()?;
        Ok((store, damage, loaded))
    };
    let (mut store, damage, loaded) = match read() {
        Ok(read) => read,
        Err(error) => {
            findings.wrong("state", error.to_string(), anew);
            return Ok(None);
        }
    };
    if !damage.is_empty() {
        findings.wrong("state", format!("it is damaged: {}", some(&damage)), anew);
        return Ok(None);
    }
    let Some(loaded) = loaded else {
        findings.wrong(
            "state",
            "nothing was synced yet",
            "begin with `bitvault sync run DIR`",
        );
        return Ok(None);
    };
    let runs = match SqliteStore::open(&file) {
        Err(StateError::Busy) => true,
        Ok(_) => false,
        Err(error) => return Err(error.into()),
    };
    let (status, control) = (store.status()?, store.control()?);
    let is_settled =
        !runs && status.at_rest.is_some() && status.pauses.is_empty() && status.problems.is_empty();
    match dangling(&loaded) {
        0 => findings.well("state", "it can be read and is consistent"),
        count if is_settled => {
            findings.wrong("state", format!("{count} synced things point to nothing"), anew);
        }
        count => findings.note("state", format!("it is whole; {count} things are on their way")),
    }
    findings.note(
        "process",
        match runs {
            true => "a `bitvault sync run` works on it",
            false => "no `bitvault sync run` works on it now",
        },
    );
    match (control.paused, &status.stopped, status.at_rest) {
        (true, ..) => findings.wrong("paused", "it is paused", "go on with `bitvault sync resume`"),
        (false, Some(why), _) => findings.wrong(
            "last sync",
            format!("it stopped: {why}"),
            "look at the other findings, then sync again",
        ),
        (false, None, Some(at)) => findings.well("last sync", format!("in step since {}", instant(at))),
        // What waits or can't be synced is told below.
        (false, None, None) if !status.pauses.is_empty() || !status.problems.is_empty() => {}
        (false, None, None) if runs => findings.note("last sync", "not in step yet"),
        (false, None, None) => findings.wrong(
            "last sync",
            "it did not come to an end",
            "sync again: it goes on where both sides are",
        ),
    }
    for pause in &status.pauses {
        findings.wrong("waits", pause, "agree, or put them back");
    }
    for problem in &status.problems {
        let says = format!("{}: {}", problem.path, problem.reason);
        findings.wrong("problem", says, "when that is done, sync again");
    }
    let conflicts = store.conflicted()?;
    if conflicts.is_empty() {
        findings.well("conflicts", "no conflicted copies are left");
    } else {
        findings.wrong(
            "conflicts",
            format!("{} conflicted copies: {}", conflicts.len(), some(&conflicts)),
            "compare each with the file beside it, edit that one, and remove the copy",
        );
    }
    for line in store
        .log(LOG_LINES)?
        .iter()
        .filter(|line| UNUSUAL.contains(&line.what.as_str()))
        .take(super::TOLD)
    {
        let says = format!("{} {} {} {}", instant(line.at), line.what, line.path, line.detail);
        findings.note("log", says.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Ok(Some(Known { loaded, runs }))
}

/// How many of what both sides agreed on are no longer known on one of them.
fn dangling(loaded: &Loaded) -> usize {
    let trees = &loaded.trees;
    let is_there = |synced: &&bitvault_device::planner::SyncedNode| {
        trees.local.get(synced.local).is_some() && trees.remote.get(synced.node).is_some()
    };
    trees.synced.iter().filter(|synced| !is_there(synced)).count()
}

fn room(place: &Place, findings: &mut Findings) {
    let file = place.file();
    let Some(folder) = file.parent() else { return };
    match bitvault_device::fs::free_bytes(folder) {
        Ok(free) if free < ROOM => findings.wrong(
            "state room",
            format!(
                "only {} are free where the state is, in {}",
                size(free),
                folder.display()
            ),
            "make room there, or the sync stops",
        ),
        Ok(free) => findings.well("state room", format!("{} are free", size(free))),
        Err(error) => findings.wrong("state room", error.to_string(), "check that its disk is there"),
    }
}
