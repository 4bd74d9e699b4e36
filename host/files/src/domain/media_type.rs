//! Media types of contents: the one of a file that nobody named, and whether a browser may show it.

/// Media type of content that nobody named and whose name says nothing.
const UNKNOWN: &str = "application/octet-stream";

/// The media type that a file's name tells.
pub(crate) fn of_name(name: &str) -> &'static str {
    mime_guess::from_path(name).first_raw().unwrap_or(UNKNOWN)
}

/// Whether a browser that is sent to such content may show it. What it might run (a page, a drawing with a script) is saved
/// instead, and so is all that we know nothing of. Parameters stand behind a semicolon; case does not matter.
pub(crate) fn may_be_shown(media_type: &str) -> bool {
    // Of several types, a browser takes the last.
    if media_type.contains(',') {
        return false;
    }
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    match kind.split_once('/') {
        Some(("image", of)) => !of.ends_with("xml"),
        Some(("audio" | "video", of)) => !of.ends_with("xml"),
        _ => matches!(kind.as_str(), "text/plain" | "application/pdf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_media_type() {
        for (name, told) in [
            ("a.txt", "text/plain"),
            ("A.PNG", "image/png"),
            ("page.html", "text/html"),
            ("a.tar.gz", "application/gzip"),
            ("notes", UNKNOWN),
            ("a.no such", UNKNOWN),
            (".txt", UNKNOWN),
        ] {
            assert_eq!(of_name(name), told, "{name}");
        }
    }

    #[test]
    fn what_a_browser_might_run_is_not_shown() {
        for shown in [
            "image/png",
            "video/mp4",
            "audio/ogg",
            "text/plain; charset=utf-8",
            "application/pdf",
        ] {
            assert!(may_be_shown(shown), "{shown}");
        }
        for saved in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "text/plain, text/html",
            "image/png; a=b, text/html",
            "application/xhtml+xml",
            "image/svg+xml",
            "IMAGE/SVG+XML",
            "text/xml",
            "text/javascript",
            "multipart/x-mixed-replace",
            "application/octet-stream",
            "image",
            "",
        ] {
            assert!(!may_be_shown(saved), "{saved}");
        }
    }
}
