//! Between object_store's types and the contract's.

use bitvault_wasm::{Error as PluginError, Object, PutOptions as Put};
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{Attribute, Attributes, Error, ObjectMeta, Result, TagSet};

const STORE: &str = "plugin";

pub(super) fn unsupported(what: &str) -> Error {
    Error::NotSupported {
        source: format!("storage plugins do not know {what}").into(),
    }
}

/// A plugin's error at `path`.
pub(crate) fn store_error(path: &str, error: PluginError) -> Error {
    let path = path.to_owned();
    let code = error.code().unwrap_or_default().to_owned();
    let source = Box::new(error);
    match code.as_str() {
        "not_found" => Error::NotFound { path, source },
        "precondition_failed" => Error::Precondition { path, source },
        "not_modified" => Error::NotModified { path, source },
        "exists" => Error::AlreadyExists { path, source },
        // Two conditional writes at the same time: one of them lost.
        "conflict" => Error::Precondition { path, source },
        "access_denied" | "egress_denied" => Error::PermissionDenied { path, source },
        "unsupported" => Error::NotSupported { source },
        _ => Error::Generic { store: STORE, source },
    }
}

pub(super) fn meta(object: Object) -> Result<ObjectMeta> {
    let millis = object
        .modified_ms
        .and_then(|millis| i64::try_from(millis).ok())
        .unwrap_or_default();
    let last_modified = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    let location = Path::parse(&object.key)?;
    Ok(ObjectMeta {
        location,
        last_modified,
        size: object.size,
        e_tag: object.etag,
        version: None,
    })
}

pub(super) fn attributes(object: &Object) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(kind) = &object.content_type {
        attributes.insert(Attribute::ContentType, kind.clone().into());
    }
    for (name, value) in &object.meta {
        // Headers that are not text can't come from here.
        let Ok(value) = String::from_utf8(value.clone()) else {
            continue;
        };
        let attribute = match name.as_str() {
            "cache-control" => Attribute::CacheControl,
            "content-disposition" => Attribute::ContentDisposition,
            "content-encoding" => Attribute::ContentEncoding,
            "content-language" => Attribute::ContentLanguage,
            _ => Attribute::Metadata(name.clone().into()),
        };
        attributes.insert(attribute, value.into());
    }
    attributes
}

pub(super) fn put_options(tags: &TagSet, attributes: &Attributes) -> Result<Put> {
    if !tags.is_empty() {
        return Err(unsupported("tags"));
    }
    let mut put = Put::none();
    for (attribute, value) in attributes {
        let name = match attribute {
            Attribute::ContentType => {
                put.content_type = Some(value.to_string());
                continue;
            }
            Attribute::CacheControl => "cache-control".to_owned(),
            Attribute::ContentDisposition => "content-disposition".to_owned(),
            Attribute::ContentEncoding => "content-encoding".to_owned(),
            Attribute::ContentLanguage => "content-language".to_owned(),
            Attribute::Metadata(name) => name.to_string(),
            _ => return Err(unsupported("this attribute")),
        };
        put.meta.push((name, value.as_bytes().to_vec()));
    }
    Ok(put)
}

pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
