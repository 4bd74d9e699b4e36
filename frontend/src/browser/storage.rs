//! The browser's two stores: for this tab, and for staying signed in. A browser that refuses them (private mode, blocked
//! site data) only costs the person a sign-in after a reload.

use super::window;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until the tab is closed.
    Tab,
    /// Until sign-out.
    Always,
}

/// Reads a value.
pub(crate) fn read(keep: Keep, key: &str) -> Option<String> {
    open(keep)?.get_item(key).ok().flatten()
}

/// Writes a value, or removes it.
pub(crate) fn write(keep: Keep, key: &str, value: Option<&str>) {
    let Some(storage) = open(keep) else { return };
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}

fn open(keep: Keep) -> Option<web_sys::Storage> {
    let window = window()?;
    match keep {
        Keep::Tab => window.session_storage().ok().flatten(),
        Keep::Always => window.local_storage().ok().flatten(),
    }
}
