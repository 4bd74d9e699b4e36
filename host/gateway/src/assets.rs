//! The web app's files, as the daemon embeds them.
//!
//! Files with a hash in their name never change and are cached for good; the page itself is asked for every time.

use crate::problem::Refusal;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bitvault_platform::{Code, Error};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

/// The page that every path of the app begins with.
const INDEX: &str = "index.html";
/// Fewest hex digits that count as a hash in a name.
const HASH_DIGITS: usize = 8;

/// One file of the web app.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its media type.
    pub mime: String,
    /// Names these bytes: their hash, without quotes.
    pub etag: String,
    /// The same compressed with Brotli.
    pub br: Option<Bytes>,
    /// The same compressed with gzip.
    pub gz: Option<Bytes>,
}

/// Finds a file by its path below the root, `assets/app.js`.
pub type Assets = Arc<dyn Fn(&str) -> Option<Asset> + Send + Sync>;

/// Answers a GET outside the API. Paths without an extension are the app's own routes: they answer the page.
pub(crate) fn serve(assets: &Assets, path: &str, headers: &HeaderMap) -> Response {
    let path = path.trim_start_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let found = match path {
        "" => assets(INDEX).map(|asset| (asset, INDEX)),
        _ => match assets(path) {
            Some(asset) => Some((asset, path)),
            None if !last.contains('.') => assets(INDEX).map(|asset| (asset, INDEX)),
            None => None,
        },
    };
    match found {
        Some((asset, name)) => answer(asset, name, headers),
        None => {
            let error = Error::new(Code::NotFound, "route_unknown", "there is nothing at this path");
            Refusal::from(error).into_response()
        }
    }
}

fn answer(asset: Asset, name: &str, headers: &HeaderMap) -> Response {
    let (bytes, encoding) = if let Some(br) = asset.br.filter(|_| accepts(headers, "br")) {
        (br, Some("br"))
    } else if let Some(gz) = asset.gz.filter(|_| accepts(headers, "gzip")) {
        (gz, Some("gzip"))
    } else {
        (asset.bytes, None)
    };
    // Each encoding is a representation of its own.
    let etag = format!(
        "\"{}{}\"",
        asset.etag,
        encoding.map(|e| format!("-{e}")).unwrap_or_default()
    );
    let unchanged = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|seen| {
            seen.split(',')
                .any(|one| one.trim().trim_start_matches("W/") == etag)
        });
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(bytes))
    };
    let cache = if is_hashed(name) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let out = response.headers_mut();
    out.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        out.insert(ETAG, etag);
    }
    if !unchanged {
        if let Ok(mime) = HeaderValue::try_from(asset.mime) {
            out.insert(CONTENT_TYPE, mime);
        }
        if let Some(encoding) = encoding {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    response
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter();
    lists.filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            named && !parts.any(|q| matches!(q, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    })
}

/// Whether a part of the file's name, between dashes and dots, is a hash: `app-0a1b2c3d.js`.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.split(['-', '.', '_']).any(|part| {
        part.len() >= HASH_DIGITS
            && part.bytes().all(|b| b.is_ascii_hexdigit())
            && part.bytes().any(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_good() {
        assert!(is_hashed("app-0a1b2c3d4e5f6071_bg.wasm"));
        assert!(is_hashed("assets/style.0a1b2c3d.css"));
        for name in ["index.html", "favicon.ico", "defaced-facade.js", "app-1234.js"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn an_encoding_is_taken_only_when_it_is_accepted() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            headers
        };
        assert!(accepts(&with("gzip, br;q=0.9"), "br"));
        assert!(!accepts(&with("gzip, br;q=0"), "br"));
        assert!(!accepts(&with("brotli"), "br"));
    }
}
