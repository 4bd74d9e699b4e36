//! A store whose listing of the whole bucket still names multipart uploads that have ended, as MinIO's does when a client
//! goes away before the answer to its last request.

use bitvault_proto::internal::v1::{ListMultipartsRequest, ListMultipartsResponse, Multipart};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

/// Bytes before a message on the wire of gRPC: a flag and its length.
const FRAME: usize = 5;

const STATUS: http::HeaderName = http::HeaderName::from_static("grpc-status");

/// What the listing names though it has ended.
pub(crate) type Ended = Arc<Mutex<Vec<Multipart>>>;

/// The storage module behind such a listing.
pub(crate) fn remembering<S>(
    served: S,
    ended: Ended,
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
        let (served, ended) = (served.clone(), ended.clone());
        async move {
            if !request.uri().path().ends_with("/ListMultiparts") || ended.lock().unwrap().is_empty() {
                return served.oneshot(request).await;
            }
            let (head, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let asked = ListMultipartsRequest::decode(&bytes[FRAME..]).unwrap();
            if !asked.prefix.is_empty() {
                let request = http::Request::from_parts(head, Body::new(Full::new(bytes)));
                return served.oneshot(request).await;
            }
            let message = ListMultipartsResponse {
                items: ended.lock().unwrap().clone(),
            };
            let message = message.encode_to_vec();
            let mut framed = vec![0];
            framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            framed.extend(message);
            let trailers = http::HeaderMap::from_iter([(STATUS, http::HeaderValue::from_static("0"))]);
            let body = Full::from(framed).with_trailers(async move { Some(Ok(trailers)) });
            let answer = http::Response::builder().header("content-type", "application/grpc");
            Ok(answer.body(Body::new(body)).unwrap())
        }
    })
}
