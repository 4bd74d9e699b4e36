use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::components::notice::Notice;

/// An address that leads nowhere.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! {
        <Notice icon=Icon::File title="There is nothing here" text="The address may be mistyped, or what it led to is gone.">
            <a class="button" href="/">"To your files"</a>
        </Notice>
    }
}
