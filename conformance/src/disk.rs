//! A small file system of its own, to be filled up. Needs the right to mount; who lacks it is told, and the test ends.

use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const MIB: u64 = 1 << 20;

/// A file system in memory, taken away when dropped.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// One of so many MiB. `None` when this process may not mount, and then standard error says so, past what the test
    /// harness keeps back of a test that passes.
    pub fn mount(mib: u64) -> Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("bitvault-disk-").tempdir()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "bitvault-test"])
            .arg(folder.path())
            .env("LC_ALL", "C")
            .output()
            .context("run mount")?;
        if mounted.status.success() {
            return Ok(Some(Self(folder)));
        }
        let reason = String::from_utf8_lossy(&mounted.stderr).trim().to_owned();
        let not_permitted = ["permission denied", "superuser", "only root", "not permitted"];
        if !not_permitted.iter().any(|words| reason.contains(words)) {
            bail!("mount a small disk: {reason}");
        }
        writeln!(
            std::io::stderr(),
            "SKIPPED: a full disk needs a mount of its own, which root may make: {reason}"
        )?;
        Ok(None)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Bytes that are free.
    pub fn free(&self) -> Result<u64> {
        let found = rustix::fs::statvfs(self.path()).context("look how much is free")?;
        Ok(found.f_bavail * found.f_frsize)
    }

    /// Takes room away until so many bytes are free.
    pub fn leave(&self, free: u64) -> Result<()> {
        self.make_room()?;
        let most = self.free()?.saturating_sub(free);
        // In steps: the last one may not fit any more.
        let mut ballast = std::fs::File::create(self.ballast())?;
        let step = vec![1; 4096];
        for _ in 0..most / 4096 {
            if ballast.write_all(&step).is_err() {
                break;
            }
        }
        let left = self.free()?;
        if left > free + MIB {
            bail!("{left} bytes are free, not {free}");
        }
        Ok(())
    }

    /// Gives the room back.
    pub fn make_room(&self) -> Result<()> {
        match std::fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a program that was killed a moment ago may hold it still.
        let _unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
