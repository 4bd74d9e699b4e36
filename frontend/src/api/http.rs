//! One request to our own origin, with the browser's fetch.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, Response};

use super::ApiError;
use crate::browser;

/// How long an answer may take, in milliseconds. Calls carry no file bytes; committing a large multipart upload is the
/// longest.
const ANSWER_MS: u32 = 120_000;

/// A request: method, path below the origin, and what goes with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// The revision that was seen, for `If-Match`.
    pub(super) if_match: Option<i64>,
}

/// Sends it and reads the whole answer.
pub(super) async fn send(call: &Call, bearer: Option<&str>) -> Result<(u16, String), ApiError> {
    try_send(call, bearer).await.map_err(|_| ApiError::Unreachable)
}

/// Reads what a presigned URL answers, of the store: no header of ours goes there.
pub(super) async fn bytes(url: &str) -> Result<Vec<u8>, ApiError> {
    let read = async {
        let window = browser::window().ok_or(JsValue::UNDEFINED)?;
        let response: Response = JsFuture::from(window.fetch_with_str(url)).await?.dyn_into()?;
        let bytes = JsFuture::from(response.array_buffer()?).await?;
        Ok::<_, JsValue>((response.status(), js_sys::Uint8Array::new(&bytes).to_vec()))
    };
    match read.await {
        Ok((200..=299, bytes)) => Ok(bytes),
        Ok((status, _)) => Err(ApiError::Odd { status }),
        Err(_) => Err(ApiError::Unreachable),
    }
}

async fn try_send(call: &Call, bearer: Option<&str>) -> Result<(u16, String), JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    if let Some(token) = bearer {
        headers.set("authorization", &format!("Bearer {token}"))?;
    }
    if let Some(revision) = call.if_match {
        headers.set("if-match", &format!("\"{revision}\""))?;
    }
    let init = RequestInit::new();
    init.set_method(call.method);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_MS)));
    if let Some(body) = &call.body {
        headers.set("content-type", "application/json")?;
        init.set_body(&JsValue::from_str(body));
    }
    init.set_headers(&headers);
    let request = Request::new_with_str_and_init(&call.path, &init)?;
    let window = browser::window().ok_or(JsValue::UNDEFINED)?;
    let response: Response = JsFuture::from(window.fetch_with_request(&request))
        .await?
        .dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    Ok((response.status(), text.as_string().unwrap_or_default()))
}
