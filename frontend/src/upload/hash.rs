//! SHA-256 of a file, step by step.
//!
//! The browser's own digest is fast and works beside the page, but takes only whole buffers and is missing on plain
//! http. So a part that fits one buffer goes to it, and everything else to the sha2 crate in steps with pauses.

use std::ops::Range;

use js_sys::{ArrayBuffer, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, SubtleCrypto};

use super::plan;
use crate::browser;

/// Largest buffer, in bytes, that is given to the browser's digest. [`plan::PARTS_AT_ONCE`] bounds nothing here: parts
/// are hashed one after the other.
const BUFFER_BYTES: u64 = 64 << 20;

/// The file could not be read: moved, deleted or changed since it was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The running hash of a whole file, fed in order.
#[derive(Default)]
pub(super) struct Whole(Sha256);

impl Whole {
    /// The hash in hex.
    pub(super) fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// Bytes `range` of a file as a blob of their own; nothing is read yet.
pub(super) fn slice(file: &Blob, range: &Range<u64>) -> Result<Blob, Unreadable> {
    #[allow(clippy::cast_precision_loss, reason = "file sizes in a browser are doubles")]
    file.slice_with_f64_and_f64(range.start as f64, range.end as f64)
        .map_err(|_| Unreadable)
}

/// Hashes a range in hex, and feeds it to the whole file's hash on the way.
pub(super) async fn range(
    file: &Blob,
    range: Range<u64>,
    mut whole: Option<&mut Whole>,
) -> Result<String, Unreadable> {
    let subtle = subtle().filter(|_| range.end - range.start <= BUFFER_BYTES);
    match (subtle, &mut whole) {
        (Some(subtle), None) => digest(&subtle, &read(file, &range).await?).await,
        (Some(subtle), Some(whole)) => {
            let buffer = read(file, &range).await?;
            let part = digest(&subtle, &buffer);
            let fed = feed(&buffer, whole);
            let (part, ()) = futures::join!(part, fed);
            part
        }
        (None, _) => {
            let mut hash = Sha256::new();
            for step in plan::steps(range) {
                let bytes = read(file, &step).await?.to_vec();
                hash.update(&bytes);
                if let Some(whole) = &mut whole {
                    whole.0.update(&bytes);
                }
                browser::sleep_ms(0).await;
            }
            Ok(hex::encode(hash.finalize()))
        }
    }
}

async fn feed(buffer: &Uint8Array, whole: &mut Whole) {
    for step in plan::steps(0..u64::from(buffer.length())) {
        let bytes = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
        let step = buffer.subarray(bytes(step.start), bytes(step.end)).to_vec();
        whole.0.update(&step);
        browser::sleep_ms(0).await;
    }
}

async fn read(file: &Blob, range: &Range<u64>) -> Result<Uint8Array, Unreadable> {
    let buffer = JsFuture::from(slice(file, range)?.array_buffer())
        .await
        .map_err(|_| Unreadable)?;
    let buffer: ArrayBuffer = buffer.dyn_into().map_err(|_| Unreadable)?;
    // A file that became shorter reads short instead of failing.
    let read = Uint8Array::new(&buffer);
    if u64::from(read.length()) == range.end - range.start {
        Ok(read)
    } else {
        Err(Unreadable)
    }
}

async fn digest(subtle: &SubtleCrypto, bytes: &Uint8Array) -> Result<String, Unreadable> {
    let promise = subtle
        .digest_with_str_and_js_u8_array("SHA-256", bytes)
        .map_err(|_| Unreadable)?;
    let buffer: ArrayBuffer = JsFuture::from(promise)
        .await
        .and_then(JsCast::dyn_into)
        .map_err(|_| Unreadable)?;
    Ok(hex::encode(Uint8Array::new(&buffer).to_vec()))
}

/// The browser's digest; missing where the page came over plain http from another machine.
fn subtle() -> Option<SubtleCrypto> {
    let window = browser::window()?;
    if !window.is_secure_context() {
        return None;
    }
    Some(window.crypto().ok()?.subtle())
}
