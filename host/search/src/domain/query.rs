//! What is asked for, read and refused with a reason.

use super::cursor::{self, Place};
use super::family::Wanted;
use super::text;
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Error, Result};
use bitvault_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

/// Longest query, in bytes.
const QUERY_BYTES: usize = 512;
/// Most words of a query.
const TOKENS_MAX: usize = 8;
/// Most tags and fields that are asked for at a time.
const MARKS_MAX: usize = 8;
/// Longest tag that is asked for, in bytes, and the longest name and text of a field.
const TAG_BYTES: usize = 256;
const FIELD_BYTES: usize = 1536;
/// Hits of a page when the caller names no limit, and the most of one.
const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// What a hit must be, beside its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    pub(crate) folder: Option<bool>,
    pub(crate) family: Option<&'static str>,
    pub(crate) media: Option<String>,
    pub(crate) owner: Option<Uuid>,
    pub(crate) after: Option<OffsetDateTime>,
    pub(crate) before: Option<OffsetDateTime>,
    pub(crate) min_size: Option<i64>,
    pub(crate) max_size: Option<i64>,
    /// Words of the dictionary that it must have: tags and fields as a whole.
    pub(crate) marks: Vec<String>,
}

/// A query that makes sense.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// As a whole, folded.
    pub(crate) folded: String,
    /// Its words; none where only tags and fields are asked for.
    pub(crate) tokens: Vec<String>,
    pub(crate) filters: Filters,
    pub(crate) limit: usize,
    /// Hits behind this one.
    pub(crate) behind: Option<Place>,
    /// Of everything but limit and cursor.
    digest: [u8; 8],
}

impl Query {
    /// Reads a request of an account.
    pub(crate) fn read(request: &v1::SearchRequest, account: AccountId) -> Result<Self> {
        let refuse =
            |reason: &str, field: &str, detail: String| Err(Error::invalid_field(reason, field, detail));
        let text = request.query.trim();
        if text.len() > QUERY_BYTES {
            return refuse(
                "search_query_too_long",
                "q",
                format!("use at most {QUERY_BYTES} bytes"),
            );
        }
        if text.chars().any(char::is_control) {
            return refuse(
                "search_query_invalid",
                "q",
                "holds a control character".to_owned(),
            );
        }
        let tokens = text::tokens(text);
        let marked = !request.tags.is_empty() || !request.fields.is_empty();
        if tokens.is_empty() && !(marked && text.is_empty()) {
            return refuse(
                "search_query_empty",
                "q",
                "name at least one word, or a tag, or a field".to_owned(),
            );
        }
        if tokens.len() > TOKENS_MAX {
            return refuse(
                "search_query_invalid",
                "q",
                format!("use at most {TOKENS_MAX} words"),
            );
        }
        let limit = match request.limit {
            0 => LIMIT_DEFAULT,
            limit if limit <= LIMIT_MAX => limit,
            _ => return refuse("limit_invalid", "limit", format!("use 1 to {LIMIT_MAX}")),
        };
        let digest = digest(request);
        let behind = request
            .cursor
            .as_deref()
            .map(|text| cursor::decode(digest, text))
            .transpose()?;
        Ok(Self {
            folded: text::fold(text),
            tokens,
            filters: filters(request, account)?,
            limit: limit as usize,
            behind,
            digest,
        })
    }

    /// The cursor behind a hit.
    pub(crate) fn cursor(&self, place: Place) -> String {
        cursor::encode(self.digest, place)
    }
}

fn digest(request: &v1::SearchRequest) -> [u8; 8] {
    let asked = v1::SearchRequest {
        limit: 0,
        cursor: None,
        ..request.clone()
    };
    let hash = Sha256::digest(asked.encode_to_vec());
    let mut digest = [0; 8];
    digest.copy_from_slice(&hash[..8]);
    digest
}

fn filters(request: &v1::SearchRequest, account: AccountId) -> Result<Filters> {
    let mut filters = Filters {
        after: instant(request.modified_after.as_ref(), "modified_after")?,
        before: instant(request.modified_before.as_ref(), "modified_before")?,
        min_size: request
            .min_size
            .map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        max_size: request
            .max_size
            .map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        marks: marks(request)?,
        ..Filters::default()
    };
    match request.r#type.as_deref().map(Wanted::parse).transpose()? {
        Some(Wanted::Files) => filters.folder = Some(false),
        Some(Wanted::Family(family)) => filters.family = Some(family),
        Some(Wanted::Media(media)) => filters.media = Some(media),
        None => {}
    }
    filters.owner = match request.owner.as_deref() {
        Some("me") => Some(account.0),
        Some(text) => match text.parse::<AccountId>() {
            Ok(account) => Some(account.0),
            Err(_) => {
                let detail = "use `me` or an account's id, acc_…";
                return Err(Error::invalid_field("search_owner_invalid", "owner", detail));
            }
        },
        None => None,
    };
    let crossed = |field: &str| Error::invalid_field("search_range_invalid", field, "ends before it begins");
    if filters
        .after
        .zip(filters.before)
        .is_some_and(|(after, before)| after > before)
    {
        return Err(crossed("modified_before"));
    }
    if filters
        .min_size
        .zip(filters.max_size)
        .is_some_and(|(min, max)| min > max)
    {
        return Err(crossed("max_size"));
    }
    Ok(filters)
}

/// Tags and fields as they are in the dictionary, each once.
fn marks(request: &v1::SearchRequest) -> Result<Vec<String>> {
    let mut marks: Vec<String> = Vec::new();
    let mut add = |mark: String| {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    };
    for tag in &request.tags {
        if tag.trim().is_empty() || tag.len() > TAG_BYTES || tag.chars().any(char::is_control) {
            let detail = format!("name a tag, at most {TAG_BYTES} bytes without control characters");
            return Err(Error::invalid_field("search_tag_invalid", "tag", detail));
        }
        add(text::mark_of_tag(tag));
    }
    for field in &request.fields {
        let named = field
            .split_once(':')
            .is_some_and(|(name, _)| !name.trim().is_empty());
        if !named || field.len() > FIELD_BYTES {
            let detail = format!("use name:text, at most {FIELD_BYTES} bytes");
            return Err(Error::invalid_field("search_field_invalid", "field", detail));
        }
        add(text::mark_of_field(field));
    }
    if request.tags.len() + request.fields.len() > MARKS_MAX {
        let detail = format!("ask for at most {MARKS_MAX} tags and fields");
        return Err(Error::invalid_field("search_tag_invalid", "tag", detail));
    }
    Ok(marks)
}

fn instant(stamp: Option<&prost_types::Timestamp>, field: &str) -> Result<Option<OffsetDateTime>> {
    let Some(stamp) = stamp else { return Ok(None) };
    let nanos = i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
    match OffsetDateTime::from_unix_timestamp_nanos(nanos) {
        Ok(instant) => Ok(Some(instant)),
        Err(_) => Err(Error::invalid_field(
            "search_range_invalid",
            field,
            "is no time that a file can have",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> v1::SearchRequest {
        v1::SearchRequest {
            query: query.to_owned(),
            ..v1::SearchRequest::default()
        }
    }

    fn refused(request: &v1::SearchRequest) -> String {
        Query::read(request, AccountId::new())
            .unwrap_err()
            .reason()
            .to_owned()
    }

    #[test]
    fn a_query_that_asks_for_nothing_or_too_much_is_refused() {
        let long = "x".repeat(513);
        for (query, reason) in [
            ("", "search_query_empty"),
            (" \u{2026} * % _ ", "search_query_empty"),
            (&long, "search_query_too_long"),
            ("a\0b", "search_query_invalid"),
            ("a\u{1b}[2J", "search_query_invalid"),
            ("1 2 3 4 5 6 7 8 9", "search_query_invalid"),
        ] {
            assert_eq!(refused(&asked(query)), reason, "{query:?}");
        }
        assert!(Query::read(&asked(&"x".repeat(512)), AccountId::new()).is_ok());
    }

    #[test]
    fn tags_and_fields_are_enough_to_ask_for_and_must_be_some() {
        let with = |tags: &[&str], fields: &[&str], query: &str| v1::SearchRequest {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            ..asked(query)
        };
        let query = Query::read(&with(&["Draft", "draft"], &["a:b"], ""), AccountId::new()).unwrap();
        assert_eq!((query.tokens.len(), query.filters.marks.len()), (0, 2));
        let long = "x".repeat(TAG_BYTES + 1);
        let much = format!("a:{}", "x".repeat(FIELD_BYTES));
        for (request, reason) in [
            (with(&["draft"], &[], "**"), "search_query_empty"),
            (with(&[" "], &[], "a"), "search_tag_invalid"),
            (with(&["a\0"], &[], "a"), "search_tag_invalid"),
            (with(&[&long], &[], "a"), "search_tag_invalid"),
            (with(&["a"; 9], &[], "a"), "search_tag_invalid"),
            (with(&[], &["client"], "a"), "search_field_invalid"),
            (with(&[], &[":x"], "a"), "search_field_invalid"),
            (with(&[], &[&much], "a"), "search_field_invalid"),
        ] {
            assert_eq!(refused(&request), reason, "{request:?}");
        }
    }

    #[test]
    fn bounds_that_cross_and_what_names_nothing_are_refused() {
        let stamp = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        for (request, reason) in [
            (
                v1::SearchRequest {
                    min_size: Some(2),
                    max_size: Some(1),
                    ..asked("a")
                },
                "search_range_invalid",
            ),
            (
                v1::SearchRequest {
                    modified_after: stamp(2),
                    modified_before: stamp(1),
                    ..asked("a")
                },
                "search_range_invalid",
            ),
            (
                v1::SearchRequest {
                    modified_after: stamp(i64::MAX),
                    ..asked("a")
                },
                "search_range_invalid",
            ),
            (
                v1::SearchRequest {
                    owner: Some("ada".to_owned()),
                    ..asked("a")
                },
                "search_owner_invalid",
            ),
            (
                v1::SearchRequest {
                    r#type: Some("pictures".to_owned()),
                    ..asked("a")
                },
                "search_type_invalid",
            ),
            (
                v1::SearchRequest {
                    limit: 101,
                    ..asked("a")
                },
                "limit_invalid",
            ),
            (
                v1::SearchRequest {
                    cursor: Some("x".to_owned()),
                    ..asked("a")
                },
                "cursor_invalid",
            ),
        ] {
            assert_eq!(refused(&request), reason, "{request:?}");
        }
    }

    #[test]
    fn a_cursor_goes_on_with_another_limit_and_not_with_another_query() {
        let query = Query::read(&asked("report"), AccountId::new()).unwrap();
        let place = Place {
            class: 1,
            updated_at: OffsetDateTime::UNIX_EPOCH,
            node: Uuid::nil(),
        };
        let cursor = Some(query.cursor(place));
        let same = v1::SearchRequest {
            cursor: cursor.clone(),
            limit: 7,
            ..asked("report")
        };
        assert_eq!(Query::read(&same, AccountId::new()).unwrap().behind, Some(place));
        assert_eq!(
            refused(&v1::SearchRequest {
                cursor,
                ..asked("other")
            }),
            "cursor_invalid"
        );
    }
}
