//! Whether an S3 request stays within its bucket and prefix: the path, the prefix of listings, the keys of a multi-object
//! delete, the source of a copy. Sub-resources that change who may do what (policy, acl, …) are not on the list of
//! query names.

use super::grant::Scope;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

const OBJECT_QUERY: [&str; 7] = [
    "max-parts",
    "part-number-marker",
    "partNumber",
    "response-content-disposition",
    "response-content-type",
    "uploadId",
    "uploads",
];
const LIST_QUERY: [&str; 11] = [
    "continuation-token",
    "delimiter",
    "encoding-type",
    "key-marker",
    "list-type",
    "max-keys",
    "max-uploads",
    "prefix",
    "start-after",
    "upload-id-marker",
    "uploads",
];

pub(super) fn check(
    scope: &Scope,
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), String> {
    let key = key(scope, url)?;
    if let Some(source) = headers.get("x-amz-copy-source") {
        let source = decode(source.to_str().unwrap_or_default())?;
        let own = source
            .strip_prefix('/')
            .unwrap_or(&source)
            .strip_prefix(&scope.bucket);
        let own = own.and_then(|rest| rest.strip_prefix('/'));
        if !own.is_some_and(|key| key.starts_with(&scope.prefix)) {
            return Err(format!("a copy's source must be {}", outside(scope)));
        }
    }
    if key.is_empty() {
        return check_bucket(scope, method, url, body);
    }
    if !key.starts_with(&scope.prefix) || key.split('/').any(|part| part == "." || part == "..") {
        return Err(format!("the key must be {}", outside(scope)));
    }
    allow_query(url, &OBJECT_QUERY)
}

fn key(scope: &Scope, url: &Url) -> Result<String, String> {
    let path = if scope.virtual_host {
        let host = url.host_str().unwrap_or_default();
        let own = host
            .strip_prefix(&scope.bucket)
            .is_some_and(|rest| rest.starts_with('.'));
        own.then(|| url.path())
    } else {
        let rest = url
            .path()
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(&scope.bucket));
        rest.filter(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let Some(path) = path else {
        return Err(format!("the request must be {}", outside(scope)));
    };
    decode(path.strip_prefix('/').unwrap_or(path))
}

/// Requests to the bucket itself: make it, ask for it, list, delete many.
fn check_bucket(scope: &Scope, method: &Method, url: &Url, body: &[u8]) -> Result<(), String> {
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if query.is_empty() {
        return match *method {
            Method::PUT | Method::HEAD => Ok(()),
            _ => Err("a request to the bucket itself may only make it or ask for it".to_owned()),
        };
    }
    if *method == Method::POST && query.iter().all(|(name, _)| name == "delete") {
        return check_deleted(scope, body);
    }
    if *method != Method::GET {
        return Err("a request to the bucket itself may only list, delete objects or make it".to_owned());
    }
    allow_query(url, &LIST_QUERY)?;
    let mut prefixes = query.iter().filter(|(name, _)| name == "prefix");
    match (prefixes.next(), prefixes.next()) {
        (Some((_, prefix)), None) if prefix.starts_with(&scope.prefix) => Ok(()),
        _ => Err(format!("a listing must be {}", outside(scope))),
    }
}

fn allow_query(url: &Url, allowed: &[&str]) -> Result<(), String> {
    match url
        .query_pairs()
        .find(|(name, _)| !allowed.contains(&name.as_ref()))
    {
        Some((name, _)) => Err(format!("plugins may not use the query parameter {name:?}")),
        None => Ok(()),
    }
}

fn check_deleted(scope: &Scope, body: &[u8]) -> Result<(), String> {
    let wrong = || "the body of a multi-object delete is not the expected XML".to_owned();
    let mut reader = Reader::from_reader(body);
    reader.config_mut().check_end_names = true;
    let (mut depth_of_key, mut depth, mut key) = (None, 0_usize, String::new());
    loop {
        match reader.read_event().map_err(|_| wrong())? {
            Event::Start(tag) => {
                depth += 1;
                if tag.local_name().as_ref() == b"Key" {
                    (depth_of_key, key) = (Some(depth), String::new());
                }
            }
            Event::Text(text) if depth_of_key.is_some() => {
                key.push_str(&text.decode().map_err(|_| wrong())?);
            }
            Event::GeneralRef(name) if depth_of_key.is_some() => {
                let char = match &*name.decode().map_err(|_| wrong())? {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "apos" => '\'',
                    "quot" => '"',
                    _ => name.resolve_char_ref().map_err(|_| wrong())?.ok_or_else(wrong)?,
                };
                key.push(char);
            }
            Event::End(_) => {
                if depth_of_key == Some(depth) {
                    depth_of_key = None;
                    if !key.starts_with(&scope.prefix) {
                        return Err(format!("keys to be deleted must be {}", outside(scope)));
                    }
                }
                depth = depth.checked_sub(1).ok_or_else(wrong)?;
            }
            Event::Eof if depth == 0 => return Ok(()),
            Event::Text(_) => {}
            // CDATA, processing instructions and document types could make another reader see other keys.
            _ => return Err(wrong()),
        }
    }
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|key| key.into_owned())
        .map_err(|_| "a key is not UTF-8".to_owned())
}

fn outside(scope: &Scope) -> String {
    format!(
        "in the bucket {:?} below {:?}; `bucket` and `prefix` in the backend's `settings` change that",
        scope.bucket, scope.prefix
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            bucket: "files".into(),
            prefix: "t/".into(),
            virtual_host: false,
        }
    }

    fn try_request(method: Method, url: &str, body: &str) -> Result<(), String> {
        check(
            &scope(),
            &method,
            &Url::parse(url).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
        )
    }

    #[test]
    fn requests_within_the_prefix_pass() {
        for (method, url, body) in [
            (Method::PUT, "http://h/files/t/a", ""),
            (Method::GET, "http://h/files/t/a?response-content-type=x", ""),
            (Method::PUT, "http://h/files/t/a?partNumber=1&uploadId=u", ""),
            (Method::GET, "http://h/files?list-type=2&prefix=t%2Fsub", ""),
            (Method::GET, "http://h/files?prefix=t%2F&uploads=", ""),
            (Method::PUT, "http://h/files", ""),
            (
                Method::POST,
                "http://h/files?delete=",
                "<Delete><Object><Key>t/a&amp;b</Key></Object></Delete>",
            ),
        ] {
            try_request(method, url, body).unwrap();
        }
    }

    #[test]
    fn requests_outside_the_prefix_are_refused() {
        for (method, url, body) in [
            (Method::PUT, "http://h/files/u/a", ""),
            (Method::PUT, "http://h/files2/t/a", ""),
            (Method::PUT, "http://h/other/t/a", ""),
            (Method::PUT, "http://h/files/t%2F..%2Fu", ""),
            (Method::GET, "http://h/", ""),
            (Method::GET, "http://h/files", ""),
            (Method::GET, "http://h/files?list-type=2", ""),
            (Method::GET, "http://h/files?list-type=2&prefix=t%2F&prefix=", ""),
            (Method::GET, "http://h/files?list-type=2&prefix=u", ""),
            (Method::PUT, "http://h/files?policy=", ""),
            (Method::GET, "http://h/files/t/a?acl=", ""),
            (Method::GET, "http://h/files/t/a?X-Amz-Signature=1", ""),
            (Method::DELETE, "http://h/files", ""),
            (
                Method::POST,
                "http://h/files?delete=",
                "<Delete><Object><Key>t/a</Key></Object><Object><Key>u</Key></Object></Delete>",
            ),
            (
                Method::POST,
                "http://h/files?delete=",
                "<Delete><Object><Key><![CDATA[u]]></Key></Object></Delete>",
            ),
            (Method::POST, "http://h/files?delete=", "<Delete><Object><Key>t/a"),
            (Method::POST, "http://h/files?delete=&policy=", "<Delete/>"),
        ] {
            assert!(try_request(method, url, body).is_err(), "{url} {body}");
        }
    }

    #[test]
    fn a_copy_from_another_bucket_is_refused() {
        let url = Url::parse("http://h/files/t/a").unwrap();
        for (source, fits) in [
            ("/files/t/b", true),
            ("files/t/b", true),
            ("/files/u", false),
            ("/other/t/b", false),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-amz-copy-source"),
                source.parse().unwrap(),
            )]);
            assert_eq!(
                check(&scope(), &Method::PUT, &url, &headers, &[]).is_ok(),
                fits,
                "{source}"
            );
        }
    }
}
