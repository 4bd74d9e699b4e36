//! The bearer token and who keeps it.
//!
//! A refresh token is good for one use, so two refreshes at once end the session. Within a process one lock makes
//! refreshes single; between processes the [`TokenKeeper`]'s lock does.

use crate::Result;
use bitvault_api::Session;

/// What opens the API.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Sent as `Authorization: Bearer …`.
    pub access: String,
    /// Opens the next session; absent for personal access tokens.
    pub refresh: Option<String>,
}

impl From<&Session> for Tokens {
    fn from(session: &Session) -> Self {
        Self {
            access: session.access_token.clone(),
            refresh: Some(session.refresh_token.clone()),
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(hidden)")
    }
}

/// Where tokens live between runs: the CLI's profile file, the browser's storage.
pub trait TokenKeeper: Send + Sync {
    /// Keeps other processes from refreshing until the lock is dropped. May block for as long as their refresh takes.
    ///
    /// # Errors
    /// When the place can't be locked.
    fn lock(&self) -> Result<Box<dyn TokenLock>>;
}

/// The right to refresh.
pub trait TokenLock: Send {
    /// The tokens as they are kept now: another process may have refreshed them meanwhile.
    fn load(&self) -> Option<Tokens>;
    /// Keeps what the refresh answered. Called before the new token is used.
    ///
    /// # Errors
    /// When it can't be written; the refresh then counts as failed, since the old refresh token is used up.
    fn save(&self, session: &Session) -> Result<()>;
}

/// Keeps tokens in memory only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeeper;

impl TokenKeeper for NoKeeper {
    fn lock(&self) -> Result<Box<dyn TokenLock>> {
        Ok(Box::new(Self))
    }
}

impl TokenLock for NoKeeper {
    fn load(&self) -> Option<Tokens> {
        None
    }

    fn save(&self, _session: &Session) -> Result<()> {
        Ok(())
    }
}
