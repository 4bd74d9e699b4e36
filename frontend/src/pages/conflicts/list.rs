use bitvault_api::Conflict;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Asked;
use super::people::People;
use crate::app::Shared;
use crate::browser::{self, dates};
use crate::components::icon::{Glyph, Icon};
use crate::components::list_keys;
use crate::components::notice::{ErrorNotice, Notice};

/// The list of conflicts that are open.
#[component]
pub(crate) fn ConflictsPage() -> impl IntoView {
    let shared = Shared::get();
    browser::set_title("Conflicts · BitVault");
    let people = People::load(shared);
    let list = RwSignal::new(Asked::<Vec<Conflict>>::Waiting);
    let load = move || {
        spawn_local(async move {
            let answer = shared.api().conflicts().await;
            if let Ok(items) = &answer {
                shared.conflicts.set(items.len());
            }
            list.try_set(Asked::Answered(answer));
        });
    };
    load();
    let listed = move || {
        match list.get() {
        Asked::Waiting => view! { <p class="hint pad" role="status">"Loading…"</p> }.into_any(),
        Asked::Answered(Err(error)) => {
            view! { <ErrorNotice title="The conflicts can't be shown" error=error on_retry=load/> }.into_any()
        }
        Asked::Answered(Ok(items)) if items.is_empty() => view! {
            <Notice icon=Icon::Check title="No conflicts"
                text="When two devices change the same file at once, both versions are kept, and you choose here."/>
        }
        .into_any(),
        Asked::Answered(Ok(items)) => view! {
            <p class="lead">
                "These files were changed in two places at once. Nothing is lost: both versions are kept until you choose."
            </p>
            <ul class="conflict-list panel" aria-label="Conflicts" on:keydown=move |event| list_keys::move_focus(&event, "li")>
                {items.into_iter().map(|item| view! { <ConflictRow item=item people=people/> }).collect_view()}
            </ul>
        }
        .into_any(),
    }
    };
    view! {
        <div class="page">
            <div class="page-head">
                <div class="crumbs"><h1>"Conflicts"</h1></div>
                <div class="actions">
                    <button class="button" type="button" on:click=move |_| load()>
                        <Glyph icon=Icon::Refresh/> "Refresh"
                    </button>
                </div>
            </div>
            {listed}
        </div>
    }
}

#[component]
fn ConflictRow(item: Conflict, people: People) -> impl IntoView {
    let theirs = item.theirs.node;
    // A new file's type is known by its name, a new version's is not.
    let icon = Icon::for_media_type(item.mine.node.content_type.as_deref().unwrap_or_default());
    let by = item.created_by;
    view! {
        <li>
            <a class="row-main conflict-row" href=format!("/conflicts/{}", item.id)>
                <Glyph icon=icon/>
                <span class="conflict-name">{theirs.name}</span>
                <span class="conflict-more">
                    {move || format!("changed by {} on {} as well", people.name(by.as_deref()), item.device)}
                </span>
                <time class="conflict-more" title=dates::full(item.created_at)>{dates::short(item.created_at)}</time>
                <Glyph icon=Icon::ChevronRight/>
            </a>
        </li>
    }
}
