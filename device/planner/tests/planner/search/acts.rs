//! What people do at random. Each act picks its subjects by numbers, so that it can be shrunk and replayed; where there is
//! nothing to pick, it does nothing.

use bitvault_planner::{LocalKind, Name, NodeId, RemoteKind};
use proptest::prelude::*;

use crate::model::{Deeds, Device, Disk, EntryId, Server};

/// Names that meet each other: by case, by composition, by what Windows can't hold.
const NAMES: [&str; 9] = [
    "a",
    "A",
    "b",
    "\u{e9}",
    "e\u{301}",
    "c.txt",
    "CON",
    "x:y",
    "c (conflicted copy, linux, 2026-03-09).txt",
];

fn name(pick: u8) -> Name {
    Name::from(NAMES[usize::from(pick) % NAMES.len()])
}

fn pick<T: Copy>(items: &[T], pick: u8) -> Option<T> {
    items.get(usize::from(pick) % items.len().max(1)).copied()
}

/// Something that a person does to a device's disk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DiskAct {
    CreateFile(u8, u8),
    CreateFolder(u8, u8),
    /// Writes where the file lies.
    Edit(u8),
    /// Writes with a size that is likely the same, and puts the modification time back.
    EditUnseen(u8),
    /// Saves as editors do: a new file under the old name.
    Save(u8),
    /// Writes what somebody else wrote just now.
    EditAlike(u8),
    /// Moves and renames; replaces a file that is in the way.
    Move(u8, u8, u8),
    Rename(u8, u8),
    Swap(u8, u8),
    /// Moves a folder into one of those below it, which takes its place before.
    Invert(u8),
    Delete(u8),
    /// Deletes a file and puts a folder in its place, or the other way round.
    ChangeKind(u8),
    /// Makes something that is never synced.
    CreateUnsynced(u8, u8, u8),
    /// Writes an ignore rule that names an entry.
    Ignore(u8),
}

/// Something that a person does on the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WebAct {
    CreateFile(u8, u8),
    CreateFolder(u8, u8),
    Edit(u8),
    EditAlike(u8),
    Move(u8, u8, u8),
    Rename(u8, u8),
    Swap(u8, u8),
    Trash(u8),
    /// Takes away the right to write below a node, or gives it back.
    SetWritable(u8, bool),
    /// Takes the right to see a node, or moves it out of sight.
    Hide(u8),
}

pub(crate) fn disk() -> impl Strategy<Value = DiskAct> {
    let p = || any::<u8>();
    prop_oneof![
        (p(), p()).prop_map(|(folder, name)| DiskAct::CreateFile(folder, name)),
        (p(), p()).prop_map(|(folder, name)| DiskAct::CreateFolder(folder, name)),
        p().prop_map(DiskAct::Edit),
        p().prop_map(DiskAct::EditUnseen),
        p().prop_map(DiskAct::Save),
        p().prop_map(DiskAct::EditAlike),
        (p(), p(), p()).prop_map(|(entry, folder, name)| DiskAct::Move(entry, folder, name)),
        (p(), p()).prop_map(|(entry, name)| DiskAct::Rename(entry, name)),
        (p(), p()).prop_map(|(one, other)| DiskAct::Swap(one, other)),
        p().prop_map(DiskAct::Invert),
        p().prop_map(DiskAct::Delete),
        p().prop_map(DiskAct::ChangeKind),
    ]
}

/// What most devices never see.
pub(crate) fn rare_on_disk() -> impl Strategy<Value = DiskAct> {
    let p = || any::<u8>();
    prop_oneof![
        2 => (p(), p(), p()).prop_map(|(folder, name, kind)| DiskAct::CreateUnsynced(folder, name, kind)),
        1 => p().prop_map(DiskAct::Ignore),
    ]
}

/// What changes what a device may do or see.
pub(crate) fn rights() -> impl Strategy<Value = WebAct> {
    let p = || any::<u8>();
    prop_oneof![
        2 => (p(), any::<bool>()).prop_map(|(node, writable)| WebAct::SetWritable(node, writable)),
        1 => p().prop_map(WebAct::Hide),
    ]
}

pub(crate) fn web() -> impl Strategy<Value = WebAct> {
    let p = || any::<u8>();
    prop_oneof![
        2 => growing(),
        1 => p().prop_map(WebAct::Edit),
        1 => p().prop_map(WebAct::EditAlike),
        1 => (p(), p(), p()).prop_map(|(node, folder, name)| WebAct::Move(node, folder, name)),
        1 => (p(), p()).prop_map(|(node, name)| WebAct::Rename(node, name)),
        1 => (p(), p()).prop_map(|(one, other)| WebAct::Swap(one, other)),
        1 => p().prop_map(WebAct::Trash),
    ]
}

pub(crate) fn growing() -> impl Strategy<Value = WebAct> {
    let p = || any::<u8>();
    prop_oneof![
        (p(), p()).prop_map(|(folder, name)| WebAct::CreateFile(folder, name)),
        (p(), p()).prop_map(|(folder, name)| WebAct::CreateFolder(folder, name)),
    ]
}

impl DiskAct {
    pub(crate) fn on(&self, device: &mut Device, deeds: &mut Deeds) {
        let names = device.policy.names.clone();
        let name = |number: u8| names.to_local(&name(number));
        let disk = &mut device.disk;
        let all = disk.all();
        let folders = disk.folders();
        let files: Vec<EntryId> = all.iter().copied().filter(|id| is_file(disk, *id)).collect();
        match *self {
            Self::CreateFile(folder, number) => {
                if let Some(folder) = pick(&folders, folder) {
                    create(disk, deeds, folder, &name(number), true);
                }
            }
            Self::CreateFolder(folder, number) => {
                if let Some(folder) = pick(&folders, folder) {
                    create(disk, deeds, folder, &name(number), false);
                }
            }
            Self::Edit(file) | Self::EditUnseen(file) | Self::Save(file) | Self::EditAlike(file) => {
                let Some(file) = pick(&files, file) else { return };
                deeds.supersede(disk.payloads(file));
                match self {
                    Self::EditAlike(_) => disk.write(file, deeds.write_again(), false),
                    Self::Save(_) => disk.replace(file, deeds.write()),
                    Self::EditUnseen(_) => disk.write(file, deeds.write(), true),
                    _ => disk.write(file, deeds.write(), false),
                }
            }
            Self::Move(entry, folder, number) => {
                if let (Some(entry), Some(folder)) = (pick(&all, entry), pick(&folders, folder)) {
                    rename_over(disk, deeds, entry, folder, &name(number));
                }
            }
            Self::Rename(entry, number) => {
                if let Some(entry) = pick(&all, entry)
                    && let Some(folder) = disk.get(entry).and_then(|entry| entry.parent)
                {
                    rename_over(disk, deeds, entry, folder, &name(number));
                }
            }
            Self::Swap(one, other) => {
                if let (Some(one), Some(other)) = (pick(&all, one), pick(&all, other)) {
                    swap(disk, one, other);
                }
            }
            Self::Invert(folder) => {
                if let Some(folder) = pick(&folders, folder)
                    && let Some(child) = pick(&disk.children(folder), 0)
                    && disk.get(child).is_some_and(|child| child.content.is_none())
                {
                    invert(disk, folder, child);
                }
            }
            Self::Delete(entry) => {
                if let Some(entry) = pick(&all, entry) {
                    deeds.supersede(disk.remove(entry));
                }
            }
            Self::ChangeKind(entry) => {
                let Some(entry) = pick(&all, entry) else { return };
                let was_file = is_file(disk, entry);
                let Some((folder, name)) = disk.get(entry).and_then(|e| Some((e.parent?, e.name.clone())))
                else {
                    return;
                };
                deeds.supersede(disk.remove(entry));
                create(disk, deeds, folder, &name, !was_file);
            }
            Self::CreateUnsynced(folder, number, kind) => {
                let Some(folder) = pick(&folders, folder) else {
                    return;
                };
                deeds.has_unsynced = true;
                let kind = [LocalKind::Other, LocalKind::File, LocalKind::Folder][usize::from(kind) % 3];
                let content = (kind == LocalKind::File).then_some(0);
                if let Ok(entry) = disk.create_as(folder, &name(number), kind, content)
                    && kind != LocalKind::Other
                {
                    disk.ignore(entry);
                }
            }
            Self::Ignore(entry) => {
                if let Some(entry) = pick(&all, entry) {
                    deeds.has_unsynced = true;
                    disk.ignore(entry);
                }
            }
        }
    }
}

fn is_file(disk: &Disk, id: EntryId) -> bool {
    disk.get(id).is_some_and(|entry| entry.content.is_some())
}

fn create(disk: &mut Disk, deeds: &mut Deeds, folder: EntryId, name: &Name, is_file: bool) {
    if disk.find(folder, name).is_none() {
        let content = is_file.then(|| deeds.write());
        let _ = disk.create(folder, name, content);
    }
}

fn rename_over(disk: &mut Disk, deeds: &mut Deeds, entry: EntryId, folder: EntryId, name: &Name) {
    if let Some(other) = disk.find(folder, name)
        && other != entry
        && is_file(disk, other)
        && is_file(disk, entry)
    {
        deeds.supersede(disk.remove(other));
    }
    let _ = disk.rename(entry, folder, name);
}

fn swap(disk: &mut Disk, one: EntryId, other: EntryId) {
    let place = |disk: &Disk, id: EntryId| {
        disk.get(id)
            .and_then(|entry| Some((entry.parent?, entry.name.clone())))
    };
    let (Some(here), Some(there)) = (place(disk, one), place(disk, other)) else {
        return;
    };
    let aside = Name::from("swapping");
    if disk.rename(one, Disk::ROOT, &aside).is_ok() {
        let _ = disk.rename(other, here.0, &here.1);
        let _ = disk.rename(one, there.0, &there.1);
    }
}

fn invert(disk: &mut Disk, folder: EntryId, child: EntryId) {
    let Some((above, name)) = disk
        .get(folder)
        .and_then(|folder| Some((folder.parent?, folder.name.clone())))
    else {
        return;
    };
    let Some(child_name) = disk.get(child).map(|child| child.name.clone()) else {
        return;
    };
    let aside = Name::from("inverting");
    if disk.rename(child, above, &aside).is_ok() {
        let _ = disk.rename(folder, child, &child_name);
        let _ = disk.rename(child, above, &name);
    }
}

impl WebAct {
    pub(crate) fn on(&self, server: &mut Server, deeds: &mut Deeds) {
        let live = server.live();
        let folders = server.live_folders();
        let files: Vec<NodeId> = live
            .iter()
            .copied()
            .filter(|id| server.payload(*id).is_some())
            .collect();
        match *self {
            Self::CreateFile(folder, number) => {
                if let Some(folder) = pick(&folders, folder)
                    && server.is_free(folder, &name(number))
                {
                    let _ = server.create(folder, &name(number), Some(deeds.write()));
                }
            }
            Self::CreateFolder(folder, number) => {
                if let Some(folder) = pick(&folders, folder) {
                    let _ = server.create(folder, &name(number), None);
                }
            }
            Self::Edit(file) | Self::EditAlike(file) => {
                if let Some(node) = pick(&files, file).and_then(|file| server.get(file))
                    && node.writable
                    && let RemoteKind::File(content) = node.kind
                {
                    deeds.supersede(server.payload(node.id));
                    let payload = match self {
                        Self::EditAlike(_) => deeds.write_again(),
                        _ => deeds.write(),
                    };
                    let _ = server.upload(node.id, content.version, payload);
                }
            }
            Self::Move(node, folder, number) => {
                if let (Some(node), Some(folder)) = (pick(&live, node), pick(&folders, folder)) {
                    rename(server, node, folder, &name(number));
                }
            }
            Self::Rename(node, number) => {
                if let Some(node) = pick(&live, node)
                    && let Some(folder) = server.get(node).and_then(|node| node.parent)
                {
                    rename(server, node, folder, &name(number));
                }
            }
            Self::Swap(one, other) => {
                let place =
                    |server: &Server, id| server.get(id).and_then(|node| Some((node.parent?, node.name)));
                if let (Some(one), Some(other)) = (pick(&live, one), pick(&live, other))
                    && let (Some(here), Some(there)) = (place(server, one), place(server, other))
                {
                    rename(server, one, Server::ROOT, &Name::from("swapping"));
                    rename(server, other, here.0, &here.1);
                    rename(server, one, there.0, &there.1);
                }
            }
            Self::Trash(node) => {
                if let Some(node) = pick(&live, node) {
                    let below = server.below(node);
                    deeds.supersede(below.iter().filter_map(|id| server.payload(*id)));
                    server.bury(node, bitvault_planner::Cause::Trashed);
                }
            }
            Self::SetWritable(node, writable) => {
                if let Some(node) = pick(&live, node) {
                    server.set_writable(node, writable);
                }
            }
            Self::Hide(node) => {
                if let Some(node) = pick(&live, node) {
                    let below = server.below(node);
                    deeds.supersede(below.iter().filter_map(|id| server.payload(*id)));
                    server.bury(node, bitvault_planner::Cause::AccessLost);
                }
            }
        }
    }
}

fn rename(server: &mut Server, node: NodeId, folder: NodeId, name: &Name) {
    if let Some(revision) = server.get(node).map(|node| node.revision) {
        let _ = server.rename(node, revision, folder, name);
    }
}
