use super::{at, missing, node, sha256_option};
use crate::problem;
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn start(from: rest::StartUpload) -> Result<rpc::StartUpload, Error> {
    Ok(rpc::StartUpload {
        sha256: sha256_option(from.sha256.as_deref())?,
        parent_id: from.parent_id,
        name: from.name,
        node_id: from.node_id,
        base_version: from.base_version,
        size: from.size,
        content_type: from.content_type,
        device: from.device,
        conflict_of: from.conflict_of.map(|of| rpc::ConflictOf {
            node_id: of.node_id,
            base_version: of.base_version,
        }),
    })
}

pub(crate) fn commit(upload_id: String, from: rest::CommitUpload) -> Result<rpc::CommitUpload, Error> {
    let parts = from.parts.into_iter();
    Ok(rpc::CommitUpload {
        upload_id,
        sha256: sha256_option(from.sha256.as_deref())?,
        parts: parts
            .map(|part| rpc::CommitPart {
                number: part.number,
                etag: part.etag,
            })
            .collect(),
    })
}

pub(crate) fn wanted_part(from: rest::PartWanted) -> Result<rpc::PartWanted, Error> {
    Ok(rpc::PartWanted {
        number: from.number,
        sha256: sha256_option(from.sha256.as_deref())?,
    })
}

pub(crate) fn upload(from: rpc::Upload) -> Result<rest::Upload, Error> {
    let state = match from.state() {
        rpc::UploadState::Staging => rest::UploadState::Staging,
        rpc::UploadState::Committed => rest::UploadState::Committed,
        rpc::UploadState::Orphaned => rest::UploadState::Orphaned,
        rpc::UploadState::Deleted => rest::UploadState::Deleted,
        rpc::UploadState::Unspecified => return Err(missing("upload.state")),
    };
    Ok(rest::Upload {
        state,
        upload_id: from.id,
        multipart: from.multipart,
        part_size: from.part_size,
        part_count: from.part_count,
        parts: from.parts.into_iter().map(part).collect::<Result<_, _>>()?,
        uploaded: from
            .uploaded
            .into_iter()
            .map(|part| rest::UploadedPart {
                number: part.number,
                etag: part.etag,
                size: part.size,
            })
            .collect(),
        expires_at: at(from.expires_at, "upload.expires_at")?,
    })
}

pub(crate) fn parts(from: rpc::PresignPartsResponse) -> Result<rest::Parts, Error> {
    Ok(rest::Parts {
        parts: from.parts.into_iter().map(part).collect::<Result<_, _>>()?,
        expires_at: at(from.expires_at, "parts.expires_at")?,
    })
}

fn part(from: rpc::PartRequest) -> Result<rest::PartRequest, Error> {
    let request = from.request.ok_or_else(|| missing("part.request"))?;
    Ok(rest::PartRequest {
        number: from.number,
        method: request.method,
        url: request.url,
        headers: request.headers.into_iter().collect(),
        offset: from.offset,
        size: from.size,
    })
}

/// The upload that began, or why it was refused.
pub(crate) fn start_result(from: rpc::StartUploadResult) -> Result<rest::StartUploadResult, Error> {
    match from.result.ok_or_else(|| missing("a start's result"))? {
        rpc::start_upload_result::Result::Upload(one) => Ok(rest::StartUploadResult::Upload(upload(one)?)),
        rpc::start_upload_result::Result::Error(status) => Ok(rest::StartUploadResult::Error(
            problem::of_item(Error::from(status)),
        )),
    }
}

/// The committed node, or why it was refused.
pub(crate) fn commit_result(from: rpc::CommitResult) -> Result<rest::CommitResult, Error> {
    match from.result.ok_or_else(|| missing("a commit's result"))? {
        rpc::commit_result::Result::Node(one) => Ok(rest::CommitResult::Node(node(one)?)),
        rpc::commit_result::Result::Error(status) => {
            Ok(rest::CommitResult::Error(problem::of_item(Error::from(status))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::Code;

    #[test]
    fn a_hash_is_64_hex_digits() {
        let with = |sha256: &str| rest::StartUpload {
            sha256: Some(sha256.to_owned()),
            ..rest::StartUpload::default()
        };
        assert_eq!(start(with(&"0f".repeat(32))).unwrap().sha256.unwrap(), [0x0f; 32]);
        for bad in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), "\0"] {
            assert_eq!(start(with(bad)).unwrap_err().reason(), "sha256_invalid", "{bad}");
        }
    }

    #[test]
    fn a_refused_item_is_a_problem_inside_the_answer() {
        let error = Error::new(Code::Conflict, "name_taken", "a file of this name exists");
        let refused = rpc::StartUploadResult {
            result: Some(rpc::start_upload_result::Result::Error(error.into())),
        };
        let rest::StartUploadResult::Error(problem) = start_result(refused).unwrap() else {
            panic!("not refused");
        };
        assert_eq!((problem.status, problem.reason.as_str()), (409, "name_taken"));
    }
}
