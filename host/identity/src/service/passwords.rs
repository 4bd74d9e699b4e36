//! Hashing and verifying passwords, in the words of signing in; guessing is slowed down by account and by address.

use crate::{Identity, Password};
use bitvault_platform::password::normalise;
use bitvault_platform::throttle::Attempt;
use bitvault_platform::token::Digest;
use bitvault_platform::{Code, Error};
use std::time::Duration;

impl Identity {
    /// Begins an attempt on an account from an address, or refuses it. An unknown address counts as one address.
    pub(super) fn attempt(&self, account: Digest, peer: &str) -> Result<Attempt, Error> {
        self.0
            .throttle
            .attempt([Digest::of(peer), account])
            .map_err(throttled)
    }

    /// Whether the password is the one of `stored`; without one it does the same work and says no.
    pub(super) async fn matches(&self, password: &str, stored: Option<String>) -> Result<bool, Error> {
        let right = self.0.hasher.verify(normalise(password), stored).await;
        right.map_err(|failure| failure.or_busy(busy))
    }

    /// The hash to store.
    pub(super) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let hash = self.0.hasher.hash(password).await;
        hash.map_err(|failure| failure.or_busy(busy))
    }
}

/// Somebody showed a wrong password.
pub(super) fn sign_in_failed() -> Error {
    metrics::counter!("bitvault_sign_in_failed_total").increment(1);
    Error::new(
        Code::Unauthenticated,
        "sign_in_failed",
        "mail address or password is wrong: check both and try again",
    )
}

/// Too many passwords are hashed at this moment.
fn busy() -> Error {
    Error::new(
        Code::Unavailable,
        "sign_in_busy",
        "too many people are signing in at this moment; try again in a few seconds",
    )
}

fn throttled(wait: Duration) -> Error {
    metrics::counter!("bitvault_sign_in_throttled_total").increment(1);
    let seconds = wait.as_secs() + 1;
    Error::new(
        Code::Exhausted,
        "sign_in_throttled",
        format!("too many failed sign-ins; try again in {seconds} s"),
    )
}
