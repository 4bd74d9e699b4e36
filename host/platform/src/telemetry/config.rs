use crate::{Code, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracing_subscriber::EnvFilter;

/// Section `[telemetry]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// `pretty` for people, `json` for machines.
    pub log_format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`: `info,bitvault_files=debug`.
    pub log_filter: String,
    /// OTLP/gRPC endpoint of a collector, `http://HOST:4317`; nothing is exported without one.
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector.
    pub otlp_headers: BTreeMap<String, String>,
    /// Most traces that this daemon begins by itself per second; a trace that a caller began and sampled is always
    /// followed.
    pub traces_per_second: u32,
    /// How many recent traces are kept in memory for the operator's page; 0 keeps none.
    pub keep_traces: usize,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Pretty,
            // The S3 crate logs each request that it refuses as an error; the answer says so already.
            log_filter: "info,s3s=off".to_owned(),
            otlp_endpoint: None,
            otlp_headers: BTreeMap::new(),
            traces_per_second: 20,
            keep_traces: 200,
        }
    }
}

impl TelemetryConfig {
    /// `log_filter`, read; the error says what is wrong with it.
    pub fn filter(&self) -> Result<EnvFilter, Error> {
        EnvFilter::try_new(&self.log_filter).map_err(|cause| {
            let detail = format!("telemetry.log_filter: {cause}");
            Error::new(Code::Invalid, "log_filter_invalid", detail)
        })
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One line for people.
    Pretty,
    /// One JSON object a line, with `trace_id` and `span_id`.
    Json,
}
