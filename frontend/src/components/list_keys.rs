//! Arrow keys in a list: they move the focus from one row's main control to the next row's.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Handles the arrow, Home and End keys. Rows are siblings that match `row`; what gets the focus in each carries the
/// class `row-main`.
pub(crate) fn move_focus(event: &KeyboardEvent, row: &str) {
    let Some(current) = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|element| element.closest(row).ok().flatten())
    else {
        return;
    };
    let parent = current.parent_element();
    let next = match event.key().as_str() {
        "ArrowDown" => current.next_element_sibling(),
        "ArrowUp" => current.previous_element_sibling(),
        "Home" => parent.and_then(|parent| parent.first_element_child()),
        "End" => parent.and_then(|parent| parent.last_element_child()),
        _ => return,
    };
    let control = next
        .and_then(|row| row.query_selector(".row-main").ok().flatten())
        .and_then(|control| control.dyn_into::<HtmlElement>().ok());
    if let Some(control) = control {
        event.prevent_default();
        let _ = control.focus();
    }
}
