//! What handlers take from a request; every way in which it can be wrong is a [`Refusal`].

use crate::fields::Named;
use crate::problem::Refusal;
use crate::state::AppState;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bitvault_platform::{Code, Error};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

/// How many times the longest body is read before the connection of a client that goes on is closed.
const DRAIN_FACTOR: usize = 16;

/// Longest answer of a module: 500 uploads with a presigned request each.
pub(crate) const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Longest idempotency key, in characters.
const IDEMPOTENCY_KEY_CHARS: usize = 255;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(unsupported("application/json"));
        }
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self).map_err(Into::into)
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<AppState> for OptionalJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(unsupported("application/json"));
        }
        // `null` is no body as well.
        let body: Option<T> = parse(&bytes)?;
        Ok(Self(body.unwrap_or_default()))
    }
}

/// A protobuf body.
#[derive(Debug)]
pub(crate) struct Protobuf(pub(crate) Bytes);

impl FromRequest<AppState> for Protobuf {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        if media_type(request.headers()) != Some("application/x-protobuf") {
            return Err(unsupported("application/x-protobuf"));
        }
        Ok(Self(read(request, state).await?))
    }
}

/// An id from the path. What can't be an id names nothing that exists.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl FromRequestParts<AppState> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Error::new(Code::NotFound, "not_found", "no such id").into()),
        }
    }
}

/// Two ids from the path, the one of what the other belongs to first.
#[derive(Debug)]
pub(crate) struct Ids(pub(crate) String, pub(crate) String);

impl FromRequestParts<AppState> for Ids {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((whole, part))) => Ok(Self(whole, part)),
            Err(_) => Err(Error::new(Code::NotFound, "not_found", "no such id").into()),
        }
    }
}

/// The query string.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        require_utf8(&parts.uri)?;
        parse_query(&parts.uri).map(Self).map_err(Into::into)
    }
}

/// The query string, some parameters of which may stand there several times: taken out by name and text, in order.
#[derive(Debug)]
pub(crate) struct Repeated<T> {
    pub(crate) once: T,
    pub(crate) repeated: Vec<(String, String)>,
}

/// Which parameters may be repeated beside those that `Self` takes.
pub(crate) trait Repeats: DeserializeOwned {
    const REPEATED: &'static [&'static str];
}

impl<T: Repeats> FromRequestParts<AppState> for Repeated<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        require_utf8(&parts.uri)?;
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned();
        let (repeated, rest): (Vec<_>, Vec<_>) =
            pairs.partition(|(name, _)| T::REPEATED.contains(&name.as_str()));
        let rest = form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2)
            .extend_pairs(rest)
            .finish();
        let rest = rest
            .parse::<Uri>()
            .map_err(|cause| Error::internal("write a query", cause))?;
        Ok(Self {
            once: parse_query(&rest)?,
            repeated,
        })
    }
}

/// Otherwise what is not UTF-8 would be replaced without a word, and something else be answered.
fn require_utf8(uri: &Uri) -> Result<(), Error> {
    let query = uri.query().unwrap_or_default();
    match percent_encoding::percent_decode_str(query).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            Code::Invalid,
            "query_invalid",
            "the query is not UTF-8",
        )),
    }
}

fn parse_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Error> {
    match axum::extract::Query::try_from_uri(uri) {
        Ok(axum::extract::Query(value)) => Ok(value),
        Err(rejection) => {
            let text = rejection.body_text();
            let text = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            let (field, detail) = text.split_once(": ").unwrap_or(("", text));
            Err(field_error("query_invalid", field, detail))
        }
    }
}

/// The header `Idempotency-Key`.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<AppState> for IdempotencyKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default();
        let visible = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        if text.is_empty() || text.len() > IDEMPOTENCY_KEY_CHARS || !visible {
            return Err(Error::invalid_field(
                "idempotency_key_invalid",
                "Idempotency-Key",
                "use 1 to 255 visible ASCII characters",
            )
            .into());
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// The header `If-Match`: the revision that the change is meant for.
#[derive(Debug)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let text = text.strip_prefix("W/").unwrap_or(text);
        let bare = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        match bare.parse() {
            Ok(revision) => Ok(Self(Some(revision))),
            Err(_) => Err(Error::invalid_field(
                "if_match_invalid",
                "If-Match",
                "give the node's revision, a number",
            )
            .into()),
        }
    }
}

/// Reads a body of at most `max_body` bytes. What is longer is read on for a while and dropped: a client that still sends
/// when the connection closes never sees the answer.
async fn read(request: Request, state: &AppState) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(state.config.max_body.as_u64()).unwrap_or(usize::MAX);
    let mut body = request.into_body();
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let data = match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => data,
            Ok(Err(_trailers)) => continue,
            Err(_) => {
                return Err(Refusal::http(
                    StatusCode::BAD_REQUEST,
                    "body_incomplete",
                    "the body ended early; send the request again",
                ));
            }
        };
        length = length.saturating_add(data.len());
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > limit.saturating_mul(DRAIN_FACTOR) {
            break;
        }
    }
    if length > limit {
        return Err(Refusal::http(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body may hold {limit} bytes; file contents go to the presigned URLs"),
        ));
    }
    Ok(kept.freeze())
}

fn media_type(headers: &http::HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim())
}

fn is_json(headers: &http::HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

fn unsupported(wanted: &str) -> Refusal {
    Refusal::http(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type_unsupported",
        format!("send the body with `Content-Type: {wanted}`"),
    )
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Named(&mut json)).map_err(|cause| {
        let inner = cause.inner();
        if inner.is_data() {
            let path = cause.path().to_string();
            field_error(
                "body_invalid",
                if path == "." { "" } else { &path },
                &inner.to_string(),
            )
        } else {
            Error::new(
                Code::Invalid,
                "json_malformed",
                format!("the body is not JSON: {inner}"),
            )
        }
    })?;
    json.end().map_err(|cause| {
        Error::new(
            Code::Invalid,
            "json_malformed",
            format!("the body goes on after its end: {cause}"),
        )
    })?;
    Ok(value)
}

/// Names the field that a deserialiser's message is about: it stands between backticks when the path does not say it.
fn field_error(reason: &str, path: &str, message: &str) -> Error {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|kind| message.split_once(kind)?.1.split_once('`'))
        .map(|(name, _)| name);
    let field = match named {
        Some(name) if path.is_empty() || path == "?" => name.to_owned(),
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        Some(name) => format!("{}.{name}", path.trim_end_matches(".?")),
        None => path.to_owned(),
    };
    if field.is_empty() {
        Error::new(Code::Invalid, reason, message)
    } else {
        Error::invalid_field(reason, field, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_api::{BatchUploads, CreateFolder, PushChanges};

    fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, Vec<String>) {
        let error = parse::<T>(body.as_bytes()).unwrap_err();
        let fields = error.fields().iter().map(|one| one.field.clone()).collect();
        (error.reason().to_owned(), fields)
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        let invalid = |field: &str| ("body_invalid".to_owned(), vec![field.to_owned()]);
        assert_eq!(
            refused::<CreateFolder>(r#"{"parent_id":"root","name":"a","x":1}"#),
            invalid("x")
        );
        assert_eq!(
            refused::<CreateFolder>(r#"{"parent_id":"root"}"#),
            invalid("name")
        );
        assert_eq!(
            refused::<CreateFolder>(r#"{"parent_id":"root","name":7}"#),
            invalid("name")
        );
        assert_eq!(
            refused::<BatchUploads>(r#"{"items":[{"size":1},{"size":-1}]}"#),
            invalid("items[1].size")
        );
        assert_eq!(
            refused::<BatchUploads>(r#"{"items":[{"size":1,"y":2}]}"#),
            invalid("items[0].y")
        );
    }

    #[test]
    fn a_list_is_no_object_wherever_it_stands() {
        let invalid = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            ("body_invalid".to_owned(), fields)
        };
        assert_eq!(refused::<CreateFolder>(r#" ["root", "a"]"#), invalid(&[]));
        assert_eq!(refused::<Option<CreateFolder>>(r#"["root", "a"]"#), invalid(&[]));
        assert_eq!(
            refused::<BatchUploads>(r#"{"items": [{"size": 1}, ["root", "a", 1]]}"#),
            invalid(&["items[1]"])
        );
        assert_eq!(
            refused::<BatchUploads>(r#"{"items": [{"size": 1, "conflict_of": ["nod_1"]}]}"#),
            invalid(&["items[0].conflict_of"])
        );
        assert_eq!(
            refused::<PushChanges>(r#"{"items": [{"delete": ["nod_1"]}]}"#),
            invalid(&["items[0].delete"])
        );
        assert_eq!(
            refused::<PushChanges>(r#"{"items": [{"commit": {"upload_id": "upl_1", "parts": [[1, "e"]]}}]}"#),
            invalid(&["items[0].commit.parts[0]"])
        );
    }

    #[test]
    fn a_number_out_of_bounds_is_named_by_its_path() {
        let (reason, fields) = refused::<PushChanges>(
            r#"{"items": [{"commit": {"upload_id": "upl_1", "parts": [{"number": 0, "etag": "e"}]}}]}"#,
        );
        assert_eq!(
            (reason.as_str(), fields),
            ("body_invalid", vec!["items[0].commit.parts[0].number".to_owned()])
        );
        assert_eq!(
            refused::<BatchUploads>(r#"{"items": [{"size": 9223372036854775808}]}"#).1,
            ["items[0].size"]
        );
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = "[".repeat(100_000);
        for body in ["", "{", "nul", "{\"name\":\"\u{1}\"}", "{} {}", &deep] {
            let (reason, _) = refused::<CreateFolder>(body);
            assert!(
                ["json_malformed", "body_invalid"].contains(&reason.as_str()),
                "{body:.20}"
            );
        }
        assert_eq!(refused::<CreateFolder>("{").0, "json_malformed");
    }
}
