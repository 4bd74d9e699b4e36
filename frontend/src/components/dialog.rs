//! A modal dialog on the browser's own element: it holds the focus, closes with Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;

/// Shows a dialog as long as it is in the page. Close it through [`close`]; `on_close` then takes it out of the page.
#[component]
pub(crate) fn Dialog(
    /// What it is about; read out when it opens.
    #[prop(into)]
    title: String,
    /// The element, to be closed by the buttons inside.
    node: NodeRef<html::Dialog>,
    /// Called when it has been closed, whichever way.
    on_close: impl Fn() + 'static,
    children: Children,
) -> impl IntoView {
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Fails only for an element that is not in the page.
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog class="dialog" node_ref=node aria-labelledby="dialog-title" on:close=move |_| on_close()>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
}

/// Closes a dialog; the focus goes back to where it was.
pub(crate) fn close(node: NodeRef<html::Dialog>) {
    if let Some(dialog) = node.get_untracked() {
        dialog.close();
    }
}
