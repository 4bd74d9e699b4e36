//! Hits as they are answered, and what is counted of them.

use crate::domain::cursor::Place;
use crate::domain::query::Query;
use crate::domain::text;
use crate::store::find::{Candidate, Found};
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use bitvault_proto::v1::SearchMatch;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Values of one facet, the most frequent ones.
const VALUES: usize = 10;

/// An answer that grows.
#[derive(Debug, Default)]
pub(super) struct Answer {
    items: Vec<v1::SearchHit>,
    /// Of the last of them.
    place: Option<Place>,
    /// There may be more than was looked at.
    pub(super) more: bool,
    /// Some that may be seen are not among the items.
    pub(super) cut: bool,
    counted: u32,
    kinds: BTreeMap<String, u32>,
    types: BTreeMap<String, u32>,
    owners: BTreeMap<String, u32>,
    tags: BTreeMap<String, u32>,
}

impl Answer {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes the candidates that the caller may see, and those that were answered whole as items.
    pub(super) fn take(
        &mut self,
        query: &Query,
        found: &Found,
        visible: internal::FilterVisibleResponse,
    ) -> Result<()> {
        let by_id: HashMap<Uuid, &Candidate> = found
            .candidates
            .iter()
            .map(|candidate| (candidate.node, candidate))
            .collect();
        self.cut |= visible.ids.len() > visible.nodes.len();
        let mut told = HashSet::with_capacity(visible.ids.len());
        for (at, id) in visible.ids.iter().enumerate() {
            let Some(candidate) = by_id.get(&id.parse::<NodeId>()?.0) else {
                continue;
            };
            let current = visible.revisions.get(at) == Some(&candidate.revision);
            if may_be_told(query, candidate, current, visible.paths.get(at)) {
                self.count(candidate, current);
                told.insert(candidate.node);
            }
        }
        for shown in visible.nodes {
            let node = shown
                .node
                .ok_or_else(|| Error::internal("read a visible node", "it is missing"))?;
            let Some(candidate) = by_id.get(&node.id.parse::<NodeId>()?.0) else {
                continue;
            };
            self.place = Some(candidate.place());
            if !told.contains(&candidate.node) {
                continue;
            }
            self.items.push(v1::SearchHit {
                highlights: text::highlights(&node.name, &query.tokens, &found.alike),
                r#match: candidate.class,
                path: shown.path,
                node: Some(node),
            });
        }
        Ok(())
    }

    fn count(&mut self, candidate: &Candidate, current: bool) {
        let kind = if candidate.is_folder { "folder" } else { "file" };
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        if !candidate.is_folder {
            *self.types.entry(candidate.family.clone()).or_default() += 1;
        }
        if let Some(owner) = candidate.owner {
            *self.owners.entry(AccountId(owner).to_string()).or_default() += 1;
        }
        // Tags of another time are nobody's to read.
        for tag in candidate.tags.iter().filter(|_| current) {
            *self.tags.entry(tag.clone()).or_default() += 1;
        }
        self.counted += 1;
    }

    /// `query` stands behind the last candidate that was looked at.
    pub(super) fn into_message(self, query: &Query) -> v1::SearchResponse {
        let next = if self.cut {
            self.place
        } else if self.more {
            query.behind
        } else {
            None
        };
        v1::SearchResponse {
            items: self.items,
            next_cursor: next.map(|place| query.cursor(place)),
            facets: Some(v1::SearchFacets {
                kinds: most(self.kinds),
                types: most(self.types),
                owners: most(self.owners),
                tags: most(self.tags),
                counted: self.counted,
            }),
        }
    }
}

/// Whether a node that the caller may see may be told to match as well: not by tags and fields that it has no longer, which
/// were there perhaps when the caller saw nothing of it; not by names of folders above that the caller may not see.
fn may_be_told(query: &Query, candidate: &Candidate, current: bool, path: Option<&String>) -> bool {
    let by_metadata = candidate.marked && candidate.class >= SearchMatch::Metadata.into();
    if !current && (by_metadata || !query.filters.marks.is_empty()) {
        return false;
    }
    let own = |token: usize| candidate.own & 1_i32.checked_shl(token as u32).unwrap_or_default() != 0;
    candidate.class != i32::from(SearchMatch::Path)
        || path.is_some_and(|path| text::is_on_path(path, &query.tokens, own))
}

/// The most frequent values, by how often.
fn most(counts: BTreeMap<String, u32>) -> Vec<v1::FacetCount> {
    let mut counts: Vec<v1::FacetCount> = counts
        .into_iter()
        .map(|(value, count)| v1::FacetCount { value, count })
        .collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    counts.truncate(VALUES);
    counts
}
