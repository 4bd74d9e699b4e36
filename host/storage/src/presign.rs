//! Presigned requests, many in one call of the plugin.

use crate::backend::Storage;
use crate::error::{self, invalid};
use bitvault_platform::Error;
use bitvault_proto::internal::v1 as rpc;
use bitvault_proto::v1::PresignedRequest;
use bitvault_wasm::{Auth, GetOptions, MAX_PRESIGN, PutOptions, Signed};
use time::OffsetDateTime;

/// Requests that one call presigns.
const MAX_REQUESTS: usize = 1000;
const SHA256_LEN: usize = 32;

pub(crate) async fn puts(
    storage: &Storage,
    request: rpc::PresignPutsRequest,
) -> Result<rpc::PresignedResponse, Error> {
    let facts = storage.facts().await?;
    let auth = life(request.lifetime_s)?;
    bounded(request.puts.len())?;
    let mut signed = Vec::with_capacity(request.puts.len());
    let mut call = storage
        .backend()
        .for_clients
        .call("plan-put")
        .await
        .map_err(error::plugin)?;
    for put in request.puts {
        if put.sha256.len() != SHA256_LEN {
            return Err(invalid("sha256_invalid", "a SHA-256 has 32 bytes".to_owned()));
        }
        if put.size > facts.capabilities.max_single_put {
            let most = facts.capabilities.max_single_put;
            return Err(invalid(
                "put_too_large",
                format!("one PUT writes at most {most} bytes"),
            ));
        }
        let options = PutOptions {
            content_type: Some(put.content_type).filter(|kind| !kind.is_empty()),
            len: Some(put.size),
            sha256: Some(put.sha256),
            if_none_match: true,
            if_match: None,
            meta: Vec::new(),
        };
        signed.push(
            call.plan_put(&put.key, &options, auth)
                .await
                .map_err(error::plugin)?,
        );
    }
    Ok(answer(signed))
}

pub(crate) async fn parts(
    storage: &Storage,
    request: rpc::PresignPartsRequest,
) -> Result<rpc::PresignedResponse, Error> {
    let facts = storage.facts().await?;
    let auth = life(request.lifetime_s)?;
    bounded(request.parts.len())?;
    // Where the store does not verify parts, binding a hash would only make it refuse them; callers see the missing
    // feature and hash the object at commit.
    let verifies = facts.features.contains("part-sha256");
    let mut signed = Vec::with_capacity(request.parts.len());
    let mut call = storage
        .backend()
        .for_clients
        .call("plan-part")
        .await
        .map_err(error::plugin)?;
    for part in request.parts {
        if part.number == 0 || part.number > facts.capabilities.max_parts {
            let most = facts.capabilities.max_parts;
            return Err(invalid(
                "part_number_invalid",
                format!("parts are numbered from 1 to {most}"),
            ));
        }
        if part.size > facts.capabilities.max_part {
            let most = facts.capabilities.max_part;
            return Err(invalid(
                "part_too_large",
                format!("a part has at most {most} bytes"),
            ));
        }
        if part
            .sha256
            .as_ref()
            .is_some_and(|sha256| sha256.len() != SHA256_LEN)
        {
            return Err(invalid("sha256_invalid", "a SHA-256 has 32 bytes".to_owned()));
        }
        let sha256 = part.sha256.as_deref().filter(|_| verifies);
        let planned = call
            .plan_part(
                &request.key,
                &request.multipart,
                part.number,
                part.size,
                sha256,
                auth,
            )
            .await;
        signed.push(planned.map_err(error::plugin)?);
    }
    Ok(answer(signed))
}

pub(crate) async fn gets(
    storage: &Storage,
    request: rpc::PresignGetsRequest,
) -> Result<rpc::PresignedResponse, Error> {
    let facts = storage.facts().await?;
    let auth = life(request.lifetime_s)?;
    bounded(request.gets.len())?;
    let mut signed = Vec::with_capacity(request.gets.len());
    let mut call = storage
        .backend()
        .for_clients
        .call("plan-get")
        .await
        .map_err(error::plugin)?;
    for get in request.gets {
        if get.range.is_some() && !facts.features.contains("range-presign") {
            let text = "this backend can't bind a range into a presigned request".to_owned();
            return Err(invalid("range_presign_unsupported", text));
        }
        let options = GetOptions {
            range: get.range.map(|range| (range.offset, range.length)),
            content_type: get.content_type,
            content_disposition: get.content_disposition,
            ..GetOptions::none()
        };
        signed.push(
            call.plan_get(&get.key, &options, auth)
                .await
                .map_err(error::plugin)?,
        );
    }
    Ok(answer(signed))
}

fn life(seconds: u32) -> Result<Auth, Error> {
    if (1..=MAX_PRESIGN).contains(&seconds) {
        return Ok(Auth::Presign(seconds));
    }
    Err(invalid(
        "lifetime_invalid",
        format!("presigned requests live from 1 to {MAX_PRESIGN} seconds"),
    ))
}

fn bounded(count: usize) -> Result<(), Error> {
    if count <= MAX_REQUESTS {
        return Ok(());
    }
    Err(invalid(
        "too_many",
        format!("one call presigns at most {MAX_REQUESTS} requests"),
    ))
}

fn answer(signed: Vec<Signed>) -> rpc::PresignedResponse {
    let expires_at = signed
        .iter()
        .filter_map(|signed| signed.expires_at)
        .min()
        .map(timestamp);
    let requests = signed.into_iter().map(|signed| PresignedRequest {
        method: signed.method.to_string(),
        url: signed.url.into(),
        // The values were checked to be text before they were signed.
        headers: signed
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
    });
    rpc::PresignedResponse {
        requests: requests.collect(),
        expires_at,
    }
}

fn timestamp(time: OffsetDateTime) -> prost_types::Timestamp {
    // Nanoseconds of a second always fit.
    let nanos = i32::try_from(time.nanosecond()).unwrap_or_default();
    prost_types::Timestamp {
        seconds: time.unix_timestamp(),
        nanos,
    }
}
