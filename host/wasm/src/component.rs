//! A compiled component.

use crate::engine::Engine;
use crate::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A compiled component with its name and digest. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    engine: Engine,
    name: Arc<str>,
    digest: Arc<str>,
    inner: wasmtime::component::Component,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish()
    }
}

impl Component {
    pub(crate) fn load(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let fail = |reason: String| Error::Load {
            plugin: name.to_owned(),
            reason,
        };
        let digest = blake3::hash(bytes);
        let cached = engine
            .cache()
            .map(|cache| cache.load(&digest))
            .transpose()
            .map_err(fail)?
            .flatten();
        let inner = match cached {
            Some(inner) => inner,
            None => {
                let inner = wasmtime::component::Component::from_binary(engine.wasmtime(), bytes)
                    .map_err(|error| fail(format!("{error:#}")))?;
                if let Some(cache) = engine.cache() {
                    let blob = inner.serialize().map_err(|error| fail(format!("{error:#}")))?;
                    cache.store(&digest, &blob).map_err(fail)?;
                }
                inner
            }
        };
        let digest = digest.to_hex().to_string().into();
        Ok(Self {
            engine: engine.clone(),
            name: name.into(),
            digest,
            inner,
        })
    }

    /// The plugin's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// BLAKE3 of the component's bytes, in hex.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::component::Component {
        &self.inner
    }
}

/// The path of a component that the build made, `assets/plugins/NAME.wasm` of a checkout; `root` is its folder.
pub fn asset(root: &Path, name: &str) -> Result<PathBuf, Error> {
    let path = root.join("assets/plugins").join(format!("{name}.wasm"));
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::Load {
        plugin: name.to_owned(),
        reason: format!("{} is not there; run `cargo xtask build`", path.display()),
    })
}
