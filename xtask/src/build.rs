//! `cargo xtask build`: plugin components, the web app, then the programs that embed and serve them.
//!
//! | output | from |
//! |---|---|
//! | `assets/plugins/NAME.wasm` | each crate in `plugins/`; those of `plugins/testing/` are for tests, never embedded |
//! | `assets/web/` | `frontend/`, see `xtask/bundle` |
//! | `bitvaultd`, `bitvault` | cargo's target folder, `release` or `debug` |
//!
//! Invariant: a file in `assets/` is written only when its content changed, so that what embeds it stays fresh.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dirs::Dirs;
use crate::members::{Kind, Member, Members};
use crate::run;
use crate::tools::{self, Tool};

/// Cargo's profile for what runs in wasm: small, and the same in debug and release builds of the host.
const WASM_PROFILE: &str = "wasm";

/// The same for the web app, with what wasm-bindgen reads left in.
const WEB_PROFILE: &str = "web";

/// Components speak WASI 0.2.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

/// The web app runs in a browser.
pub(crate) const WEB_TARGET: &str = "wasm32-unknown-unknown";

/// The crate of the web app.
pub(crate) const FRONTEND: &str = "bitvault-frontend";

/// Feature of the daemon that tests are built with: it can be killed at each step. Without effect unless a test names a
/// step, and never in what people run.
pub(crate) const FAILPOINTS: &str = "bitvaultd/failpoints";

/// How the host's programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Optimised, for people.
    Release,
    /// Quick to compile, for tests.
    Debug,
}

/// What `cargo xtask build` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Optimise the programs (the default)
    #[arg(long)]
    release: bool,
    /// Compile the programs quickly, without optimisation
    #[arg(long, conflicts_with = "release")]
    debug: bool,
    /// Build one part and not the rest
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// A part of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The plugin components
    Plugins,
    /// The web app
    Web,
    /// bitvaultd and bitvault, with the assets that are there
    Programs,
}

impl Args {
    fn profile(&self) -> Profile {
        if self.debug {
            Profile::Debug
        } else {
            Profile::Release
        }
    }
}

/// Builds everything that was asked for and tells where the programs are.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    let programs = match args.only {
        None => all(dirs, args.profile())?,
        Some(Part::Programs) => programs(dirs, args.profile())?,
        Some(part) => {
            tools::ensure(
                dirs,
                &[Tool::WasmTargets],
                "plugins and the web app are compiled to WebAssembly",
            )?;
            return if part == Part::Web {
                web(dirs)
            } else {
                components(dirs, &Members::read(dirs)?)
            };
        }
    };
    run::say(format!("programs are in {}", programs.display()));
    Ok(())
}

/// Builds components, web app and programs; returns the folder of the programs.
pub(crate) fn all(dirs: &Dirs, profile: Profile) -> Result<PathBuf> {
    let members = Members::read(dirs)?;
    assets(dirs, &members)?;
    programs(dirs, profile)
}

/// Builds what the programs embed.
pub(crate) fn assets(dirs: &Dirs, members: &Members) -> Result<()> {
    tools::ensure(
        dirs,
        &[Tool::WasmTargets],
        "plugins and the web app are compiled to WebAssembly",
    )?;
    components(dirs, members)?;
    web(dirs)
}

/// Builds `bitvaultd` and `bitvault`, which embed the assets; returns their folder.
fn programs(dirs: &Dirs, profile: Profile) -> Result<PathBuf> {
    let (name, flags): (_, &[&str]) = match profile {
        Profile::Release => ("release", &["--release"]),
        Profile::Debug => ("debug", &[]),
    };
    run::step(&format!("build bitvaultd and bitvault ({name})"), || {
        let mut command = run::cargo(
            dirs,
            [
                "build",
                "--quiet",
                "--package",
                "bitvaultd",
                "--package",
                "bitvault-cli",
            ],
        );
        run::show(command.arg("--bins").args(flags))
    })?;
    Ok(dirs.target.join(name))
}

fn components(dirs: &Dirs, members: &Members) -> Result<()> {
    let guests: Vec<&Member> = members.of(Kind::Component).collect();
    if guests.is_empty() {
        return Ok(());
    }
    run::step("build the plugin components", || {
        let mut command = run::cargo(dirs, ["build", "--quiet", "--lib", "--target", COMPONENT_TARGET]);
        command.args(["--profile", WASM_PROFILE]);
        for guest in &guests {
            command.args(["--package", &guest.name]);
        }
        run::show(&mut command)
    })?;
    let built = dirs.target.join(COMPONENT_TARGET).join(WASM_PROFILE);
    let folder = dirs.assets().join("plugins");
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut keep = BTreeSet::new();
    for guest in &guests {
        let name = format!("{}.wasm", guest.name);
        copy_if_changed(
            &built.join(format!("{}.wasm", guest.name.replace('-', "_"))),
            &folder.join(&name),
        )?;
        keep.insert(name);
    }
    remove_others(&folder, &keep)
}

fn web(dirs: &Dirs) -> Result<()> {
    run::step("build the web app", || {
        run::show(
            run::cargo(
                dirs,
                ["build", "--quiet", "--package", FRONTEND, "--target", WEB_TARGET],
            )
            .args(["--bins", "--profile", WEB_PROFILE]),
        )
    })?;
    let module = dirs
        .target
        .join(WEB_TARGET)
        .join(WEB_PROFILE)
        .join(format!("{FRONTEND}.wasm"));
    run::step("bundle the web app", || {
        run::show(
            run::cargo(
                dirs,
                ["run", "--quiet", "--package", "xtask-bundle", "--", "--module"],
            )
            .arg(module)
            .arg("--source")
            .arg(dirs.repo.join("frontend"))
            .arg("--out")
            .arg(dirs.assets().join("web")),
        )
    })
}

/// Copies a file unless the target has its content already.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).with_context(|| format!("write {}", to.display()))
}

/// Removes files that an earlier build left.
fn remove_others(folder: &Path, keep: &BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        if !entry.file_name().to_str().is_some_and(|name| keep.contains(name)) {
            fs::remove_file(entry.path()).with_context(|| format!("remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_file_is_not_written_again_and_leftovers_go() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "1").unwrap();
        copy_if_changed(&from, &to).unwrap();
        let before = fs::metadata(&to).unwrap().modified().unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), before);
        fs::write(&from, "2").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"2");
        remove_others(folder.path(), &BTreeSet::from(["to".to_owned()])).unwrap();
        assert!(!from.exists() && to.exists());
    }
}
