//! The cached tools: `tools/<name>/<version>/`, complete or absent, and the links in `tools/bin/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::dirs::Dirs;
use crate::run;

/// Written last into a folder that can't be renamed: without it the folder is not whole.
const COMPLETE: &str = ".complete";

/// The folder of one version of one tool.
pub(crate) fn home(dirs: &Dirs, name: &str, version: &str) -> PathBuf {
    dirs.tools().join(name).join(version)
}

/// Installs a tool unless it is there: `make` fills a folder, which is then renamed to its place.
pub(crate) fn ensure(
    dirs: &Dirs,
    name: &str,
    version: &str,
    programs: &[&str],
    why: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let home = home(dirs, name, version);
    if !home.is_dir() {
        run::step(&format!("install {name} {version}: {why}"), || {
            fs::create_dir_all(dirs.tools().join(name)).context("create its folder in the cache")?;
            let partial = tempfile::Builder::new()
                .prefix(".partial-")
                .tempdir_in(dirs.tools().join(name))
                .context("create its folder in the cache")?;
            make(partial.path())?;
            // Somebody else may have installed the same meanwhile; theirs is as good.
            match fs::rename(partial.keep(), &home) {
                Err(_) if home.is_dir() => Ok(()),
                other => other.with_context(|| format!("move it to {}", home.display())),
            }
        })
        .with_context(|| format!("install {name} {version}"))?;
    }
    link(dirs, &home, programs)
}

/// As [`ensure`], for what remembers the path it was installed at and can't be renamed.
pub(crate) fn ensure_in_place(
    dirs: &Dirs,
    name: &str,
    version: &str,
    programs: &[&str],
    why: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let home = home(dirs, name, version);
    if !home.join(COMPLETE).is_file() {
        run::step(&format!("install {name} {version}: {why}"), || {
            if home.exists() {
                fs::remove_dir_all(&home).context("remove what an interrupted installation left")?;
            }
            fs::create_dir_all(&home).context("create its folder in the cache")?;
            make(&home)?;
            fs::write(home.join(COMPLETE), "").context("mark the installation as complete")
        })
        .with_context(|| format!("install {name} {version}"))?;
    }
    link(dirs, &home, programs)
}

/// Points `tools/bin/<program>` at this version.
fn link(dirs: &Dirs, home: &Path, programs: &[&str]) -> Result<()> {
    for program in programs {
        let file = home.join(program);
        if !crate::env::is_executable(&file) {
            bail!(
                "{} is missing; remove {} and run this again",
                file.display(),
                home.display()
            );
        }
        let name = file.file_name().context("a program has a name")?;
        let link = dirs.tools_bin().join(name);
        if fs::read_link(&link).is_ok_and(|target| target == file) {
            continue;
        }
        fs::create_dir_all(dirs.tools_bin()).context("create the folder of links")?;
        let fresh = dirs
            .tools_bin()
            .join(format!(".{}-{}", name.display(), std::process::id()));
        std::os::unix::fs::symlink(&file, &fresh)
            .and_then(|()| fs::rename(&fresh, &link))
            .with_context(|| format!("link {}", link.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn dirs(cache: &Path) -> Dirs {
        Dirs {
            repo: cache.join("repo"),
            cache: cache.to_path_buf(),
            target: cache.join("target"),
        }
    }

    fn program(path: &Path) -> Result<()> {
        fs::create_dir_all(path.parent().unwrap())?;
        fs::write(path, "#!/bin/sh\n")?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
    }

    #[test]
    fn a_tool_is_made_once_and_the_link_follows_the_version() {
        let cache = tempfile::tempdir().unwrap();
        let dirs = dirs(cache.path());
        ensure(&dirs, "tool", "1", &["tool"], "test", |into| {
            program(&into.join("tool"))
        })
        .unwrap();
        ensure(&dirs, "tool", "1", &["tool"], "test", |_| bail!("made twice")).unwrap();
        ensure(&dirs, "tool", "2", &["tool"], "test", |into| {
            program(&into.join("tool"))
        })
        .unwrap();
        assert_eq!(
            fs::read_link(dirs.tools_bin().join("tool")).unwrap(),
            home(&dirs, "tool", "2").join("tool")
        );
    }

    #[test]
    fn a_failed_installation_leaves_nothing_that_looks_installed() {
        let cache = tempfile::tempdir().unwrap();
        let dirs = dirs(cache.path());
        let failed = ensure(&dirs, "tool", "1", &["tool"], "test", |into| {
            program(&into.join("tool"))?;
            bail!("interrupted")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(dirs.tools().join("tool")).unwrap().count(), 0);

        let failed = ensure_in_place(&dirs, "venv", "1", &["tool"], "test", |into| {
            program(&into.join("tool"))?;
            bail!("interrupted")
        });
        assert!(failed.is_err());
        ensure_in_place(&dirs, "venv", "1", &["tool"], "test", |into| {
            program(&into.join("tool"))
        })
        .unwrap();
    }
}
