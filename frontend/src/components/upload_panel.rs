//! What is being sent: sums, one row a file, and what a person can do about each.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::upload_row::UploadRow;
use crate::app::Shared;
use crate::format;
use crate::upload::engine::Picture;
use crate::upload::queue::Totals;

/// The panel; there only while there is something to tell.
#[component]
pub(crate) fn UploadPanel() -> impl IntoView {
    let shared = Shared::get();
    let picture = shared.engine().picture();
    let folded = RwSignal::new(false);
    let totals = Memo::new(move |_| picture.with(|picture| picture.totals));
    let some = Memo::new(move |_| picture.with(|picture| !picture.rows.is_empty()));
    let ids = Memo::new(move |_| {
        picture.with(|picture| picture.rows.iter().map(|item| item.id).collect::<Vec<_>>())
    });

    // Leaving the page would end what is under way.
    let listener = window_event_listener(leptos::ev::beforeunload, move |event| {
        if totals.get_untracked().open > 0 {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());

    view! {
        <Show when=move || some.get()>
            <section class="uploads" aria-label="Uploads" class:folded=move || folded.get()>
                <header>
                    <div class="uploads-head">
                        <div role="status"><h2>{move || headline(&totals.get())}</h2></div>
                        <p>{move || picture.with(details)}</p>
                    </div>
                    {move || if totals.get().open > 0 || totals.get().conflicts > 0 {
                        view! {
                            <button class="button quiet" type="button" on:click=move |_| shared.engine().cancel_all()>
                                "Cancel all"
                            </button>
                        }.into_any()
                    } else {
                        view! {
                            <button class="button quiet" type="button" on:click=move |_| shared.engine().clear_ended()>
                                "Clear"
                            </button>
                        }.into_any()
                    }}
                    <button class="icon-button fold" type="button" aria-expanded=move || (!folded.get()).to_string()
                        aria-controls="upload-list"
                        aria-label=move || if folded.get() { "Show the files" } else { "Hide the files" }
                        on:click=move |_| folded.update(|folded| *folded = !*folded)>
                        <Glyph icon=Icon::ChevronDown/>
                    </button>
                </header>
                <Show when=move || totals.get().open != 0>
                    <progress class="overall" aria-label="All uploads" max="1000"
                        prop:value=move || { let totals = totals.get(); permille(totals.sent, totals.bytes) }></progress>
                </Show>
                <ul id="upload-list" hidden=move || folded.get()>
                    <For each=move || ids.get() key=|id| *id let:id>
                        <UploadRow id=id picture=picture/>
                    </For>
                    {move || picture.with(|picture| (picture.hidden > 0).then(|| view! {
                        <li class="more">{format!("and {} more", format::count(picture.hidden, "file", "files"))}</li>
                    }))}
                </ul>
            </section>
        </Show>
    }
}

/// Thousandths of the whole; a whole of nothing is complete.
#[allow(clippy::cast_precision_loss, reason = "a position on the screen")]
pub(super) fn permille(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1000.0
    } else {
        (part as f64 * 1000.0 / whole as f64).round()
    }
}

fn headline(totals: &Totals) -> String {
    if totals.open > 0 {
        return format!(
            "Uploading {} of {}",
            totals.done + 1,
            format::count(totals.files, "file", "files")
        )
        .replace("Uploading 1 of 1 file", "Uploading 1 file");
    }
    match (totals.conflicts, totals.failed) {
        (0, 0) if totals.done == 0 => "Nothing was uploaded".to_owned(),
        (0, 0) => format!("{} uploaded", format::count(totals.done, "file", "files")),
        (0, failed) => format!("{} could not be uploaded", format::count(failed, "file", "files")),
        (1, _) => "One name is taken".to_owned(),
        (conflicts, _) => format!("{conflicts} names are taken"),
    }
}

fn details(picture: &Picture) -> String {
    let totals = &picture.totals;
    if totals.open == 0 {
        return format::bytes(totals.sent);
    }
    let mut parts = vec![format!(
        "{} of {}",
        format::bytes(totals.sent),
        format::bytes(totals.bytes)
    )];
    parts.extend(picture.rate.map(format::rate));
    parts.extend(picture.seconds_left.map(format::time_left));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_tells_what_matters_most() {
        let totals = |files, done, open, failed, conflicts| Totals {
            files,
            done,
            open,
            failed,
            conflicts,
            bytes: 0,
            sent: 0,
        };
        for (totals, text) in [
            (totals(1, 0, 1, 0, 0), "Uploading 1 file"),
            (totals(12, 3, 9, 0, 0), "Uploading 4 of 12 files"),
            (totals(12, 12, 0, 0, 0), "12 files uploaded"),
            (totals(12, 11, 0, 1, 0), "1 file could not be uploaded"),
            (totals(12, 10, 0, 1, 1), "One name is taken"),
            (totals(0, 0, 0, 0, 0), "Nothing was uploaded"),
        ] {
            assert_eq!(headline(&totals), text);
        }
    }

    #[test]
    fn an_empty_file_is_complete() {
        assert!((permille(0, 0) - 1000.0).abs() < f64::EPSILON);
        assert!((permille(1, 3) - 333.0).abs() < f64::EPSILON);
    }
}
