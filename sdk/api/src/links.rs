use crate::Node;
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

/// What a public link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Look at and list.
    View,
    /// Read as well.
    Download,
    /// Add files to a folder, and see nothing of it.
    Drop,
}

/// A public link, as those see it who made it or own its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// `lnk_…`
    pub id: String,
    /// What it is on.
    pub node_id: String,
    /// The account that made it, and that its visitors act for.
    pub created_by: String,
    /// What it is for.
    pub kind: LinkKind,
    /// What its visitors are told it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it asks for a password.
    pub has_password: bool,
    /// When it ends by itself.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub expires_at: Option<OffsetDateTime>,
    /// How often it may be downloaded from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_downloads: Option<u32>,
    /// How often it was.
    pub downloads: u32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Body of `POST /v1/links`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// What it is on; `root` is an alias.
    pub node_id: String,
    /// What it is for.
    pub kind: LinkKind,
    /// Asked of its visitors: 8 to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// When it ends by itself.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub expires_at: Option<OffsetDateTime>,
    /// How often it may be downloaded from; with `download` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_downloads: Option<u32>,
    /// What its visitors are told it is, at most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Answer of `POST /v1/links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedLink {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
    /// What to give away. Shown now and never again: only a hash of its token is kept. Absent when a request is repeated
    /// long after the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Body of `PATCH /v1/links/{id}`. What is left out stays as it is; `null` removes it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateLink {
    /// What its visitors are told it is, at most 255 bytes.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub label: Option<Option<String>>,
    /// Asked of its visitors: 8 to 128 characters. Another one shuts out whoever came in with the former.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub password: Option<Option<String>>,
    /// When it ends by itself.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Option<Instant>>,
    /// How often it may be downloaded from.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>))]
    pub max_downloads: Option<Option<u32>>,
}

/// A time, RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(#[serde(with = "time::serde::rfc3339")] pub OffsetDateTime);

/// Tells `null` from what is left out.
fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A public link, as its visitors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicLink {
    /// What it is for.
    pub kind: LinkKind,
    /// What whoever made it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it ends by itself.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub expires_at: Option<OffsetDateTime>,
    /// What it is on; absent for a drop box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
}

/// Body of `POST /v1/public/{token}/key`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UnlockLink {
    /// The link's password.
    pub password: String,
}

/// Answer of `POST /v1/public/{token}/key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkKey {
    /// To be sent as the header `Bitvault-Link-Key`; absent when the link asks for no password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Body of `POST /v1/public/{token}/uploads`: a file for a drop box.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DropUpload {
    /// Its name, at most 255 bytes. When it is taken the file gets another one, which is not told.
    pub name: String,
    /// Bytes of the content.
    pub size: u64,
    /// SHA-256 of the content in hex. May be left out when the upload is multipart and commit names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Media type; guessed from the name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_removes_and_what_is_left_out_stays() {
        let change: UpdateLink = serde_json::from_str(r#"{"label":null,"max_downloads":3}"#).expect("parse");
        assert_eq!(change.label, Some(None));
        assert_eq!(change.max_downloads, Some(Some(3)));
        assert_eq!(change.password, None);
        let text = serde_json::to_string(&change).expect("write");
        assert_eq!(text, r#"{"label":null,"max_downloads":3}"#);
        assert!(serde_json::from_str::<UpdateLink>(r#"{"expires_at":"tomorrow"}"#).is_err());
    }
}
