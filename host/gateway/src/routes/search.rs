use crate::auth::Caller;
use crate::extract::{Repeated, Repeats};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::SearchPage;
use bitvault_api::limits::SEARCH_ITEMS_MAX;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use serde::Deserialize;
use time::OffsetDateTime;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// Words, each of which the name, a tag or the text of a field has or begins with; at most 512 bytes. May be left out
    /// beside `tag` or `field`.
    q: Option<String>,
    /// Only below this folder, `nod_…` or `root`.
    r#in: Option<String>,
    /// `file`, `folder`, a family (`image`, `video`, `audio`, `document`, `spreadsheet`, `presentation`, `text`, `code`,
    /// `archive`, `other`) or a media type.
    r#type: Option<String>,
    /// Only what this account made, `acc_…` or `me`.
    owner: Option<String>,
    /// Only what changed at this time or later, RFC 3339.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    modified_after: Option<OffsetDateTime>,
    /// Only what changed before this time, RFC 3339.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    modified_before: Option<OffsetDateTime>,
    /// Smallest size in bytes. A bound leaves folders out.
    min_size: Option<u64>,
    /// Largest size in bytes.
    max_size: Option<u64>,
    /// Most hits of the answer; 20 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Repeats for SearchParams {
    const REPEATED: &'static [&'static str] = &["tag", "field"];
}

/// Parameters that may be repeated: everything that is named has to be there.
#[derive(Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Marks {
    /// Only what carries this tag. May be repeated; at most 8 tags and fields.
    #[param(required = false)]
    tag: Vec<String>,
    /// Only what carries this field with this whole text, `name:text`. May be repeated.
    #[param(required = false)]
    field: Vec<String>,
}

impl Marks {
    fn of(repeated: Vec<(String, String)>) -> Self {
        let mut marks = Self::default();
        for (name, text) in repeated {
            match name.as_str() {
                "tag" => marks.tag.push(text),
                _ => marks.field.push(text),
            }
        }
        marks
    }
}

/// Search files and folders by name, tag and field
///
/// Best first: the whole name, its beginning, words, beginnings of words; then what has the words in its tags and fields; then
/// what lies in folders of that name; then, where little was found, words that are spelled alike. Among equals the newest first. Only what the caller may see is found, and
/// nothing in the trash. The index follows changes by about a second.
#[utoipa::path(get, path = "/v1/search", tag = "search", params(SearchParams, Marks),
    responses((status = 200, description = "One page", body = SearchPage)))]
pub(super) async fn search(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Repeated {
        once: params,
        repeated,
    }: Repeated<SearchParams>,
) -> Answer<axum::Json<SearchPage>> {
    if params
        .limit
        .is_some_and(|limit| limit == 0 || limit > SEARCH_ITEMS_MAX)
    {
        let detail = format!("use 1 to {SEARCH_ITEMS_MAX}");
        return Err(Error::invalid_field("limit_invalid", "limit", detail).into());
    }
    let marks = Marks::of(repeated);
    if params.q.is_none() && marks.tag.is_empty() && marks.field.is_empty() {
        let detail = "missing: name a word, or give `tag` or `field`";
        return Err(Error::invalid_field("query_invalid", "q", detail).into());
    }
    let message = rpc::SearchRequest {
        query: params.q.unwrap_or_default(),
        r#in: params.r#in,
        r#type: params.r#type,
        owner: params.owner,
        modified_after: params.modified_after.map(translate::stamp),
        modified_before: params.modified_before.map(translate::stamp),
        min_size: params.min_size,
        max_size: params.max_size,
        limit: params.limit.unwrap_or_default(),
        cursor: params.cursor,
        tags: marks.tag,
        fields: marks.field,
    };
    let page = state.search().search(ctx.request(message)).await?.into_inner();
    Ok(axum::Json(translate::found(page)?))
}
