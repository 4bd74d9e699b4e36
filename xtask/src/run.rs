//! Running other programs, telling what takes long, and saying what to do when one fails.
//!
//! Everything told goes to stderr: stdout belongs to what a command was asked to print.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::dirs::Dirs;

/// Steps that took less than this say nothing when they end.
const QUIET_BELOW: Duration = Duration::from_millis(1500);

/// How much of a failed program's output is shown, in bytes from its end.
const TAIL_BYTES: usize = 4000;

/// Tells the person at the terminal something.
pub(crate) fn say(text: impl AsRef<str>) {
    eprintln!("xtask: {}", text.as_ref());
}

/// Runs one step and tells how long it took.
pub(crate) fn step<T>(what: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    say(what);
    let started = Instant::now();
    let outcome = act();
    let took = started.elapsed();
    match &outcome {
        Ok(_) if took < QUIET_BELOW => {}
        Ok(_) => say(format!("{what}: done in {:.1} s", took.as_secs_f32())),
        Err(_) => say(format!("{what}: failed after {:.1} s", took.as_secs_f32())),
    }
    outcome
}

/// Runs a program with its output shown; fails when it does.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    // Its stdout goes to our stderr: our own stdout may have to be a single JSON document.
    let to_stderr = std::io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .context("duplicate stderr")?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(to_stderr))
        .status()
        .with_context(|| format!("start {}", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a program with its output where ours goes, stdout to stdout; fails when it does.
pub(crate) fn show_as_is(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("start {}", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a program quietly and returns its stdout; when it fails, the error carries the end of what it said.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", line(command)))?;
    if !output.status.success() {
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        bail!(
            "`{}` failed: {}\n{}",
            line(command),
            output.status,
            tail(&said).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program whose progress, on stderr, is shown; returns its stdout.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start {}", line(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program quietly for its side effect.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// The end of a long text, cut at a line.
pub(crate) fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TAIL_BYTES);
    if from == 0 {
        return text;
    }
    while !text.is_char_boundary(from) {
        from += 1;
    }
    match text[from..].find('\n') {
        Some(end) => &text[from + end + 1..],
        None => &text[from..],
    }
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// A cargo command in the checkout, with the shared target folder and queries checked from the committed data.
pub(crate) fn cargo<I, S>(dirs: &Dirs, args: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new("cargo");
    command
        .args(args)
        .current_dir(&dirs.repo)
        .env("CARGO_TARGET_DIR", &dirs.target)
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL");
    // `cargo run` described xtask in these; a nested cargo must not take them for its own.
    for (name, _) in std::env::vars_os() {
        if let Some(name) = name.to_str()
            && [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
                "CARGO_PRIMARY_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
}

/// The compiler that cargo uses in the checkout.
pub(crate) fn rustc(dirs: &Dirs) -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(&dirs.repo);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_tells_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo reason >&2; exit 3"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(
            error.contains("reason") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn the_tail_of_a_long_text_starts_at_a_line() {
        let text = "0123456789\n".repeat(1000);
        let tail = tail(&text);
        assert!(
            tail.len() <= TAIL_BYTES && tail.starts_with("0123"),
            "{}",
            tail.len()
        );
        assert_eq!(super::tail("short"), "short");
    }
}
