//! The serving side: verifies the caller, holds a personal access token to its scopes, opens the span, bounds panics to
//! one call.

use super::{CTX_HEADER, Signer};
use crate::{Code, Ctx, Error, telemetry};
use http::{Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::Instrument as _;

/// How the names of calls that change nothing begin. Every other call is a write: what is forgotten here is refused.
const READS: [&str; 5] = ["Get", "List", "Lookup", "Search", "Watch"];

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
        if let Err(error) = permit(&ctx, &method) {
            return Box::pin(std::future::ready(Ok(Status::from(error).into_http())));
        }
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

/// Refuses a call that the caller's personal access token is not for. The one place that does: each call of REST and of
/// gRPC passes here on its way to a module.
fn permit(ctx: &Ctx, method: &str) -> Result<(), Error> {
    let Some(scopes) = ctx.scopes() else { return Ok(()) };
    let (allowed, wanted) = if READS.iter().any(|read| method.starts_with(read)) {
        (scopes.read, "read")
    } else {
        (scopes.write, "write")
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(
        Code::Denied,
        "scope_missing",
        format!("this needs the scope `{wanted}`, which the token does not have: make another token"),
    ))
}

/// The status of an answer without a stream body; calls that stream tell it in trailers and count as ok here.
fn grpc_code(response: &Response<Body>) -> tonic::Code {
    Status::from_header_map(response.headers()).map_or(tonic::Code::Ok, |status| status.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AccountId, SessionId, TenantId};
    use crate::{Role, Scopes};

    #[test]
    fn a_token_is_held_to_its_scopes_and_a_session_is_not() {
        let session = Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), Role::Owner);
        let limited = |read, write| session.clone().limited_to(Scopes { read, write });
        for (method, reads) in [
            ("GetNode", true),
            ("ListChildren", true),
            ("Lookup", true),
            ("DeleteNode", false),
            ("StartUploads", false),
            ("CreateToken", false),
            ("", false),
        ] {
            assert!(permit(&session, method).is_ok(), "{method}");
            assert!(permit(&limited(true, true), method).is_ok(), "{method}");
            assert_eq!(permit(&limited(true, false), method).is_ok(), reads, "{method}");
            assert_eq!(permit(&limited(false, true), method).is_ok(), !reads, "{method}");
        }
        let refused = permit(&limited(true, false), "DeleteNode").unwrap_err();
        assert_eq!(refused.reason(), "scope_missing");
    }
}
