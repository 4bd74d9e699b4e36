//! The page's pictures: one line drawing each, in the colour of the text around it.

use leptos::prelude::*;

/// A picture. All are decoration: what it means stands beside it or in a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Archive,
    ArrowDown,
    Check,
    ChevronDown,
    ChevronRight,
    Close,
    Download,
    File,
    Folder,
    FolderPlus,
    FolderUp,
    Image,
    Media,
    Offline,
    Refresh,
    Retry,
    SignOut,
    Text,
    Trash,
    Upload,
    Warning,
}

impl Icon {
    /// The picture for a file, by its media type.
    pub(crate) fn for_media_type(media_type: &str) -> Self {
        let (family, kind) = media_type.split_once('/').unwrap_or((media_type, ""));
        match family {
            "image" => Self::Image,
            "video" | "audio" => Self::Media,
            "text" => Self::Text,
            _ if kind == "pdf" || kind.contains("document") || kind == "json" => Self::Text,
            _ if ["zip", "tar", "gzip", "compressed", "zstd"]
                .iter()
                .any(|word| kind.contains(word)) =>
            {
                Self::Archive
            }
            _ => Self::File,
        }
    }

    /// Drawn on a field of 24 × 24.
    fn path(self) -> &'static str {
        match self {
            Self::Archive => {
                "M6 3h12a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM11 3v2M13 5v2M11 7v2M13 9v2M10.5 13h3v3h-3z"
            }
            Self::ArrowDown => "M12 5v14M6 13l6 6 6-6",
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::ChevronDown => "M6 9l6 6 6-6",
            Self::ChevronRight => "M9 6l6 6-6 6",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Download => "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
            Self::File => "M7 3h7l5 5v12a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM14 3v5h5",
            Self::Folder => "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z",
            Self::FolderPlus => {
                "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2ZM12 10.5v5M9.5 13h5"
            }
            Self::FolderUp => {
                "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2ZM12 16v-5.5M9.5 12.7l2.5-2.4 2.5 2.4"
            }
            Self::Image => {
                "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM4 16.5l4.5-4.5 7.5 8M14 14l2-2 4 4M15.5 8.5h.01"
            }
            Self::Media => {
                "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM10 9v6l5-3z"
            }
            Self::Offline => {
                "M3 4l18 17M8.5 12.7a6 6 0 0 1 3-1.2M5 9.5a11 11 0 0 1 3-2M12 6.5a11 11 0 0 1 7 3M15 12.5l.8.5M12 18h.01"
            }
            Self::Refresh => "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.3M20 4.5v4.8h-4.8",
            Self::Retry => "M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4 9.3M4 4.5v4.8h4.8",
            Self::SignOut => "M10 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h4M14 8l4 4-4 4M18 12H9.5",
            Self::Text => {
                "M7 3h7l5 5v12a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM14 3v5h5M9 12.5h7M9 16h5"
            }
            Self::Trash => {
                "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12a1 1 0 0 0 1 1h7.4a1 1 0 0 0 1-1l.8-12M10.5 11v5M13.5 11v5"
            }
            Self::Upload => "M12 15.5V4.5M7.5 9L12 4.5 16.5 9M5 19.5h14",
            Self::Warning => "M12 4l9 15.5H3zM12 10v4.5M12 17h.01",
        }
    }
}

/// Draws a picture.
#[component]
pub(crate) fn Glyph(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=icon.path()></path>
        </svg>
    }
}

/// The product's mark.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="mark-field" x="1" y="1" width="30" height="30" rx="8"></rect>
            <path class="mark-line" d="M9 10.5h14v12H9zM9 14.5h14M13 10.5V8.5h6v2M16 17.5v2.5"></path>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::Icon;

    #[test]
    fn files_get_a_picture_by_their_media_type() {
        for (media_type, icon) in [
            ("image/png", Icon::Image),
            ("video/mp4", Icon::Media),
            ("application/pdf", Icon::Text),
            ("application/zip", Icon::Archive),
            ("application/gzip", Icon::Archive),
            ("application/octet-stream", Icon::File),
            ("", Icon::File),
        ] {
            assert_eq!(Icon::for_media_type(media_type), icon, "{media_type}");
        }
    }
}
