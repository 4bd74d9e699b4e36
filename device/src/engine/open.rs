//! Opening: whether state and folder belong together, or everything begins anew.

use std::collections::BTreeSet;

use bitvault_planner::{Fingerprint, LocalId, LocalKind, LocalNode, Name};
use tokio_util::sync::CancellationToken;

use super::{Config, Engine, EngineError, Io, Left, Parts, Spree};
use crate::fs::{Marker, Root};
use crate::state::{Control, Kept, Loaded, Meta};

impl Engine {
    /// An engine on a folder and its state.
    ///
    /// A state that may not be this folder's (lost, cloned, or restored from a backup, as the folder may be) is begun
    /// anew: then nothing is deleted on either side, equal content is adopted, and what differs is kept as conflicted
    /// copy.
    ///
    /// # Errors
    /// When the folder, the server or the state can't be used, or don't belong together.
    pub async fn open(parts: Parts, config: Config) -> Result<Self, EngineError> {
        let Parts {
            fs,
            remote,
            world,
            mut store,
            progress,
        } = parts;
        let io = Io {
            fs,
            remote,
            world,
            progress,
            device: config.device.as_str().into(),
            ending: CancellationToken::new(),
        };
        let root = io.fs.root().await?;
        let mut anew = None;
        let kept = match store.load()? {
            None => None,
            Some(loaded) => match belongs(&loaded, &root, &config)? {
                Ok(()) => Some(Kept::loaded(loaded)),
                Err(why) => {
                    anew = Some(why);
                    None
                }
            },
        };
        let known = kept.as_ref().and_then(|kept| kept.meta().device.clone());
        let device = io.remote.introduce(known.as_deref(), &config.device).await?;
        let kept = match kept {
            Some(kept) => kept,
            None => begin(&io, &root, &config).await?,
        };
        let mut engine = Self {
            io,
            store,
            kept,
            config,
            unseen: Vec::new(),
            partials: BTreeSet::new(),
            reading: None,
            control: Control::default(),
            look: None,
            left: Left::default(),
            spree: Spree::default(),
            in_step: None,
            tells_work: false,
            was_cut_short: true,
        };
        if let Some(why) = anew {
            tracing::warn!(why, "begin the device's state anew");
            engine.log("anew", "", why);
        }
        engine.kept.set_meta(|meta| {
            meta.folder = (root.fingerprint.device, root.fingerprint.inode);
            meta.shown.clone_from(&engine.config.shown);
            meta.device = Some(device);
        });
        engine.seal(&root).await?;
        if engine.kept.meta().anew {
            engine.kept.begin_reading_anew();
        }
        Ok(engine)
    }

    /// Renews the seal before something is removed from the folder. A state from before, put back, would take that for what a
    /// person deleted, and delete it on the server.
    pub(super) async fn reseal(&mut self) -> Result<(), EngineError> {
        // Another device's marker must not be written over.
        let root = self.check_folder().await?;
        self.seal(&root).await
    }

    /// Renews the seal on both, the state first: whichever was written last before a crash, the other still knows it.
    async fn seal(&mut self, root: &Root) -> Result<(), EngineError> {
        let seal = format!("{:016x}", self.io.world.random());
        self.kept.set_meta(|meta| {
            // What the marker has now is what it may be left with.
            if let Some(marker) = &root.marker
                && marker.state == meta.state
            {
                meta.seal.clone_from(&marker.seal);
            }
            meta.next_seal = Some(seal.clone());
        });
        self.flush()?;
        let state = self.kept.meta().state.clone();
        self.io
            .fs
            .mark(&Marker {
                state,
                seal: seal.clone(),
            })
            .await?;
        self.kept.set_meta(|meta| {
            meta.seal = seal;
            meta.next_seal = None;
        });
        self.flush()
    }
}

/// Whether the state is this folder's; if not, why everything begins anew.
fn belongs(loaded: &Loaded, root: &Root, config: &Config) -> Result<Result<(), &'static str>, EngineError> {
    let meta = &loaded.meta;
    if meta.account != config.account {
        return Err(EngineError::OtherAccount {
            found: meta.account.clone(),
            wanted: config.account.clone(),
        });
    }
    if loaded.trees.remote.root() != config.remote_root {
        return Err(EngineError::OtherAccount {
            found: format!("the server's folder {}", meta.remote_root),
            wanted: format!("the server's folder {}", config.remote_root),
        });
    }
    let Some(marker) = &root.marker else {
        if loaded.trees.synced.is_empty() {
            return Ok(Ok(()));
        }
        // An empty mount point must not look like a folder whose files were all deleted.
        return Err(EngineError::NotTheFolder(config.shown.clone()));
    };
    if marker.state != meta.state {
        return Ok(Err("the folder was synced by another state"));
    }
    // The number of the device may change when the machine starts; that of the root's inode does not.
    if meta.folder.1 != root.fingerprint.inode {
        return Ok(Err("the folder is a copy of the one that was synced"));
    }
    if marker.seal != meta.seal && meta.next_seal.as_ref() != Some(&marker.seal) {
        return Ok(Err("the state or the folder was put back to an earlier one"));
    }
    Ok(Ok(()))
}

async fn begin(io: &Io, root: &Root, config: &Config) -> Result<Kept, EngineError> {
    let remote = io.remote.node(config.remote_root).await?;
    let state = format!("{:016x}{:016x}", io.world.random(), io.world.random());
    let meta = Meta {
        state,
        seal: String::new(),
        next_seal: None,
        folder: (root.fingerprint.device, root.fingerprint.inode),
        shown: config.shown.clone(),
        account: config.account.clone(),
        remote_root: config.remote_root.to_string(),
        device: None,
        cursor: None,
        anew: false,
    };
    Ok(Kept::begin(meta, remote, top(root.fingerprint)))
}

fn top(fingerprint: Fingerprint) -> LocalNode {
    LocalNode {
        id: LocalId(0),
        parent: None,
        name: Name::from(""),
        kind: LocalKind::Folder,
        fingerprint,
        content: None,
        sent: None,
        ignored: false,
    }
}
