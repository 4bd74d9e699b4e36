//! Instants in the person's own time zone and language.

use js_sys::{Date, Object, Reflect};
use time::OffsetDateTime;
use wasm_bindgen::JsValue;

/// Short, for a list: the time for today, the date otherwise.
pub(crate) fn short(instant: OffsetDateTime) -> String {
    let date = date(instant);
    let now = Date::new_0();
    let same_year = date.get_full_year() == now.get_full_year();
    let today = same_year && date.get_month() == now.get_month() && date.get_date() == now.get_date();
    if today {
        return format(&date, &[("hour", "2-digit"), ("minute", "2-digit")]);
    }
    format(
        &date,
        &[("day", "numeric"), ("month", "short"), ("year", "numeric")],
    )
}

/// In full, for a tooltip.
pub(crate) fn full(instant: OffsetDateTime) -> String {
    format(&date(instant), &[("dateStyle", "long"), ("timeStyle", "medium")])
}

/// Time of day with seconds, for traces.
pub(crate) fn clock(instant: OffsetDateTime) -> String {
    format(&date(instant), &[("timeStyle", "medium")])
}

#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit a double exactly"
)]
fn date(instant: OffsetDateTime) -> Date {
    let milliseconds = (instant.unix_timestamp_nanos() / 1_000_000) as f64;
    Date::new(&JsValue::from_f64(milliseconds))
}

fn format(date: &Date, parts: &[(&str, &str)]) -> String {
    let options = Object::new();
    for (key, value) in parts {
        // Setting a property of a fresh object can't fail.
        let _ = Reflect::set(&options, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    let method = Reflect::get(date, &JsValue::from_str("toLocaleString")).ok();
    method
        .and_then(|method| wasm_bindgen::JsCast::dyn_into::<js_sys::Function>(method).ok())
        .and_then(|method| method.call2(date, &JsValue::UNDEFINED, &options).ok())
        .and_then(|text| text.as_string())
        .unwrap_or_else(|| date.to_iso_string().into())
}
