use bitvault_api::SpanStatus;
use leptos::prelude::*;

use crate::format;
use crate::waterfall::Row;

/// Everything that is known of a span.
#[component]
pub(super) fn SpanDetails(row: Row) -> impl IntoView {
    let span = row.span;
    let status = match span.status {
        SpanStatus::Ok => "ok",
        SpanStatus::Error => "error",
    };
    let mut facts = vec![
        ("Service".to_owned(), span.service),
        ("Component".to_owned(), span.component),
        ("Begins after".to_owned(), format::micros(row.offset_us)),
        ("Takes".to_owned(), format::micros(span.duration_us)),
        ("Status".to_owned(), status.to_owned()),
        ("Span".to_owned(), span.span_id),
    ];
    facts.extend(span.attributes);
    view! {
        <section class="details" aria-label="Span details">
            <h3>{span.name}</h3>
            <dl>
                {facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view()}
            </dl>
        </section>
    }
}
