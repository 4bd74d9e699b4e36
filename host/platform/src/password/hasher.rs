//! argon2id on blocking threads: at most so many at once, behind a queue of bounded length.

use super::Password;
use crate::Error;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use bytesize::ByteSize;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// Bytes of a salt.
const SALT_BYTES: usize = 16;

/// Least memory of one hash: what OWASP asks of argon2id with one pass.
const MEMORY_MIN: ByteSize = ByteSize::mib(46);
/// Most memory of one hash; more is a typing mistake.
const MEMORY_MAX: ByteSize = ByteSize::gib(1);

/// Cost of hashing a password. Stored hashes keep the cost they were made with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Argon2Config {
    /// Memory of one hash, at least 46 MiB.
    pub memory: ByteSize,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Argon2Config {
    fn default() -> Self {
        Self {
            memory: MEMORY_MIN,
            iterations: 1,
            parallelism: 1,
        }
    }
}

impl Argon2Config {
    /// Whether each value may be used, with the rule that it has to keep; `section` is where it stands.
    pub fn rules(&self, section: &str) -> [(bool, String); 3] {
        [
            (
                (MEMORY_MIN..=MEMORY_MAX).contains(&self.memory),
                format!("{section}.memory must be 46 MiB to 1 GiB"),
            ),
            (
                (1..=16).contains(&self.iterations),
                format!("{section}.iterations must be 1 to 16"),
            ),
            (
                (1..=16).contains(&self.parallelism),
                format!("{section}.parallelism must be 1 to 16"),
            ),
        ]
    }
}

/// How much is hashed at once, and how costly one hash is.
#[derive(Debug, Clone)]
pub struct HasherConfig {
    /// Cost of one hash.
    pub argon2: Argon2Config,
    /// Passwords hashed at once; each takes `argon2.memory`.
    pub concurrent: usize,
    /// How many wait for their turn; the next one is [`Busy`].
    pub waiting: usize,
}

/// Why a password could not be hashed or verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashFailure {
    /// The queue is full.
    Busy,
    /// Our own mistake.
    Other(Error),
}

impl HashFailure {
    /// The error, where `busy` words the first case.
    pub fn or_busy(self, busy: impl FnOnce() -> Error) -> Error {
        match self {
            Self::Busy => busy(),
            Self::Other(error) => error,
        }
    }
}

/// Hashes and verifies passwords.
#[derive(Debug)]
pub struct Hasher {
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
    /// Takes as long as hashing one password.
    pub fn new(config: &HasherConfig) -> Result<Self, Error> {
        let kib = u32::try_from(config.argon2.memory.as_u64() / 1024)
            .map_err(|cause| Error::internal("configure argon2", cause))?;
        let params = Params::new(kib, config.argon2.iterations, config.argon2.parallelism, None)
            .map_err(|cause| Error::internal("configure argon2", cause))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobodys: [u8; 32] = rand::random();
        Ok(Self {
            dummy: hash(&argon2, &nobodys)?,
            argon2,
            turns: Arc::new(Semaphore::new(config.concurrent)),
            places: Arc::new(Semaphore::new(config.concurrent + config.waiting)),
            verified: AtomicU64::new(0),
        })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: &Password) -> Result<String, HashFailure> {
        let (argon2, secret) = (self.argon2.clone(), password.secret().clone());
        self.in_turn(move || hash(&argon2, secret.expose_secret().as_bytes()))
            .await
    }

    /// The hash of a password that nobody knows, for an account that is to get one later.
    pub fn nobodys(&self) -> &str {
        &self.dummy
    }

    /// Whether the password is the one of `stored`. Without one it does the same work and says no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, HashFailure> {
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
            .await?;
        self.verified.fetch_add(1, Ordering::Relaxed);
        Ok(matches && known)
    }

    /// How many passwords have been verified, dummies included.
    #[cfg(test)]
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, HashFailure> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| HashFailure::Busy)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|cause| HashFailure::Other(Error::internal("wait for a turn to hash", cause)))?;
        // The thread keeps place and turn: a client that goes away does not make room for more work than allowed.
        let working = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        match working.await {
            Ok(done) => done.map_err(HashFailure::Other),
            Err(cause) => Err(HashFailure::Other(Error::internal("hash a password", cause))),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(concurrent: usize, waiting: usize) -> Hasher {
        let config = HasherConfig {
            argon2: Argon2Config::default(),
            concurrent,
            waiting,
        };
        Hasher::new(&config).unwrap()
    }

    #[test]
    fn a_cheap_hash_is_not_allowed() {
        let rules = |memory| {
            let config = Argon2Config {
                memory,
                ..Argon2Config::default()
            };
            config.rules("x").into_iter().all(|(holds, _)| holds)
        };
        assert!(rules(MEMORY_MIN));
        assert!(!rules(ByteSize::mib(45)));
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
        assert_eq!(refused, HashFailure::Busy);
        drop(held);
        for one in waiting {
            assert!(!one.await.unwrap());
        }
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
