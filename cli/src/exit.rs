//! From an error to an exit code and a hint. Pure.

use crate::error::Error;
use bitvault_client::api::{Code, Problem};
use bitvault_device::engine::EngineError;
use bitvault_device::fs::FsError;
use bitvault_device::remote::RemoteError;
use std::io::ErrorKind;

/// How a command ends. The numbers are a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Conflict = 5,
    Unreachable = 6,
}

impl Exit {
    /// How a command ends that met both: alike, or just failed.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Failed }
    }
}

/// The exit code of an error.
pub(crate) fn exit(error: &Error) -> Exit {
    match error {
        Error::Client(error) | Error::At { error, .. } => client_exit(error),
        Error::One { error, .. } => client_exit(error),
        Error::Usage { .. } => Exit::Usage,
        Error::Missing { .. } => Exit::NotFound,
        Error::SignedOut(_) => Exit::Denied,
        Error::CopyEnded { reason, .. } => match reason.as_str() {
            "name_taken" => Exit::Conflict,
            "node_not_found" | "parent_not_found" => Exit::NotFound,
            "role_too_low" => Exit::Denied,
            _ => Exit::Failed,
        },
        Error::Sync(error) => sync_exit(error),
        Error::Unsynced(_) => Exit::Conflict,
        Error::State(_) | Error::Unwell(_) => Exit::Failed,
        Error::Profile { .. } | Error::Output(_) => Exit::Failed,
        Error::Some { exit, .. } | Error::Several { exit, .. } => *exit,
    }
}

fn sync_exit(error: &EngineError) -> Exit {
    match error {
        EngineError::Remote(RemoteError::Unreachable(_)) => Exit::Unreachable,
        EngineError::Remote(RemoteError::Revoked(_)) => Exit::Denied,
        EngineError::OtherAccount { .. } => Exit::Usage,
        EngineError::NotTheFolder(_) | EngineError::Fs(FsError::RootGone(_)) => Exit::NotFound,
        _ => Exit::Failed,
    }
}

/// The exit code of a client error.
pub(crate) fn client_exit(error: &bitvault_client::Error) -> Exit {
    use bitvault_client::Error as Client;
    match error {
        Client::Problem(problem) => match problem.code {
            Code::NotFound => Exit::NotFound,
            Code::Denied | Code::Unauthenticated => Exit::Denied,
            Code::Conflict | Code::Precondition => Exit::Conflict,
            Code::Unavailable => Exit::Unreachable,
            Code::Invalid | Code::Exhausted | Code::Internal => Exit::Failed,
        },
        Client::Unreachable { .. }
        | Client::Protocol {
            status: Some(502..=504),
            ..
        } => Exit::Unreachable,
        Client::Local { cause, .. } if cause.kind() == ErrorKind::NotFound => Exit::NotFound,
        Client::Local { cause, .. } if cause.kind() == ErrorKind::PermissionDenied => Exit::Denied,
        Client::NoSpace(_) => Exit::NotFound,
        Client::Mismatch { .. } => Exit::Conflict,
        _ => Exit::Failed,
    }
}

/// What to do next; none when the error says it already.
pub(crate) fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Client(error) | Error::At { error, .. } => client_hint(error),
        Error::One { error, .. } => client_hint(error),
        Error::Usage { hint, .. } | Error::Missing { hint, .. } => Some(hint.clone()),
        Error::SignedOut(_) => {
            Some("run `bitvault login URL`, or set BITVAULT_URL and BITVAULT_TOKEN".into())
        }
        Error::Profile { .. } => {
            Some("check the file and its folder, or run `bitvault login URL` again".into())
        }
        Error::Some { .. } => {
            Some("run the same command again: what is there already is not sent twice".into())
        }
        Error::Sync(EngineError::Remote(RemoteError::Unreachable(_))) => {
            Some("run the same command again once the server is there: nothing is lost".into())
        }
        Error::Sync(EngineError::OtherAccount { .. }) => Some(
            "give the --profile (or BITVAULT_PROFILE) and the --remote that this folder began with, or choose another folder".into(),
        ),
        Error::Unsynced(_) => Some("look at them with `bitvault sync status`".into()),
        Error::Sync(_) | Error::State(_) | Error::Unwell(_) => None,
        Error::CopyEnded { .. } | Error::Several { .. } | Error::Output(_) => None,
    }
}

/// What to do next about a client error.
pub(crate) fn client_hint(error: &bitvault_client::Error) -> Option<String> {
    use bitvault_client::Error as Client;
    let hint = match error {
        Client::Problem(problem) => return problem_hint(problem),
        Client::Unreachable { .. } => {
            "check the address and that the server runs, then run the same command again"
        }
        Client::Store { status: 403, .. } => "check the clocks of this computer, the server and the store",
        Client::Store { .. } => {
            "run the same command again; if it stays, tell the operator what the store answered"
        }
        Client::Protocol { .. } => {
            "check that the address is a BitVault server's and that this program is not older"
        }
        Client::Changed { .. } => "nothing was uploaded; run the same command when nobody writes to the file",
        Client::Busy { .. } => "wait for it to end, then run the same command again",
        Client::Damaged { .. } => "run the same command again; if it stays, tell the operator",
        Client::NoSpace(_) => "look with `bitvault space ls`",
        Client::Mismatch { .. } => "choose another name, or remove what is there",
        _ => return None,
    };
    Some(hint.into())
}

fn problem_hint(problem: &Problem) -> Option<String> {
    let hint = match problem.code {
        Code::Unauthenticated if problem.reason == "sign_in_failed" => {
            "try again, or ask an administrator for a new password"
        }
        Code::Unauthenticated => "run `bitvault login URL` again",
        Code::Denied => "ask the owner for access",
        Code::NotFound => "look with `bitvault ls`",
        Code::Conflict | Code::Precondition => {
            "look with `bitvault ls -l` at what is there now, then run it again"
        }
        Code::Exhausted if problem.reason == "quota_exceeded" => {
            "look with `bitvault usage`; delete something for good, as by `bitvault trash empty`, or ask for more space"
        }
        Code::Exhausted => "free some space or wait, then run the same command again",
        Code::Unavailable => "wait a little, then run the same command again",
        Code::Internal => {
            let trace = problem.trace_id.as_deref().unwrap_or("unknown");
            return Some(format!(
                "this is the server's mistake; tell the operator the trace id {trace}"
            ));
        }
        Code::Invalid => return None,
    };
    Some(hint.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: Code) -> bitvault_client::Error {
        bitvault_client::Error::Problem(Box::new(Problem {
            kind: "about:blank".into(),
            title: "T".into(),
            status: 400,
            detail: "D".into(),
            code,
            reason: "r".into(),
            trace_id: Some("4bf9".into()),
            fields: Vec::new(),
        }))
    }

    #[test]
    fn each_code_has_its_exit_code() {
        for (code, exit) in [
            (Code::Invalid, 1),
            (Code::Unauthenticated, 4),
            (Code::Denied, 4),
            (Code::NotFound, 3),
            (Code::Conflict, 5),
            (Code::Precondition, 5),
            (Code::Exhausted, 1),
            (Code::Unavailable, 6),
            (Code::Internal, 1),
        ] {
            assert_eq!(client_exit(&problem(code)) as u8, exit, "{code:?}");
        }
        let unreachable = bitvault_client::Error::Unreachable {
            url: "u".into(),
            cause: "c".into(),
        };
        assert_eq!(client_exit(&unreachable) as u8, 6);
        assert_eq!(exit(&Error::usage("w", "h")) as u8, 2);
    }

    #[test]
    fn an_internal_error_names_its_trace() {
        assert!(client_hint(&problem(Code::Internal)).is_some_and(|hint| hint.contains("4bf9")));
    }

    #[test]
    fn different_failures_add_up_to_failed() {
        assert_eq!(Exit::Conflict.and(Exit::Conflict), Exit::Conflict);
        assert_eq!(Exit::Conflict.and(Exit::NotFound), Exit::Failed);
    }
}
