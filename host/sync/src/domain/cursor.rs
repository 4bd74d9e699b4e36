//! Where the reading of changes goes on: opaque to clients, and none that a client makes up is taken.
//!
//! `base64url(form, 1 byte ‖ code, 16 bytes ‖ body)`. The body is how far the account was told, but for its roots, which are
//! kept and named by their hash. The code is HMAC-SHA256 with the tenant's key, cut to 128 bits, over tenant, account, device
//! and body: a cursor is good for whom it was given to.

use crate::error::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bitvault_platform::ids::{AccountId, DeviceId, TenantId};
use bitvault_platform::{Error, Result};
use bitvault_proto::internal::v1::FeedState;
use hmac::{Hmac, Mac as _};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Keeps these codes apart from any other use of the key.
const PURPOSE: &[u8] = b"bitvault changes cursor v1\0";
const FORM: u8 = 1;
const CODE_BYTES: usize = 16;
/// Longest cursor that is looked at, in characters. One in which the most trees are to be walked has some 2,500.
const TEXT_MAX: usize = 8192;

/// What cursors of a tenant are authenticated with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Names a set of roots: the hash of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SetId(pub(crate) [u8; 16]);

impl SetId {
    /// Of the roots as they are stored.
    pub(crate) fn of(roots: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(roots).into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// Whom a cursor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) device: Option<DeviceId>,
}

/// What stands in a cursor.
#[derive(Clone, PartialEq, prost::Message)]
struct Body {
    #[prost(bytes = "vec", tag = "1")]
    roots: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    state: Option<FeedState>,
}

/// A cursor. `state` is without its roots.
pub(crate) fn seal(key: &Key, holder: Holder, roots: SetId, state: FeedState) -> Result<String> {
    let body = Body {
        roots: roots.0.to_vec(),
        state: Some(state),
    };
    let body = body.encode_to_vec();
    let code = mac(key, holder, &body)?.finalize().into_bytes();
    Ok(URL_SAFE_NO_PAD.encode([&[FORM], &code[..CODE_BYTES], &body].concat()))
}

/// What a cursor says, if it is one of ours and for this holder.
pub(crate) fn open(key: &Key, holder: Holder, text: &str) -> Result<(SetId, FeedState)> {
    read(key, holder, text)?.ok_or_else(|| Refusal::CursorInvalid.into())
}

fn read(key: &Key, holder: Holder, text: &str) -> Result<Option<(SetId, FeedState)>> {
    // What is too long to be one is not decoded.
    let bytes = match text.len() {
        ..=TEXT_MAX => URL_SAFE_NO_PAD.decode(text).unwrap_or_default(),
        _ => return Ok(None),
    };
    let Some((&[FORM], rest)) = bytes.split_first_chunk::<1>() else {
        return Ok(None);
    };
    let Some((code, body)) = rest.split_at_checked(CODE_BYTES) else {
        return Ok(None);
    };
    if mac(key, holder, body)?.verify_truncated_left(code).is_err() {
        return Ok(None);
    }
    let body = Body::decode(body).map_err(|cause| Error::internal("read our own cursor", cause))?;
    let roots = body.roots.try_into();
    let roots = roots.map_err(|_| Error::internal("read our own cursor", "it names no roots"))?;
    Ok(body.state.map(|state| (SetId(roots), state)))
}

fn mac(key: &Key, holder: Holder, body: &[u8]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0)
        .map_err(|cause| Error::internal("key a cursor's code", cause))?;
    mac.update(PURPOSE);
    mac.update(holder.tenant.0.as_bytes());
    mac.update(holder.account.0.as_bytes());
    // No device has this id.
    let device = holder.device.map_or_else(uuid::Uuid::nil, |device| device.0);
    mac.update(device.as_bytes());
    mac.update(body);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder {
            tenant: TenantId::new(),
            account: AccountId::new(),
            device: Some(DeviceId::new()),
        }
    }

    fn state() -> FeedState {
        FeedState {
            epoch: 1,
            seq: 7,
            ..FeedState::default()
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_holder_only() {
        let (key, holder, set) = (Key([7; 32]), holder(), SetId::of(b"roots"));
        let cursor = seal(&key, holder, set, state()).unwrap();
        assert_eq!(open(&key, holder, &cursor).unwrap(), (set, state()));
        for other in [
            Holder {
                tenant: TenantId::new(),
                ..holder
            },
            Holder {
                account: AccountId::new(),
                ..holder
            },
            Holder {
                device: Some(DeviceId::new()),
                ..holder
            },
            Holder {
                device: None,
                ..holder
            },
        ] {
            let refused = open(&key, other, &cursor).unwrap_err();
            assert_eq!(refused.reason(), "cursor_invalid");
        }
        assert!(open(&Key([8; 32]), holder, &cursor).is_err());
    }

    #[test]
    fn a_cursor_that_was_changed_anywhere_is_refused() {
        let (key, holder) = (Key([7; 32]), holder());
        let cursor = seal(&key, holder, SetId::of(b"roots"), state()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert!(open(&key, holder, &forged).is_err(), "byte {at}");
        }
        let long = cursor.repeat(200);
        for text in ["", "AA", "not base64 !", &cursor[1..], &cursor[..20], &long] {
            let refused = open(&key, holder, text).unwrap_err();
            assert_eq!(refused.reason(), "cursor_invalid", "{text:.20}");
        }
    }
}
