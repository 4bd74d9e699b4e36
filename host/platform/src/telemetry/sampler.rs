use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Follows the caller's decision; of the traces that begin here it takes at most so many per second (a token bucket
/// that holds one second's worth).
#[derive(Debug, Clone)]
pub(super) struct PerSecond {
    rate: f64,
    bucket: Arc<Mutex<(f64, Instant)>>,
}

impl PerSecond {
    pub(super) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            bucket: Arc::new(Mutex::new((rate, Instant::now()))),
        }
    }

    fn take(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, filled) = &mut *bucket;
        let now = Instant::now();
        *tokens = (*tokens + now.duration_since(*filled).as_secs_f64() * self.rate).min(self.rate);
        *filled = now;
        let take = *tokens >= 1.0;
        if take {
            *tokens -= 1.0;
        }
        take
    }
}

impl ShouldSample for PerSecond {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let caller = parent
            .filter(|context| context.has_active_span())
            .map(|context| context.span());
        let (sampled, trace_state) = match caller {
            Some(span) => (
                span.span_context().is_sampled(),
                span.span_context().trace_state().clone(),
            ),
            None => (self.take(), TraceState::default()),
        };
        let decision = if sampled {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::Drop
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_cut_to_one_seconds_worth() {
        let sampler = PerSecond::new(5);
        assert_eq!((0..100).filter(|_| sampler.take()).count(), 5);
    }
}
