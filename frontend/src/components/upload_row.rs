//! One file of the upload panel.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::upload_panel::permille;
use crate::app::Shared;
use crate::format;
use crate::upload::engine::Picture;
use crate::upload::queue::{Choice, Item, State};

/// The row of item `id`.
#[component]
pub(super) fn UploadRow(id: u64, picture: RwSignal<Picture>) -> impl IntoView {
    let item =
        Memo::new(move |_| picture.with(|picture| picture.rows.iter().find(|item| item.id == id).cloned()));
    let state = Memo::new(move |_| item.with(|item| item.as_ref().map(|item| item.state.clone())));
    let name = Memo::new(move |_| {
        item.with(|item| {
            item.as_ref()
                .map(|item| item.target.name.clone())
                .unwrap_or_default()
        })
    });
    let folders = move || {
        item.with(|item| {
            item.as_ref()
                .map(|item| item.target.folders.join(" / "))
                .unwrap_or_default()
        })
    };
    let amount = move || item.with(|item| item.as_ref().map(amount).unwrap_or_default());
    let value = move || item.with(|item| item.as_ref().map_or(0.0, |item| permille(item.sent, item.size)));
    let sending = Memo::new(move |_| state.with(|state| state.as_ref().is_some_and(State::is_running)));

    view! {
        <li class="upload">
            <div class="upload-line">
                <div class="upload-name">
                    <span title=move || name.get()>{move || name.get()}</span>
                    <small>{move || { let folders = folders(); (!folders.is_empty()).then_some(folders) }}</small>
                </div>
                <span class="upload-amount">{amount}</span>
                {move || state.get().map(|state| controls(id, &state, name.get()))}
            </div>
            <Show when=move || sending.get()>
                <progress max="1000" prop:value=value aria-label=move || format!("Upload of {}", name.get())></progress>
            </Show>
            {move || state.get().and_then(|state| explanation(id, state))}
        </li>
    }
}

fn amount(item: &Item) -> String {
    match item.state {
        State::Waiting => format!("Waiting · {}", format::bytes(item.size)),
        State::Preparing => "Preparing…".to_owned(),
        State::Sending => format!("{} of {}", format::bytes(item.sent), format::bytes(item.size)),
        State::Committing => "Finishing…".to_owned(),
        State::Done => format::bytes(item.size),
        State::Conflict => "Name taken".to_owned(),
        State::Failed(_) => "Failed".to_owned(),
        State::Cancelled => "Cancelled".to_owned(),
        State::Skipped => "Skipped".to_owned(),
    }
}

fn controls(id: u64, state: &State, name: String) -> AnyView {
    let shared = Shared::get();
    match state {
        State::Done => view! { <span class="upload-done"><Glyph icon=Icon::Check/></span> }.into_any(),
        State::Failed(_) | State::Cancelled => view! {
            <button class="icon-button" type="button" aria-label=format!("Upload {name} again") title="Try again"
                on:click=move |_| shared.engine().retry(id)><Glyph icon=Icon::Retry/></button>
        }
        .into_any(),
        State::Skipped => view! { <span></span> }.into_any(),
        _ => view! {
            <button class="icon-button" type="button" aria-label=format!("Cancel the upload of {name}") title="Cancel"
                on:click=move |_| shared.engine().cancel(id)><Glyph icon=Icon::Close/></button>
        }
        .into_any(),
    }
}

fn explanation(id: u64, state: State) -> Option<AnyView> {
    match state {
        State::Failed(failure) => Some(
            view! {
                <p class="upload-problem" role="alert">
                    {failure.message}
                    {failure.trace_id.map(|trace_id| view! {
                        <span class="trace-id">" Trace " <code>{trace_id}</code></span>
                    })}
                </p>
            }
            .into_any(),
        ),
        State::Conflict => Some(view! { <ConflictChoice id=id/> }.into_any()),
        _ => None,
    }
}

/// Asks what to do about a taken name.
#[component]
fn ConflictChoice(id: u64) -> impl IntoView {
    let shared = Shared::get();
    let for_all = RwSignal::new(false);
    let choose = move |choice| shared.engine().resolve(id, choice, for_all.get_untracked());
    view! {
        <div class="upload-choice" role="group" aria-label="A file of this name is there already">
            <p>"A file of this name is there already."</p>
            <div class="upload-buttons">
                <button class="button small" type="button" on:click=move |_| choose(Choice::Replace)>"Replace"</button>
                <button class="button small" type="button" on:click=move |_| choose(Choice::KeepBoth)>"Keep both"</button>
                <button class="button small quiet" type="button" on:click=move |_| choose(Choice::Skip)>"Skip"</button>
                <label class="check"><input type="checkbox" prop:checked=for_all
                    on:change=move |event| for_all.set(event_target_checked(&event))/>"for all"</label>
            </div>
        </div>
    }
}
