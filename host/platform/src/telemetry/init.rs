use super::log_format::JsonLines;
use super::recent::{RecentExporter, RecentTraces};
use super::sampler::PerSecond;
use super::{LogFormat, TelemetryConfig};
use crate::{Code, Error};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SimpleSpanProcessor};
use std::io::IsTerminal as _;
use tonic::metadata::MetadataMap;
use tracing::subscriber::Interest;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// The running telemetry of this process.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    /// The traces that this process keeps.
    pub recent: RecentTraces,
}

impl Telemetry {
    /// Sends what has not been sent yet. Call it last.
    pub fn shutdown(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "send the last spans");
        }
    }
}

/// Starts logs and traces for the whole process. Call it once.
pub fn init(config: &TelemetryConfig, service: &str, version: &str) -> Result<Telemetry, Error> {
    let resource = Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            version.to_owned(),
        ))
        .build();
    let recent = RecentTraces::new(config.keep_traces);
    let mut provider = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(PerSecond::new(config.traces_per_second));
    if config.keep_traces > 0 {
        // Memory only, so there is nothing to batch for.
        let exporter = RecentExporter::new(recent.clone(), &resource);
        provider = provider.with_span_processor(SimpleSpanProcessor::new(exporter));
    }
    if let Some(endpoint) = &config.otlp_endpoint {
        let mut headers = MetadataMap::new();
        for (name, value) in &config.otlp_headers {
            let name = name
                .parse::<tonic::metadata::MetadataKey<_>>()
                .map_err(|cause| bad_header(name, cause))?;
            headers.insert(name, value.parse().map_err(|cause| bad_header("value", cause))?);
        }
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_metadata(headers)
            .build()
            .map_err(|cause| {
                Error::new(
                    Code::Invalid,
                    "otlp_invalid",
                    format!("telemetry.otlp_endpoint: {cause}"),
                )
            })?;
        provider = provider.with_span_processor(BatchSpanProcessor::builder(exporter).build());
    }
    let provider = provider.build();
    let filter = config.filter()?;
    let lines = match config.log_format {
        LogFormat::Json => fmt::layer()
            .event_format(JsonLines)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Pretty => fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .compact()
            .with_target(false)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    // Asked anew for each span: what crates log through `log` is asked about without being written, and the answer would
    // stay behind in the thread for the next span whose callsite is known to be wanted, which then went missing.
    let ours = tracing_subscriber::filter::dynamic_filter_fn(|metadata, _| is_ours(metadata))
        .with_callsite_filter(|metadata| match is_ours(metadata) {
            true => Interest::sometimes(),
            false => Interest::never(),
        })
        .with_max_level_hint(tracing::Level::DEBUG);
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("bitvault"))
        .with_location(false)
        .with_threads(false)
        // How long a span was entered and left: two clock readings at each poll of a future, which nobody reads.
        .with_tracked_inactivity(false)
        .with_filter(ours);
    tracing_subscriber::registry()
        .with(traces)
        .with(lines.with_filter(filter))
        .try_init()
        .map_err(|cause| Error::internal("start logging", cause))?;
    Ok(Telemetry { provider, recent })
}

/// Spans of our own crates, down to debug; libraries would drown them.
fn is_ours(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_span()
        && metadata.target().starts_with("bitvault")
        && *metadata.level() <= tracing::Level::DEBUG
}

fn bad_header(name: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(
        Code::Invalid,
        "otlp_headers_invalid",
        format!("telemetry.otlp_headers: {name}: {cause}"),
    )
}
