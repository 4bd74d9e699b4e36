//! The one place that reads the environment (beside clap's `env` of `--profile` and the OTLP exporter's own variables).

use std::ffi::OsString;

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `BITVAULT_URL`: the server, instead of the profile's.
    pub(crate) url: Option<String>,
    /// `BITVAULT_TOKEN`: a bearer token, instead of the profile's.
    pub(crate) token: Option<Secret>,
    /// Whether `OTEL_EXPORTER_OTLP_ENDPOINT` (or the one for traces) names a collector.
    pub(crate) otlp: bool,
    /// Whether `OTEL_EXPORTER_OTLP_PROTOCOL` (or the one for traces) asks for gRPC rather than HTTP.
    pub(crate) otlp_grpc: bool,
}

/// A text that is not printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Environment {
    pub(crate) fn read() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    fn from(var: impl Fn(&str) -> Option<OsString>) -> Self {
        // An empty variable counts as unset, as in the OpenTelemetry specification.
        let text = |name: &str| {
            var(name)?
                .into_string()
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        let otlp = |what: &str| {
            text(&format!("OTEL_EXPORTER_OTLP_TRACES_{what}"))
                .or_else(|| text(&format!("OTEL_EXPORTER_OTLP_{what}")))
        };
        Self {
            url: text("BITVAULT_URL"),
            token: text("BITVAULT_TOKEN").map(Secret),
            otlp: otlp("ENDPOINT").is_some(),
            otlp_grpc: otlp("PROTOCOL").is_some_and(|protocol| protocol == "grpc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_count_as_unset_and_tokens_are_not_printed() {
        let environment = Environment::from(|name| match name {
            "BITVAULT_URL" => Some(" ".into()),
            "BITVAULT_TOKEN" => Some("s3cret".into()),
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => Some("http://127.0.0.1:4317".into()),
            "OTEL_EXPORTER_OTLP_PROTOCOL" => Some("grpc".into()),
            _ => None,
        });
        assert_eq!(environment.url, None);
        assert!(environment.otlp && environment.otlp_grpc);
        assert!(!format!("{environment:?}").contains("s3cret"));
    }
}
