//! Compiled code on disk: used when it is ours, thrown out when anybody touched it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

use bitvault_wasm::{Engine, EngineConfig};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn component() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read(bitvault_wasm::asset(&root, "misbehaving").unwrap()).unwrap()
}

fn load(folder: &Path) -> Result<(), bitvault_wasm::Error> {
    let engine = Engine::new(&EngineConfig {
        cache_dir: Some(folder.to_owned()),
        ..EngineConfig::default()
    })?;
    engine.component("misbehaving", &component()).map(drop)
}

fn compiled(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .collect()
}

fn quarantined(folder: &Path) -> usize {
    fs::read_dir(folder.join("quarantine")).map_or(0, Iterator::count)
}

#[test]
fn an_untouched_file_is_used_and_a_touched_one_is_thrown_out() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    load(&folder).unwrap();
    let [file] = &compiled(&folder)[..] else {
        panic!("one file")
    };
    let ours = fs::read(file).unwrap();
    let made = fs::metadata(file).unwrap().modified().unwrap();
    load(&folder).unwrap();
    assert_eq!(
        fs::metadata(file).unwrap().modified().unwrap(),
        made,
        "it was used, not written again"
    );
    assert_eq!(quarantined(&folder), 0);

    let mut tampered = ours.clone();
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    let foreign = vec![0; 100];
    let another_mac = [&ours[..ours.len() - 32], &[7; 32]].concat();
    for bytes in [tampered, foreign, another_mac, Vec::new()] {
        fs::remove_dir_all(folder.join("quarantine")).ok();
        fs::write(file, &bytes).unwrap();
        load(&folder).unwrap();
        assert_eq!(quarantined(&folder), 1);
        assert_eq!(fs::read(file).unwrap().len(), ours.len(), "it was compiled again");
    }
}

#[test]
fn a_file_of_another_component_is_thrown_out() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    load(&folder).unwrap();
    let [file] = &compiled(&folder)[..] else {
        panic!("one file")
    };
    let other = wat_component();
    let engine = Engine::new(&EngineConfig {
        cache_dir: Some(folder.clone()),
        ..EngineConfig::default()
    })
    .unwrap();
    engine.component("other", &other).unwrap();
    let another = compiled(&folder).into_iter().find(|path| path != file).unwrap();
    // Both carry our MAC; each counts for its own component only.
    fs::copy(&another, file).unwrap();
    load(&folder).unwrap();
    assert_eq!(quarantined(&folder), 1);
}

/// As several plugins of one daemon do, and several daemons that begin at once.
#[test]
fn engines_that_begin_at_once_share_a_key_and_the_files() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let folder = root.path().join(round.to_string());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let engine = Engine::new(&EngineConfig {
                        cache_dir: Some(folder.clone()),
                        ..EngineConfig::default()
                    })
                    .unwrap();
                    engine.component("other", &wat_component()).unwrap();
                });
            }
        });
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| !name.ends_with(".cwasm"));
        assert_eq!(names, ["key"], "nothing was quarantined or left over");
    }
}

#[test]
fn what_a_dead_writer_left_is_removed_and_a_living_one_s_file_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    load(&folder).unwrap();
    let (old, new) = (folder.join("a.tmp"), folder.join("b.tmp"));
    for path in [&old, &new] {
        fs::write(path, b"half").unwrap();
    }
    let made = fs::metadata(&old).unwrap().modified().unwrap();
    let long_ago = made - std::time::Duration::from_secs(7200);
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(long_ago).unwrap();
    load(&folder).unwrap();
    assert!(!old.exists() && new.exists());
}

/// The smallest component: magic, version 13, layer 1.
fn wat_component() -> Vec<u8> {
    vec![0, b'a', b's', b'm', 13, 0, 1, 0]
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let error = load(&folder).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}
