//! The contents of both sides: texts line by line, images side by side, anything else not at all.

use bitvault_api::Node;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Asked;
use crate::app::Shared;
use crate::browser::pictures::Picture;
use crate::diff::{self, Line, Row};

/// Largest text that is compared here, in bytes.
const TEXT_BYTES: u64 = 512 * 1024;
/// Largest image that is shown here, in bytes.
const IMAGE_BYTES: u64 = 32 * 1024 * 1024;

/// Media type of what nobody named.
const UNKNOWN: &str = "application/octet-stream";

/// What can be shown of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Images,
    TooLarge,
    /// Only their facts.
    Neither,
}

fn kind(theirs: &Node, mine: &Node) -> Kind {
    let all = |is: fn(&str) -> bool| [theirs, mine].iter().all(|node| is(&media_type(node)));
    let within = |most: u64| {
        [theirs, mine]
            .iter()
            .all(|node| node.size.is_some_and(|size| size <= most))
    };
    match (all(is_image), all(is_text)) {
        (true, _) if within(IMAGE_BYTES) => Kind::Images,
        (_, true) if within(TEXT_BYTES) => Kind::Text,
        (true, _) | (_, true) => Kind::TooLarge,
        (false, false) => Kind::Neither,
    }
}

/// What a file is; by its name where nobody said, as of what devices upload.
fn media_type(node: &Node) -> String {
    let given = node.content_type.as_deref().unwrap_or_default();
    let plain = given.split(';').next().unwrap_or_default();
    let plain = plain.trim().to_ascii_lowercase();
    if plain != UNKNOWN {
        return plain;
    }
    let extension = node.name.rsplit_once('.').map(|(_, extension)| extension);
    let known = match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "bmp" => "image/bmp",
        _ => UNKNOWN,
    };
    known.to_owned()
}

/// Those that browsers draw.
fn is_image(media_type: &str) -> bool {
    matches!(
        media_type,
        "image/png"
            | "image/jpeg"
            | "image/gif"
            | "image/webp"
            | "image/avif"
            | "image/svg+xml"
            | "image/bmp"
    )
}

/// What is text, also under names of its own. What nobody named may be text: it is looked at.
fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(
            media_type,
            "application/json"
                | "application/xml"
                | "application/toml"
                | "application/yaml"
                | "application/x-yaml"
                | "application/javascript"
                | "application/x-sh"
                | UNKNOWN
        )
}

/// Both contents.
#[component]
pub(super) fn Comparison(theirs: Node, mine: Node) -> impl IntoView {
    match kind(&theirs, &mine) {
        Kind::Text => view! { <Texts theirs=theirs mine=mine/> }.into_any(),
        Kind::Images => view! {
            <div class="sides">
                <Image label="The file" node=theirs/>
                <Image label="The conflicted copy" node=mine/>
            </div>
        }
        .into_any(),
        Kind::TooLarge => nothing(
            "The files are too large to be compared here. Download both and compare them on your machine.",
        ),
        Kind::Neither => {
            nothing("The contents can't be shown here. Download both and compare them on your machine.")
        }
    }
}

fn nothing(text: &'static str) -> AnyView {
    view! { <p class="panel pad hint">{text}</p> }.into_any()
}

#[component]
fn Texts(theirs: Node, mine: Node) -> impl IntoView {
    let shared = Shared::get();
    let texts = RwSignal::new(Asked::<(Option<String>, Option<String>)>::Waiting);
    spawn_local(async move {
        let api = shared.api();
        let both = futures::join!(api.bytes(&theirs), api.bytes(&mine));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let both = match both {
            (Ok(theirs), Ok(mine)) => Ok((text(theirs), text(mine))),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        texts.try_set(Asked::Answered(both));
    });
    move || {
        match texts.get() {
        Asked::Waiting => view! { <p class="panel pad hint" role="status">"Loading both…"</p> }.into_any(),
        Asked::Answered(Err(error)) => view! {
            <p class="panel pad hint" role="alert">
                "The contents can't be loaded to be compared. " {error.message()} " You may still download and choose."
            </p>
        }
        .into_any(),
        Asked::Answered(Ok((Some(theirs), Some(mine)))) => match diff::rows(&theirs, &mine) {
            Some(rows) => view! { <Table rows=rows/> }.into_any(),
            None => nothing("The files have too many lines to be compared here. Download both and compare them on your machine."),
        },
        Asked::Answered(Ok(_)) => {
            nothing("The contents can't be shown here. Download both and compare them on your machine.")
        }
    }
    }
}

#[component]
fn Table(rows: Vec<Row>) -> impl IntoView {
    if !rows.iter().any(|row| matches!(row, Row::Changed(..))) {
        return nothing("Both have the same lines.");
    }
    let rows = rows.into_iter().map(|row| match row {
        Row::Skipped(count) => {
            let text = crate::format::count(count, "equal line", "equal lines");
            view! { <tr class="skipped"><td colspan="4">"… " {text} " …"</td></tr> }.into_any()
        }
        Row::Equal(one, other) => view! {
            <tr>{cells(Some(one), "left", None)}{cells(Some(other), "right", None)}</tr>
        }
        .into_any(),
        Row::Changed(one, other) => view! {
            <tr class="changed">
                {cells(one, "left", Some("only in the file: "))}{cells(other, "right", Some("only in the copy: "))}
            </tr>
        }
        .into_any(),
    });
    view! {
        <div class="panel diff-frame" tabindex="0" role="region" aria-label="What differs">
            <table class="diff">
                <caption class="hidden-text">"What differs, line by line"</caption>
                <colgroup><col class="number"/><col/><col class="number"/><col/></colgroup>
                <thead>
                    <tr><th colspan="2" scope="colgroup">"The file"</th><th colspan="2" scope="colgroup">"The conflicted copy"</th></tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn cells(line: Option<Line>, side: &'static str, said: Option<&'static str>) -> impl IntoView {
    let (number, text) = match line {
        Some(line) => (line.number.to_string(), Some(line.text)),
        None => (String::new(), None),
    };
    let class = match text {
        Some(_) => format!("line {side}"),
        None => format!("line {side} none"),
    };
    let said = said.filter(|_| text.is_some());
    view! {
        <td class=format!("number {side}")>{number}</td>
        <td class=class>{said.map(|said| view! { <span class="hidden-text">{said}</span> })}{text}</td>
    }
}

#[component]
fn Image(label: &'static str, node: Node) -> impl IntoView {
    let shared = Shared::get();
    let picture = RwSignal::new_local(Asked::<Picture>::Waiting);
    let alternative = format!("{label}: {}", node.name);
    let shown_type = media_type(&node);
    spawn_local(async move {
        let answer = shared.api().bytes(&node).await;
        let answer = answer.map(|bytes| Picture::new(&bytes, &shown_type));
        picture.try_set(Asked::Answered(answer));
    });
    view! {
        <figure class="panel picture">
            <figcaption>{label}</figcaption>
            {move || match picture.get() {
                Asked::Waiting => view! { <p class="hint" role="status">"Loading…"</p> }.into_any(),
                Asked::Answered(Err(error)) => view! { <p class="hint" role="alert">{error.message()}</p> }.into_any(),
                Asked::Answered(Ok(picture)) => view! { <img src=picture.url() alt=alternative.clone()/> }.into_any(),
            }}
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(content_type: &str, size: u64) -> Node {
        let (content_type, name) = content_type.split_once(' ').unwrap_or((content_type, "a"));
        serde_json::from_value(serde_json::json!({
            "id": "nod_1", "kind": "file", "name": name, "revision": 1, "content_type": content_type, "size": size,
            "created_at": "2026-11-28T10:00:00Z", "updated_at": "2026-11-28T10:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn what_is_shown_depends_on_both_types_and_sizes() {
        for (theirs, mine, expected) in [
            (
                ("text/plain", 1),
                ("text/markdown;charset=utf-8", TEXT_BYTES),
                Kind::Text,
            ),
            (("text/plain", 1), ("text/plain", TEXT_BYTES + 1), Kind::TooLarge),
            (("image/png", 1), ("image/JPEG", IMAGE_BYTES), Kind::Images),
            (("image/png", 1), ("image/png", IMAGE_BYTES + 1), Kind::TooLarge),
            (("image/png", 1), ("text/plain", 1), Kind::Neither),
            (("image/svg+xml", 1), ("image/svg+xml", 1), Kind::Images),
            (("application/zip", 1), ("application/zip", 1), Kind::Neither),
            (("application/octet-stream", 1), ("text/plain", 1), Kind::Text),
            (
                ("application/octet-stream a.PNG", 1),
                ("image/png", 1),
                Kind::Images,
            ),
        ] {
            let found = kind(&node(theirs.0, theirs.1), &node(mine.0, mine.1));
            assert_eq!(found, expected, "{theirs:?} {mine:?}");
        }
    }
}
