//! Each safety rule against a real folder. `between` closures edit in the very moment that a rule is about.

mod unseen;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use bitvault_planner::{Date, LocalKind, Sha256};
use bytes::Bytes;
use sha2::Digest as _;
use tempfile::TempDir;

use super::beneath::Beneath;
use super::place::Moment;
use super::{LinuxFs, place, trash};
use crate::fs::{Aside, FileSystem, Found, FsError, Inventory, Marker, RelPath, Written, own};

struct Folder {
    dir: TempDir,
    fs: LinuxFs,
}

fn aside() -> Aside {
    Aside {
        label: "now".to_owned(),
        device: "laptop".to_owned(),
        today: Date {
            year: 2026,
            month: 3,
            day: 9,
        },
    }
}

fn folder() -> Folder {
    let dir = tempfile::tempdir().unwrap();
    let fs = LinuxFs::open(dir.path()).unwrap();
    Folder { dir, fs }
}

impl Folder {
    fn beneath(&self) -> &Arc<Beneath> {
        &self.fs.beneath
    }

    fn write(&self, name: &str, text: &str) -> Found {
        fs::write(self.dir.path().join(name), text).unwrap();
        self.found(name)
    }

    fn found(&self, name: &str) -> Found {
        self.beneath().look(&path(name)).unwrap().expect(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).expect(name)
    }

    fn has(&self, name: &str) -> bool {
        self.dir.path().join(name).symlink_metadata().is_ok()
    }

    /// All that lies in the trash, as text.
    fn trashed(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.dir.path().join(own::FOLDER).join(own::TRASH)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                } else {
                    found.push(fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        found.sort();
        found
    }

    async fn temp(&self, folder: &str, text: &str) -> Written {
        let folder = if folder.is_empty() {
            RelPath::root()
        } else {
            path(folder)
        };
        let mut temp = self.fs.create_temp(&folder, 7).await.unwrap();
        temp.write(Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
        temp.finish().await.unwrap()
    }
}

fn path(text: &str) -> RelPath {
    text.split('/')
        .fold(RelPath::root(), |path, name| path.join(name))
}

#[track_caller]
fn is_changed<T: std::fmt::Debug>(result: Result<T, FsError>) {
    assert!(matches!(result, Err(FsError::Changed)), "{result:?}");
}

#[tokio::test]
async fn a_written_file_gets_its_name_only_when_that_is_free() {
    let folder = folder();
    let temp = folder.temp("", "new").await;
    assert_eq!(temp.sha256, Sha256(sha2::Sha256::digest(b"new").into()));
    folder.write("taken", "old");
    assert!(matches!(
        folder.fs.place(&temp, "taken").await,
        Err(FsError::Occupied)
    ));
    assert_eq!(folder.text("taken"), "old");
    let fingerprint = folder.fs.place(&temp, "free").await.unwrap();
    assert_eq!(folder.text("free"), "new");
    assert_eq!(folder.found("free").fingerprint, fingerprint);
}

#[tokio::test]
async fn what_is_taken_away_right_after_it_was_put_in_place_was_in_its_place() {
    let folder = folder();
    let temp = folder.temp("", "new").await;
    let at = |name: &str| folder.dir.path().join(name);
    folder.write("b", "another one");
    let placed = place::place(folder.beneath(), &temp, "a", || {
        fs::rename(at("a"), at("b")).unwrap();
    });
    assert_eq!(placed.unwrap(), temp.fingerprint);
    assert_eq!(folder.text("b"), "new");

    let old = folder.write("c", "old");
    let temp = folder.temp("", "newer").await;
    let replaced = place::replace(
        folder.beneath(),
        &temp,
        "c",
        old.fingerprint,
        &aside(),
        |moment| match moment {
            Moment::Looked => {}
            Moment::Exchanged => fs::rename(at("c"), at("b")).unwrap(),
        },
    );
    assert_eq!(replaced.unwrap(), temp.fingerprint);
    assert_eq!(folder.text("b"), "newer");
    assert!(!folder.has("c"));
    assert_eq!(folder.trashed(), ["old"]);
}

#[tokio::test]
async fn what_made_place_and_can_not_go_to_the_trash_waits_under_a_name_of_the_engines_own() {
    let folder = folder();
    let own = folder.dir.path().join(own::FOLDER);
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join(own::TRASH), "no folder").unwrap();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    let replaced = folder.fs.replace(&temp, "a", old.fingerprint, &aside()).await;
    assert_eq!(folder.found("a").fingerprint, replaced.unwrap());
    assert_eq!(folder.text("a"), "new");

    fs::remove_file(own.join(own::TRASH)).unwrap();
    let leftovers = folder.fs.list(&RelPath::root()).await.unwrap().leftovers;
    assert_eq!(leftovers.len(), 1, "{leftovers:?}");
    assert!(
        own::is_old(&leftovers[0]),
        "it is known to be no person's: {leftovers:?}"
    );
    folder.fs.sweep(&path(&leftovers[0]), "later").await.unwrap();
    assert_eq!(folder.trashed(), ["old"]);
}

#[tokio::test]
async fn what_makes_place_for_a_download_lies_in_the_trash() {
    let folder = folder();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    let fingerprint = folder
        .fs
        .replace(&temp, "a", old.fingerprint, &aside())
        .await
        .unwrap();
    assert_eq!(folder.text("a"), "new");
    assert_eq!(folder.found("a").fingerprint, fingerprint);
    assert_eq!(folder.trashed(), ["old"]);
    assert!(!folder.has(temp.path.as_str()));
}

#[tokio::test]
async fn an_edit_between_the_look_and_the_exchange_gets_its_place_back() {
    let folder = folder();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    let replaced = place::replace(
        folder.beneath(),
        &temp,
        "a",
        old.fingerprint,
        &aside(),
        |moment| {
            if moment == Moment::Looked {
                folder.write("a", "edited");
            }
        },
    );
    is_changed(replaced);
    assert_eq!(folder.text("a"), "edited");
    folder.fs.abandon(&temp).await;
    let listing = folder.fs.list(&RelPath::root()).await.unwrap();
    assert!(
        listing.leftovers.is_empty(),
        "our own file is gone again: {listing:?}"
    );
}

#[tokio::test]
async fn a_file_that_can_be_run_still_can_be_when_its_content_is_replaced() {
    let folder = folder();
    folder.write("a", "old");
    let path = folder.dir.path().join("a");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    let old = folder.found("a");
    let temp = folder.temp("", "new").await;
    folder
        .fs
        .replace(&temp, "a", old.fingerprint, &aside())
        .await
        .unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o751);
}

#[tokio::test]
async fn an_atomic_save_between_the_look_and_the_exchange_gets_its_place_back() {
    let folder = folder();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    let replaced = place::replace(
        folder.beneath(),
        &temp,
        "a",
        old.fingerprint,
        &aside(),
        |moment| {
            if moment == Moment::Looked {
                folder.write("saving", "edited");
                fs::rename(folder.dir.path().join("saving"), folder.dir.path().join("a")).unwrap();
            }
        },
    );
    is_changed(replaced);
    assert_eq!(folder.text("a"), "edited");
}

#[tokio::test]
async fn an_edit_right_before_the_exchange_gets_its_name_back_when_ours_was_moved_away_since() {
    let folder = folder();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    let at = |name: &str| folder.dir.path().join(name);
    let replaced = place::replace(
        folder.beneath(),
        &temp,
        "a",
        old.fingerprint,
        &aside(),
        |moment| match moment {
            Moment::Looked => drop(folder.write("a", "edited")),
            Moment::Exchanged => fs::rename(at("a"), at("moved")).unwrap(),
        },
    );
    is_changed(replaced);
    assert_eq!(folder.text("a"), "edited");
    assert_eq!(folder.text("moved"), "new");
    assert_eq!(folder.trashed(), [""; 0]);
}

#[tokio::test]
async fn what_is_written_to_ours_before_it_is_taken_back_becomes_a_conflicted_copy() {
    let folder = folder();
    let copy = "a (conflicted copy, laptop, 2026-03-09).txt";
    folder.write(copy, "of that day");
    let old = folder.write("a.txt", "old");
    let temp = folder.temp("", "new").await;
    let replaced = place::replace(
        folder.beneath(),
        &temp,
        "a.txt",
        old.fingerprint,
        &aside(),
        |moment| {
            match moment {
                Moment::Looked => folder.write("a.txt", "edited"),
                Moment::Exchanged => folder.write("a.txt", "and once more"),
            };
        },
    );
    is_changed(replaced);
    assert_eq!(folder.text("a.txt"), "edited");
    assert_eq!(
        folder.text("a (conflicted copy, laptop, 2026-03-09, 2).txt"),
        "and once more"
    );
    assert_eq!(folder.text(copy), "of that day");
    assert_eq!(folder.trashed(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_was_edited_or_is_gone_is_not_replaced() {
    let folder = folder();
    let old = folder.write("a", "old");
    let temp = folder.temp("", "new").await;
    folder.write("a", "edited");
    is_changed(folder.fs.replace(&temp, "a", old.fingerprint, &aside()).await);
    fs::remove_file(folder.dir.path().join("a")).unwrap();
    is_changed(folder.fs.replace(&temp, "a", old.fingerprint, &aside()).await);
    assert!(!folder.has("a"));
}

#[tokio::test]
async fn a_folder_on_the_way_that_became_a_link_is_not_followed() {
    let folder = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(folder.dir.path().join("d")).unwrap();
    let file = folder.write("d/f", "mine");
    fs::write(elsewhere.path().join("f"), "theirs").unwrap();
    fs::remove_dir_all(folder.dir.path().join("d")).unwrap();
    symlink(elsewhere.path(), folder.dir.path().join("d")).unwrap();

    assert_eq!(folder.fs.look(&path("d/f")).await.unwrap(), None);
    is_changed(folder.fs.list(&path("d")).await);
    is_changed(folder.fs.open(&path("d/f"), file.fingerprint).await.map(|_| ()));
    is_changed(folder.fs.create_folder(&path("d/g")).await);
    is_changed(folder.fs.create_temp(&path("d"), 1).await.map(|_| ()));
    is_changed(folder.fs.rename(&path("d/f"), file, &path("f")).await);
    is_changed(
        folder
            .fs
            .discard(&path("d/f"), &inventory(&[("", file)]), "now")
            .await,
    );
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_link_in_a_files_place_is_not_read() {
    let folder = folder();
    let file = folder.write("f", "mine");
    fs::remove_file(folder.dir.path().join("f")).unwrap();
    symlink("/etc/hostname", folder.dir.path().join("f")).unwrap();
    is_changed(folder.fs.open(&path("f"), file.fingerprint).await.map(|_| ()));
    assert_eq!(folder.found("f").kind, LocalKind::Other);
}

#[tokio::test]
async fn a_rename_never_covers_what_is_there() {
    let folder = folder();
    let file = folder.write("a", "a");
    folder.write("b", "b");
    assert!(matches!(
        folder.fs.rename(&path("a"), file, &path("b")).await,
        Err(FsError::Occupied)
    ));
    assert_eq!((folder.text("a"), folder.text("b")), ("a".into(), "b".into()));
    let fingerprint = folder.fs.rename(&path("a"), file, &path("c")).await.unwrap();
    assert_eq!(folder.found("c").fingerprint, fingerprint);
}

#[test]
fn a_file_that_takes_anothers_place_right_before_its_rename_goes_back() {
    let folder = folder();
    let file = folder.write("a", "a");
    let renamed = place::rename(folder.beneath(), &path("a"), file, &path("b"), || {
        folder.write("other", "other");
        fs::rename(folder.dir.path().join("other"), folder.dir.path().join("a")).unwrap();
    });
    is_changed(renamed);
    assert_eq!(folder.text("a"), "other");
    assert!(!folder.has("b"));
}

#[test]
fn an_edit_right_before_a_rename_shows_in_the_fingerprint() {
    let folder = folder();
    let file = folder.write("a", "a");
    let kept = place::rename(folder.beneath(), &path("a"), file, &path("b"), || {
        folder.write("a", "edited");
    })
    .unwrap();
    assert_ne!(
        folder.found("b").fingerprint,
        kept,
        "the next scan reads it again"
    );
}

fn inventory(expected: &[(&str, Found)]) -> Inventory {
    let expected = expected.iter().map(|(at, found)| {
        let at = if at.is_empty() { RelPath::root() } else { path(at) };
        (at, *found)
    });
    Inventory {
        expected: expected.collect(),
        ..Inventory::default()
    }
}

#[tokio::test]
async fn a_folder_goes_to_the_trash_with_what_was_expected_and_with_nothing_else() {
    let folder = folder();
    fs::create_dir(folder.dir.path().join("d")).unwrap();
    let file = folder.write("d/f", "f");
    let top = folder.found("d");
    let listed = inventory(&[("", top), ("f", file)]);

    folder.write("d/new", "new");
    is_changed(folder.fs.discard(&path("d"), &listed, "now").await);
    assert_eq!(folder.text("d/new"), "new");
    fs::remove_file(folder.dir.path().join("d/new")).unwrap();

    folder.write("d/ignored", "ignored");
    let mut with_ignored = listed.clone();
    with_ignored.ignored.insert(path("ignored"));
    folder.fs.discard(&path("d"), &with_ignored, "now").await.unwrap();
    assert!(!folder.has("d"));
    assert_eq!(folder.trashed(), ["f", "ignored"]);
}

#[test]
fn what_is_saved_into_a_folder_right_before_it_goes_brings_the_folder_back() {
    let folder = folder();
    fs::create_dir(folder.dir.path().join("d")).unwrap();
    let file = folder.write("d/f", "f");
    let listed = inventory(&[("", folder.found("d")), ("f", file)]);
    for change in ["new", "f"] {
        let gone = trash::discard(folder.beneath(), &path("d"), &listed, "now", || {
            folder.write(&format!("d/{change}"), "saved");
        });
        is_changed(gone);
        assert_eq!(folder.text(&format!("d/{change}")), "saved");
        let _ = fs::remove_file(folder.dir.path().join("d/new"));
    }
    assert!(folder.trashed().is_empty());
}

#[tokio::test]
async fn two_of_one_name_lie_side_by_side_in_the_trash() {
    let folder = folder();
    for text in ["one", "two"] {
        let file = folder.write("a", text);
        let listed = inventory(&[("", file)]);
        folder.fs.discard(&path("a"), &listed, "now").await.unwrap();
    }
    assert_eq!(folder.trashed(), ["one", "two"]);
}

#[tokio::test]
async fn a_file_that_does_not_hold_still_is_neither_hashed_nor_sent() {
    let folder = folder();
    let file = folder.write("a", "old");
    let source = folder.fs.open(&path("a"), file.fingerprint).await.unwrap();
    assert_eq!(&source.whole().await.unwrap().0[..], b"old");
    folder.write("a", "new");
    is_changed(source.whole().await);
    is_changed(source.hash().await);
    is_changed(source.still().await);
    is_changed(folder.fs.open(&path("a"), file.fingerprint).await.map(|_| ()));
}

#[tokio::test]
async fn the_file_that_was_opened_is_the_one_that_is_sent_whatever_has_its_name() {
    let folder = folder();
    let file = folder.write("a", "opened");
    let source = folder.fs.open(&path("a"), file.fingerprint).await.unwrap();
    fs::remove_file(folder.dir.path().join("a")).unwrap();
    folder.write("a", "another");
    assert_eq!(fs::read_to_string(source.reopen().unwrap()).unwrap(), "opened");
}

#[tokio::test]
async fn own_files_are_not_listed_and_what_may_be_a_persons_goes_to_the_trash() {
    let folder = folder();
    let temp = own::temp_name(7);
    let swap = own::swap_name(&temp);
    folder.temp("", "half").await;
    folder.write(&swap, "maybe somebody's");
    folder.write("a", "a");
    let marker = Marker {
        state: "one".into(),
        seal: "x".into(),
    };
    folder.fs.mark(&marker).await.unwrap();
    let listing = folder.fs.list(&RelPath::root()).await.unwrap();
    let names: Vec<_> = listing.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(listing.leftovers.len(), 2);
    for leftover in [&temp, &swap] {
        folder.fs.sweep(&path(leftover), "now").await.unwrap();
        assert!(!folder.has(leftover));
    }
    assert_eq!(folder.trashed(), ["maybe somebody's"]);
    assert!(folder.fs.sweep(&path("a"), "now").await.is_err());
    assert_eq!(folder.fs.root().await.unwrap().marker, Some(marker));
}

#[tokio::test]
async fn another_folder_under_the_roots_name_is_noticed() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir(&root).unwrap();
    let fs_ = LinuxFs::open(&root).unwrap();
    fs_.root().await.unwrap();
    fs::rename(&root, outer.path().join("away")).unwrap();
    assert!(matches!(fs_.root().await, Err(FsError::RootGone(_))));
    fs::create_dir(&root).unwrap();
    assert!(matches!(fs_.root().await, Err(FsError::RootGone(_))));
}

#[tokio::test]
async fn many_files_and_few_are_made_durable() {
    let folder = folder();
    let names: Vec<RelPath> = (0..40).map(|number| path(&format!("f{number}"))).collect();
    for name in &names {
        folder.write(name.as_str(), "x");
    }
    folder.fs.settle(&names).await.unwrap();
    folder.fs.settle(&[path("f0"), RelPath::root()]).await.unwrap();
}

#[tokio::test]
async fn the_trash_is_emptied_of_what_is_old_and_follows_no_link() {
    let folder = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("f"), "theirs").unwrap();
    folder.fs.empty_trash("2026-01-01").await.unwrap();
    for (name, label) in [
        ("old", "2025-12-31T235959-00000001"),
        ("new", "2026-01-01T000000-00000001"),
    ] {
        let file = folder.write(name, name);
        folder
            .fs
            .discard(&path(name), &inventory(&[("", file)]), label)
            .await
            .unwrap();
    }
    let trash = folder.dir.path().join(own::FOLDER).join(own::TRASH);
    symlink(elsewhere.path(), trash.join("2025-12-31T235959-00000001/link")).unwrap();
    fs::create_dir(trash.join("2020")).unwrap();
    folder.fs.empty_trash("2026-01-01").await.unwrap();
    assert_eq!(folder.trashed(), ["new"]);
    assert!(trash.join("2020").exists(), "that is none of ours");
    assert!(elsewhere.path().join("f").exists());
}

#[tokio::test]
async fn a_link_that_stays_within_the_folder_is_not_followed_either() {
    let folder = folder();
    fs::create_dir(folder.dir.path().join("other")).unwrap();
    let file = folder.write("other/f", "another one");
    symlink("other", folder.dir.path().join("d")).unwrap();
    assert_eq!(folder.fs.look(&path("d/f")).await.unwrap(), None);
    is_changed(folder.fs.list(&path("d")).await);
    is_changed(folder.fs.open(&path("d/f"), file.fingerprint).await.map(|_| ()));
    is_changed(
        folder
            .fs
            .discard(&path("d/f"), &inventory(&[("", file)]), "now")
            .await,
    );
    assert_eq!(folder.text("other/f"), "another one");
}
