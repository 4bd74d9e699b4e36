//! Folders and files of a link that is looked at or downloaded from.

use super::layout::document;
use super::text::{address, bytes, date};
use bitvault_proto::v1 as rpc;
use maud::{Markup, html};

/// Where on the link the page is.
pub(super) struct View<'a> {
    pub(super) token: &'a str,
    /// What the link is called.
    pub(super) title: String,
    /// The path below the link's node.
    pub(super) parts: Vec<&'a str>,
    pub(super) may_download: bool,
}

impl View<'_> {
    /// The name of what is shown.
    fn here(&self) -> &str {
        self.parts.last().copied().unwrap_or(&self.title)
    }
}

/// What a link without a label is called.
pub(super) fn title(top: &rpc::Node) -> String {
    match top.name.as_str() {
        "" => "Files".to_owned(),
        name => name.to_owned(),
    }
}

/// A folder with one page of what is in it.
pub(super) fn folder_page(view: &View<'_>, nodes: &[rpc::Node], next: Option<&str>) -> Markup {
    let here = address(view.token, "", &view.parts);
    document(
        view.here(),
        false,
        &html! {
            div class="page-head" {
                (crumbs(view))
                @if view.may_download {
                    div class="actions" {
                        a class="button primary" href=(address(view.token, "/zip", &view.parts)) download {
                            "Download all as ZIP"
                        }
                    }
                }
            }
            @if nodes.is_empty() {
                p class="empty" { "Nothing in this folder." }
            } @else {
                table class="nodes" {
                    caption class="hidden-text" { "What is in " (view.here()) }
                    thead {
                        tr {
                            th scope="col" { "Name" }
                            th scope="col" class="size" { "Size" }
                            th scope="col" class="modified" { "Changed" }
                        }
                    }
                    tbody { @for node in nodes { (row(view, node)) } }
                }
            }
            @if let Some(next) = next {
                @let joint = if view.parts.is_empty() { "?" } else { "&" };
                p class="more" { a class="button" href={ (here) (joint) "cursor=" (next) } { "More" } }
            }
        },
    )
}

fn row(view: &View<'_>, node: &rpc::Node) -> Markup {
    let mut parts = view.parts.clone();
    parts.push(&node.name);
    let what = match (&node.version, view.may_download) {
        (None, _) => Some(""),
        (Some(_), true) => Some("/content"),
        (Some(_), false) => None,
    };
    html! {
        tr class=(if node.version.is_some() { "file" } else { "folder" }) {
            td class="name" {
                div {
                    (glyph(node.version.is_none()))
                    @match what {
                        Some(what) => a class="row-main" href=(address(view.token, what, &parts)) { (node.name) },
                        None => span class="row-main" { (node.name) },
                    }
                }
            }
            td class="size" { @if let Some(version) = &node.version { (bytes(version.size)) } }
            td class="modified" {
                @if let Some((shown, exact)) = date(node.updated_at.as_ref()) { time datetime=(exact) { (shown) } }
            }
        }
    }
}

/// One file.
pub(super) fn file_page(view: &View<'_>, node: &rpc::Node) -> Markup {
    let version = node.version.clone().unwrap_or_default();
    document(
        view.here(),
        false,
        &html! {
            div class="page-head" { (crumbs(view)) }
            section class="card file" {
                (glyph(false))
                h2 { (node.name) }
                p class="hint" {
                    (bytes(version.size))
                    @if let Some((shown, exact)) = date(node.updated_at.as_ref()) {
                        " · changed " time datetime=(exact) { (shown) }
                    }
                }
                @if view.may_download {
                    a class="button primary wide" href=(address(view.token, "/content", &view.parts)) { "Download" }
                } @else {
                    p { "This link is for looking only." }
                }
            }
        },
    )
}

fn crumbs(view: &View<'_>) -> Markup {
    html! {
        nav class="crumbs" aria-label="Folders" {
            ol {
                @if view.parts.is_empty() {
                    li { h1 aria-current="page" { (view.title) } }
                } @else {
                    li { a href=(address(view.token, "", &[])) { (view.title) } }
                    @for (at, part) in view.parts.iter().enumerate() {
                        li {
                            span class="joint" aria-hidden="true" { "›" }
                            @if at + 1 == view.parts.len() {
                                h1 aria-current="page" { (part) }
                            } @else {
                                a href=(address(view.token, "", &view.parts[..=at])) { (part) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn glyph(folder: bool) -> Markup {
    let path = if folder {
        "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"
    } else {
        "M6 3h8l4 4v14H6zM14 3v4h4"
    };
    html! {
        svg class="icon" viewBox="0 0 24 24" aria-hidden="true" { path d=(path) {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> rpc::Node {
        rpc::Node {
            name: name.to_owned(),
            version: Some(rpc::Version {
                size: 5,
                ..rpc::Version::default()
            }),
            ..rpc::Node::default()
        }
    }

    fn view(may_download: bool) -> View<'static> {
        View {
            token: "bvl_x",
            title: "Shared".to_owned(),
            parts: vec!["a<b"],
            may_download,
        }
    }

    #[test]
    fn names_are_escaped_wherever_they_stand() {
        let nodes = [file("<img src=x onerror=alert(1)>\"'.txt")];
        let page = folder_page(&view(true), &nodes, Some("c")).into_string();
        assert!(!page.contains("<img src=x") && !page.contains("a<b"), "{page}");
        assert!(page.contains("%3Cimg") && page.contains("&cursor=c") || page.contains("&amp;cursor=c"));
    }

    #[test]
    fn a_link_that_only_shows_leads_to_no_content() {
        let nodes = [file("a.txt")];
        for page in [
            folder_page(&view(false), &nodes, None),
            file_page(&view(false), &nodes[0]),
        ] {
            let page = page.into_string();
            assert!(!page.contains("/content") && !page.contains("/zip"), "{page}");
        }
        assert!(
            folder_page(&view(true), &nodes, None)
                .into_string()
                .contains("/content?path=/a%3Cb/a.txt")
        );
    }
}
