//! A drop box: files go in, nothing is shown.

use super::layout::document;
use super::text::address;
use maud::{Markup, html};

/// The form; `drop.js` sends the files.
pub(super) fn page(token: &str, label: Option<&str>) -> Markup {
    let title = label.unwrap_or("Send files");
    document(
        title,
        true,
        &html! {
            section class="card" {
                h1 { (title) }
                p { "Files that you add here go to whoever gave you this link. You can't see what others have sent." }
                noscript { p class="form-problem" { "Sending files needs JavaScript. Switch it on for this page." } }
                form id="drop" data-base=(address(token, "", &[])) {
                    label for="files" { "Files" }
                    input type="file" id="files" name="files" multiple required;
                    p class="form-problem" id="problem" role="alert" {}
                    button class="button primary wide" type="submit" { "Send" }
                }
                ul class="sent" id="sent" aria-label="Files you have added" aria-live="polite" {}
            }
        },
    )
}
