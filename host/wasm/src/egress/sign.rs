//! AWS Signature Version 4, into headers or into the URL. Every given header is signed.

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;

/// Longest life of a presigned request, in seconds.
pub const MAX_PRESIGN: u32 = 15 * 60;
/// All but RFC 3986's unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const SERVICE: &str = "s3";

/// An access key with its secret, and the region that signatures are made for.
#[derive(Debug, Clone)]
pub struct Credentials {
    region: String,
    key: AwsCredentials,
}

impl Credentials {
    /// `region` is what the store expects in signatures.
    pub fn new(region: &str, access_key: &str, secret_key: &SecretString) -> Self {
        let key = AwsCredentials::new(access_key, secret_key.expose_secret(), None, None, "bitvault");
        Self {
            region: region.to_owned(),
            key,
        }
    }
}

/// A request ready to be sent, or to be handed out when it is presigned.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The method.
    pub method: Method,
    /// The URL; it holds the signature when it is presigned.
    pub url: Url,
    /// Headers that must be sent exactly so.
    pub headers: HeaderMap,
    /// When a presigned request ends.
    pub expires_at: Option<OffsetDateTime>,
}

/// What a header signature says about the body.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    Bytes(&'a [u8]),
    /// The body is bound by a signed checksum header, or not at all.
    Unsigned,
}

pub(super) fn header(
    credentials: &Credentials,
    now: OffsetDateTime,
    method: Method,
    url: Url,
    mut headers: HeaderMap,
    payload: Payload<'_>,
) -> Result<Signed, String> {
    let mut settings = settings();
    settings.signature_location = SignatureLocation::Headers;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let body = match payload {
        Payload::Bytes(bytes) => SignableBody::Bytes(bytes),
        Payload::Unsigned => SignableBody::UnsignedPayload,
    };
    let (made, _) = instructions(credentials, now, settings, &method, &url, &headers, body)?.into_parts();
    for header in made {
        let name = HeaderName::from_static(header.name());
        let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
        value.set_sensitive(header.sensitive());
        headers.insert(name, value);
    }
    Ok(Signed {
        method,
        url,
        headers,
        expires_at: None,
    })
}

pub(super) fn presign(
    credentials: &Credentials,
    now: OffsetDateTime,
    method: Method,
    mut url: Url,
    headers: HeaderMap,
    seconds: u32,
) -> Result<Signed, String> {
    if !(1..=MAX_PRESIGN).contains(&seconds) {
        return Err(format!(
            "a presigned request lives from 1 to {MAX_PRESIGN} seconds, not {seconds}"
        ));
    }
    let life = Duration::from_secs(seconds.into());
    let mut settings = settings();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(life);
    let body = SignableBody::UnsignedPayload;
    let (_, made) = instructions(credentials, now, settings, &method, &url, &headers, body)?.into_parts();
    let mut query = url.query().unwrap_or_default().to_owned();
    for (name, value) in made {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(&value, STRICT));
    }
    url.set_query(Some(&query));
    Ok(Signed {
        method,
        url,
        headers,
        expires_at: Some(now + life),
    })
}

fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    // S3 takes the path as it was sent.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

fn instructions(
    credentials: &Credentials,
    now: OffsetDateTime,
    settings: SigningSettings,
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: SignableBody<'_>,
) -> Result<SigningInstructions, String> {
    let fail = |error: &dyn std::error::Error| format!("sign the request: {error}");
    let identity = credentials.key.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&credentials.region)
        .name(SERVICE)
        .time(now.into())
        .settings(settings)
        .build()
        .map_err(|error| fail(&error))?
        .into();
    let mut pairs = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        pairs.push((name.as_str(), value.to_str().map_err(|error| fail(&error))?));
    }
    let request = SignableRequest::new(method.as_str(), url.as_str(), pairs.into_iter(), body)
        .map_err(|error| fail(&error))?;
    let signed = sign(request, &params).map_err(|error| fail(&error))?;
    Ok(signed.into_parts().0)
}
