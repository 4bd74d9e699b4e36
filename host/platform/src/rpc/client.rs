//! The caller's side: a transport that signs the caller into each request.

use super::{CTX_HEADER, Signer};
use crate::{Ctx, Error, telemetry};
use http::{HeaderValue, Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

/// What a generated client is built on: `FilesServiceClient::new(transport)`. Cheap to clone.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// A transport to a module of this process: `served` is its guarded server, so a call is a function call.
pub fn local<S>(served: S, signer: Signer) -> Transport
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(Signing {
        inner: served.map_err(|never| match never {}),
        signer,
    })
}

/// A transport to a module of another process, over a channel that connects when it is first used.
pub fn remote(channel: tonic::transport::Channel, signer: Signer) -> Transport {
    BoxCloneSyncService::new(Signing {
        inner: channel.map_err(Into::into),
        signer,
    })
}

/// Puts the caller and the trace into the metadata of each request.
#[derive(Clone)]
struct Signing<S> {
    inner: S,
    signer: Signer,
}

impl<S> Service<Request<Body>> for Signing<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ctx = request
            .extensions_mut()
            .remove::<Ctx>()
            .unwrap_or_else(Ctx::anonymous);
        let signed = self.signer.sign(&ctx).and_then(|text| {
            HeaderValue::try_from(text).map_err(|cause| Error::internal("write the call assertion", cause))
        });
        match signed {
            Ok(value) => {
                request.headers_mut().insert(CTX_HEADER, value);
                telemetry::propagation::inject(request.headers_mut());
                Box::pin(self.inner.call(request))
            }
            Err(error) => Box::pin(std::future::ready(Err(BoxError::from(tonic::Status::from(
                error,
            ))))),
        }
    }
}
