//! The web app: sign in, folders and files, uploads straight to the store, and the operator's traces.
//!
//! Invariants: file bytes never pass through our own origin, and never lie in memory as a whole; nothing is loaded from
//! anywhere else than our own origin and the store; no markup carries inline styles or scripts, so that the strictest
//! Content-Security-Policy holds. Rules (queue, part plan, names, formats, waterfall) are pure and tested natively; the
//! rest needs a browser.

#![allow(
    unreachable_pub,
    reason = "leptos writes `pub` before every component function"
)]

mod api;
mod app;
mod browser;
mod components;
mod diff;
mod format;
mod pages;
mod upload;
mod waterfall;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
