//! Edits of which the change time alone tells.

use std::fs;

use super::{Folder, aside, folder, inventory, is_changed, path};
use crate::fs::{FileSystem as _, Found};

/// A folder with a file, as it was before an edit that keeps its size and modification time.
fn edited_unseen() -> (Folder, Found) {
    let folder = folder();
    let old = folder.write("a", "old");
    let path = folder.dir.path().join("a");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    // The change time is the only trace, once the kernel's clock has ticked.
    while folder.found("a").fingerprint == old.fingerprint {
        folder.write("a", "odd");
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
    }
    (folder, old)
}

#[tokio::test]
async fn an_edit_that_keeps_size_and_time_is_not_replaced() {
    let (folder, old) = edited_unseen();
    let temp = folder.temp("", "new").await;
    is_changed(folder.fs.replace(&temp, "a", old.fingerprint, &aside()).await);
    assert_eq!(folder.text("a"), "odd");
}

#[tokio::test]
async fn an_edit_that_keeps_size_and_time_is_not_removed() {
    let (folder, old) = edited_unseen();
    let inventory = inventory(&[("", old)]);
    is_changed(folder.fs.discard(&path("a"), &inventory, "now").await);
    assert_eq!(folder.text("a"), "odd");
}
