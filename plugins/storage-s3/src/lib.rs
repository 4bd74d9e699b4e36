//! Storage adapter for S3 and what speaks its protocol. A sandboxed component: it builds URLs and reads XML, the host
//! signs and sends. It never sees a credential or a file's bytes.
//!
//! Invariants: every URL is percent-encoded strictly by RFC 3986, so that what the host signs is what travels; every key
//! that leaves carries the configured prefix and every key that comes back has lost it.

mod error;
mod multipart;
mod objects;
mod plan;
mod settings;
mod url;
mod xml;

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; documented in wit/plugin.wit"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "storage-adapter" });
}

use bindings::bitvault::plugin::types::{Error, Response};
use bindings::exports::bitvault::plugin::storage::{
    Auth, Capabilities, GetOptions, Guest, Object, Page, Part, Pending, Plan, PutOptions,
};
use settings::Settings;
use std::sync::OnceLock;

const MIB: u64 = 1 << 20;

/// The settings, read once per instance.
fn settings() -> Result<&'static Settings, Error> {
    static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
    SETTINGS
        .get_or_init(|| Settings::parse(&bindings::bitvault::plugin::host::config()))
        .as_ref()
        .map_err(|reason| error::invalid(reason.clone()))
}

struct S3;

impl Guest for S3 {
    fn get_capabilities() -> Capabilities {
        let features = [
            "if-none-match",
            "if-match",
            "sha256",
            "part-sha256",
            "range-presign",
            "list-order",
        ];
        Capabilities {
            features: features.map(str::to_owned).to_vec(),
            min_part: 5 * MIB,
            max_part: 5 * 1024 * MIB,
            max_parts: 10_000,
            max_single_put: 5 * 1024 * MIB,
            max_delete: objects::MAX_DELETE,
        }
    }

    fn create_container() -> Result<(), Error> {
        objects::create_bucket(settings()?)
    }

    fn plan_get(key: String, options: GetOptions, auth: Auth) -> Result<Plan, Error> {
        plan::get(settings()?, &key, &options, auth)
    }

    fn plan_put(key: String, options: PutOptions, auth: Auth) -> Result<Plan, Error> {
        plan::put(settings()?, &key, &options, auth)
    }

    fn plan_part(
        key: String,
        upload: String,
        number: u32,
        len: u64,
        sha256: Option<Vec<u8>>,
        auth: Auth,
    ) -> Result<Plan, Error> {
        plan::part(settings()?, &key, &upload, number, len, sha256.as_deref(), auth)
    }

    fn parse_put(key: String, len: u64, response: Response) -> Result<Object, Error> {
        plan::parse_put(key, len, &response)
    }

    fn parse_part(number: u32, len: u64, response: Response) -> Result<Part, Error> {
        plan::parse_part(number, len, &response)
    }

    fn parse_get(key: String, response: Response) -> Result<Object, Error> {
        objects::parse_head(key, &response)
    }

    fn head(key: String) -> Result<Object, Error> {
        objects::head(settings()?, key)
    }

    fn delete(keys: Vec<String>) -> Result<Vec<(String, Error)>, Error> {
        objects::delete(settings()?, keys)
    }

    fn list_objects(
        prefix: String,
        delimiter: Option<String>,
        start_after: Option<String>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page, Error> {
        objects::list(
            settings()?,
            &prefix,
            delimiter.as_deref(),
            start_after.as_deref(),
            cursor.as_deref(),
            limit,
        )
    }

    fn copy(source: String, target: String, if_none_match: bool) -> Result<Object, Error> {
        objects::copy(settings()?, &source, target, if_none_match)
    }

    fn begin_upload(key: String, options: PutOptions, part_sha256: bool) -> Result<String, Error> {
        multipart::begin(settings()?, &key, &options, part_sha256)
    }

    fn copy_part(
        source: String,
        range: (u64, u64),
        key: String,
        upload: String,
        number: u32,
    ) -> Result<Part, Error> {
        multipart::copy_part(settings()?, &source, range, &key, &upload, number)
    }

    fn list_parts(key: String, upload: String) -> Result<Vec<Part>, Error> {
        multipart::list_parts(settings()?, &key, &upload)
    }

    fn list_uploads(prefix: String) -> Result<Vec<Pending>, Error> {
        multipart::list_uploads(settings()?, &prefix)
    }

    fn finish_upload(key: String, upload: String, parts: Vec<Part>) -> Result<Object, Error> {
        multipart::finish(settings()?, key, &upload, &parts)
    }

    fn abort_upload(key: String, upload: String) -> Result<(), Error> {
        multipart::abort(settings()?, &key, &upload)
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the generated export glue")]
mod export {
    crate::bindings::export!(S3 with_types_in crate::bindings);
    use crate::S3;
}
