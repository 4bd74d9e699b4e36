//! People: what they do with their files on a machine, and on the web, at any moment.

use bitvault_device::fs::RelPath;
use bitvault_device::planner::{LocalKind, Name, NodeId, RemoteKind, UploadTo};
use bytes::Bytes;

use crate::disk::{Disk, Errno};
use crate::ledger::Ledger;
use crate::machine::Machine;
use crate::server::ModelServer;

/// Names that people like.
const PLAIN: [&str; 6] = ["a", "b", "c", "d.txt", "e.txt", "f"];
/// And names that file systems and servers disagree about.
const ODD: [&str; 8] = [
    "A",
    "caf\u{e9}",
    "cafe\u{301}",
    "D.TXT",
    "CON",
    "end.",
    "a:b",
    "x%41",
];
/// Longest tick of a disk's clock, in nanoseconds.
const TICK: i64 = 10_000_000;
/// Most entries that people make on a machine: a run is to be short.
const MOST: usize = 14;

/// A program that has written half of a file, and has it open.
struct Open {
    machine: usize,
    ino: crate::disk::Ino,
    half: usize,
    whole: Bytes,
}

impl Open {
    /// Writes the rest, whatever became of the file meanwhile.
    fn end(self, disk: &mut Disk, ledger: &mut Ledger) -> String {
        let Self { ino, half, whole, .. } = self;
        let before = disk.read(ino).unwrap_or_default();
        let is_there = disk.files().iter().any(|(_, file, _)| *file == ino);
        ledger.may_be_buried(&whole);
        if disk.append(ino, &whole.slice(half..)).is_err() || !is_there {
            ledger.supersede([whole.clone()]);
        } else if before != whole.slice(..half) {
            // Somebody else wrote to it: the work of both is spoiled.
            ledger.fragment(disk.read(ino).unwrap_or_default());
            ledger.supersede([whole.clone(), before]);
        }
        format!("write the rest of {whole:?}")
    }
}

/// The people of a run.
#[derive(Default)]
pub(crate) struct People {
    open: Vec<Open>,
    recent: Vec<Bytes>,
}

impl People {
    /// Somebody does something at a machine. What can't be done is not done.
    pub(crate) fn act(&mut self, machine: &Machine, ledger: &mut Ledger, is_plain: bool) {
        let hub = machine.hub.clone();
        let mut inner = machine.lock();
        if !inner.is_mounted {
            return;
        }
        let changing = inner.changing.clone();
        let renamed = inner.renaming_to.clone().map(|to| [Some(to), changing.clone()]);
        let seen = inner.disk.seen();
        let mut folders = vec![RelPath::root()];
        folders.extend(
            seen.iter()
                .filter(|(_, _, kind)| *kind == LocalKind::Folder)
                .map(|(path, _, _)| path.clone()),
        );
        let files: Vec<RelPath> = seen
            .iter()
            .filter(|(_, _, kind)| *kind == LocalKind::File)
            .map(|(path, _, _)| path.clone())
            .collect();
        let all: Vec<RelPath> = seen.iter().map(|(path, _, _)| path.clone()).collect();
        // Whoever is at work is often at work where the engine is.
        let near = |of: &[RelPath]| match &changing {
            Some(path) if hub.below(2) == 0 && of.contains(path) => Some(path.clone()),
            _ => hub.pick(of).cloned(),
        };
        let by = ["o", "t", "r", "q"][machine.number.min(3)];
        let free = |folder: &RelPath| folder.join(name(machine, is_plain));
        let kind = hub.below(if is_plain { 12 } else { 21 });
        let disk = &mut inner.disk;
        let mut touched: Vec<RelPath> = Vec::new();
        let what = match kind {
            0..=2 if all.len() < MOST => {
                let Some(path) = hub.pick(&folders).map(free) else {
                    return;
                };
                touched.push(path.clone());
                create(disk, ledger, by, &path)
            }
            0 | 3 | 4 => {
                let Some(path) = near(&files) else { return };
                touched.push(path.clone());
                let is_in_place = hub.below(2) == 0;
                save(disk, ledger, by, &path, is_in_place, hub.below(3) == 0)
            }
            1 | 5 if all.len() < MOST => {
                let Some(path) = hub.pick(&folders).map(free) else {
                    return;
                };
                touched.push(path.clone());
                hub.met("folder made");
                make_folder(disk, &path)
            }
            6 | 7 => {
                let (Some(from), Some(folder)) = (near(&all), hub.pick(&folders)) else {
                    return;
                };
                let to = free(folder);
                touched.extend([from.clone(), to.clone()]);
                rename(disk, ledger, &from, &to)
            }
            2 | 8 => {
                let Some(from) = near(&all) else { return };
                let to = free(&from.folder());
                touched.extend([from.clone(), to.clone()]);
                rename(disk, ledger, &from, &to)
            }
            9 => {
                let Some(path) = near(&files) else { return };
                touched.push(path.clone());
                delete(disk, ledger, &path)
            }
            10 => {
                let Some(path) = near(&all) else { return };
                touched.push(path.clone());
                delete(disk, ledger, &path)
            }
            11 => {
                let (Some(one), Some(other)) = (near(&all), hub.pick(&all).cloned()) else {
                    return;
                };
                touched.extend([one.clone(), other.clone()]);
                hub.met("two names swapped");
                swap(disk, ledger, &one, &other)
            }
            12 | 13 => {
                let (Some(from), Some(to)) = (near(&files), hub.pick(&files).cloned()) else {
                    return;
                };
                touched.extend([from.clone(), to.clone()]);
                hub.met("move over existing");
                rename(disk, ledger, &from, &to)
            }
            14 => {
                let Some(path) = near(&files) else { return };
                // A rename moves the change time, which alone tells of such an edit: around it nobody can notice.
                if renamed.is_some_and(|paths| paths.contains(&Some(path.clone()))) {
                    return;
                }
                touched.push(path.clone());
                hub.met("same size and mtime edit");
                edit_unseen(disk, ledger, by, &path)
            }
            15 => {
                let Some(path) = near(&files) else { return };
                touched.push(path.clone());
                hub.met("odd mtime");
                let odd = [0, -5_000_000_000, i64::MAX / 2, 1][hub.below(4)];
                disk.at(&path).map(|ino| {
                    disk.set_modified(ino, odd);
                    format!("set the mtime of {path} to {odd}")
                })
            }
            16 => {
                let Some(path) = near(&all) else { return };
                touched.push(path.clone());
                hub.met("file and folder swap");
                swap_kind(disk, ledger, by, &path)
            }
            17 => {
                let Some(path) = near(&files) else { return };
                let (folder, name) = path.split().unwrap_or_default();
                let to = folder.join(&match name.chars().any(char::is_lowercase) {
                    true => name.to_uppercase(),
                    false => name.to_lowercase(),
                });
                touched.extend([path.clone(), to.clone()]);
                hub.met("case-only rename");
                rename(disk, ledger, &path, &to)
            }
            18 => {
                let (Some(folder), Some(content)) = (hub.pick(&folders), hub.pick(&self.recent).cloned())
                else {
                    return;
                };
                let path = free(folder);
                touched.push(path.clone());
                hub.met("equal content written");
                write_again(disk, ledger, &path, &content)
            }
            19 => {
                let Some(path) = near(&files) else { return };
                touched.push(path.clone());
                hub.met("slow writer");
                self.begin_slowly(disk, ledger, (machine.number, by), &path)
            }
            _ => {
                let Some(at) = self.open.iter().position(|open| open.machine == machine.number) else {
                    return;
                };
                let open = self.open.remove(at);
                Ok(open.end(disk, ledger))
            }
        };
        if let Ok(what) = what {
            let number = machine.number;
            if let Some(path) = &changing
                && touched.contains(path)
            {
                hub.met("act on what the engine is changing");
            }
            hub.tell(format_args!("person at d{number}: {what}"));
            self.recent.extend(ledger.written().keys().next_back().cloned());
            for path in touched {
                inner.changed(path.folder());
            }
        }
    }

    /// Writes half of a new content over a file, and keeps it open.
    fn begin_slowly(
        &mut self,
        disk: &mut Disk,
        ledger: &mut Ledger,
        (machine, by): (usize, &'static str),
        path: &RelPath,
    ) -> Result<String, Errno> {
        let ino = disk.at(path)?;
        let old = disk.read(ino)?;
        if disk.is_full
            || self
                .open
                .iter()
                .any(|open| open.ino == ino && open.machine == machine)
        {
            return Err(Errno::NoSpace);
        }
        let number = ledger.written().len();
        let whole = ledger.write(by);
        let half = [0, whole.len() / 2][number % 2];
        ledger.supersede([old]);
        ledger.fragment(whole.slice(..half));
        disk.write_over(path, &whole[..half])?;
        self.open.push(Open {
            machine,
            ino,
            half,
            whole: whole.clone(),
        });
        Ok(format!("begin to write {whole:?} over {path}"))
    }

    /// All programs end their work.
    pub(crate) fn finish(&mut self, machines: &[Machine], ledger: &mut Ledger) {
        for open in self.open.drain(..) {
            let mut inner = machines[open.machine].lock();
            open.end(&mut inner.disk, ledger);
        }
    }

    /// Programs on a machine die with it; what they had not written is nobody's loss but their own.
    pub(crate) fn die(&mut self, machine: usize, ledger: &mut Ledger) {
        for open in self.open.extract_if(.., |open| open.machine == machine) {
            ledger.supersede([open.whole]);
        }
    }

    /// Somebody does something on the web.
    pub(crate) fn act_on_web(
        &mut self,
        server: &ModelServer,
        machine: &Machine,
        ledger: &mut Ledger,
        is_plain: bool,
    ) {
        let hub = machine.hub.clone();
        let nodes = server.nodes();
        let folders: Vec<NodeId> = nodes
            .iter()
            .filter(|node| node.kind == RemoteKind::Folder)
            .map(|node| node.id)
            .collect();
        let others = &nodes[1..];
        let name = || Name::from(name(machine, is_plain));
        let what = match hub.below(8) {
            0 | 1 if nodes.len() < MOST => hub.pick(&folders).and_then(|parent| {
                let to = UploadTo::New {
                    parent: *parent,
                    name: name().composed(),
                };
                let content = ledger.write("w");
                let is_there = server.write(&to, content.clone());
                if !is_there {
                    ledger.supersede([content.clone()]);
                }
                is_there.then(|| format!("create {to:?}: {content:?}"))
            }),
            0 | 2 | 3 => hub.pick(others).and_then(|node| {
                let base = node.kind.content()?.version;
                ledger.supersede(server.contents(node.id));
                let content = ledger.write("w");
                let to = UploadTo::Version { node: node.id, base };
                server
                    .write(&to, content.clone())
                    .then(|| format!("save {}: {content:?}", node.name))
            }),
            1 | 4 if nodes.len() < MOST => hub.pick(&folders).and_then(|parent| {
                let name = name().composed();
                server
                    .create_folder(*parent, &name)
                    .then(|| format!("create folder {name}"))
            }),
            5 => hub.pick(others).and_then(|node| {
                ledger.supersede(server.all_contents(node.id));
                server.trash(node.id).then(|| format!("delete {}", node.name))
            }),
            6 => server.restorable().first().map(|node| {
                server.restore(*node);
                format!("restore {node}")
            }),
            _ => hub.pick(others).and_then(|node| {
                let parent = match hub.below(2) {
                    0 => node.parent?,
                    _ => *hub.pick(&folders)?,
                };
                let name = match hub.below(2) {
                    0 => node.name.clone(),
                    _ => name().composed(),
                };
                let moved = server.rename(node.id, parent, name.as_str()).is_ok();
                moved.then(|| format!("move {} to {name} in {parent}", node.name))
            }),
        };
        if let Some(what) = what {
            hub.tell(format_args!("person on the web: {what}"));
        }
    }
}

fn name(machine: &Machine, is_plain: bool) -> &'static str {
    let hub = &machine.hub;
    if !is_plain && hub.below(4) == 0 {
        hub.met("odd name");
        return ODD[hub.below(ODD.len())];
    }
    PLAIN[hub.below(PLAIN.len())]
}

fn create(disk: &mut Disk, ledger: &mut Ledger, by: &str, path: &RelPath) -> Result<String, Errno> {
    if disk.at(path).is_ok() || disk.is_full {
        return Err(Errno::Exists);
    }
    disk.holder(path)?;
    let content = ledger.write(by);
    disk.write_new(path, &content)?;
    Ok(format!("create {path}: {content:?}"))
}

fn write_again(
    disk: &mut Disk,
    ledger: &mut Ledger,
    path: &RelPath,
    content: &Bytes,
) -> Result<String, Errno> {
    if disk.at(path).is_ok() || disk.is_full {
        return Err(Errno::Exists);
    }
    disk.write_new(path, content)?;
    ledger.write_again(content);
    Ok(format!("create {path}: {content:?} once more"))
}

fn save(
    disk: &mut Disk,
    ledger: &mut Ledger,
    by: &str,
    path: &RelPath,
    is_in_place: bool,
    is_synced: bool,
) -> Result<String, Errno> {
    let old = disk.at(path).and_then(|ino| disk.read(ino))?;
    if disk.is_full {
        return Err(Errno::NoSpace);
    }
    let aside = path
        .folder()
        .join(&format!("{}~new", path.split().map_or("", |(_, name)| name)));
    if disk.at(&aside).is_ok() {
        return Err(Errno::Exists);
    }
    ledger.supersede([old]);
    let content = ledger.write(by);
    if is_in_place {
        disk.write_over(path, &content)?;
        return Ok(format!("write over {path}: {content:?}"));
    }
    disk.save_by_rename(path, &content, is_synced)?;
    Ok(format!("save {path}: {content:?}"))
}

/// An edit that leaves size and modification time as they were.
fn edit_unseen(disk: &mut Disk, ledger: &mut Ledger, by: &str, path: &RelPath) -> Result<String, Errno> {
    let ino = disk.at(path)?;
    let (old, found) = (disk.read(ino)?, disk.stat(ino)?);
    // Whoever does so within a tick of the file system's clock behind our own rename can't be noticed by anyone.
    if disk.is_full || disk.now - found.fingerprint.changed < TICK {
        return Err(Errno::NoSpace);
    }
    let content = ledger.write_as_long(by, old.len());
    // Between the last look and the rename that takes it away nothing tells of it: then it lies in the device's trash.
    ledger.may_be_buried(&content);
    ledger.supersede([old]);
    disk.write_over(path, &content)?;
    disk.set_modified(ino, found.fingerprint.modified);
    Ok(format!("edit {path} and keep its mtime: {content:?}"))
}

fn make_folder(disk: &mut Disk, path: &RelPath) -> Result<String, Errno> {
    let (folder, name) = disk.holder(path)?;
    disk.create(folder, name, LocalKind::Folder)?;
    Ok(format!("create folder {path}"))
}

fn rename(disk: &mut Disk, ledger: &mut Ledger, from: &RelPath, to: &RelPath) -> Result<String, Errno> {
    let replaced = match (disk.at(from)?, disk.at(to)) {
        (from, Ok(to)) if from != to => disk.read(to).ok(),
        _ => None,
    };
    disk.rename_over(from, to)?;
    ledger.supersede(replaced);
    Ok(format!("rename {from} to {to}"))
}

fn delete(disk: &mut Disk, ledger: &mut Ledger, path: &RelPath) -> Result<String, Errno> {
    let gone = disk.contents(path);
    disk.delete(path)?;
    ledger.supersede(gone);
    Ok(format!("delete {path}"))
}

fn swap(disk: &mut Disk, ledger: &mut Ledger, one: &RelPath, other: &RelPath) -> Result<String, Errno> {
    let aside = RelPath::root().join("aside");
    if one == other || disk.at(&aside).is_ok() {
        return Err(Errno::Exists);
    }
    rename(disk, ledger, one, &aside)?;
    if rename(disk, ledger, other, one).is_err() || rename(disk, ledger, &aside, other).is_err() {
        // One was inside the other: it goes back where that is possible.
        let _ = rename(disk, ledger, &aside, one);
    }
    Ok(format!("swap {one} and {other}"))
}

fn swap_kind(disk: &mut Disk, ledger: &mut Ledger, by: &str, path: &RelPath) -> Result<String, Errno> {
    if disk.is_full {
        return Err(Errno::NoSpace);
    }
    let is_file = disk.at(path).and_then(|ino| disk.read(ino)).is_ok();
    delete(disk, ledger, path)?;
    match is_file {
        true => make_folder(disk, path),
        false => create(disk, ledger, by, path),
    }
}
