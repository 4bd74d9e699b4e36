use super::{missing, node};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

/// A page of hits.
pub(crate) fn found(from: rpc::SearchResponse) -> Result<rest::SearchPage, Error> {
    let facets = from.facets.unwrap_or_default();
    let counts = |counts: Vec<rpc::FacetCount>| {
        let counts = counts.into_iter().map(|one| rest::FacetCount {
            value: one.value,
            count: one.count,
        });
        counts.collect()
    };
    Ok(rest::SearchPage {
        items: from.items.into_iter().map(hit).collect::<Result<_, _>>()?,
        next_cursor: from.next_cursor,
        facets: rest::Facets {
            kinds: counts(facets.kinds),
            types: counts(facets.types),
            owners: counts(facets.owners),
            tags: counts(facets.tags),
            counted: facets.counted,
        },
    })
}

fn hit(from: rpc::SearchHit) -> Result<rest::Hit, Error> {
    let matched = match from.r#match() {
        rpc::SearchMatch::Exact => rest::Match::Exact,
        rpc::SearchMatch::Prefix => rest::Match::Prefix,
        rpc::SearchMatch::Word => rest::Match::Word,
        rpc::SearchMatch::WordPrefix => rest::Match::WordPrefix,
        rpc::SearchMatch::Metadata => rest::Match::Metadata,
        rpc::SearchMatch::Path => rest::Match::Path,
        rpc::SearchMatch::Fuzzy => rest::Match::Fuzzy,
        rpc::SearchMatch::Unspecified => rest::Match::Other,
    };
    let highlights = from.highlights.iter().map(|range| rest::Highlight {
        start: range.start,
        end: range.end,
    });
    Ok(rest::Hit {
        matched,
        highlights: highlights.collect(),
        path: from.path,
        node: node(from.node.ok_or_else(|| missing("hit.node"))?)?,
    })
}
