//! Multipart uploads.

use crate::bindings::bitvault::plugin::types::Error;
use crate::bindings::exports::bitvault::plugin::storage::{Object, Part, Pending, PutOptions};
use crate::objects::{self, copy_source, iso_date, plain, relative, send};
use crate::plan::{self, Headers, push};
use crate::settings::Settings;
use crate::{error, url, xml};

/// Pages of parts that are read for one upload: 10,000 parts.
const MAX_PART_PAGES: usize = 10;
/// Uploads that one listing answers.
const MAX_UPLOADS: usize = 1000;

pub(crate) fn begin(
    settings: &Settings,
    key: &str,
    options: &PutOptions,
    part_sha256: bool,
) -> Result<String, Error> {
    let mut headers = plan::object_headers(options);
    if part_sha256 {
        push(&mut headers, "x-amz-checksum-algorithm", "SHA256");
    }
    let response = send(
        "POST",
        url::object(settings, key, &[("uploads", None)])?,
        headers,
        None,
    )?;
    error::check("begin multipart upload", &response)?;
    let told: xml::Initiated = xml::read(&response.body).map_err(error::protocol)?;
    Ok(told.upload_id)
}

pub(crate) fn copy_part(
    settings: &Settings,
    source: &str,
    (offset, len): (u64, u64),
    key: &str,
    upload: &str,
    number: u32,
) -> Result<Part, Error> {
    let Some(last) = len.checked_sub(1).and_then(|len| offset.checked_add(len)) else {
        return Err(error::invalid("a range must have at least one byte".to_owned()));
    };
    let mut headers = Headers::new();
    push(&mut headers, "x-amz-copy-source", &copy_source(settings, source)?);
    push(
        &mut headers,
        "x-amz-copy-source-range",
        &format!("bytes={offset}-{last}"),
    );
    let text = plan::part_number(number)?;
    let url = url::object(
        settings,
        key,
        &[("partNumber", Some(&text)), ("uploadId", Some(upload))],
    )?;
    let response = send("PUT", url, headers, None)?;
    error::check("copy part", &response)?;
    let told: xml::Tagged = xml::read(&response.body).map_err(error::protocol)?;
    let Some(tag) = told.etag else {
        return Err(error::protocol(
            "copy part: the store answered no etag".to_owned(),
        ));
    };
    Ok(Part {
        number,
        tag,
        len,
        sha256: None,
    })
}

pub(crate) fn list_parts(settings: &Settings, key: &str, upload: &str) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..MAX_PART_PAGES {
        let mut query = vec![("max-parts", Some("1000"))];
        if let Some(marker) = &marker {
            query.push(("part-number-marker", Some(marker.as_str())));
        }
        query.push(("uploadId", Some(upload)));
        let response = send("GET", url::object(settings, key, &query)?, Headers::new(), None)?;
        error::check("list parts", &response)?;
        let told: xml::ListParts = xml::read(&response.body).map_err(error::protocol)?;
        let got = told.part.len();
        parts.extend(told.part.into_iter().map(|part| Part {
            number: part.part_number,
            tag: part.etag,
            len: part.size,
            sha256: part.sha256.as_deref().and_then(plan::decode_sha256),
        }));
        if !told.is_truncated || got == 0 {
            parts.sort_by_key(|part: &Part| part.number);
            return Ok(parts);
        }
        marker = told.next_part_number_marker;
    }
    Err(error::protocol(
        "list parts: the store lists more than 10,000 parts".to_owned(),
    ))
}

pub(crate) fn list_uploads(settings: &Settings, prefix: &str) -> Result<Vec<Pending>, Error> {
    let full = format!("{}{prefix}", settings.prefix);
    let mut uploads = Vec::new();
    let mut markers: Option<(String, String)> = None;
    loop {
        let mut query = vec![("encoding-type", Some("url"))];
        if let Some((key, _)) = &markers {
            query.push(("key-marker", Some(key.as_str())));
        }
        query.push(("max-uploads", Some("1000")));
        query.push(("prefix", Some(full.as_str())));
        if let Some((_, upload)) = &markers {
            query.push(("upload-id-marker", Some(upload.as_str())));
        }
        query.push(("uploads", None));
        let response = send("GET", url::bucket(settings, &query), Headers::new(), None)?;
        error::check("list multipart uploads", &response)?;
        let told: xml::ListUploads = xml::read(&response.body).map_err(error::protocol)?;
        let encoded = told.encoding_type.as_deref() == Some("url");
        let got = told.upload.len();
        for upload in told.upload {
            uploads.push(Pending {
                key: relative(settings, &plain(encoded, upload.key)?)?,
                upload: upload.upload_id,
                begun_ms: upload.initiated.as_deref().and_then(iso_date),
            });
        }
        if !told.is_truncated || got == 0 || uploads.len() >= MAX_UPLOADS {
            uploads.truncate(MAX_UPLOADS);
            return Ok(uploads);
        }
        let key = plain(encoded, told.next_key_marker.unwrap_or_default())?;
        markers = Some((key, told.next_upload_id_marker.unwrap_or_default()));
    }
}

pub(crate) fn finish(
    settings: &Settings,
    key: String,
    upload: &str,
    parts: &[Part],
) -> Result<Object, Error> {
    let mut listed = Vec::with_capacity(parts.len());
    for part in parts {
        let sha256 = part.sha256.as_deref().map(plan::checksum).transpose()?;
        listed.push((part.number, part.tag.as_str(), sha256));
    }
    let mut headers = Headers::new();
    push(&mut headers, "content-type", "application/xml");
    let url = url::object(settings, &key, &[("uploadId", Some(upload))])?;
    let response = send("POST", url, headers, Some(xml::complete(&listed)))?;
    error::check("finish multipart upload", &response)?;
    let told: xml::Tagged = xml::read(&response.body).map_err(error::protocol)?;
    Ok(Object {
        key,
        size: parts.iter().map(|part| part.len).sum(),
        etag: told.etag,
        sha256: None,
        modified_ms: told.last_modified.as_deref().and_then(iso_date),
        content_type: None,
        meta: Vec::new(),
    })
}

pub(crate) fn abort(settings: &Settings, key: &str, upload: &str) -> Result<(), Error> {
    let url = url::object(settings, key, &[("uploadId", Some(upload))])?;
    let response = objects::send("DELETE", url, Headers::new(), None)?;
    match error::check("abort multipart upload", &response) {
        Err(error) if error.code == "not_found" => Ok(()),
        other => other,
    }
}
