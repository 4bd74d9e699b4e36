//! Reads what a person dropped or chose: files with the folders they are in, and folders that hold nothing.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry};

use crate::browser;

/// What was picked.
#[derive(Default)]
pub(crate) struct Picked {
    /// Files, with the folders from the dropped one down to each.
    pub(crate) files: Vec<(Vec<String>, File)>,
    /// Folders that hold nothing.
    pub(crate) empty_folders: Vec<Vec<String>>,
    /// Names of what could not be read.
    pub(crate) unreadable: Vec<String>,
}

/// What was dropped, to be read later: a browser forgets a drop's items once its event has ended.
pub(crate) enum Dropped {
    /// Entries, which may be folders.
    Entries(Vec<FileSystemEntry>),
    /// Files only, from a browser that knows no entries.
    Files(FileList),
}

/// Whether a drag carries files rather than text or a link.
pub(crate) fn carries_files(transfer: &DataTransfer) -> bool {
    transfer
        .types()
        .iter()
        .any(|kind| kind.as_string().as_deref() == Some("Files"))
}

/// Takes the items out of a drop, within its event.
pub(crate) fn take(transfer: &DataTransfer) -> Option<Dropped> {
    let items = transfer.items();
    let entries: Vec<FileSystemEntry> = (0..items.length())
        .filter_map(|index| items.get(index))
        .filter(|item| item.kind() == "file")
        .filter_map(|item| item.webkit_get_as_entry().ok().flatten())
        .collect();
    if entries.is_empty() {
        transfer.files().map(Dropped::Files)
    } else {
        Some(Dropped::Entries(entries))
    }
}

/// Reads a drop, folders and all.
pub(crate) async fn read(dropped: Dropped) -> Picked {
    let entries = match dropped {
        Dropped::Files(files) => return from_list(&files),
        Dropped::Entries(entries) => entries,
    };
    let mut picked = Picked::default();
    let mut pending: Vec<(Vec<String>, FileSystemEntry)> = entries
        .into_iter()
        .rev()
        .map(|entry| (Vec::new(), entry))
        .collect();
    while let Some((folders, entry)) = pending.pop() {
        let name = entry.name();
        if !entry.is_directory() {
            match browser::callback_call(&entry, "file")
                .await
                .and_then(JsCast::dyn_into::<File>)
            {
                Ok(file) => picked.files.push((folders, file)),
                Err(_) => picked.unreadable.push(name),
            }
            continue;
        }
        let mut inside = folders;
        inside.push(name.clone());
        match entries_of(entry.unchecked_ref()).await {
            Ok(children) if children.is_empty() => picked.empty_folders.push(inside),
            Ok(children) => {
                pending.extend(children.into_iter().rev().map(|child| (inside.clone(), child)));
            }
            Err(_) => picked.unreadable.push(name),
        }
    }
    picked
}

/// The files of a file input; one that chooses folders says where each file was.
pub(crate) fn from_list(files: &FileList) -> Picked {
    let mut picked = Picked::default();
    for file in (0..files.length()).filter_map(|index| files.get(index)) {
        let path = Reflect::get(&file, &JsValue::from_str("webkitRelativePath"))
            .ok()
            .and_then(|path| path.as_string())
            .unwrap_or_default();
        picked.files.push((folders_of(&path), file));
    }
    picked
}

/// `a/b/c.txt` → `a`, `b`.
fn folders_of(path: &str) -> Vec<String> {
    match path.rsplit_once('/') {
        Some((folders, _)) => folders
            .split('/')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        None => Vec::new(),
    }
}

/// A reader answers a hundred entries at a time, and none when it is through.
async fn entries_of(folder: &FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut all = Vec::new();
    loop {
        let batch: Array = browser::callback_call(&reader, "readEntries").await?.dyn_into()?;
        if batch.length() == 0 {
            return Ok(all);
        }
        all.extend(batch.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

#[cfg(test)]
mod tests {
    use super::folders_of;

    #[test]
    fn the_folders_of_a_chosen_file_come_from_its_path() {
        assert_eq!(folders_of("photos/2024/a.jpg"), ["photos", "2024"]);
        assert!(folders_of("a.jpg").is_empty());
        assert!(folders_of("").is_empty());
    }
}
