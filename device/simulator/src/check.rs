//! The invariants (design/sync.md), once all is at rest.

use std::collections::BTreeMap;

use bitvault_device::fs::RelPath;
use bitvault_device::planner::{LocalKind, Name};
use bytes::Bytes;

use crate::disk::Disk;
use crate::run::Run;
use crate::server::Seen;
use crate::setting::Actors;

/// A tree by path: files with their content, folders with none. Names are compared composed, as the server has them.
type View = BTreeMap<String, Option<Bytes>>;

/// All of them.
pub(crate) fn all(run: &Run) -> Result<(), String> {
    let server: View = run
        .server
        .files()
        .into_iter()
        .map(|(path, seen)| match seen {
            Seen::Folder => (path, None),
            Seen::File(bytes) => (path, Some(bytes)),
        })
        .collect();
    if !run.server.is_whole() {
        return Err("a live version's bytes are missing or wrong".to_owned());
    }
    no_twins(&server)?;
    agreement(run, &server)?;
    nobodys(run, &server)?;
    no_loss(run, &server)?;
    no_removal_unasked(run)?;
    no_multiplying(run, &server)?;
    no_needless_conflict(run)
}

/// At rest, local = remote = synced, but for what a device tells as a trouble.
fn agreement(run: &Run, server: &View) -> Result<(), String> {
    for (number, device) in run.devices.iter().enumerate() {
        if !run.rests[number].troubles.is_empty() {
            run.hub.met("trouble told at rest");
            continue;
        }
        let machine = device.machine.lock();
        let here = view(&machine.disk, device.names());
        if here != *server {
            return Err(format!(
                "d{number} differs from the server:\n  here  {here:?}\n  there {server:?}"
            ));
        }
        let loaded = device.store.rows().loaded();
        let Ok(Some(loaded)) = loaded else {
            return Err(format!("d{number} has no state at rest"));
        };
        if loaded.trees.synced.len() != server.len() {
            return Err(format!(
                "d{number} agreed on {} nodes of {}",
                loaded.trees.synced.len(),
                server.len()
            ));
        }
    }
    Ok(())
}

/// What is synced is what somebody wrote: no empty, torn or half file.
fn nobodys(run: &Run, server: &View) -> Result<(), String> {
    for (path, content) in server {
        if let Some(content) = content
            && !run.ledger.is_somebodys(content)
        {
            return Err(format!("{path} holds what nobody wrote: {content:?}"));
        }
    }
    Ok(())
}

/// Every content that nobody knowingly replaced or deleted is in the tree.
fn no_loss(run: &Run, server: &View) -> Result<(), String> {
    let live: Vec<&Bytes> = server.values().flatten().collect();
    let trashed_unseen = run.server.trashed_unseen();
    for (content, written) in run.ledger.written() {
        if written.is_superseded || live.contains(&content) || trashed_unseen.contains(content) {
            continue;
        }
        let is_kept = run.devices.iter().enumerate().any(|(number, device)| {
            let machine = device.machine.lock();
            let counts = |path: &RelPath| match path.as_str().starts_with(".bitvault/") {
                true => written.may_be_buried || machine.kept_in_trash.contains(content),
                false => !run.rests[number].troubles.is_empty(),
            };
            let files = machine.disk.files();
            files
                .iter()
                .any(|(path, _, bytes)| bytes == content && counts(path))
        });
        if !is_kept {
            let here: Vec<_> = run
                .devices
                .iter()
                .map(|device| device.machine.lock().disk.files())
                .collect();
            return Err(format!(
                "{content:?} ({written:?}) is lost; left is {server:?}; here {here:?}"
            ));
        }
    }
    Ok(())
}

/// No device removed a file that nobody ever took away: that it was not listed is no reason.
fn no_removal_unasked(run: &Run) -> Result<(), String> {
    let setting = &run.setting;
    let explains = [
        setting.selections,
        setting.lost_states,
        setting.clones,
        setting.backups,
    ];
    if explains.iter().any(|likelihood| *likelihood > 0) {
        return Ok(());
    }
    let live = run.server.never_gone();
    for (number, device) in run.devices.iter().enumerate() {
        let machine = device.machine.lock();
        if let Some(content) = machine.discarded.iter().find(|content| live.contains(content)) {
            return Err(format!("d{number} removed {content:?}, which nobody took away"));
        }
    }
    Ok(())
}

/// A content is in the tree at most as often as it was written.
fn no_multiplying(run: &Run, server: &View) -> Result<(), String> {
    if run.may_repeat {
        return Ok(());
    }
    // Who does not know that it sent something may send it again under another name.
    let families = run.hub.trace();
    let interruptions = [
        "crash",
        "power cut",
        "answer lost",
        "state disk full",
        "disk error",
    ];
    let repeats: u64 = interruptions
        .iter()
        .filter_map(|family| families.families().get(family))
        .sum();
    let repeats = usize::try_from(repeats).unwrap_or(usize::MAX);
    let mut times: BTreeMap<&Bytes, usize> = BTreeMap::new();
    for content in server.values().flatten() {
        *times.entry(content).or_default() += 1;
    }
    for (content, times) in times {
        if let Some(written) = run.ledger.written().get(content)
            && times > written.times + repeats
        {
            return Err(format!("{content:?} is there {times} times: {server:?}"));
        }
    }
    Ok(())
}

/// Where people act in one place only there is nothing to be in conflict with, even where processes die and answers get
/// lost; but for who takes rights away, and for names of which a file system makes twins.
fn no_needless_conflict(run: &Run) -> Result<(), String> {
    let setting = &run.setting;
    let is_alone = setting.actors != Actors::Everyone && setting.is_plain && !run.may_repeat;
    let has_rights = setting.rights == 0 && setting.compactions == 0 && setting.selections == 0;
    let conflicts = run
        .devices
        .iter()
        .map(|device| device.conflicts.count())
        .sum::<usize>();
    match is_alone && has_rights && conflicts > 0 {
        true => Err(format!("{conflicts} needless conflicts")),
        false => Ok(()),
    }
}

fn no_twins(server: &View) -> Result<(), String> {
    let mut keys = std::collections::BTreeSet::new();
    for path in server.keys() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !keys.insert((folder, Name::from(name).key())) {
            return Err(format!("two nodes have one name: {path}"));
        }
    }
    Ok(())
}

fn view(disk: &Disk, names: &bitvault_device::planner::NameRules) -> View {
    let seen = disk.seen().into_iter();
    seen.map(|(path, ino, kind)| {
        let path: Vec<String> = path
            .as_str()
            .split('/')
            .map(|name| names.to_remote(&Name::from(name)).as_str().to_owned())
            .collect();
        let content = (kind == LocalKind::File).then(|| disk.read(ino).unwrap_or_default());
        (path.join("/"), content)
    })
    .collect()
}
