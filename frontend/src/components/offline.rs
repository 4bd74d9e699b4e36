//! Tells that there is no network.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::browser;

/// A strip at the top of the page while the browser has no network.
#[component]
pub(crate) fn OfflineNotice() -> impl IntoView {
    let online = RwSignal::new(browser::is_online());
    for event in ["online", "offline"] {
        let listener = window_event_listener_untyped(event, move |_| online.set(browser::is_online()));
        on_cleanup(move || listener.remove());
    }
    view! {
        <div class="offline" role="status">
            <Show when=move || !online.get()>
                <p><Glyph icon=Icon::Offline/> "You are offline. Uploads go on when the connection is back."</p>
            </Show>
        </div>
    }
}
