use super::find;
use crate::args::Search;
use crate::connect::Server;
use crate::error::Error;
use crate::human::{instant, printable, size};
use crate::output::Output;
use bitvault_client::api::limits::SEARCH_ITEMS_MAX;
use bitvault_client::api::{Highlight, Hit, NodeKind, SearchPage};
use serde_json::json;

pub(crate) async fn run(args: &Search, server: &Server, output: &Output) -> Result<(), Error> {
    let within = match &args.within {
        Some(path) => Some(find(server, path).await?.id),
        None => None,
    };
    let mut search = bitvault_client::Search {
        query: args.words.join(" "),
        within,
        kind: args.kind.clone(),
        owner: args.owner.clone(),
        modified_after: args.after.clone(),
        modified_before: args.before.clone(),
        tags: args.tags.clone(),
        fields: args.fields.clone(),
        ..bitvault_client::Search::default()
    };
    let mut left = args.limit;
    let mut all: Option<SearchPage> = None;
    loop {
        search.limit = Some(left.min(SEARCH_ITEMS_MAX));
        let cursor = all.as_ref().and_then(|all| all.next_cursor.clone());
        let page = server.client.search(&search, cursor.as_deref()).await?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        let all = match &mut all {
            Some(all) => {
                all.items.extend(page.items);
                all.next_cursor = page.next_cursor;
                all
            }
            None => all.insert(page),
        };
        if left == 0 || all.next_cursor.is_none() {
            return show(args, all, output);
        }
    }
}

fn show(args: &Search, page: &SearchPage, output: &Output) -> Result<(), Error> {
    if output.json {
        return output.document(&json!({
            "query": args.words.join(" "), "items": page.items, "facets": page.facets,
            "more": page.next_cursor.is_some(),
        }));
    }
    if page.items.is_empty() {
        output.note("nothing was found that you may see; try fewer words, or their beginnings");
    }
    for hit in &page.items {
        let shown = hit.node.size.map_or_else(|| "-".to_owned(), size);
        output.line(&format!(
            "{shown:>9}  {}  {}",
            instant(hit.node.updated_at),
            path(hit, output)
        ))?;
    }
    if page.next_cursor.is_some() {
        output.note("there may be more: name another word, or a larger --limit");
    }
    Ok(())
}

/// The path, with what matches of the name in bold on a terminal.
fn path(hit: &Hit, output: &Output) -> String {
    let slash = if hit.node.kind == NodeKind::Folder {
        "/"
    } else {
        ""
    };
    let Some(folder) = hit.path.strip_suffix(&hit.node.name).filter(|_| output.colours()) else {
        return format!("{}{slash}", output.name(&hit.path));
    };
    format!(
        "{}{}{slash}",
        printable(folder),
        bold(&hit.node.name, &hit.highlights)
    )
}

/// A name with some of its characters in bold.
fn bold(name: &str, ranges: &[Highlight]) -> String {
    let mut text = String::new();
    for (at, c) in (0_u32..).zip(printable(name).chars()) {
        if ranges.iter().any(|range| range.start == at) {
            text.push_str("\u{1b}[1m");
        }
        text.push(c);
        if ranges.iter().any(|range| range.end == at + 1) {
            text.push_str("\u{1b}[0m");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches_is_bold_and_nothing_else_reaches_the_terminal() {
        let ranges = [Highlight { start: 0, end: 3 }, Highlight { start: 6, end: 8 }];
        assert_eq!(
            bold("größe no", &ranges),
            "\u{1b}[1mgrö\u{1b}[0mße \u{1b}[1mno\u{1b}[0m"
        );
        assert_eq!(bold("a\u{1b}[2J", &[]), "a\u{fffd}[2J");
    }
}
