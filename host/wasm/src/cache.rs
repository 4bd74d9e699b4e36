//! Compiled components on disk. Loading compiled code is running it, so a file counts only when it carries our MAC: keyed
//! BLAKE3 over the component's digest, the engine's settings and the blob, with a key that lies beside the files and only
//! we can read. A file that does not match is moved to `quarantine/` and the component is compiled again.

use rand::TryRngCore as _;
use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

const KEY_LEN: usize = 32;
const MAC_LEN: usize = 32;
/// How a file is called that is being written.
const TEMPORARY: &str = ".tmp";
/// A file that has been written for so long has no writer any more.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// A private folder of compiled components.
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_LEN],
    engine: wasmtime::Engine,
    /// Of wasmtime's version, the target and every setting that changes compiled code.
    settings: [u8; 32],
}

impl Cache {
    /// Opens or makes the folder and its key. A folder that others may write is refused.
    pub(crate) fn open(folder: &Path, engine: &wasmtime::Engine) -> Result<Self, String> {
        let context = |cause: std::io::Error| format!("compile cache {}: {cause}", folder.display());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(context)?;
        let held = fs::metadata(folder).map_err(context)?;
        if held.uid() != rustix::process::geteuid().as_raw() || held.permissions().mode() & 0o022 != 0 {
            return Err(format!(
                "compile cache {}: the folder must belong to this user and not be writable by others; chmod 700 it",
                folder.display()
            ));
        }
        sweep(folder).map_err(context)?;
        let key = read_or_make_key(&folder.join("key"), folder).map_err(context)?;
        let mut hasher = Blake(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let settings = *hasher.0.finalize().as_bytes();
        Ok(Self {
            folder: folder.to_owned(),
            key,
            engine: engine.clone(),
            settings,
        })
    }

    fn path(&self, digest: &blake3::Hash) -> PathBuf {
        let settings = blake3::Hash::from_bytes(self.settings).to_hex();
        self.folder
            .join(format!("{}-{}.cwasm", &digest.to_hex()[..32], &settings[..16]))
    }

    fn mac(&self, digest: &blake3::Hash, blob: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(b"bitvault compile cache 1");
        mac.update(digest.as_bytes());
        mac.update(&self.settings);
        mac.update(&(blob.len() as u64).to_le_bytes());
        mac.update(blob);
        mac.finalize()
    }

    /// The compiled component, if an untouched file of ours holds it.
    pub(crate) fn load(
        &self,
        digest: &blake3::Hash,
    ) -> Result<Option<wasmtime::component::Component>, String> {
        let path = self.path(digest);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("read {}: {error}", path.display())),
        };
        let Some((blob, mac)) = file.split_last_chunk::<MAC_LEN>() else {
            return self.quarantine(&path, "it is too short");
        };
        // Comparing two `blake3::Hash` takes constant time.
        if self.mac(digest, blob) != blake3::Hash::from_bytes(*mac) {
            return self.quarantine(&path, "its MAC does not match");
        }
        #[allow(
            unsafe_code,
            reason = "the MAC was just verified over these very bytes, this component and these engine settings"
        )]
        // SAFETY: `blob` came from `Component::serialize` of an engine with the same settings: only `store` makes a MAC
        // with our key, and it was checked over the bytes in memory that are loaded here.
        let loaded = unsafe { wasmtime::component::Component::deserialize(&self.engine, blob) };
        match loaded {
            Ok(component) => Ok(Some(component)),
            Err(error) => self.quarantine(&path, &format!("wasmtime refuses it: {error:#}")),
        }
    }

    fn quarantine<T>(&self, path: &Path, why: &str) -> Result<Option<T>, String> {
        let folder = self.folder.join("quarantine");
        let target = folder.join(path.file_name().unwrap_or_default());
        let moved = fs::create_dir_all(&folder).and_then(|()| fs::rename(path, &target));
        // Another engine may have been faster.
        let moved = moved.or_else(|cause| match cause.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(cause),
        });
        moved.map_err(|cause| format!("quarantine {}: {cause}", path.display()))?;
        metrics::counter!("bitvault_plugin_cache_quarantined_total").increment(1);
        tracing::error!(file = %target.display(), "a compiled plugin was quarantined and is compiled again: {why}");
        Ok(None)
    }

    /// Keeps a compiled component.
    pub(crate) fn store(&self, digest: &blake3::Hash, blob: &[u8]) -> Result<(), String> {
        let path = self.path(digest);
        let write = || -> std::io::Result<()> {
            let mut file = temporary(&self.folder)?;
            file.write_all(blob)?;
            file.write_all(self.mac(digest, blob).as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|cause| format!("write {}: {cause}", path.display()))
    }
}

/// A file that others see once it is whole. Only we can read it.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().suffix(TEMPORARY).tempfile_in(folder)
}

/// Removes what writers left that did not live to the end.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().ends_with(TEMPORARY) {
            continue;
        }
        // One that is gone by now was somebody's who lives.
        let age = entry.metadata().and_then(|held| held.modified()).ok();
        if age.is_some_and(|at| at.elapsed().is_ok_and(|age| age > LEFT_BEHIND)) {
            fs::remove_file(entry.path()).ok();
        }
    }
    Ok(())
}

fn read_or_make_key(path: &Path, folder: &Path) -> std::io::Result<[u8; KEY_LEN]> {
    match fs::read(path) {
        Ok(bytes) => {
            let short =
                || std::io::Error::other("the key file is damaged; remove it and the folder's .cwasm files");
            bytes.try_into().map_err(|_| short())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; KEY_LEN];
            rand::rngs::OsRng
                .try_fill_bytes(&mut key)
                .map_err(std::io::Error::other)?;
            let mut file = temporary(folder)?;
            file.write_all(&key)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(path) {
                Ok(_) => Ok(key),
                // Somebody else was faster: then that key counts.
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                    read_or_make_key(path, folder)
                }
                Err(error) => Err(error.error),
            }
        }
        Err(error) => Err(error),
    }
}

/// BLAKE3 as a standard hasher: the engine's settings can only be had through one.
struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let (first, _) = self
            .0
            .finalize()
            .as_bytes()
            .split_first_chunk::<8>()
            .map_or(([0; 8], &[][..]), |(a, b)| (*a, b));
        u64::from_le_bytes(first)
    }
}
