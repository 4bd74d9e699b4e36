//! A trace as bars along one line of time.

use bitvault_api::SpanStatus;
use leptos::prelude::*;

use super::span_details::SpanDetails;
use crate::components::list_keys;
use crate::format;
use crate::waterfall::{Row, Waterfall};

/// Where the time axis is labelled, in quarters.
const TICKS: u64 = 4;
/// Deeper than this a row is not indented further: the name needs its place.
const INDENT_MAX: usize = 12;

/// The waterfall with its axis and legend; the chosen span's details below it.
#[component]
pub(super) fn WaterfallView(trace_id: String, waterfall: Waterfall) -> impl IntoView {
    let selected = RwSignal::new(None::<usize>);
    let Waterfall {
        rows,
        duration_us,
        components,
    } = waterfall;
    let count = rows.len();
    let details = {
        let rows = rows.clone();
        move || {
            selected
                .get()
                .and_then(|index| rows.get(index).cloned())
                .map(|row| view! { <SpanDetails row=row/> })
        }
    };
    view! {
        <header class="trace-head">
            <h2>{rows.first().map(|row| row.span.name.clone())}</h2>
            <p class="hint">
                {format::micros(duration_us)} " · " {format::count(count, "span", "spans")} " · "
                {format::count(components.len(), "component", "components")} " · " <code>{trace_id}</code>
            </p>
            <ul class="legend" aria-label="Components">
                {components.into_iter().map(|(name, colour)| view! {
                    <li><i class=format!("dot c{colour}")></i>{name}</li>
                }).collect_view()}
            </ul>
        </header>
        <div class="axis" aria-hidden="true">
            <span></span>
            <div>{(0..=TICKS).map(|tick| view! { <span>{format::micros(duration_us * tick / TICKS)}</span> }).collect_view()}</div>
        </div>
        <ol class="spans" aria-label="Spans" on:keydown=move |event| list_keys::move_focus(&event, "li")>
            {rows.into_iter().enumerate().map(|(index, row)| view! {
                <SpanRow index=index row=row selected=selected/>
            }).collect_view()}
        </ol>
        <div aria-live="polite">{details}</div>
    }
}

#[component]
fn SpanRow(index: usize, row: Row, selected: RwSignal<Option<usize>>) -> impl IntoView {
    let failed = row.span.status == SpanStatus::Error;
    let indent = format!("{}px", 12 * row.depth.min(INDENT_MAX));
    let label = format!(
        "{}, {}, {} after {}{}",
        row.span.name,
        row.span.component,
        format::micros(row.span.duration_us),
        format::micros(row.offset_us),
        if failed { ", error" } else { "" },
    );
    let pressed = move || (selected.get() == Some(index)).to_string();
    let toggle = move |_| selected.update(|at| *at = if *at == Some(index) { None } else { Some(index) });
    // A bar near the right edge carries its time on its left.
    let late = row.left + row.width > 74.0;
    view! {
        <li>
            <button class="row-main span" type="button" aria-label=label aria-pressed=pressed on:click=toggle>
                <span class="span-name" style:padding-left=indent class:error=failed>
                    <i class=format!("dot c{}", row.colour)></i><span>{row.span.name.clone()}</span>
                </span>
                <span class="lane">
                    <i class=format!("span-bar c{}", row.colour) class:error=failed
                        style:left=format!("{:.3}%", row.left) style:width=format!("{:.3}%", row.width)></i>
                    {if late {
                        view! {
                            <b class="before" style:right=format!("{:.3}%", 100.0 - row.left)>{format::micros(row.span.duration_us)}</b>
                        }.into_any()
                    } else {
                        view! {
                            <b style:left=format!("{:.3}%", row.left + row.width)>{format::micros(row.span.duration_us)}</b>
                        }.into_any()
                    }}
                </span>
            </button>
        </li>
    }
}
