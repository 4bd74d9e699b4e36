//! Pure values and rules: addresses and names.

mod email;
mod tenant;

pub use email::EmailAddress;
pub use tenant::TenantName;

use bitvault_platform::Error;

/// Most characters of a display name.
const DISPLAY_NAME_CHARS: usize = 128;

/// The name shown to others; the local part of the address when none is given.
pub(crate) fn display_name(given: &str, email: &EmailAddress) -> Result<String, Error> {
    let name = match given.trim() {
        "" => email.local_part(),
        name => name,
    };
    if name.chars().count() > DISPLAY_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid_field(
            "display_name_invalid",
            "display_name",
            "use at most 128 characters and no control characters",
        ));
    }
    Ok(name.to_owned())
}
