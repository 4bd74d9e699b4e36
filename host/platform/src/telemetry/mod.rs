//! Traces, logs and measurements of the daemon.
//!
//! Spans go to an OTLP collector when one is configured, and in the lite profile to [`RecentTraces`], so that a trace
//! can be looked at with nothing else installed. Log lines carry the trace id of the span they were written in.

mod config;
mod init;
mod log_format;
pub mod propagation;
mod recent;
mod sampler;

pub use config::{LogFormat, TelemetryConfig};
pub use init::{Telemetry, init};
pub use recent::RecentTraces;

use std::time::Duration;

/// Counts one served RPC and its duration.
pub fn measure_rpc(component: &'static str, method: &str, code: tonic::Code, took: Duration) {
    let labels = [
        ("component", component.to_owned()),
        ("method", method.to_owned()),
        ("code", format!("{code:?}").to_lowercase()),
    ];
    metrics::counter!("bitvault_rpc_requests_total", &labels).increment(1);
    metrics::histogram!("bitvault_rpc_seconds", &labels[..2]).record(took.as_secs_f64());
}
