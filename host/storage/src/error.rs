//! From a plugin's error to the error that crosses modules. What is the operator's to mend is logged here, once.

use bitvault_platform::{Code, Error};
use bitvault_wasm::Error as PluginError;

/// Maps the error of a plugin's call.
pub(crate) fn plugin(error: PluginError) -> Error {
    match &error {
        PluginError::Guest { error: record, .. } | PluginError::Outside { error: record, .. } => {
            guest(&record.code, error.to_string())
        }
        PluginError::Saturated { .. } => report(Code::Unavailable, "storage_saturated", &error),
        PluginError::BreakerOpen { .. } => report(Code::Unavailable, "storage_plugin_off", &error),
        PluginError::Limit { .. } => report(Code::Unavailable, "storage_plugin_limit", &error),
        PluginError::Trap { .. } => report(Code::Unavailable, "storage_plugin_crashed", &error),
        PluginError::Refused { .. } => report(Code::Internal, "storage_egress_denied", &error),
        _ => Error::internal("run the storage plugin", &error),
    }
}

fn guest(code: &str, text: String) -> Error {
    match code {
        "not_found" => Error::new(Code::NotFound, "object_not_found", text),
        "precondition_failed" | "not_modified" => Error::new(Code::Precondition, "object_changed", text),
        "exists" | "conflict" => Error::new(Code::Conflict, "object_conflict", text),
        "checksum_mismatch" => Error::new(Code::Conflict, "checksum_mismatch", text),
        "invalid" | "too_large" => Error::new(Code::Invalid, "storage_invalid", text),
        "unsupported" => Error::new(Code::Invalid, "storage_unsupported", text),
        "full" => report(Code::Unavailable, "storage_full", &text),
        "access_denied" | "wrong_endpoint" | "container_not_found" => {
            report(Code::Unavailable, "storage_misconfigured", &text)
        }
        "egress_denied" => report(Code::Internal, "storage_egress_denied", &text),
        "slow_down" | "unavailable" | "timeout" => report(Code::Unavailable, "storage_unavailable", &text),
        _ => report(Code::Unavailable, "storage_protocol", &text),
    }
}

fn report(code: Code, reason: &str, cause: &dyn std::fmt::Display) -> Error {
    tracing::warn!(reason, "{cause}");
    Error::new(code, reason, cause.to_string())
}

/// Maps an error of the store as object_store's traits show it.
pub(crate) fn store(error: &object_store::Error) -> Error {
    report(Code::Unavailable, "storage_unavailable", error)
}

/// Bad input of a call.
pub(crate) fn invalid(reason: &str, message: String) -> Error {
    Error::new(Code::Invalid, reason, message)
}
