//! Kept OTLP spans as the operator's page reads them.

use bitvault_api::{SpanStatus, Trace, TraceSpan, TraceSummary};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use std::collections::{BTreeMap, HashMap};
use time::OffsetDateTime;

/// A trace in short. `None` for one without spans.
pub(crate) fn summary(spans: &[(String, Span)]) -> Option<TraceSummary> {
    let begin = spans.iter().map(|(_, span)| span.start_time_unix_nano).min()?;
    let end = spans.iter().map(|(_, span)| span.end_time_unix_nano).max()?;
    // A root may be missing yet: then the earliest span stands for it.
    let (service, root) = spans
        .iter()
        .min_by_key(|(_, span)| (!span.parent_span_id.is_empty(), span.start_time_unix_nano))?;
    Some(TraceSummary {
        trace_id: hex::encode(&root.trace_id),
        root: root.name.clone(),
        service: service.clone(),
        started_at: OffsetDateTime::from_unix_timestamp_nanos(begin.into()).ok()?,
        duration_us: end.saturating_sub(begin) / 1_000,
        spans: u32::try_from(spans.len()).unwrap_or(u32::MAX),
        error: spans.iter().any(|(_, span)| status(span) == SpanStatus::Error),
    })
}

/// A whole trace.
pub(crate) fn trace(trace_id: [u8; 16], spans: &[(String, Span)]) -> Trace {
    let components = components(spans);
    Trace {
        trace_id: hex::encode(trace_id),
        spans: spans
            .iter()
            .map(|(service, one)| span(service, one, &components))
            .collect(),
    }
}

/// The component of each span that names one, and of the spans below it in the same service.
fn components(spans: &[(String, Span)]) -> HashMap<&[u8], String> {
    let by_id: HashMap<&[u8], &(String, Span)> = spans
        .iter()
        .map(|pair| (pair.1.span_id.as_slice(), pair))
        .collect();
    let named = |span: &Span| {
        let component = span
            .attributes
            .iter()
            .find(|attribute| attribute.key == "component")?;
        Some(text(component.value.as_ref()?))
    };
    let inherited = |(service, span): &(String, Span)| {
        let mut at = span;
        // A client may send parents in a circle.
        for _ in 0..=spans.len() {
            if let Some(component) = named(at) {
                return Some(component);
            }
            let (parents_service, parent) = by_id.get(at.parent_span_id.as_slice())?;
            if parents_service != service {
                return None;
            }
            at = parent;
        }
        None
    };
    spans
        .iter()
        .filter_map(|pair| Some((pair.1.span_id.as_slice(), inherited(pair)?)))
        .collect()
}

fn span(service: &str, span: &Span, components: &HashMap<&[u8], String>) -> TraceSpan {
    let mut attributes: BTreeMap<String, String> = span.attributes.iter().filter_map(attribute).collect();
    attributes.remove("component");
    TraceSpan {
        span_id: hex::encode(&span.span_id),
        parent_span_id: (!span.parent_span_id.is_empty()).then(|| hex::encode(&span.parent_span_id)),
        name: span.name.clone(),
        service: service.to_owned(),
        component: components
            .get(span.span_id.as_slice())
            .map_or(service, String::as_str)
            .to_owned(),
        started_at_us: i64::try_from(span.start_time_unix_nano / 1_000).unwrap_or(i64::MAX),
        duration_us: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) / 1_000,
        status: status(span),
        attributes,
    }
}

fn status(span: &Span) -> SpanStatus {
    match &span.status {
        Some(status) if status.code() == StatusCode::Error => SpanStatus::Error,
        _ => SpanStatus::Ok,
    }
}

fn attribute(from: &KeyValue) -> Option<(String, String)> {
    Some((from.key.clone(), text(from.value.as_ref()?)))
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(value)) => hex::encode(value),
        Some(Value::ArrayValue(list)) => list.values.iter().map(text).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: u8, parent: &[u8], begin: u64, end: u64) -> (String, Span) {
        let span = Span {
            trace_id: vec![7; 16],
            span_id: vec![id; 8],
            parent_span_id: parent.to_vec(),
            name: format!("span {id}"),
            start_time_unix_nano: begin,
            end_time_unix_nano: end,
            ..Span::default()
        };
        ("bitvaultd".to_owned(), span)
    }

    #[test]
    fn a_summary_names_the_root_whatever_ended_first() {
        let spans = [one(2, &[1; 8], 1_000, 9_000), one(1, &[], 2_000, 5_000)];
        let summary = summary(&spans).unwrap();
        assert_eq!((summary.root.as_str(), summary.duration_us), ("span 1", 8));
        assert!(!summary.error);
    }

    fn named(mut pair: (String, Span), component: &str) -> (String, Span) {
        pair.1.attributes.push(KeyValue {
            key: "component".to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(component.to_owned())),
            }),
            ..KeyValue::default()
        });
        pair
    }

    #[test]
    fn a_component_is_told_beside_the_attributes_and_handed_down_within_a_service() {
        let mut client = one(5, &[3; 8], 0, 0);
        client.0 = "somebody's program".to_owned();
        let made = trace(
            [7; 16],
            &[
                named(one(1, &[], 0, 0), "gateway"),
                named(one(2, &[1; 8], 0, 0), "files"),
                one(3, &[2; 8], 0, 0),
                one(4, &[4; 8], 0, 0),
                client,
            ],
        );
        let components: Vec<&str> = made.spans.iter().map(|span| span.component.as_str()).collect();
        assert_eq!(
            components,
            ["gateway", "files", "files", "bitvaultd", "somebody's program"]
        );
        assert!(made.spans.iter().all(|span| span.attributes.is_empty()));
        assert!(made.spans[0].parent_span_id.is_none());
    }
}
