//! Pure values and rules: addresses, names, roles, scopes, settings.

mod email;
mod page;
mod promise;
mod roles;
mod scopes;
mod settings;
mod tenant;

pub use email::EmailAddress;
pub(crate) use page::Page;
pub(crate) use promise::{MOST as PROMISES_MOST, Promise, promises, too_many as too_many_promises, twice};
pub(crate) use roles::Caller;
pub(crate) use scopes::{scope_names, scopes};
pub(crate) use settings::{GuestInvitations, SettingsPatch, TenantSettings};
pub use tenant::TenantName;

use bitvault_platform::Error;

/// Most characters of a display name.
const DISPLAY_NAME_CHARS: usize = 128;

/// The name shown to others; the local part of the address when none is given.
pub(crate) fn display_name(given: &str, email: &EmailAddress) -> Result<String, Error> {
    match given.trim() {
        "" => shown_name(email.local_part()),
        name => shown_name(name),
    }
}

/// A name that is shown to others, of a person or a tenant: 1 to 128 characters.
pub(crate) fn shown_name(given: &str) -> Result<String, Error> {
    let name = given.trim();
    if name.is_empty() || name.chars().count() > DISPLAY_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid_field(
            "display_name_invalid",
            "display_name",
            "use 1 to 128 characters and no control characters",
        ));
    }
    Ok(name.to_owned())
}
