//! The tokens: kept for the tab, or for good when the person wants to stay signed in.

use bitvault_api::Session;
use serde::{Deserialize, Serialize};

use crate::browser::storage::{self, Keep};

const KEY: &str = "bitvault.session";

/// What is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
}

impl From<&Session> for Tokens {
    fn from(session: &Session) -> Self {
        Self {
            access_token: session.access_token.clone(),
            refresh_token: session.refresh_token.clone(),
        }
    }
}

/// Reads the kept tokens, and where they were. Another tab may have refreshed them, so the store is asked each time.
pub(super) fn load() -> Option<(Tokens, Keep)> {
    [Keep::Tab, Keep::Always].into_iter().find_map(|keep| {
        let text = storage::read(keep, KEY)?;
        Some((serde_json::from_str(&text).ok()?, keep))
    })
}

/// Keeps new tokens.
pub(super) fn store(tokens: &Tokens, keep: Keep) {
    if let Ok(text) = serde_json::to_string(tokens) {
        storage::write(keep, KEY, Some(&text));
    }
}

/// Forgets them everywhere.
pub(super) fn clear() {
    storage::write(Keep::Tab, KEY, None);
    storage::write(Keep::Always, KEY, None);
}
