//! The files page: one folder, what is in it, and what can be done with it.

use bitvault_api::{Node, NodeKind};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use web_sys::DragEvent;

use super::create_folder::CreateFolderDialog;
use super::delete_node::DeleteDialog;
use super::folder_table::FolderTable;
use super::listing::Phase;
use crate::app::Shared;
use crate::browser;
use crate::components::breadcrumbs::Breadcrumbs;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{ErrorNotice, Notice};
use crate::upload::pick::{self, Picked};

/// How long arrivals are gathered before the listing is read again, in milliseconds.
const GATHER_MS: u32 = 400;

/// The page of one folder.
#[component]
pub(crate) fn FilesPage() -> impl IntoView {
    let shared = Shared::get();
    let listing = shared.listing;
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params
            .with(|params| params.get("node_id"))
            .unwrap_or_else(|| "root".to_owned())
    });
    let creating = RwSignal::new(false);
    let deleting = RwSignal::new(None::<Node>);

    let open = move || {
        let id = id.get_untracked();
        spawn_local(async move { listing.open(&shared.api(), &id).await });
    };
    Effect::new(move |_| {
        id.get();
        open();
    });
    reload_on_arrivals(shared);

    let add = move |picked: Picked| {
        let Some(folder) = listing.folder.get_untracked() else {
            return;
        };
        spawn_local(async move {
            for problem in shared.engine().add(&folder.id, picked).await {
                shared.toasts.problem(problem);
            }
        });
    };

    // A folder that can't be shown takes nothing either.
    let nowhere = Signal::derive(move || listing.folder.with(Option::is_none));
    let content = move || match listing.phase.get() {
        Phase::Loading => view! { <Skeleton/> }.into_any(),
        Phase::Failed(error) => {
            view! { <ErrorNotice title="This folder can't be shown" error=error on_retry=open/> }.into_any()
        }
        Phase::Ready | Phase::LoadingMore if listing.items.with(Vec::is_empty) => view! {
            <Notice icon=Icon::FolderUp title="This folder is empty"
                text="Drop files or whole folders here, or use the buttons above."/>
        }
        .into_any(),
        Phase::Ready | Phase::LoadingMore => view! { <FolderTable deleting=deleting/> }.into_any(),
    };
    // The table stays in the page while its items change.
    let content_kind = Memo::new(move |_| match listing.phase.get() {
        Phase::Loading => 0_u8,
        Phase::Failed(_) => 1,
        Phase::Ready | Phase::LoadingMore if listing.items.with(Vec::is_empty) => 2,
        Phase::Ready | Phase::LoadingMore => 3,
    });

    view! {
        <DropZone on_drop=add>
            <div class="page-head">
                <Breadcrumbs trail=listing.trail/>
                <div class="actions">
                    <button class="button" type="button" disabled=nowhere on:click=move |_| creating.set(true)>
                        <Glyph icon=Icon::FolderPlus/> "New folder"
                    </button>
                    <UploadButton label="Upload folder" icon=Icon::FolderUp folders=true disabled=nowhere on_pick=add/>
                    <UploadButton label="Upload files" icon=Icon::Upload folders=false disabled=nowhere on_pick=add/>
                </div>
            </div>
            {move || { content_kind.get(); untrack(content) }}
        </DropZone>
        {move || creating.get().then(|| view! { <CreateFolderDialog on_close=move || creating.set(false)/> })}
        {move || deleting.get().map(|node| view! { <DeleteDialog node=node on_close=move || deleting.set(None)/> })}
    }
}

/// Reads the listing again some moments after files have arrived.
fn reload_on_arrivals(shared: Shared) {
    let arrived = shared.engine().arrived();
    let due = StoredValue::new(false);
    Effect::new(move |before: Option<u64>| {
        let now = arrived.get();
        if before.is_some_and(|before| before != now) && !due.get_value() {
            due.set_value(true);
            spawn_local(async move {
                browser::sleep_ms(GATHER_MS).await;
                due.try_set_value(false);
                if let Err(error) = shared.listing.reload(&shared.api()).await {
                    shared.toasts.error(&error);
                }
            });
        }
        now
    });
}

/// A file is fetched straight from the store.
pub(super) fn download(shared: Shared, node: &Node) {
    if node.kind != NodeKind::File {
        return;
    }
    let (id, name) = (node.id.clone(), node.name.clone());
    spawn_local(async move {
        match shared.api().content(&id).await {
            Ok(content) => match browser::download(&content.url, &name) {
                Ok(()) => shared.toasts.news(format!("Downloading “{name}”")),
                Err(_) => shared.toasts.problem("The browser refused the download."),
            },
            Err(error) => shared.toasts.error(&error),
        }
    });
}

/// Takes what is dropped anywhere on the page.
#[component]
fn DropZone(on_drop: impl Fn(Picked) + Copy + 'static, children: Children) -> impl IntoView {
    // Enter and leave come for every element below; the drag is over the page while more were entered than left.
    let depth = RwSignal::new(0_u32);
    let is_files = |event: &DragEvent| {
        event
            .data_transfer()
            .is_some_and(|transfer| pick::carries_files(&transfer))
    };
    let enter = move |event: DragEvent| {
        if is_files(&event) {
            event.prevent_default();
            depth.update(|depth| *depth += 1);
        }
    };
    let leave = move |event: DragEvent| {
        if is_files(&event) {
            depth.update(|depth| *depth = depth.saturating_sub(1));
        }
    };
    let over = move |event: DragEvent| {
        if is_files(&event) {
            event.prevent_default();
        }
    };
    let drop = move |event: DragEvent| {
        event.prevent_default();
        depth.set(0);
        let Some(dropped) = event.data_transfer().as_ref().and_then(pick::take) else {
            return;
        };
        spawn_local(async move { on_drop(pick::read(dropped).await) });
    };
    view! {
        <div class="page drop-zone" class:dragging=move || { depth.get() > 0 } data-testid="drop-zone"
            on:dragenter=enter on:dragleave=leave on:dragover=over on:drop=drop>
            {children()}
            <div class="drop-hint" aria-hidden="true"><Glyph icon=Icon::ArrowDown/> "Drop to upload here"</div>
        </div>
    }
}

/// A button that opens the browser's file dialog.
#[component]
fn UploadButton(
    label: &'static str,
    icon: Icon,
    /// Whether a folder is chosen rather than files.
    folders: bool,
    disabled: Signal<bool>,
    on_pick: impl Fn(Picked) + Copy + 'static,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get().filter(|_| folders) {
            // A browser that knows no folders chooses files.
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
    let change = move |_| {
        let Some(input) = input.get_untracked() else {
            return;
        };
        if let Some(files) = input.files() {
            on_pick(pick::from_list(&files));
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    let click = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <button class="button" class:primary=!folders class:wide-only=folders type="button" disabled=disabled on:click=click>
            <Glyph icon=icon/> {label}
        </button>
        <input node_ref=input type="file" multiple=true hidden=true aria-label=label on:change=change/>
    }
}

/// The shape of a listing that is on its way.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label="Loading">
            {(0..6).map(|_| view! { <div class="skeleton-row"><i></i><b></b><u></u></div> }).collect_view()}
        </div>
    }
}
