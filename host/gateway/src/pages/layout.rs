//! What all pages have in common, and those that say no.

use super::text::address;
use maud::{DOCTYPE, Markup, html};

/// Beside the password, when it did not open the link.
pub(super) const WRONG: &str =
    "That did not open it. Check the password, or ask whoever gave you the link whether it is still good.";

/// A whole page; `script` is for drop boxes.
pub(super) fn document(title: &str, script: bool, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                title { (title) " – BitVault" }
                link rel="icon" href="/s/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/s/page.css";
                @if script {
                    script src="/s/drop.js" defer {}
                }
            }
            body {
                a class="skip" href="#main" { "To the content" }
                header class="bar" {
                    p class="brand" {
                        img class="mark" src="/s/icon.svg" alt="" width="28" height="28";
                        span { "BitVault" }
                    }
                    p class="hint" { "Shared with you by a link" }
                }
                main class="page" id="main" tabindex="-1" { (main) }
            }
        }
    }
}

/// A link that does not open, whatever the reason.
pub(super) fn closed(problem: Option<&str>) -> Markup {
    document(
        "Link",
        false,
        &html! {
            section class="card" {
                h1 { "This link is not open" }
                p {
                    "It may have ended, or it asks for a password. If you were given a password, type it here; otherwise ask "
                    "whoever gave you the link for a new one."
                }
                form method="post" {
                    @if let Some(problem) = problem {
                        p class="form-problem" id="problem" role="alert" { (problem) }
                    }
                    label for="password" { "Password" }
                    input type="password" id="password" name="password" required autocomplete="off" maxlength="512"
                        aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")];
                    button class="button primary wide" type="submit" { "Open" }
                }
            }
        },
    )
}

/// Something that is not there or does not work; on an open link with the way back to its top.
pub(super) fn trouble(told: &str, token: Option<&str>) -> Markup {
    document(
        "Link",
        false,
        &html! {
            section class="card" {
                h1 { "That did not work" }
                p role="alert" { (told) }
                @if let Some(token) = token {
                    p { a class="button" href=(address(token, "", &[])) { "Back to the start" } }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_escaped() {
        let page = trouble("<script>alert(1)</script>", Some("\"><b>")).into_string();
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    }
}
