//! The caller as signed metadata: `base64url(claims).base64url(HMAC-SHA256)`.

use crate::ctx::Claims;
use crate::{Clock, Code, Ctx, Error};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;

/// Metadata key of the assertion.
pub const CTX_HEADER: &str = "bitvault-ctx";
/// How long an assertion is good for: one call, with slack for clocks that differ.
const LIFETIME: Duration = Duration::from_secs(60);

/// Signs and verifies who calls. Every process of a deployment shares the key.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
    clock: Clock,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Signs with `key`, at least 32 random bytes.
    pub fn new(key: &[u8], clock: Clock) -> Result<Self, Error> {
        if key.len() < 32 {
            return Err(Error::new(
                Code::Invalid,
                "secret_short",
                "the secret between modules needs 32 bytes",
            ));
        }
        let keyed =
            Hmac::new_from_slice(key).map_err(|cause| Error::internal("key the call signer", cause))?;
        Ok(Self { keyed, clock })
    }

    /// Signs with a key that only this process knows: for a daemon that runs every module itself.
    pub fn ephemeral(clock: Clock) -> Result<Self, Error> {
        Self::new(&rand::random::<[u8; 32]>(), clock)
    }

    /// The assertion that `ctx` calls.
    pub fn sign(&self, ctx: &Ctx) -> Result<String, Error> {
        let expires = (self.clock.now() + LIFETIME).unix_timestamp();
        let claims = serde_json::to_vec(&Claims::new(ctx, expires))
            .map_err(|cause| Error::internal("write the call assertion", cause))?;
        let mut text = URL_SAFE_NO_PAD.encode(claims);
        let mut mac = self.keyed.clone();
        mac.update(text.as_bytes());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut text);
        Ok(text)
    }

    /// Who calls, if the assertion is ours and fresh.
    pub fn verify(&self, text: &str) -> Result<Ctx, Error> {
        let (claims, tag) = text.split_once('.').ok_or_else(refused)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| refused())?;
        let mut mac = self.keyed.clone();
        mac.update(claims.as_bytes());
        mac.verify_slice(&tag).map_err(|_| refused())?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| refused())?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| refused())?;
        if claims.expires < self.clock.now().unix_timestamp() {
            return Err(refused());
        }
        Ok(claims.into_ctx())
    }
}

fn refused() -> Error {
    Error::new(
        Code::Unauthenticated,
        "assertion_refused",
        "the caller could not be verified: check that every process has the same peers secret and the right time",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AccountId, NodeId, SessionId, TenantId};
    use crate::{LinkAccess, Role, Scopes};
    use time::macros::datetime;

    fn caller() -> Ctx {
        Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), Role::Member)
    }

    #[test]
    fn an_assertion_names_its_caller_for_a_minute() {
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let signer = Signer::ephemeral(clock.clone()).unwrap();
        let limits = Scopes {
            read: true,
            write: false,
        };
        let limited = caller().limited_to(limits);
        assert_eq!(signer.verify(&signer.sign(&limited).unwrap()).unwrap(), limited);
        let ctx = caller();
        let text = signer.sign(&ctx).unwrap();
        assert_eq!(signer.verify(&text).unwrap(), ctx);
        clock.advance(Duration::from_secs(62));
        assert_eq!(signer.verify(&text).unwrap_err().reason(), "assertion_refused");
    }

    #[test]
    fn a_links_visitor_stays_confined_to_the_link() {
        let signer = Signer::ephemeral(Clock::system()).unwrap();
        for access in [LinkAccess::View, LinkAccess::Download, LinkAccess::Drop] {
            let ctx = Ctx::link(TenantId::new(), AccountId::new(), NodeId::new(), access);
            assert_eq!(signer.verify(&signer.sign(&ctx).unwrap()).unwrap(), ctx);
            assert!(ctx.account_id().is_err() && ctx.require_system().is_err());
        }
    }

    #[test]
    fn an_assertion_of_another_key_or_with_another_tenant_is_refused() {
        let signer = Signer::ephemeral(Clock::system()).unwrap();
        let other = Signer::ephemeral(Clock::system()).unwrap();
        assert!(signer.verify(&other.sign(&caller()).unwrap()).is_err());
        let (mine, theirs) = (signer.sign(&caller()).unwrap(), signer.sign(&caller()).unwrap());
        let spliced = format!(
            "{}.{}",
            theirs.split_once('.').unwrap().0,
            mine.split_once('.').unwrap().1
        );
        assert!(signer.verify(&spliced).is_err());
        assert!(signer.verify("").is_err());
    }
}
