//! The key that a visitor gets for a link's password: good for a while, for that link, and for that password.
//!
//! `base64url(end, 8 bytes ‖ HMAC-SHA256)`, keyed with the password's stored hash, whose salt and result nobody outside
//! knows. So no secret has to be shared between processes, and a new password ends every key of the old one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bitvault_platform::ids::LinkId;
use bitvault_platform::{Error, Result};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use time::OffsetDateTime;

/// Keeps these codes apart from any other use of the same hash.
const PURPOSE: &[u8] = b"bitvault link key v1\0";

/// A key that ends at `end`, to the second.
pub(crate) fn issue(link: LinkId, password_hash: &str, end: OffsetDateTime) -> Result<String> {
    let end = end.unix_timestamp().to_be_bytes();
    let code = mac(link, password_hash, end)?.finalize().into_bytes();
    Ok(URL_SAFE_NO_PAD.encode([end.as_slice(), &code].concat()))
}

/// Whether a key opens the link now.
pub(crate) fn opens(link: LinkId, password_hash: &str, key: &str, now: OffsetDateTime) -> Result<bool> {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(key) else {
        return Ok(false);
    };
    let Some((end, code)) = bytes.split_first_chunk::<8>() else {
        return Ok(false);
    };
    let genuine = mac(link, password_hash, *end)?.verify_slice(code).is_ok();
    Ok(genuine && now.unix_timestamp() < i64::from_be_bytes(*end))
}

fn mac(link: LinkId, password_hash: &str, end: [u8; 8]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(password_hash.as_bytes())
        .map_err(|cause| Error::internal("key a link's code", cause))?;
    mac.update(PURPOSE);
    mac.update(link.0.as_bytes());
    mac.update(&end);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_key_opens_its_link_with_its_password_until_it_ends() {
        let (now, end) = (datetime!(2026-01-01 00:00 UTC), datetime!(2026-01-01 01:00 UTC));
        let (link, hash) = (LinkId::new(), "$argon2id$one");
        let key = issue(link, hash, end).unwrap();
        assert!(opens(link, hash, &key, now).unwrap());
        assert!(!opens(link, hash, &key, end).unwrap());
        assert!(!opens(LinkId::new(), hash, &key, now).unwrap());
        assert!(!opens(link, "$argon2id$another", &key, now).unwrap());
    }

    #[test]
    fn a_key_that_was_changed_opens_nothing() {
        let now = datetime!(2026-01-01 00:00 UTC);
        let (link, hash) = (LinkId::new(), "$argon2id$one");
        let key = issue(link, hash, now + time::Duration::HOUR).unwrap();
        let mut later = URL_SAFE_NO_PAD.decode(&key).unwrap();
        later[7] ^= 1;
        for bad in [
            "",
            "a",
            "ä",
            &key[1..],
            &key[..20],
            &URL_SAFE_NO_PAD.encode(later),
        ] {
            assert!(!opens(link, hash, bad, now).unwrap(), "{bad}");
        }
    }
}
