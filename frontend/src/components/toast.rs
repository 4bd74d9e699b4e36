//! Short messages at the edge of the page, read out by screen readers.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use crate::api::ApiError;
use crate::app::Shared;
use crate::browser;

/// How long good news stay, in milliseconds.
const NEWS_MS: u32 = 5_000;
/// How long an error stays, in milliseconds: there is something to read, and perhaps to copy.
const ERROR_MS: u32 = 15_000;

#[derive(Debug, Clone, PartialEq)]
struct Toast {
    id: u64,
    text: String,
    trace_id: Option<String>,
    is_error: bool,
}

/// The messages that are shown now.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    last_id: StoredValue<u64>,
}

impl Toasts {
    pub(crate) fn new() -> Self {
        Self {
            shown: RwSignal::new(Vec::new()),
            last_id: StoredValue::new(0),
        }
    }

    /// Good news.
    pub(crate) fn news(self, text: impl Into<String>) {
        self.show(text.into(), None, false);
    }

    /// What went wrong with a call.
    pub(crate) fn error(self, error: &ApiError) {
        self.show(error.message(), error.trace_id(), true);
    }

    /// What went wrong here.
    pub(crate) fn problem(self, text: impl Into<String>) {
        self.show(text.into(), None, true);
    }

    fn show(self, text: String, trace_id: Option<String>, is_error: bool) {
        self.last_id.update_value(|id| *id += 1);
        let id = self.last_id.get_value();
        self.shown.update(|shown| {
            // The same message twice is read once.
            shown.retain(|toast| toast.text != text);
            shown.push(Toast {
                id,
                text,
                trace_id,
                is_error,
            });
        });
        spawn_local(async move {
            browser::sleep_ms(if is_error { ERROR_MS } else { NEWS_MS }).await;
            self.dismiss(id);
        });
    }

    fn dismiss(self, id: u64) {
        self.shown.update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// Where the messages appear.
#[component]
pub(crate) fn ToastRegion() -> impl IntoView {
    let toasts = Shared::get().toasts;
    view! {
        <div class="toasts" role="region" aria-label="Notifications" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.id let:toast>
                <div class="toast" class:error=toast.is_error role=if toast.is_error { "alert" } else { "status" }>
                    <Glyph icon=if toast.is_error { Icon::Warning } else { Icon::Check }/>
                    <div class="toast-text">
                        {toast.text.clone()}
                        {toast.trace_id.clone().map(|trace_id| view! {
                            <div class="trace-id">"Trace " <code>{trace_id}</code></div>
                        })}
                    </div>
                    <button class="icon-button" type="button" aria-label="Dismiss"
                        on:click=move |_| toasts.dismiss(toast.id)>
                        <Glyph icon=Icon::Close/>
                    </button>
                </div>
            </For>
        </div>
    }
}
