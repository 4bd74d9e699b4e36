//! Spans of a command: one root, one per API call, file or batch.
//!
//! Spans are kept in memory, at most [`SPANS_MAX`], and sent once when the command has ended: to the collector that the
//! OTLP variables name, and to the server when it takes spans. Sending has [`EXPORT_WITHIN`] and its failure is only
//! told with `--verbose`; a command never waits for it while it works, and never fails by it. When nobody will receive
//! them no spans are made and no trace context is sent, so that the server's traces have no missing parents.

use crate::args::{Args, Command};
use crate::env::Environment;
use crate::profile::ProfileFile;
use bitvault_client::{Client, NoTrace, TraceSource};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor};
use prost::Message as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Most spans kept of one command. What ends later is not recorded, the root excepted.
const SPANS_MAX: usize = 2048;
/// How long sending the spans may hold up the end of a command, for each receiver.
const EXPORT_WITHIN: Duration = Duration::from_secs(2);

/// Where the server takes spans.
pub(crate) struct SpanSink {
    pub(crate) client: Client,
    /// None when it has to be asked.
    pub(crate) takes_spans: Option<bool>,
}

/// The spans of this command.
pub(crate) struct Telemetry {
    spans: Option<Arc<Kept>>,
    /// Ends with us: dropping it would end recording.
    _provider: Option<SdkTracerProvider>,
    resource: Resource,
    collector: Option<Protocol>,
    sink: Mutex<Option<SpanSink>>,
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Grpc,
    Http,
}

#[derive(Debug, Default)]
struct Kept {
    spans: Mutex<Vec<SpanData>>,
}

#[derive(Debug)]
struct Keep(Arc<Kept>);

impl SpanProcessor for Keep {
    fn on_start(&self, _span: &mut Span, _context: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        let is_root = span.parent_span_id == opentelemetry::trace::SpanId::INVALID;
        let mut spans = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() < SPANS_MAX || is_root {
            spans.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Takes the trace context of the current span.
struct CurrentSpan;

impl TraceSource for CurrentSpan {
    fn traceparent(&self) -> Option<String> {
        let context = tracing::Span::current().context();
        let span = context.span().span_context().clone();
        let flags = span.trace_flags().to_u8();
        span.is_valid()
            .then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
    }
}

impl Telemetry {
    /// Sets up logging, and recording when somebody may receive the spans.
    pub(crate) fn begin(args: &Args, environment: &Environment) -> Self {
        let resource = Resource::builder_empty()
            .with_service_name("bitvault-cli")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let collector = match (environment.otlp, environment.otlp_grpc) {
            (false, _) => None,
            (true, true) => Some(Protocol::Grpc),
            (true, false) => Some(Protocol::Http),
        };
        let log = args.global.verbose.then(|| {
            let ours = Targets::new().with_target("bitvault", LevelFilter::DEBUG);
            let ours = ours.with_target("bitvault_client", LevelFilter::DEBUG);
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_filter(ours)
        });
        let wanted = collector.is_some() || server_may_take_spans(args, environment);
        let (spans, provider) = if wanted {
            let kept = Arc::new(Kept::default());
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_span_processor(Keep(Arc::clone(&kept)))
                .build();
            (Some(kept), Some(provider))
        } else {
            (None, None)
        };
        let recorder = provider.as_ref().map(|provider| {
            let ours = Targets::new().with_target("bitvault", LevelFilter::INFO);
            let ours = ours.with_target("bitvault_client", LevelFilter::INFO);
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("bitvault"))
                .with_filter(ours)
        });
        tracing_subscriber::registry().with(log).with(recorder).init();
        Self {
            spans,
            _provider: provider,
            resource,
            collector,
            sink: Mutex::new(None),
        }
    }

    /// Where outgoing requests take their trace context from.
    pub(crate) fn source(&self) -> Arc<dyn TraceSource> {
        if self.spans.is_some() {
            Arc::new(CurrentSpan)
        } else {
            Arc::new(NoTrace)
        }
    }

    /// Names the server that may take the spans.
    pub(crate) fn send_to(&self, sink: SpanSink) {
        *self.sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(sink);
    }

    /// Sends what was recorded; the root span must have ended. `reached` says whether the server answered: one that did
    /// not is not tried again.
    pub(crate) async fn end(&self, reached: bool) {
        let Some(kept) = &self.spans else {
            return;
        };
        let spans = std::mem::take(&mut *kept.spans.lock().unwrap_or_else(PoisonError::into_inner));
        if spans.is_empty() {
            return;
        }
        let sink = self
            .sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .filter(|_| reached);
        let to_server = async {
            if let Some(sink) = sink {
                tell_failure("server", self.to_server(sink, spans.clone())).await;
            }
        };
        let to_collector = async {
            if let Some(protocol) = self.collector {
                tell_failure("collector", self.to_collector(protocol, spans.clone())).await;
            }
        };
        tokio::join!(to_server, to_collector);
    }

    async fn to_server(&self, sink: SpanSink, spans: Vec<SpanData>) -> Result<(), String> {
        let takes_spans = match sink.takes_spans {
            Some(takes_spans) => takes_spans,
            None => sink.client.me().await.map_err(|error| error.to_string())?.traces,
        };
        if !takes_spans {
            return Ok(());
        }
        let resource = ResourceAttributesWithSchema::from(&self.resource);
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &resource),
        };
        let http = reqwest::Client::builder()
            .build()
            .map_err(|error| error.to_string())?;
        let url = format!("{}/v1/traces", sink.client.base().as_str().trim_end_matches('/'));
        let response = http
            .post(url)
            .bearer_auth(sink.client.tokens().await.access)
            .header("content-type", "application/x-protobuf")
            .body(request.encode_to_vec())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        response
            .error_for_status()
            .map(drop)
            .map_err(|error| error.to_string())
    }

    async fn to_collector(&self, protocol: Protocol, spans: Vec<SpanData>) -> Result<(), String> {
        // Endpoint and headers come from the standard variables.
        let builder = opentelemetry_otlp::SpanExporter::builder();
        let exporter = match protocol {
            Protocol::Grpc => builder.with_tonic().with_timeout(EXPORT_WITHIN).build(),
            Protocol::Http => builder.with_http().with_timeout(EXPORT_WITHIN).build(),
        };
        let mut exporter = exporter.map_err(|error| error.to_string())?;
        exporter.set_resource(&self.resource);
        exporter.export(spans).await.map_err(|error| error.to_string())
    }
}

async fn tell_failure(receiver: &str, sending: impl Future<Output = Result<(), String>>) {
    match tokio::time::timeout(EXPORT_WITHIN, sending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(receiver, error, "spans were not sent"),
        Err(_) => tracing::debug!(receiver, "spans were not sent in time"),
    }
}

/// Whether the command talks to a server that takes spans, or may do so.
fn server_may_take_spans(args: &Args, environment: &Environment) -> bool {
    if matches!(args.command, Command::Completions(_)) {
        return false;
    }
    if matches!(args.command, Command::Login(_)) || environment.token.is_some() {
        return true;
    }
    // What is wrong with the profile is told by the command itself.
    let profile = ProfileFile::named(&args.global.profile).and_then(|file| file.load());
    matches!(profile, Ok(Some(profile)) if profile.traces)
}
