//! A message in the place of content: nothing there yet, or it could not be loaded.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::api::ApiError;

/// A picture, a headline, what to do about it.
#[component]
pub(crate) fn Notice(
    icon: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="notice">
            <div class="notice-picture"><Glyph icon=icon/></div>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="notice-actions">{children()}</div> })}
        </div>
    }
}

/// A call that failed, and a way to try it again.
#[component]
pub(crate) fn ErrorNotice(
    #[prop(into)] title: String,
    error: ApiError,
    on_retry: impl Fn() + Send + 'static,
) -> impl IntoView {
    view! {
        <div role="alert">
            <Notice icon=Icon::Warning title=title text=error.message()>
                <button class="button" type="button" on:click=move |_| on_retry()>
                    <Glyph icon=Icon::Refresh/> "Try again"
                </button>
                {error.trace_id().map(|trace_id| view! { <p class="trace-id">"Trace " <code>{trace_id}</code></p> })}
            </Notice>
        </div>
    }
}
