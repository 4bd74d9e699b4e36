//! Asks for a new folder's name.

use bitvault_api::limits::NAME_BYTES;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::app::Shared;
use crate::components::dialog::{self, Dialog};

/// The dialog.
#[component]
pub(super) fn CreateFolderDialog(on_close: impl Fn() + 'static) -> impl IntoView {
    let shared = Shared::get();
    let node = NodeRef::<html::Dialog>::new();
    let name = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if let Some(text) = mistake(&wanted) {
            problem.set(Some(text.to_owned()));
            return;
        }
        let Some(folder) = shared
            .listing
            .folder
            .get_untracked()
            .filter(|_| !busy.get_untracked())
        else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let created = shared.api().create_folder(&folder.id, &wanted).await;
            busy.try_set(false);
            match created {
                Ok(_) => {
                    shared.toasts.news(format!("Folder “{wanted}” created"));
                    dialog::close(node);
                    if let Err(error) = shared.listing.reload(&shared.api()).await {
                        shared.toasts.error(&error);
                    }
                }
                Err(error) => {
                    problem.try_set(Some(error.message()));
                }
            }
        });
    };

    view! {
        <Dialog title="New folder" node=node on_close=on_close>
            <form on:submit=submit>
                <label for="folder-name">"Name"</label>
                <input id="folder-name" type="text" autocomplete="off" autofocus=true
                    aria-describedby="folder-problem" aria-invalid=move || problem.with(Option::is_some).to_string()
                    prop:value=name on:input=move |event| { name.set(event_target_value(&event)); problem.set(None); }/>
                <p class="form-problem" id="folder-problem" role="alert">{move || problem.get()}</p>
                <div class="dialog-buttons">
                    <button class="button" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
                    <button class="button primary" type="submit" disabled=move || busy.get()>"Create"</button>
                </div>
            </form>
        </Dialog>
    }
}

/// What can be told without asking the server.
fn mistake(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("Give the folder a name.");
    }
    if name.len() > NAME_BYTES {
        return Some("The name is too long.");
    }
    if name.contains('/') || name == "." || name == ".." {
        return Some("A name can't contain “/” or be “.” or “..”.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_refuses_are_told_at_once() {
        for name in ["", "..", "a/b", &"x".repeat(NAME_BYTES + 1)] {
            assert!(mistake(name).is_some(), "{name}");
        }
        assert_eq!(mistake("Q4 … plans"), None);
    }
}
