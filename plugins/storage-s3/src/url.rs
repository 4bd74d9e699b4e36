//! URLs of buckets and objects, encoded strictly by RFC 3986: everything but the unreserved characters is escaped, in
//! keys all but the slash as well. That is the encoding that SigV4 canonicalises to.

use crate::bindings::bitvault::plugin::types::Error;
use crate::error;
use crate::settings::{Addressing, Settings};

/// Longest key that S3 takes, in bytes, prefix included.
const MAX_KEY: usize = 1024;

/// Percent-encodes all but RFC 3986's unreserved characters, and `/` where `slash` says so.
pub(crate) fn encode(text: &str, slash: bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + 8);
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if slash => out.push('/'),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// Undoes `encoding-type=url` of listings, where a space is `+`.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

/// The key as the store sees it.
pub(crate) fn full_key(settings: &Settings, key: &str) -> Result<String, Error> {
    let bad = key.is_empty()
        || key.ends_with('/')
        || key
            .split('/')
            .any(|segment| segment.is_empty() || segment == "." || segment == "..");
    if bad {
        return Err(error::invalid(
            "a key must not have empty, . or .. segments".to_owned(),
        ));
    }
    let full = format!("{}{key}", settings.prefix);
    if full.len() > MAX_KEY {
        return Err(error::invalid(format!(
            "a key has at most {MAX_KEY} bytes, prefix included"
        )));
    }
    Ok(full)
}

/// The bucket's URL with a query; `query` holds decoded pairs, a pair without value is a bare name.
pub(crate) fn bucket(settings: &Settings, query: &[(&str, Option<&str>)]) -> String {
    let mut url = root(settings);
    if settings.addressing == Addressing::Virtual {
        url.push('/');
    }
    push_query(&mut url, query);
    url
}

/// An object's URL with a query.
pub(crate) fn object(
    settings: &Settings,
    key: &str,
    query: &[(&str, Option<&str>)],
) -> Result<String, Error> {
    let mut url = root(settings);
    url.push('/');
    url.push_str(&encode(&full_key(settings, key)?, true));
    push_query(&mut url, query);
    Ok(url)
}

fn root(settings: &Settings) -> String {
    let Settings { endpoint, bucket, .. } = settings;
    match settings.addressing {
        Addressing::Path => format!("{endpoint}/{bucket}"),
        Addressing::Virtual => endpoint.replacen("://", &format!("://{bucket}."), 1),
    }
}

fn push_query(url: &mut String, query: &[(&str, Option<&str>)]) {
    let mut separator = '?';
    for (name, value) in query {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&encode(value.unwrap_or_default(), false));
        separator = '&';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(addressing: &str) -> Settings {
        Settings::parse(&format!(
            r#"{{"endpoint":"http://127.0.0.1:9000/","region":"r","bucket":"files","prefix":"t/","addressing":"{addressing}"}}"#
        ))
        .unwrap()
    }

    #[test]
    fn every_reserved_character_of_a_key_is_escaped() {
        let url = object(&settings("path"), "a b+c/ü%2F?'()*!&=:@,;$#.bin", &[]).unwrap();
        assert_eq!(
            url,
            "http://127.0.0.1:9000/files/t/a%20b%2Bc/%C3%BC%252F%3F%27%28%29%2A%21%26%3D%3A%40%2C%3B%24%23.bin"
        );
    }

    #[test]
    fn virtual_addressing_puts_the_bucket_into_the_host() {
        let settings = settings("virtual");
        assert_eq!(
            object(&settings, "k", &[]).unwrap(),
            "http://files.127.0.0.1:9000/t/k"
        );
        assert_eq!(
            bucket(&settings, &[("list-type", Some("2"))]),
            "http://files.127.0.0.1:9000/?list-type=2"
        );
    }

    #[test]
    fn keys_that_would_walk_are_refused() {
        for key in ["", "/a", "a/", "a//b", "../a", "a/./b", "a/.."] {
            assert!(object(&settings("path"), key, &[]).is_err(), "{key}");
        }
    }

    #[test]
    fn listings_decode_to_what_was_encoded() {
        let key = "a b+c/ü%2F?'()";
        assert_eq!(decode(&encode(key, true)).unwrap(), key);
        assert_eq!(decode("a+b").unwrap(), "a b");
        assert_eq!(decode("a%2"), None);
    }
}
