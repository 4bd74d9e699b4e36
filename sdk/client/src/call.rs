//! One API call as data: what is asked, and whether it may be asked twice.

use crate::{Error, Result};
use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use std::time::Duration;
use url::Url;

/// How long the answer of an ordinary call may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// The path with `{…}` for ids, as the API's documentation has it; also the name of the call's span.
    pub(crate) route: &'static str,
    pub(crate) ids: Vec<&'a str>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Bytes>,
    /// Whether a repeat is harmless: reads, and writes that carry an `Idempotency-Key`.
    pub(crate) repeatable: bool,
    pub(crate) idempotency_key: Option<String>,
    /// The revision that a change is meant for.
    pub(crate) if_match: Option<i64>,
    pub(crate) signed_in: bool,
    pub(crate) answer_within: Duration,
}

impl<'a> Call<'a> {
    pub(crate) fn get(route: &'static str, ids: impl Into<Vec<&'a str>>) -> Self {
        Self {
            method: Method::GET,
            route,
            ids: ids.into(),
            query: Vec::new(),
            body: None,
            repeatable: true,
            idempotency_key: None,
            if_match: None,
            signed_in: true,
            answer_within: ANSWER_WITHIN,
        }
    }

    pub(crate) fn delete(route: &'static str, ids: impl Into<Vec<&'a str>>) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(route, ids)
        }
        .keyed()
    }

    /// A write with an idempotency key of its own.
    pub(crate) fn post(
        route: &'static str,
        ids: impl Into<Vec<&'a str>>,
        body: &impl Serialize,
    ) -> Result<Self> {
        let body =
            serde_json::to_vec(body).map_err(|error| Error::protocol(format!("encode {route}: {error}")))?;
        Ok(Self {
            method: Method::POST,
            body: Some(body.into()),
            ..Self::get(route, ids)
        }
        .keyed())
    }

    /// A change of something that exists, with an idempotency key of its own.
    pub(crate) fn patch(
        route: &'static str,
        ids: impl Into<Vec<&'a str>>,
        body: &impl Serialize,
    ) -> Result<Self> {
        Ok(Self {
            method: Method::PATCH,
            ..Self::post(route, ids, body)?
        })
    }

    /// Puts something in its place, with an idempotency key of its own.
    pub(crate) fn put(
        route: &'static str,
        ids: impl Into<Vec<&'a str>>,
        body: &impl Serialize,
    ) -> Result<Self> {
        Ok(Self {
            method: Method::PUT,
            ..Self::post(route, ids, body)?
        })
    }

    /// Puts something in its place that needs no words.
    pub(crate) fn put_bare(route: &'static str, ids: impl Into<Vec<&'a str>>) -> Self {
        Self {
            method: Method::PUT,
            ..Self::get(route, ids)
        }
        .keyed()
    }

    fn keyed(mut self) -> Self {
        self.idempotency_key = Some(uuid::Uuid::new_v4().to_string());
        self
    }

    /// A write with the caller's idempotency key: a repeat by another process acts once, too.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }

    /// Refused with `precondition` unless what is changed is at this revision.
    pub(crate) fn if_match(mut self, revision: i64) -> Self {
        self.if_match = Some(revision);
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Asked without a token, and never twice: signing in.
    pub(crate) fn signed_out(mut self) -> Self {
        self.signed_in = false;
        self.repeatable = false;
        self.idempotency_key = None;
        self
    }

    pub(crate) fn answer_within(mut self, duration: Duration) -> Self {
        self.answer_within = duration;
        self
    }

    /// The URL below the server's, with ids and query encoded.
    pub(crate) fn url(&self, base: &Url) -> Result<Url> {
        let mut url = base.clone();
        let mut ids = self.ids.iter();
        {
            let mut segments = url
                .path_segments_mut()
                .map_err(|()| Error::protocol(format!("{base} can't have paths")))?;
            segments.pop_if_empty();
            for segment in self.route.split('/').filter(|segment| !segment.is_empty()) {
                let segment = if segment.starts_with('{') {
                    ids.next()
                        .copied()
                        .filter(|id| !id.is_empty() && *id != "." && *id != "..")
                        .ok_or_else(|| {
                            Error::protocol(format!("{} was called without a usable id", self.route))
                        })?
                } else {
                    segment
                };
                segments.push(segment);
            }
        }
        if !self.query.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(self.query.iter().map(|(name, value)| (name, value)));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, call: &Call<'_>) -> String {
        call.url(&Url::parse(base).expect("base")).expect("url").into()
    }

    #[test]
    fn ids_and_queries_are_encoded_below_the_servers_own_path() {
        let children = Call::get("/v1/nodes/{id}/children", ["a/b?"]).query("cursor", "x&y");
        assert_eq!(
            url("https://h/vault/", &children),
            "https://h/vault/v1/nodes/a%2Fb%3F/children?cursor=x%26y"
        );
        assert_eq!(url("https://h", &Call::get("/v1/me", [])), "https://h/v1/me");
    }

    #[test]
    fn an_empty_or_dotted_id_never_reaches_another_route() {
        let base = Url::parse("https://h").expect("base");
        for id in ["", ".", ".."] {
            assert!(Call::delete("/v1/nodes/{id}", [id]).url(&base).is_err(), "{id:?}");
        }
    }
}
