//! A device: a folder, and the program that keeps it in step.

use anyhow::{Context as _, Result, bail, ensure};
use bitvault_conformance::api::sha256;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the engine keeps in a synced folder for itself.
const OWN: &str = ".bitvault";
/// How often all devices sync one after the other until none has anything to do.
const ROUNDS: usize = 20;

/// How long something that is waited for may take.
const WITHIN: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

/// What a folder holds: hashes of files by path, nothing for folders.
pub(crate) type Tree = BTreeMap<String, Option<String>>;

pub(crate) struct Device {
    pub(crate) cli: Arc<Cli>,
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Whose it is, when that is not who signed in first.
    profile: Option<String>,
    /// The folder of the server that it syncs, when that is not all of it.
    remote: Option<String>,
    /// Where its state is, when that is not where it is by itself.
    state: Option<PathBuf>,
    running: Option<Child>,
}

impl Device {
    pub(crate) fn new(daemon: &Daemon, name: &str) -> Result<Self> {
        Self::through(daemon.url(), name)
    }

    /// One that reaches the server by this URL.
    pub(crate) fn through(url: &str, name: &str) -> Result<Self> {
        Self::of_account(url, name, EMAIL, PASSWORD)
    }

    /// One of somebody else.
    pub(crate) fn of_account(url: &str, name: &str, email: &str, password: &str) -> Result<Self> {
        let cli = Cli::signed_in(url, email, password)?;
        let folder = cli.folder().join("files");
        fs::create_dir(&folder)?;
        Ok(Self {
            cli: Arc::new(cli),
            name: name.to_owned(),
            folder,
            profile: None,
            remote: None,
            state: None,
            running: None,
        })
    }

    /// Another folder of the same machine.
    pub(crate) fn beside(&self, folder: &str) -> Result<Self> {
        let path = self.cli.folder().join(folder);
        fs::create_dir(&path)?;
        Ok(Self {
            cli: Arc::clone(&self.cli),
            name: self.name.clone(),
            folder: path,
            profile: self.profile.clone(),
            remote: None,
            state: None,
            running: None,
        })
    }

    /// With the account that this profile is signed in as.
    pub(crate) fn of_profile(mut self, profile: &str) -> Self {
        self.profile = Some(profile.to_owned());
        self
    }

    /// With this folder of the server.
    pub(crate) fn of_remote(mut self, path: &str) -> Self {
        self.remote = Some(path.to_owned());
        self
    }

    /// With its folder here.
    pub(crate) fn in_folder(mut self, folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        self.folder = folder;
        Ok(self)
    }

    /// With its state here.
    pub(crate) fn with_state(mut self, state: PathBuf) -> Self {
        self.state = Some(state);
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &str) -> Result<()> {
        let path = self.path(path);
        let folder = path.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        let path = self.path(path);
        fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }

    /// Syncs until nothing is left to do; answers what the command tells at its end.
    pub(crate) fn once(&self) -> Result<Value> {
        let ended = self.sync("run", &["--once", "--name", &self.name, "--json"])?;
        ended
            .ok()?
            .events()?
            .pop()
            .context("the command tells how it ended")
    }

    /// Runs `bitvault sync COMMAND` on the folder.
    pub(crate) fn sync(&self, command: &str, more: &[&str]) -> Result<bitvault_conformance::cli::Ended> {
        let mut arguments = self.arguments(command);
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.cli.run(&arguments)
    }

    fn arguments(&self, command: &str) -> Vec<String> {
        let mut arguments = vec![
            "sync".to_owned(),
            command.to_owned(),
            self.folder.to_string_lossy().into_owned(),
        ];
        if let Some(profile) = &self.profile {
            arguments.extend(["--profile".to_owned(), profile.clone()]);
        }
        if let Some(remote) = self.remote.as_ref().filter(|_| command == "run") {
            arguments.extend(["--remote".to_owned(), remote.clone()]);
        }
        if let Some(state) = &self.state {
            arguments.extend(["--state".to_owned(), state.to_string_lossy().into_owned()]);
        }
        arguments
    }

    /// What `bitvault sync status` tells.
    pub(crate) fn status(&self) -> Result<Value> {
        self.sync("status", &["--json"])?.ok()?.json()
    }

    /// The file that is the device's state, the only one of its machine.
    pub(crate) fn state_file(&self) -> Result<PathBuf> {
        let all = self.cli.folder().join("state/bitvault/sync");
        let mut folders = fs::read_dir(all)?;
        Ok(folders.next().context("a state")??.path().join("state"))
    }

    /// Begins to keep the folder in step.
    pub(crate) fn start(&mut self, more: &[&str]) -> Result<()> {
        self.kill()?;
        let mut arguments = self.arguments("run");
        arguments.extend(["--name".to_owned(), self.name.clone()]);
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut child = self.cli.spawn(&arguments)?;
        // A full pipe would hold it up.
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        std::thread::spawn(move || stdout.map(|mut pipe| io::copy(&mut pipe, &mut io::sink())));
        std::thread::spawn(move || stderr.map(|mut pipe| io::copy(&mut pipe, &mut io::sink())));
        self.running = Some(child);
        Ok(())
    }

    /// Whether what was started still runs.
    pub(crate) fn runs(&mut self) -> Result<bool> {
        Ok(match &mut self.running {
            Some(child) => child.try_wait()?.is_none(),
            None => false,
        })
    }

    /// SIGKILL, if it runs.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.running.take() {
            child.kill().context("kill bitvault")?;
            child.wait().context("wait for bitvault")?;
        }
        Ok(())
    }

    /// What people see in the folder.
    pub(crate) fn tree(&self) -> Result<Tree> {
        let mut tree = Tree::new();
        list(&self.folder, "", &mut tree)?;
        tree.retain(|path, _| path != OWN && !path.starts_with(&format!("{OWN}/")));
        Ok(tree)
    }

    /// What lies in the device's trash.
    pub(crate) fn trash(&self) -> Result<Tree> {
        let trash = self.folder.join(OWN).join("trash");
        let mut tree = Tree::new();
        if trash.exists() {
            list(&trash, "", &mut tree)?;
        }
        Ok(tree)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ended = self.kill();
    }
}

fn list(folder: &Path, at: &str, into: &mut Tree) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .context("a name is Unicode")?;
        let path = if at.is_empty() {
            name
        } else {
            format!("{at}/{name}")
        };
        if entry.file_type()?.is_dir() {
            into.insert(path.clone(), None);
            list(&entry.path(), &path, into)?;
        } else {
            into.insert(path, Some(sha256(&fs::read(entry.path())?)));
        }
    }
    Ok(())
}

/// Looks again and again until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + WITHIN;
    while !is_so().with_context(|| format!("wait until {what}"))? {
        ensure!(Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Syncs all devices, one after the other, until none has anything to do.
pub(crate) fn settle(devices: &[&Device]) -> Result<()> {
    for _ in 0..ROUNDS {
        let mut done = 0;
        for device in devices {
            let rest = device.once().with_context(|| format!("sync {}", device.name))?;
            done += rest["done"].as_u64().context("how much was done")?;
        }
        if done == 0 {
            return Ok(());
        }
    }
    bail!("the devices find something to do in each of {ROUNDS} rounds")
}

/// The same; then they hold the same, which is answered.
pub(crate) fn rest(devices: &[&Device]) -> Result<Tree> {
    settle(devices)?;
    let first = devices.first().context("a device")?;
    let tree = first.tree()?;
    for device in devices {
        let other = device.tree()?;
        ensure!(
            other == tree,
            "{} has {other:#?}\n{} has {tree:#?}",
            device.name,
            first.name
        );
    }
    Ok(tree)
}
