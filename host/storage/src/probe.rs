//! What the store behind the plugin really does. Run when a backend is added and at each start, with objects of its own
//! below `.bitvault-probe/`, over the same presigned requests that clients get. Several processes may probe one bucket at
//! once: each has a folder of its own, and leaves those of the others alone.
//!
//! Safety depends on two answers: `If-None-Match: *` refuses to overwrite (a presigned PUT outlives its commit), and a body
//! whose SHA-256 is not the bound one is refused (commits trust it). A store that fails either is refused with the reason.

use crate::backend::{Backend, Facts};
use bitvault_wasm::{Auth, Call, Egress, Error, GetOptions, Object, Part, PutOptions, Response, Signed};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// What every probe's folder is in. Who lists without asking for it is not told of it.
pub(crate) const FOLDER: &str = ".bitvault-probe/";
const CONTENT: &[u8] = b"bitvault probe: this object may be removed\n";
/// Another text of the same length.
const ALTERED: &[u8] = b"bitvault probe: this object may be altered\n";
/// Life of the probe's presigned requests, in seconds.
const LIFE: Auth = Auth::Presign(60);
/// Objects of one probe, and leftovers of earlier ones that it removes.
const LEFTOVERS: u32 = 100;
/// Age from which what lies in another probe's folder was left by one that was cut off, in milliseconds: ten minutes.
const CUT_OFF_MS: u64 = 10 * 60 * 1000;

/// Why the store can't be used.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It does not answer, or not now.
    Unavailable(String),
    /// It answers, but not as it must.
    Refused(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unavailable(reason) | Self::Refused(reason)) = self;
        f.write_str(reason)
    }
}

impl From<Error> for Verdict {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(
                "access_denied" | "egress_denied" | "wrong_endpoint" | "container_not_found" | "invalid",
            ) => Self::Refused(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

pub(crate) async fn run(backend: &Backend) -> Result<Facts, Verdict> {
    let capabilities = backend
        .store
        .call("get-capabilities")
        .await?
        .capabilities()
        .await?;
    reach(backend).await?;
    let folder = format!("{FOLDER}{}/", uuid::Uuid::new_v4());
    let outcome = try_all(backend, &folder).await;
    clean_up(backend, &folder).await;
    let features = outcome?;
    Ok(Facts {
        capabilities,
        features,
    })
}

/// Why a look did not see the store.
pub(crate) enum Unseen {
    /// It was not asked.
    Busy,
    /// It can't be used.
    Away(Verdict),
}

/// Whether the store still answers, knows the credential and has the bucket: one request that changes nothing.
pub(crate) async fn look(backend: &Backend) -> Result<(), Unseen> {
    match list(backend, FOLDER).await {
        Ok(_) => Ok(()),
        Err(Error::Saturated { .. } | Error::BreakerOpen { .. }) => Err(Unseen::Busy),
        Err(error) => Err(Unseen::Away(error.into())),
    }
}

async fn try_all(backend: &Backend, folder: &str) -> Result<BTreeSet<&'static str>, Verdict> {
    let mut features = BTreeSet::new();
    overwriting(backend, &format!("{folder}once")).await?;
    features.insert("if-none-match");
    checksums(backend, &format!("{folder}checked")).await?;
    features.insert("sha256");
    if ranges(backend, &format!("{folder}once")).await? {
        features.insert("range-presign");
    }
    let head = backend
        .store
        .call("head")
        .await?
        .head(&format!("{folder}once"))
        .await?;
    if head.size != CONTENT.len() as u64 {
        return Err(Verdict::Refused(format!(
            "the store tells {} bytes for an object of {}",
            head.size,
            CONTENT.len()
        )));
    }
    if head.sha256.as_deref() == Some(Sha256::digest(CONTENT).as_slice()) {
        features.insert("head-sha256");
    }
    parts(backend, folder, &mut features).await?;
    Ok(features)
}

/// Whether the store answers, knows the credential and has the bucket.
async fn reach(backend: &Backend) -> Result<(), Verdict> {
    let listed = list(backend, FOLDER).await;
    match listed {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("container_not_found") && backend.create_bucket => {
            backend
                .store
                .call("create-container")
                .await?
                .create_container()
                .await?;
            list(backend, FOLDER).await?;
            tracing::info!(backend = backend.name, "made the bucket");
            Ok(())
        }
        Err(error) if error.code() == Some("container_not_found") => Err(Verdict::Refused(format!(
            "{error}; make the bucket, or set `create_bucket = true`"
        ))),
        Err(error) => Err(error.into()),
    }
}

async fn list(backend: &Backend, prefix: &str) -> Result<Vec<Object>, Error> {
    let mut call = backend.store.call("list-objects").await?;
    let page = call.list_objects(prefix, None, None, None, LEFTOVERS).await?;
    Ok(page.objects)
}

/// Removes what this probe left, and earlier ones that were cut off: a command of the operator may end sooner than the
/// probe that began with it. How old those are is told by the store's clock alone, on which this probe's own objects are new.
async fn clean_up(backend: &Backend, folder: &str) {
    let cleaned = async {
        let own = list(backend, folder).await?;
        let now = own.iter().filter_map(|object| object.modified_ms).max();
        let cut_off = |at: Option<u64>| {
            at.zip(now)
                .is_some_and(|(at, now)| at.saturating_add(CUT_OFF_MS) < now)
        };
        let mut keys: Vec<String> = list(backend, FOLDER)
            .await?
            .into_iter()
            .filter(|object| !object.key.starts_with(folder) && cut_off(object.modified_ms))
            .map(|object| object.key)
            .collect();
        keys.extend(own.into_iter().map(|object| object.key));
        if !keys.is_empty() {
            backend.store.call("delete").await?.delete(&keys).await?;
        }
        for left in backend
            .store
            .call("list-uploads")
            .await?
            .list_uploads(FOLDER)
            .await?
        {
            if !left.key.starts_with(folder) && !cut_off(left.begun_ms) {
                continue;
            }
            let mut call = backend.store.call("abort-upload").await?;
            call.abort_upload(&left.key, &left.upload).await?;
        }
        Ok::<_, Error>(())
    };
    if let Err(error) = cleaned.await {
        tracing::warn!("objects of the probe stay behind: {error}");
    }
}

fn bound() -> PutOptions {
    PutOptions {
        content_type: Some("text/plain".to_owned()),
        len: Some(CONTENT.len() as u64),
        sha256: Some(Sha256::digest(CONTENT).to_vec()),
        if_none_match: true,
        if_match: None,
        meta: Vec::new(),
    }
}

async fn overwriting(backend: &Backend, key: &str) -> Result<(), Verdict> {
    let signed = backend
        .store
        .call("plan-put")
        .await?
        .plan_put(key, &bound(), LIFE)
        .await?;
    let first = send(backend, signed.clone(), CONTENT).await?;
    succeed(backend, key, first).await?;
    let again = send(backend, signed, CONTENT).await?;
    match again.status {
        412 => Ok(()),
        200..=299 => Err(Verdict::Refused(
            "the store ignores If-None-Match: a presigned PUT could overwrite a committed object".to_owned(),
        )),
        status => Err(Verdict::Refused(format!(
            "the store answers {status} where If-None-Match has to refuse an overwrite with 412"
        ))),
    }
}

async fn checksums(backend: &Backend, key: &str) -> Result<(), Verdict> {
    let signed = backend
        .store
        .call("plan-put")
        .await?
        .plan_put(key, &bound(), LIFE)
        .await?;
    let wrong = send(backend, signed.clone(), ALTERED).await?;
    if (200..300).contains(&wrong.status) {
        return Err(Verdict::Refused(
            "the store takes a body whose SHA-256 is not the one bound into the presigned PUT".to_owned(),
        ));
    }
    let mut stripped = signed.clone();
    stripped.headers.remove("x-amz-checksum-sha256");
    if (200..300).contains(&send(backend, stripped, ALTERED).await?.status) {
        return Err(Verdict::Refused(
            "the store takes a presigned PUT without the checksum header that its signature names".to_owned(),
        ));
    }
    // An honest retry after a refused body has to work.
    let right = send(backend, signed, CONTENT).await?;
    succeed(backend, key, right).await
}

async fn ranges(backend: &Backend, key: &str) -> Result<bool, Verdict> {
    let options = GetOptions {
        range: Some((4, 6)),
        ..GetOptions::none()
    };
    let signed = backend
        .store
        .call("plan-get")
        .await?
        .plan_get(key, &options, LIFE)
        .await?;
    let asked = send(backend, signed.clone(), &[]).await?;
    let mut other = signed.clone();
    other
        .headers
        .insert("range", http::HeaderValue::from_static("bytes=0-20"));
    let other = send(backend, other, &[]).await?;
    let mut whole = signed;
    whole.headers.remove("range");
    let whole = send(backend, whole, &[]).await?;
    let refused = |response: &Response| (400..500).contains(&response.status);
    Ok(asked.status == 206 && asked.body == CONTENT[4..10] && refused(&other) && refused(&whole))
}

/// Features of multipart uploads. That they work at all is needed; the rest is told.
async fn parts(
    backend: &Backend,
    folder: &str,
    features: &mut BTreeSet<&'static str>,
) -> Result<(), Verdict> {
    let key = format!("{folder}parts");
    let store = &backend.store;
    let upload = store
        .call("begin-upload")
        .await?
        .begin_upload(&key, &PutOptions::none(), false)
        .await?;
    let sha256 = Sha256::digest(CONTENT);
    let len = CONTENT.len() as u64;
    let mut plan = store.call("plan-part").await?;
    let signed = plan
        .plan_part(&key, &upload, 1, len, Some(sha256.as_slice()), LIFE)
        .await?;
    let plain = plan.plan_part(&key, &upload, 2, len, None, LIFE).await?;
    drop(plan);
    let wrong = send(backend, signed.clone(), ALTERED).await?;
    let right = send(backend, signed, CONTENT).await?;
    let verified = !(200..300).contains(&wrong.status) && (200..300).contains(&right.status);
    let second = send(backend, plain, CONTENT).await?;
    let second = store
        .call("parse-part")
        .await?
        .parse_part(2, len, &second)
        .await?;
    let listed = store.call("list-parts").await?.list_parts(&key, &upload).await?;
    if !listed
        .iter()
        .any(|part| part.number == 2 && part.tag == second.tag && part.len == len)
    {
        return Err(Verdict::Refused(
            "the store does not list a part that it has taken".to_owned(),
        ));
    }
    let pending = store.call("list-uploads").await?.list_uploads(folder).await?;
    if pending
        .iter()
        .any(|pending| pending.key == key && pending.upload == upload)
    {
        features.insert("list-uploads");
    }
    // Only the last part may be small, so one part alone makes the object; it also shows whether a bound part and an
    // upload that declared nothing get along at the end.
    let last = listed
        .into_iter()
        .find(|part| part.number == if verified { 1 } else { 2 });
    let parts: Vec<_> = last
        .into_iter()
        .map(|part| Part { sha256: None, ..part })
        .collect();
    let finished = store
        .call("finish-upload")
        .await?
        .finish_upload(&key, &upload, &parts)
        .await;
    match finished {
        Ok(_) if verified => _ = features.insert("part-sha256"),
        Ok(_) => {}
        Err(error) => {
            store
                .call("abort-upload")
                .await?
                .abort_upload(&key, &upload)
                .await?;
            return Err(error.into());
        }
    }
    store
        .call("abort-upload")
        .await?
        .abort_upload(&key, "unknown-upload-of-the-probe")
        .await
        .or_else(|error| {
            tracing::info!("the store does not take an unknown multipart upload for aborted: {error}");
            Ok::<_, Verdict>(())
        })
}

async fn send(backend: &Backend, signed: Signed, body: &'static [u8]) -> Result<Response, Verdict> {
    let unavailable = |error: bitvault_wasm::GuestError| match error.code.as_str() {
        "egress_denied" => Verdict::Refused(error.message),
        _ => Verdict::Unavailable(error.message),
    };
    let response = backend
        .store
        .egress()
        .transfer(signed, body.into())
        .await
        .map_err(unavailable)?;
    Egress::small(response).await.map_err(unavailable)
}

async fn succeed(backend: &Backend, key: &str, response: Response) -> Result<(), Verdict> {
    let mut call: Call = backend.store.call("parse-put").await?;
    call.parse_put(key, CONTENT.len() as u64, &response).await?;
    Ok(())
}
