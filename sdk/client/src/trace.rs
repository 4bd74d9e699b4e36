/// Where the trace context of outgoing requests comes from. The CLI takes it from OpenTelemetry, the web app makes its
/// own, so this crate depends on neither.
pub trait TraceSource: Send + Sync {
    /// The W3C `traceparent` of the current operation; none when nothing is traced.
    fn traceparent(&self) -> Option<String>;
}

/// Sends no trace context.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTrace;

impl TraceSource for NoTrace {
    fn traceparent(&self) -> Option<String> {
        None
    }
}

/// The same trace context with the sampled flag cleared: the receiver joins the trace but records nothing. Used for
/// the bulk of a batch's PUTs, so that a tree of 10,000 files is not a trace of 10,000 spans.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn unsampled(traceparent: &str) -> String {
    match traceparent.rsplit_once('-') {
        Some((head, _)) => format!("{head}-00"),
        None => traceparent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsampled_context_keeps_trace_and_span() {
        let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(
            unsampled(sampled),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        );
    }
}
