//! The two services: authorise → domain → store.

mod identity;
mod sessions;

use bitvault_platform::{Code, Error};

/// Too many passwords are hashed at this moment.
fn sign_in_busy() -> Error {
    Error::new(
        Code::Unavailable,
        "sign_in_busy",
        "too many people are signing in at this moment; try again in a few seconds",
    )
}
