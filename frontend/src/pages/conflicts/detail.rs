use bitvault_api::{Code, Conflict, ConflictSide, Keep};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::Asked;
use super::choices::Choices;
use super::comparison::Comparison;
use super::people::People;
use crate::app::Shared;
use crate::browser::{self, dates};
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{ErrorNotice, Notice};
use crate::format;
use crate::pages::files::download;

/// One conflict: both sides, and what can be kept.
#[component]
pub(crate) fn ConflictPage() -> impl IntoView {
    let shared = Shared::get();
    browser::set_title("Conflict · BitVault");
    let people = People::load(shared);
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params
            .with(|params| params.get("conflict_id"))
            .unwrap_or_default()
    });
    let conflict = RwSignal::new(Asked::<Conflict>::Waiting);
    let problem = RwSignal::new(None::<String>);
    let load = move || {
        spawn_local(async move {
            let Some(asked) = id.try_get_untracked() else {
                return;
            };
            let answer = shared.api().conflict(&asked).await;
            conflict.try_set(Asked::Answered(answer));
        });
    };
    Effect::new(move |_| {
        id.get();
        conflict.set(Asked::Waiting);
        problem.set(None);
        load();
    });
    let navigate = StoredValue::new_local(use_navigate());
    let busy = RwSignal::new(false);
    let settle = Callback::new(move |(conflict, keep): (Conflict, Keep)| {
        busy.set(true);
        problem.set(None);
        spawn_local(async move {
            let answer = shared.api().resolve_conflict(&conflict, keep).await;
            busy.try_set(false);
            match answer {
                Ok(settled) => {
                    shared.conflicts.update(|count| *count = count.saturating_sub(1));
                    shared.toasts.news(told(&settled, keep));
                    navigate.try_with_value(|navigate| navigate("/conflicts", NavigateOptions::default()));
                }
                Err(error) if error.code() == Some(Code::Precondition) => {
                    problem.try_set(Some(
                        "One of both files has changed while you were looking. It is shown as it is now: look again, then choose."
                            .to_owned(),
                    ));
                    load();
                }
                Err(error) => {
                    problem.try_set(Some(error.message()));
                }
            }
        });
    });

    let shown = move || match conflict.get() {
        Asked::Waiting => view! { <p class="hint pad" role="status">"Loading…"</p> }.into_any(),
        Asked::Answered(Err(error)) if error.code() == Some(Code::NotFound) => view! {
            <Notice icon=Icon::Check title="This conflict is over"
                text="Somebody has settled it, or one of both files was removed or renamed.">
                <a class="button" href="/conflicts">"To the conflicts"</a>
            </Notice>
        }
        .into_any(),
        Asked::Answered(Err(error)) => {
            view! { <ErrorNotice title="This conflict can't be shown" error=error on_retry=load/> }.into_any()
        }
        Asked::Answered(Ok(one)) => {
            browser::set_title(&format!("{} · Conflict · BitVault", one.theirs.node.name));
            view! { <Both conflict=one people=people busy=busy settle=settle/> }.into_any()
        }
    };
    let name = move || match conflict.get() {
        Asked::Answered(Ok(one)) => one.theirs.node.name,
        _ => "Conflict".to_owned(),
    };
    view! {
        <div class="page">
            <div class="page-head">
                <nav class="crumbs" aria-label="Where you are">
                    <ol>
                        <li><a href="/conflicts">"Conflicts"</a><Glyph icon=Icon::ChevronRight/></li>
                        <li><h1>{name}</h1></li>
                    </ol>
                </nav>
            </div>
            <p class="form-problem" role="alert">{move || problem.get()}</p>
            {shown}
        </div>
    }
}

/// What became of it, in a sentence.
fn told(settled: &Conflict, keep: Keep) -> String {
    let (file, copy) = (&settled.theirs.node.name, &settled.mine.node.name);
    match keep {
        Keep::Both => format!("Kept both: “{file}” and “{copy}”"),
        Keep::Theirs => format!("Kept “{file}” as it was; the copy is in the trash"),
        Keep::Mine => format!("“{file}” has the copy's content now; what it was is in its history"),
    }
}

#[component]
fn Both(
    conflict: Conflict,
    people: People,
    busy: RwSignal<bool>,
    settle: Callback<(Conflict, Keep)>,
) -> impl IntoView {
    let resolved = conflict.resolved.clone().map(|how| {
        view! {
            <p class="lead" role="status">
                {move || format!("Settled by {} {}.", people.name(how.by.as_deref()), dates::full(how.at))}
            </p>
        }
    });
    let open = resolved.is_none();
    let (theirs, mine) = (conflict.theirs.clone(), conflict.mine.clone());
    view! {
        <p class="lead">
            "While “" {conflict.device.clone()} "” was changing this file, it was changed elsewhere as well. "
            "Nothing is lost: both versions are kept until you choose."
        </p>
        {resolved}
        <div class="sides">
            <Side title="The file" side=conflict.theirs.clone() people=people/>
            <Side title="The conflicted copy" side=conflict.mine.clone() people=people/>
        </div>
        <Comparison theirs=theirs.node mine=mine.node/>
        {open.then(|| view! { <Choices conflict=conflict busy=busy settle=settle/> })}
    }
}

#[component]
fn Side(title: &'static str, side: ConflictSide, people: People) -> impl IntoView {
    let shared = Shared::get();
    let node = side.node.clone();
    let place = side.device.unwrap_or_else(|| "no synced device".to_owned());
    let by = side.changed_by;
    view! {
        <section class="panel side" aria-label=title>
            <h2>{title}</h2>
            <p class="side-name">{node.name.clone()}</p>
            <dl>
                <div><dt>"Changed by"</dt><dd>{move || people.name(by.as_deref())}</dd></div>
                <div><dt>"On"</dt><dd>{place}</dd></div>
                <div>
                    <dt>"When"</dt>
                    <dd><time title=dates::full(side.changed_at)>{dates::full(side.changed_at)}</time></dd>
                </div>
                <div><dt>"Size"</dt><dd>{format::bytes(node.size.unwrap_or_default())}</dd></div>
            </dl>
            <button class="button small" type="button" aria-label=format!("Download {}", node.name)
                on:click=move |_| download(shared, &side.node)>
                <Glyph icon=Icon::Download/> "Download"
            </button>
        </section>
    }
}
