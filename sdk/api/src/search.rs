use crate::Node;
use serde::{Deserialize, Serialize};

/// Answer of `GET /v1/search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchPage {
    /// The hits, best first.
    pub items: Vec<Hit>,
    /// Give it as `cursor` for the hits behind these; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What is among the best hits, from this page on.
    pub facets: Facets,
}

/// A node that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hit {
    /// The node as it is now.
    pub node: Node,
    /// Where it is. It begins with a slash below the caller's own root, and can be looked up then; elsewhere it begins with
    /// the topmost folder that the caller may see.
    pub path: String,
    /// How it matches.
    #[serde(rename = "match")]
    pub matched: Match,
    /// Which parts of the name match, in order.
    pub highlights: Vec<Highlight>,
}

/// How a node matches a query, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The query is the name, with or without its extension.
    Exact,
    /// The name begins with the query.
    Prefix,
    /// Each word of the query is one of the name's.
    Word,
    /// Each word of the query begins one of the name's.
    WordPrefix,
    /// Some words are in its tags and in the texts of its fields, or only those were asked for.
    Metadata,
    /// Some words are in the names of the folders above that the caller may see.
    Path,
    /// The name has words that are spelled alike.
    Fuzzy,
    /// Something that this client does not know.
    #[serde(other)]
    Other,
}

/// A part of a name, in characters (Unicode code points), the end left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Highlight {
    /// First character, from 0.
    pub start: u32,
    /// The one behind the last.
    pub end: u32,
}

/// How often each value occurs among the hits that were counted, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facets {
    /// `file`, `folder`.
    pub kinds: Vec<FacetCount>,
    /// Families of files: `image`, `document`, …
    pub types: Vec<FacetCount>,
    /// Accounts that made the nodes, `acc_…`.
    pub owners: Vec<FacetCount>,
    /// Tags. One that was just changed is counted a moment later.
    #[serde(default)]
    pub tags: Vec<FacetCount>,
    /// How many hits were counted: the best ones from this page on, some hundreds at most.
    pub counted: u32,
}

/// A value and how many hits have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetCount {
    /// As it is given in a query.
    pub value: String,
    /// Hits.
    pub count: u32,
}
