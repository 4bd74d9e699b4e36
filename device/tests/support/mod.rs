//! Devices with real folders and real states, and a clock that waits by moving on.

mod clock;
mod forgetful;
mod unlistable;
mod waits;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitvault_device::engine::{Config, Engine, EngineError, Limits, Parts, Rest, Silent};
use bitvault_device::fs::{LinuxFs, own};
use bitvault_device::planner::{Guard, NameRules};
use bitvault_device::state::{Agreed, Control, LogLine, SqliteStore, Status, Store as _};
use bitvault_device::watch::{FolderWatch, Hints};
use bitvault_device::world;
use bitvault_simulator::{Fault, Faults, ModelServer, Seen};
use tempfile::TempDir;

use clock::Clock;
use forgetful::Forgetful;
use unlistable::{Unlistable, UnlistableFs};

/// A server, and where the devices' folders are.
pub(crate) struct World {
    pub(crate) server: ModelServer,
    dir: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            server: ModelServer::new(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The server's files by path.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let files = self.server.files().into_iter();
        files
            .filter_map(|(path, seen)| match seen {
                Seen::Folder => None,
                Seen::File(bytes) => Some((path, String::from_utf8(bytes.to_vec()).unwrap())),
            })
            .collect()
    }

    /// Each device has what the server has, agrees that it has, and has nothing left to do.
    pub(crate) async fn rests(&self, devices: &mut [&mut Device]) {
        for device in devices.iter_mut() {
            device.sync_quietly().await;
        }
        let told = self.server.journal_len();
        for device in devices.iter_mut() {
            let rest = device.sync_quietly().await;
            assert_eq!(rest.done, 0, "{} is not at rest: {:?}", device.name, device.log());
            assert_eq!(device.files(), self.files(), "{}", device.name);
        }
        assert_eq!(self.server.journal_len(), told);
    }
}

/// Two devices of one account.
pub(crate) async fn both(world: &World) -> (Device, Device) {
    (Device::new(world, "one"), Device::new(world, "two"))
}

/// The same, with twenty files on both.
#[allow(dead_code, reason = "each test file uses some of these")]
pub(crate) async fn both_with_twenty(world: &World) -> (Device, Device) {
    let (mut one, mut two) = both(world).await;
    for number in 0..20 {
        one.write(&format!("f{number}"), &format!("text {number}"));
    }
    one.sync().await;
    two.sync().await;
    (one, two)
}

/// What somebody does.
type Act = Box<dyn FnOnce() + Send>;

/// Goes wrong once where it was asked to, or lets somebody act in the middle of a call.
#[derive(Default)]
struct Once {
    fault: Mutex<Option<(String, Fault)>>,
    act: Mutex<Option<(String, Act)>>,
    endless: Mutex<Option<String>>,
    /// Each call takes so long, in milliseconds.
    slow_ms: AtomicU64,
}

impl Faults for Once {
    fn next(&self, call: &'static str) -> Option<Fault> {
        std::thread::sleep(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)));
        let act = self.act.lock().unwrap().take_if(|(name, _)| name == call);
        if let Some((_, act)) = act {
            act();
        }
        let mut next = self.fault.lock().unwrap();
        let fault = next
            .as_ref()
            .filter(|(name, _)| name == call)
            .map(|(_, fault)| *fault)?;
        *next = None;
        Some(fault)
    }

    fn never_ends(&self, call: &'static str) -> bool {
        let mut endless = self.endless.lock().unwrap();
        endless.take_if(|name| name == call).is_some()
    }
}

/// What a backup is of.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each test file uses some of these")]
pub(crate) enum What {
    State,
    Folder,
}

/// A device: a folder, a state, and an engine when one is running.
pub(crate) struct Device {
    pub(crate) name: String,
    folder: PathBuf,
    state: PathBuf,
    server: ModelServer,
    faults: Arc<Once>,
    forgets: Arc<Mutex<Option<&'static str>>>,
    clock: Arc<Clock>,
    unlistable: Unlistable,
    limits: Limits,
    engine: Option<Engine>,
}

#[allow(dead_code, reason = "each test file uses some of these")]
impl Device {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let folder = world.dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        Self {
            name: name.to_owned(),
            state: world.dir.path().join(format!("{name}.state")),
            folder,
            server: world.server.clone(),
            faults: Arc::default(),
            forgets: Arc::default(),
            clock: Arc::default(),
            unlistable: Unlistable::default(),
            limits: Limits::default(),
            engine: None,
        }
    }

    // --- what a person does

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.folder.join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// The same folder in another pair of hands.
    pub(crate) fn person(&self) -> Self {
        Self {
            name: self.name.clone(),
            folder: self.folder.clone(),
            state: self.state.clone(),
            server: self.server.clone(),
            faults: Arc::clone(&self.faults),
            forgets: Arc::clone(&self.forgets),
            clock: Arc::clone(&self.clock),
            unlistable: Unlistable::clone(&self.unlistable),
            limits: self.limits,
            engine: None,
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
    }

    /// A file of so many bytes that takes no room.
    pub(crate) fn write_sparse(&self, path: &str, bytes: u64) {
        let file = fs::File::create(self.folder.join(path)).unwrap();
        file.set_len(bytes).unwrap();
    }

    /// A file whose name is not Unicode.
    pub(crate) fn write_unnameable(&self, folder: &str) {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"\xff");
        fs::write(self.folder.join(folder).join(name), "x").unwrap();
    }

    pub(crate) fn link(&self, path: &str, to: &str) {
        std::os::unix::fs::symlink(to, self.folder.join(path)).unwrap();
    }

    /// The disk is gone, and what is left is the empty folder that it was mounted on.
    pub(crate) fn unmount(&mut self) {
        self.engine = None;
        fs::rename(&self.folder, self.folder.with_extension("disk")).unwrap();
        fs::create_dir(&self.folder).unwrap();
    }

    pub(crate) async fn pause(&self, paused: bool) {
        self.control(|control| control.paused = paused);
    }

    pub(crate) async fn agree(&mut self, remote: usize, local: usize) {
        self.control(|control| control.agreed = Agreed { remote, local });
    }

    /// Leaves something of the server out, or takes it in again.
    pub(crate) fn exclude(&self, path: &str, is_out: bool) {
        let found = SqliteStore::beside(&self.state).unwrap().find(path).unwrap();
        let id = found.expect(path).to_string();
        self.control(|control| {
            if is_out {
                control.excluded.insert(id);
            } else {
                control.excluded.remove(&id);
            }
        });
    }

    pub(crate) fn agreed(&self) -> usize {
        SqliteStore::beside(&self.state)
            .unwrap()
            .control()
            .unwrap()
            .agreed
            .remote
    }

    fn control(&self, change: impl FnOnce(&mut Control)) {
        let mut store = SqliteStore::beside(&self.state).unwrap();
        store.change_control(change).unwrap();
    }

    // --- what is there

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).expect(path)
    }

    /// All files by path, but the engine's own and links.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        read_all(&self.folder, &self.folder, &mut files);
        files.retain(|path, _| !path.starts_with(&format!("{}/", own::FOLDER)));
        files
    }

    /// The texts in the trash.
    pub(crate) fn trashed(&self) -> Vec<String> {
        let trash = self.folder.join(own::FOLDER).join(own::TRASH);
        let mut files = BTreeMap::new();
        read_all(&trash, &trash, &mut files);
        let mut texts: Vec<_> = files.into_values().collect();
        texts.sort();
        texts
    }

    /// What was done, oldest first.
    pub(crate) fn log(&self) -> Vec<LogLine> {
        let mut lines = SqliteStore::beside(&self.state).unwrap().log(10_000).unwrap();
        lines.reverse();
        lines
    }

    /// What it tells of how things stand.
    pub(crate) fn status(&self) -> Status {
        let status = SqliteStore::beside(&self.state).unwrap().status();
        status.unwrap()
    }

    /// What is never synced, as it tells.
    pub(crate) fn left_alone(&self) -> Vec<String> {
        SqliteStore::beside(&self.state).unwrap().left_alone().unwrap()
    }

    pub(crate) fn slept(&self) -> u64 {
        self.clock.slept_ms.load(Ordering::Relaxed)
    }

    /// Looks at everything so often.
    pub(crate) fn rescans(&mut self, every: Duration) {
        self.limits.rescan = every;
    }

    /// Moves groups of so few files, and plans anew so often meanwhile.
    pub(crate) fn takes_turns(&mut self, turn: Duration, group_files: usize) {
        self.limits.turn = turn;
        self.limits.group_files = group_files;
    }

    /// Holds back for so long what just became empty.
    pub(crate) fn holds_back(&mut self, wait: Duration) {
        self.limits.empty_for = wait;
    }

    /// Each call takes so long.
    pub(crate) fn is_slow(&self, milliseconds: u64) {
        self.faults.slow_ms.store(milliseconds, Ordering::Relaxed);
    }

    // --- what goes wrong

    pub(crate) fn lose_answer(&self, call: &str) {
        *self.faults.fault.lock().unwrap() = Some((call.to_owned(), Fault::LoseAnswer));
    }

    /// The server fails once in this call.
    pub(crate) fn fail(&self, call: &str) {
        *self.faults.fault.lock().unwrap() = Some((call.to_owned(), Fault::Fail));
    }

    pub(crate) fn lose_request(&self, call: &str) {
        *self.faults.fault.lock().unwrap() = Some((call.to_owned(), Fault::LoseRequest));
    }

    /// The next such call is done, and never ends.
    pub(crate) fn never_end(&self, call: &str) {
        *self.faults.endless.lock().unwrap() = Some(call.to_owned());
    }

    /// Lets somebody act once, in the middle of this call: what is sent was read, and the server has not taken it.
    pub(crate) fn meanwhile(&self, call: &str, act: impl FnOnce() + Send + 'static) {
        *self.faults.act.lock().unwrap() = Some((call.to_owned(), Box::new(act)));
    }

    /// The disk can't list this folder from now on; none, and it can list all.
    pub(crate) fn can_not_list(&self, folder: Option<&str>) {
        *self.unlistable.lock().unwrap() = folder.map(str::to_owned);
    }

    /// The clock is wrong from now on.
    pub(crate) fn clock_jumps(&self, days: i64) {
        self.clock.skew_s.store(days * 24 * 3600, Ordering::Relaxed);
    }

    /// The device dies before it notes that it did this.
    pub(crate) fn forget(&self, what: &'static str) {
        *self.forgets.lock().unwrap() = Some(what);
    }

    /// Another process on the same state.
    pub(crate) async fn reopen(&mut self) {
        self.engine = None;
        *self.faults.fault.lock().unwrap() = None;
    }

    pub(crate) async fn lose_state(&mut self) {
        self.engine = None;
        for end in ["state", "state-wal", "state-shm"] {
            let _ = fs::remove_file(self.state.with_extension(end));
        }
    }

    /// The state's files as they are within a session: [`Self::back_up`] ends it.
    pub(crate) fn saved_state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let ends = ["state", "state-wal", "state-shm"].into_iter();
        let paths = ends.map(|end| self.state.with_extension(end));
        paths
            .filter_map(|path| Some((path.clone(), fs::read(path).ok()?)))
            .collect()
    }

    /// Puts the state back to what it was.
    pub(crate) async fn put_back_state(&mut self, saved: &[(PathBuf, Vec<u8>)]) {
        self.lose_state().await;
        for (path, bytes) in saved {
            fs::write(path, bytes).unwrap();
        }
    }

    /// Copies the state, or the folder with its marker, to where a backup keeps it.
    pub(crate) async fn back_up(&mut self, what: What) {
        self.engine = None;
        let (from, backup) = self.backed_up(what);
        copy(&from, &backup);
    }

    /// Puts it back.
    pub(crate) async fn put_back(&mut self, what: What) {
        let (to, backup) = self.backed_up(what);
        match what {
            What::State => {
                self.lose_state().await;
                copy(&backup, &to);
            }
            What::Folder => {
                self.engine = None;
                // The folder itself stays: who restores a backup writes into it.
                for entry in fs::read_dir(&to).unwrap() {
                    self.remove(entry.unwrap().file_name().to_str().unwrap());
                }
                copy(&backup.join("."), &to);
            }
        }
    }

    /// Where it is, and where its backup is.
    fn backed_up(&self, what: What) -> (PathBuf, PathBuf) {
        let (path, kept) = match what {
            What::State => (&self.state, "state.kept"),
            What::Folder => (&self.folder, "folder.kept"),
        };
        (path.clone(), path.with_extension(kept))
    }

    /// A copy of folder and state, as another device.
    pub(crate) async fn cloned(&mut self, name: &str) -> Self {
        self.engine = None;
        let clone = Self {
            name: name.to_owned(),
            folder: self.folder.with_file_name(name),
            state: self.state.with_file_name(format!("{name}.state")),
            server: self.server.clone(),
            faults: Arc::default(),
            forgets: Arc::default(),
            clock: Arc::default(),
            unlistable: Unlistable::default(),
            limits: Limits::default(),
            engine: None,
        };
        copy(&self.folder, &clone.folder);
        copy(&self.state, &clone.state);
        clone
    }

    // --- the engine

    /// Syncs to rest, with nothing to complain about.
    pub(crate) async fn sync(&mut self) -> Rest {
        let rest = self.sync_quietly().await;
        assert!(
            rest.troubles.is_empty() && rest.pauses.is_empty(),
            "{}: {rest:?}",
            self.name
        );
        rest
    }

    /// Syncs to rest, whatever is left.
    pub(crate) async fn sync_quietly(&mut self) -> Rest {
        *self.faults.fault.lock().unwrap() = None;
        self.try_sync()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Syncs as far as it goes.
    pub(crate) async fn sync_maybe(&mut self) {
        let _ = self.try_sync().await;
    }

    /// Syncs, which fails.
    pub(crate) async fn sync_fails(&mut self) -> String {
        self.try_sync().await.expect_err("it fails").to_string()
    }

    /// Keeps in step, with the system's own watch, until the future is dropped.
    pub(crate) async fn run(&mut self) -> EngineError {
        let mut watch = FolderWatch::begin(&self.folder).unwrap();
        self.run_with(&mut watch).await
    }

    /// The same with these hints.
    pub(crate) async fn run_with(&mut self, hints: &mut dyn Hints) -> EngineError {
        self.clock.is_real.store(true, Ordering::Relaxed);
        let mut engine = self.open().await.unwrap();
        engine.run(hints).await.expect_err("it never ends well")
    }

    async fn try_sync(&mut self) -> Result<Rest, EngineError> {
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => self.open().await?,
        };
        let rest = engine.settle().await?;
        self.engine = Some(engine);
        Ok(rest)
    }

    async fn open(&self) -> Result<Engine, EngineError> {
        let parts = Parts {
            fs: Arc::new(UnlistableFs {
                fs: LinuxFs::open(&self.folder)?,
                unlistable: Unlistable::clone(&self.unlistable),
            }),
            remote: Arc::new(self.server.remote(7, Arc::clone(&self.faults) as Arc<dyn Faults>)),
            world: Arc::clone(&self.clock) as Arc<dyn world::World>,
            store: Box::new(Forgetful {
                store: SqliteStore::open(&self.state)?,
                forgets: Arc::clone(&self.forgets),
            }),
            progress: Arc::new(Silent),
        };
        let config = Config {
            device: self.name.clone(),
            account: "account 7".to_owned(),
            remote_root: self.server.root(),
            shown: self.folder.display().to_string(),
            names: NameRules::posix(),
            guard: Guard::default(),
            limits: self.limits,
        };
        Engine::open(parts, config).await
    }
}

/// As people copy: with all times and rights.
fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status();
    assert!(copied.unwrap().success());
}

fn read_all(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            read_all(root, &entry.path(), files);
        } else if kind.is_file() {
            let path = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}
