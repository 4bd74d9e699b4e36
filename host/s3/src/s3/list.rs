//! ListObjects in both versions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::Backend;
use super::convert::{signed, tag};
use crate::error::blocking;
use crate::store::Store;
use crate::store::walk::{Item, Query};

/// Items per page at most, as in S3.
const PAGE_MAX: i32 = 1000;

/// What `encoding-type=url` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// How names are written into the answer.
#[derive(Clone, Copy)]
pub(super) struct Encoding {
    url: bool,
}

impl Encoding {
    pub(super) fn new(requested: Option<&EncodingType>) -> S3Result<Self> {
        match requested.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(s3_error!(InvalidArgument, "The encoding type must be url.")),
        }
    }

    pub(super) fn apply(self, name: String) -> String {
        if self.url {
            utf8_percent_encode(&name, KEPT).to_string()
        } else {
            name
        }
    }
}

/// A page size from a request.
pub(super) fn page_size(requested: Option<i32>) -> S3Result<i32> {
    match requested.unwrap_or(PAGE_MAX) {
        size if size < 0 => Err(s3_error!(InvalidArgument, "The page size is negative.")),
        size => Ok(size.min(PAGE_MAX)),
    }
}

struct Listing {
    objects: Vec<s3s::dto::Object>,
    prefixes: Vec<CommonPrefix>,
    truncated: bool,
    last: Option<Item>,
}

impl Backend {
    async fn page(&self, bucket: String, query: Query, encoding: Encoding) -> S3Result<Listing> {
        let store = self.store.clone();
        blocking(move || {
            let page = store.list(&bucket, &query)?;
            let mut listing = Listing {
                objects: Vec::new(),
                prefixes: Vec::new(),
                truncated: page.truncated,
                last: page.items.last().cloned(),
            };
            for item in page.items {
                match item {
                    Item::Prefix(prefix) => {
                        listing.prefixes.push(CommonPrefix {
                            prefix: Some(encoding.apply(prefix)),
                        });
                    }
                    Item::Key(key, path) => {
                        let Some(object) = Store::open_listed(&path)? else {
                            continue;
                        };
                        listing.objects.push(s3s::dto::Object {
                            key: Some(encoding.apply(key)),
                            size: Some(signed(object.meta.size)),
                            e_tag: Some(tag(&object.meta.etag)),
                            last_modified: Some(object.modified.into()),
                            storage_class: Some(ObjectStorageClass::from_static(
                                ObjectStorageClass::STANDARD,
                            )),
                            ..s3s::dto::Object::default()
                        });
                    }
                }
            }
            Ok(listing)
        })
        .await
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let encoding = Encoding::new(input.encoding_type.as_ref())?;
        let max_keys = page_size(input.max_keys)?;
        let mut query = query(input.prefix.as_deref(), input.delimiter.as_deref(), max_keys);
        match &input.continuation_token {
            Some(token) => decode_token(token, &mut query)?,
            None => after(input.start_after.as_deref(), &mut query),
        }
        let listing = self.page(input.bucket.clone(), query, encoding).await?;
        let count = listing.objects.len() + listing.prefixes.len();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.apply(input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|delimiter| encoding.apply(delimiter)),
            start_after: input.start_after.map(|after| encoding.apply(after)),
            encoding_type: input.encoding_type,
            continuation_token: input.continuation_token,
            max_keys: Some(max_keys),
            key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
            is_truncated: Some(listing.truncated),
            next_continuation_token: listing
                .last
                .filter(|_| listing.truncated)
                .map(|last| encode_token(&last)),
            contents: Some(listing.objects),
            common_prefixes: Some(listing.prefixes),
            request_charged: None,
        })
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<ListObjectsOutput> {
        let input = request.input;
        let encoding = Encoding::new(input.encoding_type.as_ref())?;
        let max_keys = page_size(input.max_keys)?;
        let mut query = query(input.prefix.as_deref(), input.delimiter.as_deref(), max_keys);
        after(input.marker.as_deref(), &mut query);
        let listing = self.page(input.bucket.clone(), query, encoding).await?;
        let next = listing.last.filter(|_| listing.truncated).map(|last| match last {
            Item::Key(name, _) | Item::Prefix(name) => encoding.apply(name),
        });
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.apply(input.prefix.unwrap_or_default())),
            marker: Some(encoding.apply(input.marker.unwrap_or_default())),
            delimiter: input.delimiter.map(|delimiter| encoding.apply(delimiter)),
            encoding_type: input.encoding_type,
            max_keys: Some(max_keys),
            is_truncated: Some(listing.truncated),
            next_marker: next,
            contents: Some(listing.objects),
            common_prefixes: Some(listing.prefixes),
            request_charged: None,
        })
    }
}

fn query(prefix: Option<&str>, delimiter: Option<&str>, max: i32) -> Query {
    Query {
        prefix: prefix.unwrap_or_default().to_owned(),
        delimiter: delimiter.unwrap_or_default().to_owned(),
        max: usize::try_from(max).unwrap_or(0),
        ..Query::default()
    }
}

/// Begins after a key of the client's choice. If that is a rolled up prefix, all of it was listed.
fn after(key: Option<&str>, query: &mut Query) {
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return;
    };
    key.clone_into(&mut query.after);
    if let Some(rest) = key.strip_prefix(&query.prefix)
        && !query.delimiter.is_empty()
        && rest
            .find(&query.delimiter)
            .is_some_and(|at| at + query.delimiter.len() == rest.len())
    {
        key.clone_into(&mut query.after_prefix);
    }
}

fn encode_token(last: &Item) -> String {
    URL_SAFE_NO_PAD.encode(match last {
        Item::Key(key, _) => format!("k{key}"),
        Item::Prefix(prefix) => format!("p{prefix}"),
    })
}

fn decode_token(token: &str, query: &mut Query) -> S3Result<()> {
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_at_checked(1)) {
        Some(("k", key)) => key.clone_into(&mut query.after),
        Some(("p", prefix)) => {
            prefix.clone_into(&mut query.after);
            prefix.clone_into(&mut query.after_prefix);
        }
        _ => {
            return Err(s3_error!(
                InvalidArgument,
                "The continuation token is not one of ours."
            ));
        }
    }
    Ok(())
}
