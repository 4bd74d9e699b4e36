//! `cargo xtask up`: installs what is missing, builds, starts the lite profile, waits until it is ready and tells how to
//! sign in.
//!
//! Invariants: a data folder that is up is left as it is and told again; the programs run from copies in the data folder,
//! so that a later build does not change a running daemon; passwords travel in the environment, never as arguments; with
//! `--json` stdout is one document.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::{RUNTIME_FILE, Runtime, data_dir};
use crate::build::{self, Profile};
use crate::dirs::Dirs;
use crate::run;
use crate::tools::{self, Tool};

/// How long the daemon may take until it is ready: the first start makes a database and compiles plugins.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// How often its readiness is looked at.
const POLL: Duration = Duration::from_millis(50);

/// How long one question to it may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// How long it may take to drain and stop.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What a detached daemon writes, in its data folder.
const LOG_FILE: &str = "bitvaultd.log";

/// What `cargo xtask up` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Return once it is ready and leave it running
    #[arg(long)]
    detach: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// The data folder [default: bitvault in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where it listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    listen: String,
    /// The first account's mail address, on first start
    #[arg(long)]
    email: Option<String>,
    /// The first account's password, on first start [default: a made one]
    #[arg(long)]
    password: Option<String>,
}

/// What is told about a daemon that is up.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct Document {
    url: String,
    email: String,
    password: String,
    tenant: String,
    data_dir: PathBuf,
    database_url: Option<String>,
    s3_url: Option<String>,
    bin_dir: PathBuf,
}

impl Document {
    fn new(runtime: Runtime, account: Account, data_dir: &Path) -> Self {
        Self {
            url: runtime.url,
            email: account.email,
            password: account.password,
            tenant: account.tenant,
            data_dir: data_dir.to_path_buf(),
            database_url: runtime.database_url,
            s3_url: runtime.s3_url,
            bin_dir: bin_dir(data_dir),
        }
    }

    fn print(&self, json: bool, stop: &str) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string(self).context("write the document")?);
            return Ok(());
        }
        println!("\n  BitVault is up at {}\n", self.url);
        println!("  sign in as  {}", self.email);
        println!("  password    {}", self.password);
        println!("  programs    {}", self.bin_dir.display());
        println!("  data        {}", self.data_dir.display());
        println!("  to stop     {stop}\n");
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    let data_dir = data_dir(args.data_dir.as_ref())?;
    if let Some(runtime) = already_up(&data_dir)? {
        run::say(format!(
            "{} is up already (process {})",
            data_dir.display(),
            runtime.pid
        ));
        let account = Account::read(&data_dir)?.with_context(|| {
            format!(
                "{} was not set up by this command; sign in at {} with your own account",
                data_dir.display(),
                runtime.url
            )
        })?;
        return Document::new(runtime, account, &data_dir).print(args.json, &stop_command(&data_dir));
    }

    tools::ensure(
        dirs,
        &[Tool::Postgres],
        "the daemon keeps its metadata in PostgreSQL",
    )?;
    let programs = build::all(dirs, Profile::Release)?;
    fs::create_dir_all(&data_dir).with_context(|| {
        format!(
            "create {}; name a folder that you may write with --data-dir",
            data_dir.display()
        )
    })?;
    install_programs(&programs, &bin_dir(&data_dir))?;
    let (mut account, new) =
        Account::read_or_make(&data_dir, args.email.as_deref(), args.password.as_deref())?;
    let mut daemon = Daemon::start(&data_dir, args, &account)?;
    let runtime = run::step("wait until bitvaultd is ready", || daemon.wait_until_ready())?;
    if new {
        let accepted = Account::accept(&data_dir, |account| signs_in(&runtime.url, account))?;
        account = accepted.with_context(|| {
            run::say(
                "this data folder has accounts already, so that no demo account was made; sign in with yours",
            );
            format!(
                "bitvaultd is up at {}; stop it with `{}`",
                runtime.url,
                stop_command(&data_dir)
            )
        })?;
    }
    let document = Document::new(runtime, account, &data_dir);
    if args.detach {
        return document.print(args.json, &stop_command(&data_dir));
    }
    document.print(args.json, "Ctrl-C")?;
    daemon.run_until_stopped()
}

/// The daemon of this data folder, if one runs and answers. One that was just killed is waited out: its process is there
/// a moment longer than its service.
fn already_up(data_dir: &Path) -> Result<Option<Runtime>> {
    let started = Instant::now();
    while let Some(runtime) = Runtime::of_running(data_dir)? {
        if ask(&format!("{}/readyz", runtime.url)).is_ok() {
            return Ok(Some(runtime));
        }
        if started.elapsed() > READY_LIMIT {
            bail!(
                "bitvaultd (process {}) runs in {} and is not ready; see its log there, or stop it with `{}`",
                runtime.pid,
                data_dir.display(),
                stop_command(data_dir)
            );
        }
        std::thread::sleep(POLL);
    }
    Ok(None)
}

fn bin_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("bin")
}

fn stop_command(data_dir: &Path) -> String {
    format!("cargo xtask down --data-dir {}", data_dir.display())
}

/// Copies the programs, unless the copies are of this very build.
fn install_programs(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    for name in ["bitvaultd", "bitvault"] {
        let (built, copy) = (from.join(name), to.join(name));
        let meta = fs::metadata(&built).with_context(|| format!("find {}", built.display()))?;
        let modified = meta
            .modified()
            .with_context(|| format!("read the time of {}", built.display()))?;
        let same = fs::metadata(&copy)
            .is_ok_and(|old| old.len() == meta.len() && old.modified().is_ok_and(|time| time == modified));
        if same {
            continue;
        }
        // Under another name first: a program that runs can't be written to, but it can be replaced.
        let fresh = to.join(format!(".{name}-{}", std::process::id()));
        fs::copy(&built, &fresh)
            .and_then(|_| File::options().append(true).open(&fresh)?.set_modified(modified))
            .and_then(|()| fs::rename(&fresh, &copy))
            .with_context(|| format!("copy {name} to {}", to.display()))?;
    }
    Ok(())
}

/// A daemon that we started.
struct Daemon {
    process: Child,
    data_dir: PathBuf,
    listen: String,
    /// Set when it writes to a file and not to our stderr.
    log: Option<PathBuf>,
    /// Set by Ctrl-C and SIGTERM.
    asked_to_stop: Arc<AtomicBool>,
}

impl Daemon {
    fn start(data_dir: &Path, args: &Args, account: &Account) -> Result<Self> {
        // What a killed daemon left must not be taken for the new one's word.
        let runtime = data_dir.join(RUNTIME_FILE);
        if let Err(error) = fs::remove_file(&runtime)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("remove {}", runtime.display()));
        }
        let asked_to_stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&asked_to_stop)).context("listen for Ctrl-C")?;
        }
        let mut command = Command::new(bin_dir(data_dir).join("bitvaultd"));
        command
            .args(["serve", "--listen", &args.listen, "--data-dir"])
            .arg(data_dir)
            .env("BITVAULTD_BOOTSTRAP_EMAIL", &account.email)
            .env("BITVAULTD_BOOTSTRAP_PASSWORD", &account.password)
            .env("BITVAULTD_BOOTSTRAP_TENANT", &account.tenant)
            .current_dir("/")
            .stdin(Stdio::null())
            // A group of its own: Ctrl-C at our terminal is ours to pass on, and it outlives us when detached.
            .process_group(0);
        let log = if args.detach {
            let path = data_dir.join(LOG_FILE);
            let file = File::options().create(true).append(true).mode(0o600).open(&path);
            let file = file.with_context(|| format!("open {}", path.display()))?;
            let second = file
                .try_clone()
                .with_context(|| format!("open {}", path.display()))?;
            command.stdout(file).stderr(second);
            Some(path)
        } else {
            use std::os::fd::AsFd as _;
            command.stdout(
                std::io::stderr()
                    .as_fd()
                    .try_clone_to_owned()
                    .context("duplicate stderr")?,
            );
            None
        };
        let process = command
            .spawn()
            .with_context(|| format!("start {}", run::line(&command)))?;
        Ok(Self {
            process,
            data_dir: data_dir.to_path_buf(),
            listen: args.listen.clone(),
            log,
            asked_to_stop,
        })
    }

    /// Waits until it says that it is ready; when it does not, stops it and tells why.
    fn wait_until_ready(&mut self) -> Result<Runtime> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().context("watch bitvaultd")? {
                bail!(
                    "bitvaultd ended before it was ready ({status})\n{}",
                    self.what_now()
                );
            }
            if let Some(runtime) = Runtime::of_running(&self.data_dir)?
                && runtime.pid == self.process.id()
                && ask(&format!("{}/readyz", runtime.url)).is_ok()
            {
                return Ok(runtime);
            }
            if self.asked_to_stop.load(Ordering::Relaxed) {
                self.stop()?;
                bail!("stopped before it was ready");
            }
            if started.elapsed() > READY_LIMIT {
                self.stop()?;
                bail!(
                    "bitvaultd was not ready after {} s\n{}",
                    READY_LIMIT.as_secs(),
                    self.what_now()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// The end of its log and what to try.
    fn what_now(&self) -> String {
        let mut text = String::new();
        if let Some(path) = &self.log {
            let mut log = Vec::new();
            if let Ok(mut file) = File::open(path) {
                let _ = file.read_to_end(&mut log);
            }
            text = format!(
                "its log ends with\n{}\n(all of it: {})\n",
                run::tail(&String::from_utf8_lossy(&log)).trim_end(),
                path.display()
            );
        }
        format!(
            "{text}when {} is taken, choose another address with --listen (port 0 picks a free one); when the data \
             folder is in use, stop the other daemon with `{}` or choose another --data-dir",
            self.listen,
            stop_command(&self.data_dir)
        )
    }

    /// In the foreground: until Ctrl-C, SIGTERM, or its own end.
    fn run_until_stopped(&mut self) -> Result<()> {
        loop {
            if let Some(status) = self.process.try_wait().context("watch bitvaultd")? {
                return ended(status);
            }
            if self.asked_to_stop.load(Ordering::Relaxed) {
                run::say("stopping");
                return ended(self.stop()?);
            }
            std::thread::sleep(POLL);
        }
    }

    fn stop(&mut self) -> Result<ExitStatus> {
        super::signal(self.process.id(), rustix::process::Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            if let Some(status) = self.process.try_wait().context("watch bitvaultd")? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        run::say(format!(
            "bitvaultd did not stop within {} s and is killed",
            STOP_LIMIT.as_secs()
        ));
        self.process.kill().context("kill bitvaultd")?;
        self.process.wait().context("wait for bitvaultd")
    }
}

fn ended(status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("bitvaultd ended with {status}")
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(ASK_LIMIT))
        .http_status_as_error(true)
        .build()
        .into()
}

fn ask(url: &str) -> Result<()> {
    agent()
        .get(url)
        .call()
        .map(drop)
        .with_context(|| format!("ask {url}"))
}

/// Whether the account can sign in: it was made unless the data folder had accounts before.
fn signs_in(url: &str, account: &Account) -> Result<bool> {
    let body = serde_json::json!({ "email": account.email, "password": account.password });
    match agent()
        .post(&format!("{url}/v1/sessions"))
        .content_type("application/json")
        .send(body.to_string())
    {
        Ok(_) => Ok(true),
        Err(ureq::Error::StatusCode(401 | 403)) => Ok(false),
        Err(error) => Err(error).context("sign in with the demo account"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_promised_fields_and_no_others() {
        let runtime: Runtime = serde_json::from_str(
            r#"{"pid":1,"url":"http://127.0.0.1:7400","s3_url":"http://127.0.0.1:9","database_url":"postgres://x","grpc_url":"y"}"#,
        )
        .unwrap();
        let account = Account {
            email: "e".into(),
            password: "p".into(),
            tenant: "t".into(),
        };
        let document = Document::new(runtime, account, Path::new("/data"));
        let expected = serde_json::json!({
            "url": "http://127.0.0.1:7400", "email": "e", "password": "p", "tenant": "t", "data_dir": "/data",
            "database_url": "postgres://x", "s3_url": "http://127.0.0.1:9", "bin_dir": "/data/bin",
        });
        assert_eq!(serde_json::to_value(&document).unwrap(), expected);
    }

    #[test]
    fn the_copies_follow_the_build() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["bitvaultd", "bitvault"] {
            fs::write(from.path().join(name), "1").unwrap();
        }
        let to = to.path().join("bin");
        install_programs(from.path(), &to).unwrap();
        fs::write(from.path().join("bitvaultd"), "22").unwrap();
        install_programs(from.path(), &to).unwrap();
        assert_eq!(fs::read(to.join("bitvaultd")).unwrap(), b"22");
        assert_eq!(fs::read(to.join("bitvault")).unwrap(), b"1");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 2);
    }
}
