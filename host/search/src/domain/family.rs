//! Families of content: what people mean by a type.

use bitvault_platform::{Error, Result};

/// The families, as they are called in queries and facets. A folder has one of its own.
const FAMILIES: [&str; 11] = [
    "folder",
    "image",
    "video",
    "audio",
    "document",
    "spreadsheet",
    "presentation",
    "text",
    "code",
    "archive",
    "other",
];

/// The family of a folder, or of a file with a media type.
pub(crate) fn family(folder: bool, content_type: Option<&str>) -> &'static str {
    if folder {
        return "folder";
    }
    let media = content_type.unwrap_or_default();
    let media = media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let (major, minor) = media.split_once('/').unwrap_or((&media, ""));
    let has = |parts: &[&str]| parts.iter().any(|part| minor.contains(part));
    match major {
        "image" => "image",
        "video" => "video",
        "audio" => "audio",
        _ if has(&["spreadsheet", "excel", "csv"]) => "spreadsheet",
        _ if has(&["presentation", "powerpoint"]) => "presentation",
        _ if has(&["pdf", "word", "opendocument.text", "rtf", "epub", "postscript"]) => "document",
        _ if has(&["zip", "tar", "compressed", "rar", "7z", "bzip", "xz", "zstd"]) => "archive",
        _ if has(&[
            "javascript",
            "json",
            "xml",
            "html",
            "css",
            "sql",
            "yaml",
            "toml",
            "x-sh",
            "x-rust",
            "x-python",
            "x-c",
        ]) =>
        {
            "code"
        }
        "text" => "text",
        _ => "other",
    }
}

/// What `type` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Files of every family.
    Files,
    /// One family.
    Family(&'static str),
    /// One media type.
    Media(String),
}

impl Wanted {
    /// Reads `type`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let folded = text.trim().to_ascii_lowercase();
        if folded == "file" {
            return Ok(Self::Files);
        }
        if let Some(family) = FAMILIES.into_iter().find(|family| *family == folded) {
            return Ok(Self::Family(family));
        }
        let media = folded.len() <= 255 && folded.bytes().all(|b| b.is_ascii_graphic());
        match folded.split_once('/') {
            Some((major, minor)) if media && !major.is_empty() && !minor.is_empty() => {
                Ok(Self::Media(folded))
            }
            _ => {
                let detail = format!(
                    "use file, {}, or a media type such as application/pdf",
                    FAMILIES.join(", ")
                );
                Err(Error::invalid_field("search_type_invalid", "type", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_fall_into_families() {
        for (media, expected) in [
            ("image/png", "image"),
            ("application/pdf", "document"),
            (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "document",
            ),
            (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "spreadsheet",
            ),
            ("text/csv", "spreadsheet"),
            ("application/vnd.oasis.opendocument.presentation", "presentation"),
            ("text/plain; charset=utf-8", "text"),
            ("application/json", "code"),
            ("application/x-tar", "archive"),
            ("application/octet-stream", "other"),
            ("", "other"),
        ] {
            assert_eq!(family(false, Some(media)), expected, "{media}");
            assert!(FAMILIES.contains(&expected));
        }
        assert_eq!(family(true, None), "folder");
    }

    #[test]
    fn a_type_is_a_family_or_a_media_type() {
        assert_eq!(Wanted::parse("Image").unwrap(), Wanted::Family("image"));
        assert_eq!(Wanted::parse("file").unwrap(), Wanted::Files);
        assert_eq!(
            Wanted::parse("text/CSV").unwrap(),
            Wanted::Media("text/csv".to_owned())
        );
        for bad in ["", "images", "text/", "/csv", "te xt/csv", "text/\u{e9}"] {
            assert_eq!(
                Wanted::parse(bad).unwrap_err().reason(),
                "search_type_invalid",
                "{bad}"
            );
        }
    }
}
