//! A running `bitvaultd` as seen from outside: `up` starts one, `down` stops it.
//!
//! The daemon writes `runtime.json` into its data folder once it is ready and removes it when it stops. A daemon that was
//! killed leaves the file behind, so its process id counts only while a `bitvaultd` has it.

mod account;
pub(crate) mod down;
pub(crate) mod up;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::env;

/// Written by the daemon once it is ready.
const RUNTIME_FILE: &str = "runtime.json";

/// The daemon's name as the kernel knows it.
const PROGRAM: &str = "bitvaultd";

/// What the daemon tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
struct Runtime {
    pid: u32,
    url: String,
    /// Absent where the store is an outside one.
    #[serde(default)]
    s3_url: Option<String>,
    /// Absent where the database is an outside one.
    #[serde(default)]
    database_url: Option<String>,
}

impl Runtime {
    /// What the daemon of this data folder wrote, if it runs.
    fn of_running(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(RUNTIME_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let runtime: Self =
            serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        Ok(is_our_daemon(runtime.pid, data_dir).then_some(runtime))
    }
}

/// Whether this process is a `bitvaultd`, and not one that was started for another data folder.
fn is_our_daemon(pid: u32, data_dir: &Path) -> bool {
    if !runs_as(pid, PROGRAM) {
        return false;
    }
    let Ok(arguments) = std::fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    match data_dir_argument(&arguments) {
        Some(named) => same_folder(Path::new(&named), data_dir),
        None => true,
    }
}

/// Whether a process with this id lives and has this name.
fn runs_as(pid: u32, program: &str) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // `pid (name) state …`; a zombie has ended and only waits for its parent to notice.
    let Some((head, rest)) = stat.rsplit_once(')') else {
        return false;
    };
    head.split_once('(').is_some_and(|(_, name)| name == program) && !rest.trim_start().starts_with('Z')
}

/// The value of `--data-dir` in a process's arguments, which are separated by zero bytes.
fn data_dir_argument(arguments: &[u8]) -> Option<String> {
    let words: Vec<String> = arguments
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    for (index, word) in words.iter().enumerate() {
        if let Some(value) = word.strip_prefix("--data-dir=") {
            return Some(value.to_owned());
        }
        if word == "--data-dir" {
            return words.get(index + 1).cloned();
        }
    }
    None
}

fn same_folder(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn signal(pid: u32, signal: rustix::process::Signal) -> Result<()> {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).context("a process id is not zero")?;
    rustix::process::kill_process(pid, signal).context("send a signal to it")
}

/// The data folder that was asked for, or the user's own.
fn data_dir(asked: Option<&PathBuf>) -> Result<PathBuf> {
    let dir = match (asked, env::path("XDG_DATA_HOME"), env::path("HOME")) {
        (Some(dir), _, _) => dir.clone(),
        (None, Some(data), _) => data.join("bitvault"),
        (None, None, Some(home)) => home.join(".local/share/bitvault"),
        (None, None, None) => {
            anyhow::bail!("find the user's data folder: HOME is not set; name a folder with --data-dir")
        }
    };
    std::path::absolute(&dir).with_context(|| format!("resolve {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_found_in_a_process_s_arguments() {
        assert_eq!(
            data_dir_argument(b"bitvaultd\0serve\0--data-dir\0/a b\0").as_deref(),
            Some("/a b")
        );
        assert_eq!(
            data_dir_argument(b"bitvaultd\0--data-dir=/x\0").as_deref(),
            Some("/x")
        );
        assert_eq!(data_dir_argument(b"bitvaultd\0"), None);
    }

    #[test]
    fn a_left_over_file_whose_process_is_another_program_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        // This test's own process lives, but is no bitvaultd.
        let text = format!(
            r#"{{"pid":{},"url":"http://127.0.0.1:1","grpc_url":"x"}}"#,
            std::process::id()
        );
        std::fs::write(dir.path().join(RUNTIME_FILE), text).unwrap();
        assert_eq!(Runtime::of_running(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_data_folder_without_a_daemon_is_not_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Runtime::of_running(dir.path()).unwrap(), None);
    }
}
