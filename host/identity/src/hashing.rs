//! argon2id on blocking threads: at most so many at once, behind a queue of bounded length.

use crate::{Config, Password};
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use bitvault_platform::{Code, Error};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// Bytes of a salt.
const SALT_BYTES: usize = 16;

/// Hashes and verifies passwords.
#[derive(Debug)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    /// Turns to hash.
    turns: Arc<Semaphore>,
    /// Places in the queue, those whose turn it is included.
    places: Arc<Semaphore>,
    /// What the password of an unknown account is verified against.
    dummy: String,
    verified: AtomicU64,
}

impl Hasher {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let kib = u32::try_from(config.argon2.memory.as_u64() / 1024)
            .map_err(|cause| Error::internal("configure argon2", cause))?;
        let params = Params::new(kib, config.argon2.iterations, config.argon2.parallelism, None)
            .map_err(|cause| Error::internal("configure argon2", cause))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobodys: [u8; 32] = rand::random();
        Ok(Self {
            dummy: hash(&argon2, &nobodys)?,
            argon2,
            turns: Arc::new(Semaphore::new(config.max_concurrent_hashes)),
            places: Arc::new(Semaphore::new(
                config.max_concurrent_hashes + config.max_waiting_hashes,
            )),
            verified: AtomicU64::new(0),
        })
    }

    /// The PHC string to store.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let (argon2, secret) = (self.argon2.clone(), password.secret().clone());
        self.in_turn(move || hash(&argon2, secret.expose_secret().as_bytes()))
            .await?
    }

    /// Whether the password is the one of `stored`. Without one it does the same work and says no.
    pub(crate) async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        let argon2 = self.argon2.clone();
        let matches = self
            .in_turn(move || {
                let parsed = PasswordHash::new(&stored)
                    .map_err(|cause| Error::internal("read a stored password hash", cause))?;
                match argon2.verify_password(password.expose_secret().as_bytes(), &parsed) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::Password) => Ok(false),
                    Err(cause) => Err(Error::internal("verify a password", cause)),
                }
            })
            .await??;
        self.verified.fetch_add(1, Ordering::Relaxed);
        Ok(matches && known)
    }

    /// How many passwords have been verified, dummies included.
    #[cfg(test)]
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|cause| Error::internal("wait for a turn to hash", cause))?;
        // The thread keeps place and turn: a client that goes away does not make room for more work than allowed.
        tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        })
        .await
        .map_err(|cause| Error::internal("hash a password", cause))
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Error> {
    let salt: [u8; SALT_BYTES] = rand::random();
    let salt = SaltString::encode_b64(&salt).map_err(|cause| Error::internal("make a salt", cause))?;
    Ok(argon2
        .hash_password(password, &salt)
        .map_err(|cause| Error::internal("hash a password", cause))?
        .to_string())
}

fn busy() -> Error {
    Error::new(
        Code::Unavailable,
        "sign_in_busy",
        "too many people are signing in at this moment; try again in a few seconds",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(concurrent: usize, waiting: usize) -> Hasher {
        let config = Config {
            max_concurrent_hashes: concurrent,
            max_waiting_hashes: waiting,
            ..Config::default()
        };
        Hasher::new(&config).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hasher = hasher(1, 1);
        let stored = hasher.hash(&Password::new("a long walk").unwrap()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{stored}");
        assert!(
            hasher
                .verify("a long walk".into(), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(!hasher.verify("a short walk".into(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_account_costs_a_verification_and_never_matches() {
        let hasher = hasher(1, 1);
        assert!(!hasher.verify("a long walk".into(), None).await.unwrap());
        assert_eq!(hasher.verified(), 1);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = hasher(1, 1);
        let held = Arc::clone(&hasher.turns).acquire_owned().await.unwrap();
        let mut waiting = [
            Box::pin(hasher.verify("one".into(), None)),
            Box::pin(hasher.verify("two".into(), None)),
        ];
        for one in &mut waiting {
            assert!(futures_poll(one.as_mut()).is_pending());
        }
        let refused = hasher.verify("three".into(), None).await.unwrap_err();
        assert_eq!(refused.reason(), "sign_in_busy");
        drop(held);
        for one in waiting {
            assert!(!one.await.unwrap());
        }
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
