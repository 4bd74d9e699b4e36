//! The serving side: verifies the caller, opens the span, bounds panics to one call.

use super::{CTX_HEADER, Signer};
use crate::telemetry;
use http::{Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::Instrument as _;

/// Puts a module's generated servers behind the check of who calls. `component` names the module in spans.
pub fn guard<S>(inner: S, component: &'static str, signer: Signer) -> Guarded<S> {
    Guarded {
        inner,
        component,
        signer,
    }
}

/// A module's server that lets in only calls with a valid assertion.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    component: &'static str,
    signer: Signer,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let assertion = request.headers_mut().remove(CTX_HEADER);
        let text = assertion
            .as_ref()
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let ctx = match self.signer.verify(text) {
            Ok(ctx) => ctx,
            Err(error) => return Box::pin(std::future::ready(Ok(Status::from(error).into_http()))),
        };
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let span = tracing::info_span!(
            "rpc",
            otel.name = format!("{}/{method}", self.component),
            otel.kind = "server",
            otel.status_code = tracing::field::Empty,
            component = self.component,
            rpc.grpc.status_code = tracing::field::Empty,
        );
        telemetry::propagation::adopt(&span, request.headers());
        request.extensions_mut().insert(ctx);
        let component = self.component;
        let started = std::time::Instant::now();
        let call = self.inner.call(request).instrument(span.clone());
        Box::pin(async move {
            let response = call.await?;
            let code = grpc_code(&response);
            span.record("rpc.grpc.status_code", code as i64);
            if matches!(
                code,
                tonic::Code::Internal | tonic::Code::Unknown | tonic::Code::Unavailable
            ) {
                span.record("otel.status_code", "ERROR");
            }
            telemetry::measure_rpc(component, &method, code, started.elapsed());
            Ok(response)
        })
    }
}

/// The status of an answer without a stream body; calls that stream tell it in trailers and count as ok here.
fn grpc_code(response: &Response<Body>) -> tonic::Code {
    Status::from_header_map(response.headers()).map_or(tonic::Code::Ok, |status| status.code())
}
