//! Asks before a node goes to the trash.

use bitvault_api::{Code, Node, NodeKind};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::app::Shared;
use crate::browser;
use crate::components::dialog::{self, Dialog};

/// The dialog for one node.
#[component]
pub(super) fn DeleteDialog(node: Node, on_close: impl Fn() + 'static) -> impl IntoView {
    let shared = Shared::get();
    let element = NodeRef::<html::Dialog>::new();
    let busy = RwSignal::new(false);
    let text = match node.kind {
        NodeKind::Folder => format!("“{}” and everything in it will be moved to the trash.", node.name),
        NodeKind::File => format!("“{}” will be moved to the trash.", node.name),
    };
    let delete = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let node = node.clone();
        spawn_local(async move {
            let deleted = shared.api().delete(&node).await;
            dialog::close(element);
            match deleted {
                Ok(()) => shared.toasts.news(format!("“{}” is in the trash", node.name)),
                Err(error) if error.code() == Some(Code::Precondition) => {
                    shared.toasts.problem(format!(
                        "“{}” has changed meanwhile. Look at it again first.",
                        node.name
                    ));
                }
                Err(error) => shared.toasts.error(&error),
            }
            if let Err(error) = shared.listing.reload(&shared.api()).await {
                shared.toasts.error(&error);
            }
            // The row that had the focus is gone.
            browser::focus("#main");
        });
    };
    view! {
        <Dialog title="Move to trash?" node=element on_close=on_close>
            <p>{text}</p>
            <div class="dialog-buttons">
                <button class="button" type="button" autofocus=true on:click=move |_| dialog::close(element)>"Cancel"</button>
                <button class="button danger" type="button" disabled=move || busy.get() on:click=delete>
                    "Move to trash"
                </button>
            </div>
        </Dialog>
    }
}
