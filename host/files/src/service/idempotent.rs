//! Requests that carry an idempotency key: the first one's answer is kept and given again.

use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::store::idempotency::{self, Keeping, Kept};
use bitvault_platform::db::TenantTx;
use bitvault_platform::{Error, Result};
use prost::Message;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Longest key, in bytes.
const KEY_BYTES: usize = 255;

/// A key together with the hash of what was asked.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    text: String,
    request: Vec<u8>,
}

impl Key {
    /// The key of a call; `request` is the message without the key itself.
    pub(super) fn new<M: Message>(text: Option<String>, verb: &str, request: &M) -> Result<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if text.is_empty() || text.len() > KEY_BYTES || !visible {
            let detail = "use 1 to 255 visible ASCII characters";
            return Err(Error::invalid_field(
                "idempotency_key_invalid",
                "idempotency_key",
                detail,
            ));
        }
        let mut hash = Sha256::new();
        hash.update(verb.as_bytes());
        hash.update([0]);
        hash.update(request.encode_to_vec());
        Ok(Some(Self {
            text,
            request: hash.finalize().to_vec(),
        }))
    }

    /// The kept answer, if the key was used. Used for another request it is refused.
    pub(super) async fn replay<M: Message + Default>(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
    ) -> Result<Option<M>> {
        match idempotency::find(tx, actor, &self.text).await? {
            Some(kept) => self.read(&kept).map(Some),
            None => Ok(None),
        }
    }

    /// The kept answer of a request with this key. Used for another request the key is refused.
    pub(super) fn read<M: Message + Default>(&self, kept: &Kept) -> Result<M> {
        if kept.request != self.request {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        M::decode(kept.answer.as_slice()).map_err(|cause| Error::internal("read a kept answer", cause))
    }

    /// The key itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is to be kept when this is the answer.
    pub(super) fn keeping<M: Message>(&self, answer: &M) -> Keeping {
        Keeping {
            key: self.text.clone(),
            kept: Kept {
                request: self.request.clone(),
                answer: answer.encode_to_vec(),
            },
        }
    }

    /// Keeps the answer, in the transaction that did the work. `false`: another request with the key was faster, so
    /// roll back and replay.
    pub(super) async fn keep<M: Message>(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        answer: &M,
        now: OffsetDateTime,
    ) -> Result<bool> {
        idempotency::keep(tx, actor, &self.keeping(answer), now).await
    }
}
