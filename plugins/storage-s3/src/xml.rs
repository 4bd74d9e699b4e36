//! S3's XML documents: the ones read, by serde; the ones written, by hand with escaping.

use quick_xml::escape::escape;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct S3Error {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListBucket {
    #[serde(default)]
    pub(crate) contents: Vec<Content>,
    #[serde(default)]
    pub(crate) common_prefixes: Vec<Prefix>,
    #[serde(default)]
    pub(crate) is_truncated: bool,
    pub(crate) next_continuation_token: Option<String>,
    pub(crate) encoding_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Content {
    pub(crate) key: String,
    pub(crate) size: u64,
    #[serde(rename = "ETag")]
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Prefix {
    pub(crate) prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteResult {
    #[serde(default)]
    pub(crate) error: Vec<DeleteError>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteError {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Initiated {
    pub(crate) upload_id: String,
}

/// Of CopyObject, UploadPartCopy and CompleteMultipartUpload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tagged {
    #[serde(rename = "ETag")]
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListParts {
    #[serde(default)]
    pub(crate) part: Vec<Part>,
    #[serde(default)]
    pub(crate) is_truncated: bool,
    pub(crate) next_part_number_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Part {
    pub(crate) part_number: u32,
    #[serde(rename = "ETag")]
    pub(crate) etag: String,
    pub(crate) size: u64,
    #[serde(rename = "ChecksumSHA256")]
    pub(crate) sha256: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListUploads {
    #[serde(default)]
    pub(crate) upload: Vec<Upload>,
    #[serde(default)]
    pub(crate) is_truncated: bool,
    pub(crate) next_key_marker: Option<String>,
    pub(crate) next_upload_id_marker: Option<String>,
    pub(crate) encoding_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) upload_id: String,
    pub(crate) initiated: Option<String>,
}

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    quick_xml::de::from_str(text).map_err(|error| format!("the answer is not the expected XML: {error}"))
}

/// Whether the document's root is `Error`.
pub(crate) fn is_error(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(after) = rest.strip_prefix("<?xml") {
        rest = after.split_once("?>").map_or("", |(_, rest)| rest).trim_start();
    }
    rest.strip_prefix("<Error")
        .is_some_and(|after| after.starts_with(['>', ' ', '/']))
}

/// The error document, if the body is one.
pub(crate) fn error(body: &[u8]) -> Option<S3Error> {
    if is_error(body) { read(body).ok() } else { None }
}

/// The body of a multi-object delete that answers failures only.
pub(crate) fn delete(keys: &[String]) -> String {
    let mut xml =
        String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for key in keys {
        xml.push_str("<Object><Key>");
        xml.push_str(&escape(key.as_str()));
        xml.push_str("</Key></Object>");
    }
    xml.push_str("</Delete>");
    xml
}

/// The body that puts parts together: number, tag, base64 of the SHA-256.
pub(crate) fn complete(parts: &[(u32, &str, Option<String>)]) -> String {
    let mut xml = String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (number, tag, sha256) in parts {
        xml.push_str(&format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag>",
            escape(*tag)
        ));
        if let Some(sha256) = sha256 {
            xml.push_str(&format!("<ChecksumSHA256>{sha256}</ChecksumSHA256>"));
        }
        xml.push_str("</Part>");
    }
    xml.push_str("</CompleteMultipartUpload>");
    xml
}

/// The body that makes a bucket outside the default region.
pub(crate) fn create_bucket(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
        escape(region)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_with_interleaved_elements_are_read() {
        let list: ListBucket = read(
            b"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>\
              <Contents><Key>b&amp;c</Key><Size>3</Size><ETag>&quot;e&quot;</ETag></Contents>\
              <CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes><IsTruncated>false</IsTruncated></ListBucketResult>",
        )
        .unwrap();
        assert_eq!(list.contents[0].key, "b&c");
        assert_eq!(list.contents[0].etag.as_deref(), Some("\"e\""));
        assert_eq!(list.common_prefixes.len(), 2);
        assert!(!list.is_truncated);
    }

    #[test]
    fn keys_are_escaped_in_documents() {
        assert!(delete(&["a<b>&".to_owned()]).contains("<Key>a&lt;b&gt;&amp;</Key>"));
    }
}
