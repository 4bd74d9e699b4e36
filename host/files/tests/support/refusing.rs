//! A store that does not do what it is asked with some objects, and everything else.

use bitvault_proto::internal::v1::HashObjectRequest;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

/// Bytes before a message on the wire of gRPC: a flag and its length.
const FRAME: usize = 5;

/// Calls that fail: a method's name and the key that it is about.
pub(crate) type Refused = Arc<Mutex<Vec<(&'static str, String)>>>;

/// The storage module that fails so.
pub(crate) fn refusing<S>(
    served: S,
    refused: Refused,
) -> impl Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    tower::service_fn(move |request: http::Request<Body>| {
        let (served, refused) = (served.clone(), refused.clone());
        async move {
            let path = request.uri().path();
            let of_method = |(method, _): &(&str, String)| path.ends_with(&format!("/{method}"));
            let mut keys = refused.lock().unwrap().clone();
            keys.retain(of_method);
            if keys.is_empty() {
                return served.oneshot(request).await;
            }
            let (head, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            // Every request about one object has its key in the first field.
            let asked = HashObjectRequest::decode(&bytes[FRAME..]).unwrap().key;
            if keys.iter().any(|(_, key)| *key == asked) {
                return Ok(tonic::Status::unavailable("the store does not do this").into_http());
            }
            let request = http::Request::from_parts(head, Body::new(Full::new(bytes)));
            served.oneshot(request).await
        }
    })
}
