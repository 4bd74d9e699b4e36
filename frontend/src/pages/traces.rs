//! The operator's page: recent traces, and one of them as a waterfall.

use bitvault_api::{Code, Trace, TraceSummary};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;

use super::waterfall_view::WaterfallView;
use crate::api::ApiError;
use crate::app::Shared;
use crate::browser::{self, dates};
use crate::components::icon::{Glyph, Icon};
use crate::components::list_keys;
use crate::components::notice::{ErrorNotice, Notice};
use crate::format;
use crate::waterfall;

/// How many traces are listed.
const TRACES: u32 = 100;

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq)]
enum Asked<T> {
    /// On its way.
    Waiting,
    /// There, or not to be had.
    Answered(Result<T, ApiError>),
}

/// The page.
#[component]
pub(crate) fn TracesPage() -> impl IntoView {
    let shared = Shared::get();
    browser::set_title("Traces · BitVault");
    let params = use_params_map();
    let chosen = Memo::new(move |_| params.with(|params| params.get("trace_id")));
    let list = RwSignal::new(Asked::<Vec<TraceSummary>>::Waiting);
    let trace = RwSignal::new(Asked::<Trace>::Waiting);

    let load_list = move || {
        spawn_local(async move {
            let answer = shared.api().traces(TRACES).await.map(|page| page.items);
            list.try_set(Asked::Answered(answer));
        });
    };
    let load_trace = move |id: String| {
        trace.set(Asked::Waiting);
        spawn_local(async move {
            let answer = shared.api().trace(&id).await;
            // Another one may have been chosen meanwhile.
            if chosen.try_get_untracked().flatten().as_deref() == Some(id.as_str()) {
                trace.try_set(Asked::Answered(answer));
            }
        });
    };
    load_list();
    Effect::new(move |_| {
        if let Some(id) = chosen.get() {
            load_trace(id);
        }
    });
    let refresh = move || {
        load_list();
        if let Some(id) = chosen.get_untracked() {
            load_trace(id);
        }
    };

    let listed = move || {
        match list.get() {
        Asked::Waiting => view! { <p class="hint pad" role="status">"Loading…"</p> }.into_any(),
        Asked::Answered(Err(error)) if error.code() == Some(Code::Denied) => view! {
            <Notice icon=Icon::Warning title="For operators only" text="Ask an owner of your organisation for access."/>
        }
        .into_any(),
        Asked::Answered(Err(error)) => {
            view! { <ErrorNotice title="The traces can't be shown" error=error on_retry=refresh/> }.into_any()
        }
        Asked::Answered(Ok(items)) if items.is_empty() => view! {
            <Notice icon=Icon::Text title="No traces yet" text="Upload a file, then refresh: its trace appears here."/>
        }
        .into_any(),
        Asked::Answered(Ok(items)) => view! {
            <ul class="trace-list" on:keydown=move |event| list_keys::move_focus(&event, "li")>
                {items.into_iter().map(|item| view! { <TraceRow item=item chosen=chosen/> }).collect_view()}
            </ul>
        }
        .into_any(),
    }
    };
    let drawn = move || {
        if chosen.get().is_none() {
            return view! {
                <Notice icon=Icon::Text title="Choose a trace" text="Its spans are drawn here along one line of time."/>
            }
            .into_any();
        }
        match trace.get() {
            Asked::Waiting => view! { <p class="hint pad" role="status">"Loading…"</p> }.into_any(),
            Asked::Answered(Err(error)) => {
                view! { <ErrorNotice title="This trace can't be shown" error=error on_retry=refresh/> }
                    .into_any()
            }
            Asked::Answered(Ok(trace)) => {
                let waterfall = waterfall::layout(trace.spans);
                view! { <WaterfallView trace_id=trace.trace_id waterfall=waterfall/> }.into_any()
            }
        }
    };

    view! {
        <div class="page wide">
            <div class="page-head">
                <div class="crumbs"><h1>"Recent traces"</h1></div>
                <div class="actions">
                    <button class="button" type="button" on:click=move |_| refresh()>
                        <Glyph icon=Icon::Refresh/> "Refresh"
                    </button>
                </div>
            </div>
            <div class="traces" class:with-trace=move || chosen.with(Option::is_some)>
                <section class="panel trace-nav" aria-label="Traces">{listed}</section>
                <section class="panel trace-view" aria-label="Trace">{drawn}</section>
            </div>
        </div>
    }
}

#[component]
fn TraceRow(item: TraceSummary, chosen: Memo<Option<String>>) -> impl IntoView {
    let id = item.trace_id.clone();
    let current = move || {
        chosen
            .with(|chosen| chosen.as_deref() == Some(id.as_str()))
            .then_some("true")
    };
    view! {
        <li>
            <a class="row-main trace-row" href=format!("/operator/traces/{}", item.trace_id) aria-current=current>
                <span class="trace-name">
                    <span>{item.root.clone()}</span>
                    {item.error.then(|| view! { <span class="badge error">"error"</span> })}
                </span>
                <span class="trace-time">{format::micros(item.duration_us)}</span>
                <span class="trace-more">
                    {item.service.clone()} " · " {format::count(item.spans as usize, "span", "spans")}
                </span>
                <time class="trace-more" title=dates::full(item.started_at)>{dates::clock(item.started_at)}</time>
            </a>
        </li>
    }
}
