//! What the operator allows a plugin to reach.

use http::Method;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// Origins, methods and the part of the store that requests may touch. Empty means nothing.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// Origins that requests may go to.
    pub origins: Vec<OriginPattern>,
    /// Methods that may be used.
    pub methods: Vec<Method>,
    /// Whether names may resolve to loopback and private addresses. Link-local ones, where clouds serve credentials, are
    /// never reached.
    pub allow_private_addresses: bool,
    /// The bucket and prefix that requests must stay within.
    pub scope: Option<Scope>,
}

/// A bucket and a key prefix in it.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The bucket's name.
    pub bucket: String,
    /// Every key begins with it.
    pub prefix: String,
    /// Whether the bucket stands in the host name rather than in the path.
    pub virtual_host: bool,
}

/// `https://host[:port]`, or `https://*.suffix[:port]` for any host below a suffix.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    scheme: String,
    /// Without the `*.`.
    host: String,
    below: bool,
    port: u16,
}

impl TryFrom<String> for OriginPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text}: expected https://HOST[:PORT] or https://*.SUFFIX[:PORT]");
        let below = text.contains("://*.");
        let url = Url::parse(&text.replacen("://*.", "://", 1)).map_err(|_| wrong())?;
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let (Some(host), Some(port), true) = (url.host_str(), url.port_or_known_default(), bare) else {
            return Err(wrong());
        };
        if !matches!(url.scheme(), "http" | "https") || host.contains('*') {
            return Err(wrong());
        }
        // A single label would let `*.com` and the like through.
        if below && !host.contains('.') {
            return Err(format!("{text}: a suffix needs at least two labels"));
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            below,
            port,
        })
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{}://{star}{}:{}", self.scheme, self.host, self.port)
    }
}

impl fmt::Debug for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl OriginPattern {
    fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host_fits = if self.below {
            host.strip_suffix(&self.host)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        };
        host_fits && url.scheme() == self.scheme && url.port_or_known_default() == Some(self.port)
    }
}

impl Grant {
    pub(crate) fn check_method(&self, method: &str) -> Result<Method, String> {
        let known = self.methods.iter().find(|granted| granted.as_str() == method);
        known.cloned().ok_or_else(|| {
            format!(
                "the method {:?} is not granted; `methods` in the backend's `grant` would allow it",
                shown(method)
            )
        })
    }

    pub(crate) fn check_url(&self, text: &str) -> Result<Url, String> {
        let Ok(url) = Url::parse(text) else {
            return Err(format!("{:?} is not a URL", shown(text)));
        };
        // Otherwise what was checked, what is signed and what travels could differ.
        if url.as_str() != text || url.fragment().is_some() {
            return Err(format!(
                "the URL {:?} is not in its normal form ({})",
                shown(text),
                shown(url.as_str())
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL must not carry a user name or password".to_owned());
        }
        if self.origins.iter().any(|origin| origin.matches(&url)) {
            return Ok(url);
        }
        let origin = url.origin().ascii_serialization();
        Err(format!(
            "the origin {origin} is not granted; adding it to `origins` in the backend's `grant` would allow it"
        ))
    }
}

/// What a guest wrote, cut and without control characters, for an error's text.
fn shown(text: &str) -> String {
    text.chars()
        .take(120)
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(origins: &[&str]) -> Grant {
        let origins = origins
            .iter()
            .map(|origin| OriginPattern::try_from((*origin).to_owned()).unwrap());
        Grant {
            origins: origins.collect(),
            methods: vec![Method::GET],
            ..Grant::default()
        }
    }

    #[test]
    fn only_granted_origins_pass() {
        let grant = grant(&[
            "https://s3.example.com",
            "https://*.cdn.example.com:8443",
            "http://127.0.0.1:9000",
        ]);
        for url in [
            "https://s3.example.com/a",
            "https://a.cdn.example.com:8443/",
            "https://a.b.cdn.example.com:8443/",
            "http://127.0.0.1:9000/b/k",
        ] {
            assert!(grant.check_url(url).is_ok(), "{url}");
        }
        for url in [
            "http://s3.example.com/a",
            "https://s3.example.com:444/a",
            "https://evil-s3.example.com/",
            "https://s3.example.com.evil.org/",
            "https://cdn.example.com:8443/",
            "https://evilcdn.example.com:8443/",
            "https://.cdn.example.com:8443/",
            "http://127.0.0.1:9001/",
            "http://localhost:9000/",
            "file:///etc/passwd",
        ] {
            assert!(grant.check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn urls_that_would_change_on_the_way_are_refused() {
        let grant = grant(&["https://s3.example.com"]);
        for url in [
            "https://S3.example.com/a",
            "https://s3.example.com:443/a",
            "https://s3.example.com/a/../b",
            "https://s3.example.com/a/%2e%2e/b",
            "https://s3.example.com/a b",
            "https://s3.example.com",
            "https://user@s3.example.com/",
            "https://s3.example.com/a#b",
            "https://s3.example.com\\@evil.org/",
            "https://s3.example.com/\r\nhost: evil.org",
        ] {
            assert!(grant.check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn patterns_that_are_too_wide_are_refused() {
        for pattern in [
            "https://*.com",
            "https://*",
            "*",
            "https://a.*.com",
            "ftp://a.b",
            "https://a.b/path",
        ] {
            assert!(OriginPattern::try_from(pattern.to_owned()).is_err(), "{pattern}");
        }
    }
}
