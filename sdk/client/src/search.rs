//! Finding nodes by name, tag and field.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::SearchPage;

/// What is searched for. Empty fields ask for nothing.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words, each of which the name, a tag or the text of a field has or begins with.
    pub query: String,
    /// Only below this folder, by id.
    pub within: Option<String>,
    /// `file`, `folder`, a family such as `image`, or a media type.
    pub kind: Option<String>,
    /// Only what this account made, `acc_…` or `me`.
    pub owner: Option<String>,
    /// RFC 3339.
    pub modified_after: Option<String>,
    /// RFC 3339.
    pub modified_before: Option<String>,
    /// Bytes.
    pub min_size: Option<u64>,
    /// Bytes.
    pub max_size: Option<u64>,
    /// Only what carries all of these tags.
    pub tags: Vec<String>,
    /// Only what carries all of these fields, `name:text`.
    pub fields: Vec<String>,
    /// Most hits of a page; the server's default when absent.
    pub limit: Option<u32>,
}

impl Client {
    /// `GET /v1/search`: one page of hits, best first.
    ///
    /// # Errors
    /// `invalid` for a query that makes no sense, `not_found` for a folder that isn't there; as any call.
    pub async fn search(&self, search: &Search, cursor: Option<&str>) -> Result<SearchPage> {
        let mut call = Call::get("/v1/search", []).query("q", search.query.clone());
        let texts = [
            ("in", search.within.clone()),
            ("type", search.kind.clone()),
            ("owner", search.owner.clone()),
            ("modified_after", search.modified_after.clone()),
            ("modified_before", search.modified_before.clone()),
            ("min_size", search.min_size.map(|size| size.to_string())),
            ("max_size", search.max_size.map(|size| size.to_string())),
            ("limit", search.limit.map(|limit| limit.to_string())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                call = call.query(name, text);
            }
        }
        for tag in &search.tags {
            call = call.query("tag", tag.clone());
        }
        for field in &search.fields {
            call = call.query("field", field.clone());
        }
        self.send(call).await
    }
}
