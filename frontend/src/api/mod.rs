//! Calls of the REST API. Owns the session's tokens; pages call the methods of [`Api`] and see typed answers.
//!
//! Invariants: the tokens travel to our own origin only, in the `Authorization` header; a call that meets an ended access
//! token refreshes it once, however many calls meet it at the same time, and is then repeated once.

mod calls;
mod error;
mod http;
mod session;

pub(crate) use calls::Api;
pub(crate) use error::ApiError;
