use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Most spans kept of one trace: a tree upload can make many.
const SPANS_PER_TRACE: usize = 2_000;

/// The most recent traces, in memory: what the operator's page draws. Takes the daemon's own spans and the ones that
/// clients send. Bounded: the oldest trace leaves when a new one comes.
#[derive(Debug, Clone)]
pub struct RecentTraces(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    keep: usize,
    order: VecDeque<[u8; 16]>,
    traces: HashMap<[u8; 16], Vec<(String, Span)>>,
}

impl RecentTraces {
    /// Keeps the last `keep` traces.
    pub fn new(keep: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            keep,
            order: VecDeque::new(),
            traces: HashMap::new(),
        })))
    }

    /// Takes spans as they stand in an OTLP export. Those without a proper trace id are left out.
    pub fn add(&self, batch: Vec<ResourceSpans>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource_spans in batch {
            let service = service_name(&resource_spans);
            for span in resource_spans
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                inner.add(&service, span);
            }
        }
    }

    /// The traces kept, newest first, each as `(service, span)` pairs in the order in which they ended.
    pub fn newest(&self, limit: usize) -> Vec<Vec<(String, Span)>> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .order
            .iter()
            .rev()
            .take(limit)
            .filter_map(|id| inner.traces.get(id).cloned())
            .collect()
    }

    /// One trace.
    pub fn get(&self, trace_id: [u8; 16]) -> Option<Vec<(String, Span)>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .traces
            .get(&trace_id)
            .cloned()
    }
}

impl Inner {
    fn add(&mut self, service: &str, span: Span) {
        let Ok(id) = <[u8; 16]>::try_from(span.trace_id.as_slice()) else {
            return;
        };
        if self.keep == 0 {
            return;
        }
        if !self.traces.contains_key(&id) {
            if is_idle_job(&span) {
                return;
            }
            if self.order.len() == self.keep
                && let Some(oldest) = self.order.pop_front()
            {
                self.traces.remove(&oldest);
            }
            self.order.push_back(id);
        }
        let spans = self.traces.entry(id).or_default();
        if spans.len() < SPANS_PER_TRACE {
            spans.push((service.to_owned(), span));
        }
    }
}

/// Whether this span, the first that is known of its trace, ends it: a background job that called nothing. One runs after
/// each commit, and their traces would drive out those that somebody wants to see.
fn is_idle_job(span: &Span) -> bool {
    let failed = span
        .status
        .as_ref()
        .is_some_and(|status| status.code() == StatusCode::Error);
    span.parent_span_id.is_empty() && span.kind() == SpanKind::Internal && !failed
}

fn service_name(spans: &ResourceSpans) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let attributes = spans.resource.iter().flat_map(|resource| &resource.attributes);
    attributes
        .filter(|attribute| attribute.key == "service.name")
        .find_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
            Value::StringValue(name) => Some(name.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// Hands the daemon's own spans to [`RecentTraces`].
#[derive(Debug)]
pub(super) struct RecentExporter {
    recent: RecentTraces,
    resource: ResourceAttributesWithSchema,
}

impl RecentExporter {
    pub(super) fn new(recent: RecentTraces, resource: &Resource) -> Self {
        Self {
            recent,
            resource: resource.into(),
        }
    }
}

impl SpanExporter for RecentExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.recent
            .add(group_spans_by_resource_and_scope(batch, &self.resource));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Status};

    fn span(trace: u8) -> ResourceSpans {
        let span = Span {
            trace_id: vec![trace; 16],
            ..Span::default()
        };
        let scope = ScopeSpans {
            spans: vec![span],
            ..ScopeSpans::default()
        };
        ResourceSpans {
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        }
    }

    #[test]
    fn the_oldest_trace_leaves_and_spans_of_one_trace_meet() {
        let recent = RecentTraces::new(2);
        recent.add(vec![span(1), span(2), span(1), span(3)]);
        assert!(recent.get([1; 16]).is_none());
        let sizes: Vec<usize> = recent.newest(9).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1]);
        recent.add(vec![span(3)]);
        assert_eq!(recent.get([3; 16]).unwrap().len(), 2);
    }

    #[test]
    fn a_job_that_called_nothing_is_not_kept_but_one_that_failed_or_did_something_is() {
        let recent = RecentTraces::new(9);
        let job = |trace| {
            let mut spans = span(trace);
            spans.scope_spans[0].spans[0].kind = SpanKind::Internal.into();
            spans
        };
        let mut failed = job(2);
        failed.scope_spans[0].spans[0].status = Some(Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        });
        let mut call = job(3);
        call.scope_spans[0].spans[0].parent_span_id = vec![1; 8];
        recent.add(vec![job(1), failed, call, job(3)]);
        let sizes = [1, 2, 3].map(|trace| recent.get([trace; 16]).map_or(0, |spans| spans.len()));
        assert_eq!(sizes, [0, 1, 2]);
    }

    #[test]
    fn a_trace_without_end_stays_bounded() {
        let recent = RecentTraces::new(1);
        recent.add((0..SPANS_PER_TRACE + 10).map(|_| span(1)).collect());
        assert_eq!(recent.get([1; 16]).unwrap().len(), SPANS_PER_TRACE);
    }
}
