//! The services: authorise → domain → store.

mod identity;
mod passwords;
mod sessions;
mod tenants;

use bitvault_platform::{Code, Error};
use prost_types::Timestamp;
use time::OffsetDateTime;

/// An instant on the wire.
fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: at.nanosecond().cast_signed(),
    }
}

/// The tenant is suspended or on its way out.
fn closed() -> Error {
    Error::new(
        Code::Denied,
        "tenant_suspended",
        "this tenant is suspended: nothing is lost; ask who runs the server",
    )
}
