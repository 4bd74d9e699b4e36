//! The daemon of an earlier release, built once into the cache: a test runs it on today's schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::dirs::Dirs;
use crate::run;

/// The last commit of the first phase. Its schema ends with migration 0006.
const FIRST: &str = "65d8e1dc45dacd77fb2678c84cb6e78c7ff6b2a1";

/// The version that its crates are built under, so that cargo tells them apart from today's in the same target folder.
const VERSION: &str = "version = \"0.0.1\"";

/// `bitvaultd` of the first release; built now where it is not there yet. `None` in a checkout without its history.
pub(crate) fn first(dirs: &Dirs) -> Result<Option<PathBuf>> {
    let folder = dirs.cache.join("releases").join(&FIRST[..12]);
    let program = folder.join("bitvaultd");
    if program.is_file() {
        return Ok(Some(program));
    }
    let object = format!("{FIRST}^{{commit}}");
    let known = run::output(git(dirs).args(["cat-file", "-e", &object]));
    if known.is_err() {
        run::say(format!(
            "the history does not reach back to {FIRST}: the upgrade from it is not tested"
        ));
        return Ok(None);
    }
    run::step("build bitvaultd of the first release", || {
        let source = folder.join("source");
        unpack(dirs, &source)?;
        let manifest = source.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| format!("read {}", manifest.display()))?;
        fs::write(&manifest, text.replacen("version = \"0.1.0\"", VERSION, 1))
            .with_context(|| format!("write {}", manifest.display()))?;
        let mut command = run::cargo(dirs, ["build", "--quiet", "--package", "bitvaultd"]);
        run::show(command.current_dir(&source))?;
        let staged = folder.join("bitvaultd.new");
        fs::copy(dirs.target.join("debug/bitvaultd"), &staged).context("keep bitvaultd")?;
        fs::rename(&staged, &program).context("keep bitvaultd")?;
        fs::remove_dir_all(&source).with_context(|| format!("remove {}", source.display()))
    })?;
    Ok(Some(program))
}

fn git(dirs: &Dirs) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(&dirs.repo);
    command
}

/// Its sources, with today's assets: what plugins are told has not changed, and the web app is not looked at.
fn unpack(dirs: &Dirs, source: &Path) -> Result<()> {
    if source.exists() {
        fs::remove_dir_all(source).with_context(|| format!("remove {}", source.display()))?;
    }
    fs::create_dir_all(source).with_context(|| format!("create {}", source.display()))?;
    let archive = source.with_extension("tar");
    run::output(git(dirs).arg("archive").arg("--output").arg(&archive).arg(FIRST))?;
    run::output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(source))?;
    fs::remove_file(&archive).with_context(|| format!("remove {}", archive.display()))?;
    copy(&dirs.assets(), &source.join("assets"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
