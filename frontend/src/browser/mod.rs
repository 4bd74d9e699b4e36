//! The few things that the page asks the browser for. Everything else of the page stands on this, the fetch of
//! `api::http` and the transfer of `upload::send`.

pub(crate) mod dates;
pub(crate) mod pictures;
pub(crate) mod storage;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The window; this code runs nowhere else.
pub(crate) fn window() -> Option<web_sys::Window> {
    web_sys::window()
}

/// Milliseconds since the page was opened, monotonic.
pub(crate) fn now_ms() -> f64 {
    window()
        .and_then(|window| window.performance())
        .map_or(0.0, |performance| performance.now())
}

/// Whether the browser believes to have a network.
pub(crate) fn is_online() -> bool {
    window().is_none_or(|window| window.navigator().on_line())
}

/// Waits; the page stays alive meanwhile.
pub(crate) async fn sleep_ms(milliseconds: u32) {
    let wait = Promise::new(&mut |resolve, _| {
        if let Some(window) = window() {
            let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
            // Fails only when the window is gone, and the page with it.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        }
    });
    let _ = JsFuture::from(wait).await;
}

/// Calls `object.method(success, error)` and waits for one of the two: the file system API predates promises.
pub(crate) async fn callback_call(object: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &JsValue::from_str(method))?.dyn_into()?;
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(error) = function.call2(object, &resolve, &reject) {
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(promise).await
}

/// Has the browser fetch a URL that answers with an attachment. The page stays.
pub(crate) fn download(url: &str, name: &str) -> Result<(), JsValue> {
    let document = window()
        .and_then(|window| window.document())
        .ok_or(JsValue::UNDEFINED)?;
    let anchor: web_sys::HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    anchor.set_href(url);
    anchor.set_download(name);
    anchor.set_rel("noopener");
    let body = document.body().ok_or(JsValue::UNDEFINED)?;
    body.append_child(&anchor)?;
    anchor.click();
    anchor.remove();
    Ok(())
}

/// Sets what the browser's tab says.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = window().and_then(|window| window.document()) {
        document.set_title(title);
    }
}

/// Moves the focus to the first element that matches.
pub(crate) fn focus(selector: &str) {
    let found = window()
        .and_then(|window| window.document())
        .and_then(|document| document.query_selector(selector).ok().flatten());
    if let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}
