//! What is in a folder, as a table.

use bitvault_api::{Node, NodeKind};
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::KeyboardEvent;

use super::files::download;
use super::listing::Phase;
use crate::app::Shared;
use crate::browser::dates;
use crate::components::breadcrumbs::folder_href;
use crate::components::icon::{Glyph, Icon};
use crate::components::list_keys;
use crate::format;

/// The table of the listing, in the order in which the server gave it.
#[component]
pub(super) fn FolderTable(deleting: RwSignal<Option<Node>>) -> impl IntoView {
    let shared = Shared::get();
    let listing = shared.listing;
    let more = move |_| {
        spawn_local(async move {
            if let Err(error) = listing.more(&shared.api()).await {
                shared.toasts.error(&error);
            }
        });
    };
    let loading = move || listing.phase.with(|phase| *phase == Phase::LoadingMore);
    view! {
        <table class="nodes">
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col" class="size">"Size"</th>
                    <th scope="col" class="modified">"Modified"</th>
                    <th scope="col"><span class="hidden-text">"Actions"</span></th>
                </tr>
            </thead>
            <tbody on:keydown=move |event| list_keys::move_focus(&event, "tr")>
                <For each=move || listing.items.get() key=|node| (node.id.clone(), node.revision) let:node>
                    <NodeRow node=node deleting=deleting/>
                </For>
            </tbody>
        </table>
        <div class="table-foot">
            <p role="status">{move || {
                let count = listing.items.with(Vec::len);
                let open_end = if listing.next.with(Option::is_some) { " so far" } else { "" };
                format!("{}{open_end}", format::count(count, "item", "items"))
            }}</p>
            <Show when=move || listing.next.with(Option::is_some)>
                <button class="button" type="button" on:click=more disabled=loading>
                    {move || if loading() { "Loading…" } else { "Load more" }}
                </button>
            </Show>
        </div>
    }
}

#[component]
fn NodeRow(node: Node, deleting: RwSignal<Option<Node>>) -> impl IntoView {
    let shared = Shared::get();
    let name = node.name.clone();
    let is_folder = node.kind == NodeKind::Folder;
    let icon = if is_folder {
        Icon::Folder
    } else {
        Icon::for_media_type(node.content_type.as_deref().unwrap_or_default())
    };
    let node = StoredValue::new(node);
    let fetch = move |_| node.with_value(|node| download(shared, node));
    let delete = move || deleting.set(Some(node.get_value()));
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Delete" {
            event.prevent_default();
            delete();
        }
    };
    let main = if is_folder {
        let href = node.with_value(|node| folder_href(&node.id, false));
        view! { <a class="row-main" href=href on:keydown=on_key>{name.clone()}</a> }.into_any()
    } else {
        view! {
            <button class="row-main" type="button" title="Download" on:click=fetch on:keydown=on_key>{name.clone()}</button>
        }
        .into_any()
    };
    let size = node.with_value(|node| node.size.map(format::bytes));
    let updated_at = node.with_value(|node| node.updated_at);
    view! {
        <tr class:folder=is_folder>
            <td class="name"><div><Glyph icon=icon/>{main}</div></td>
            <td class="size">{size.unwrap_or_else(|| "—".to_owned())}</td>
            <td class="modified"><time title=dates::full(updated_at)>{dates::short(updated_at)}</time></td>
            <td class="row-actions">
                {(!is_folder).then(|| view! {
                    <button class="icon-button spare" type="button" title="Download" aria-label=format!("Download {name}")
                        on:click=fetch><Glyph icon=Icon::Download/></button>
                })}
                <button class="icon-button" type="button" title="Move to trash" aria-label=format!("Move {name} to trash")
                    on:click=move |_| delete()><Glyph icon=Icon::Trash/></button>
            </td>
        </tr>
    }
}
