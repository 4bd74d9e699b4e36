//! What the binary carries along: the web app and the plugin components, built by `cargo xtask build`.

use bitvault_gateway::Asset;
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../../assets/web/"]
#[allow_missing = true]
struct Web;

#[derive(RustEmbed)]
#[folder = "../../assets/plugins/"]
#[include = "storage-*.wasm"]
struct Plugins;

/// A file of the web app by its path, with its compressed copies.
pub(crate) fn web(path: &str) -> Option<Asset> {
    let file = Web::get(path)?;
    let compressed = |ending: &str| Web::get(&format!("{path}.{ending}")).map(|file| bytes(file.data));
    Some(Asset {
        mime: file.metadata.mimetype().to_owned(),
        etag: hex::encode(&file.metadata.sha256_hash()[..16]),
        br: compressed("br"),
        gz: compressed("gz"),
        bytes: bytes(file.data),
    })
}

/// Embedded bytes are never copied.
fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// A plugin's component by its name, `storage-s3`.
pub(crate) fn plugin(name: &str) -> Option<EmbeddedFile> {
    Plugins::get(&format!("{name}.wasm"))
}
