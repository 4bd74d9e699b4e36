//! Hits as they are answered, and what is counted of them.

use super::candidates::Found;
use crate::domain::cursor::Place;
use crate::domain::query::Query;
use crate::domain::text;
use crate::store::find::Candidate;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use std::collections::{BTreeMap, HashMap};
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
    cut: bool,
    counted: u32,
    kinds: BTreeMap<String, u32>,
    types: BTreeMap<String, u32>,
    owners: BTreeMap<String, u32>,
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
        for id in &visible.ids {
            if let Some(candidate) = by_id.get(&id.parse::<NodeId>()?.0) {
                self.count(candidate);
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
            self.items.push(v1::SearchHit {
                highlights: text::highlights(&node.name, &query.tokens, &found.alike),
                r#match: candidate.class,
                path: shown.path,
                node: Some(node),
            });
        }
        Ok(())
    }

    fn count(&mut self, candidate: &Candidate) {
        let kind = if candidate.is_folder { "folder" } else { "file" };
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        if !candidate.is_folder {
            *self.types.entry(candidate.family.clone()).or_default() += 1;
        }
        if let Some(owner) = candidate.owner {
            *self.owners.entry(AccountId(owner).to_string()).or_default() += 1;
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
                counted: self.counted,
            }),
        }
    }
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
