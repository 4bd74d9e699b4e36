//! One transfer to the store. XMLHttpRequest, because fetch tells nothing of an upload's progress.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bitvault_api::PartRequest;
use futures::channel::oneshot;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Blob, ProgressEvent, XmlHttpRequest};

/// Headers that the browser sets by itself and refuses to have set.
const BROWSERS_OWN: [&str; 2] = ["content-length", "host"];

/// How a transfer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// The store has it, under this tag (empty if it hid the tag).
    Stored { etag: String },
    /// The object is there already: an earlier try got through.
    AlreadyThere,
    /// The signature has ended or was refused: ask for a new one.
    Refused,
    /// The bytes were not those that were announced.
    WrongBytes,
    /// No answer, or the store's own trouble: try again.
    Trouble,
    /// The person gave up.
    Cancelled,
}

/// Gives up everything that belongs to one run of one file.
#[derive(Default)]
pub(super) struct Cancel {
    cancelled: Cell<bool>,
    running: RefCell<Vec<XmlHttpRequest>>,
}

impl Cancel {
    /// Stops the transfers under way, and those to come.
    pub(super) fn cancel(&self) {
        self.cancelled.set(true);
        for request in self.running.take() {
            // Aborting what has just ended does nothing.
            let _ = request.abort();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }
}

/// Sends `body` as the presigned request says. `progress` hears the bytes of this transfer so far.
pub(super) async fn put(
    part: &PartRequest,
    body: &Blob,
    cancel: &Cancel,
    progress: impl Fn(u64) + 'static,
) -> Sent {
    if cancel.is_cancelled() {
        return Sent::Cancelled;
    }
    let Ok(request) = open(part) else {
        return Sent::Trouble;
    };

    let (ended, end) = oneshot::channel::<()>();
    let ended = Rc::new(Cell::new(Some(ended)));
    let on_end = Closure::<dyn FnMut()>::new(move || {
        if let Some(ended) = ended.take() {
            let _ = ended.send(());
        }
    });
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of bytes"
    )]
    let on_progress =
        Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| progress(event.loaded() as u64));
    request.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
    if let Ok(upload) = request.upload() {
        upload.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
    }
    if request.send_with_opt_blob(Some(body)).is_err() {
        return Sent::Trouble;
    }
    cancel.running.borrow_mut().push(request.clone());
    // Fails only if the closure were gone, which lives until here.
    let _ = end.await;
    cancel
        .running
        .borrow_mut()
        .retain(|other| !js_sys::Object::is(other, &request));
    if cancel.is_cancelled() {
        return Sent::Cancelled;
    }
    match request.status().unwrap_or(0) {
        200..=299 => Sent::Stored {
            etag: request
                .get_response_header("etag")
                .ok()
                .flatten()
                .unwrap_or_default(),
        },
        412 => Sent::AlreadyThere,
        401 | 403 => Sent::Refused,
        400..=407 | 409..=428 => Sent::WrongBytes,
        _ => Sent::Trouble,
    }
}

fn open(part: &PartRequest) -> Result<XmlHttpRequest, wasm_bindgen::JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open(&part.method, &part.url)?;
    for (name, value) in &part.headers {
        if !BROWSERS_OWN.contains(&name.to_ascii_lowercase().as_str()) {
            request.set_request_header(name, value)?;
        }
    }
    Ok(request)
}
