//! Why a plugin's call did not work.

use crate::bindings::bitvault::plugin::types::Error as GuestError;
use crate::limits::Limit;
use std::time::Duration;

/// Why a plugin could not be loaded or a call did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine could not be set up.
    #[error("set up the component engine: {0}")]
    Engine(String),
    /// The component could not be loaded.
    #[error("load plugin {plugin}: {reason}")]
    Load {
        /// The plugin's name.
        plugin: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A limit ended the call.
    #[error(
        "plugin {plugin} used up its {limit} ({value}) in {operation}; `{setting}` in its limits changes that"
    )]
    Limit {
        /// The plugin's name.
        plugin: String,
        /// The function called.
        operation: &'static str,
        /// Which limit.
        limit: Limit,
        /// Its value.
        value: String,
        /// The setting that changes it.
        setting: &'static str,
    },
    /// The guest trapped or ended itself.
    #[error("plugin {plugin} crashed in {operation}: {reason}")]
    Trap {
        /// The plugin's name.
        plugin: String,
        /// The function called.
        operation: &'static str,
        /// What wasmtime says.
        reason: String,
    },
    /// The plugin crashed too often of late.
    #[error("plugin {plugin} is switched off after repeated crashes; it is tried again in {retry_after:?}")]
    BreakerOpen {
        /// The plugin's name.
        plugin: String,
        /// When the next call is let through.
        retry_after: Duration,
    },
    /// Too many calls at a time. Not the plugin's fault.
    #[error(
        "plugin {plugin} has no free place within `queue_wait`; `concurrency` in its limits or `instances` of the engine change that"
    )]
    Saturated {
        /// The plugin's name.
        plugin: String,
    },
    /// The guest planned or sent something that the host does not do.
    #[error("plugin {plugin}: {reason}")]
    Refused {
        /// The plugin's name.
        plugin: String,
        /// The missing grant and the setting that would give it.
        reason: String,
    },
    /// The outside did not answer.
    #[error("plugin {plugin}: {}", .error.message)]
    Outside {
        /// The plugin's name.
        plugin: String,
        /// What happened.
        error: GuestError,
    },
    /// The guest answered an error record.
    #[error("plugin {plugin}: {} ({})", .error.message, .error.code)]
    Guest {
        /// The plugin's name.
        plugin: String,
        /// The record.
        error: GuestError,
    },
}

impl Error {
    /// The code of the error record, where there is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Guest { error, .. } | Self::Outside { error, .. } => Some(&error.code),
            Self::Refused { .. } => Some("egress_denied"),
            _ => None,
        }
    }

    /// Whether the same call may work when it is made again.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Guest { error, .. } | Self::Outside { error, .. } => error.retryable,
            Self::Saturated { .. } | Self::BreakerOpen { .. } => true,
            _ => false,
        }
    }
}

/// An error record of the host's own making.
pub(crate) fn record(code: &str, retryable: bool, message: String) -> GuestError {
    GuestError {
        code: code.to_owned(),
        retryable,
        retry_after_ms: None,
        message,
    }
}
