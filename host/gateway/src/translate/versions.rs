use super::{at, missing, quota};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn version(from: rpc::FileVersion) -> Result<rest::FileVersion, Error> {
    Ok(rest::FileVersion {
        created_at: at(from.created_at, "version.created_at")?,
        id: from.id,
        size: from.size,
        sha256: hex::encode(&from.sha256),
        content_type: from.content_type,
        created_by: from.created_by,
        label: from.label,
        current: from.current,
        device: from.device,
    })
}

pub(crate) fn policy(from: rest::SetRetention) -> rpc::RetentionPolicy {
    rpc::RetentionPolicy {
        max_count: from.max_count,
        max_age_days: from.max_age_days,
        thin: from.thin,
    }
}

pub(crate) fn retention(from: rpc::Retention) -> Result<rest::Retention, Error> {
    let source = match from.source() {
        rpc::RetentionSource::Own => rest::RetentionSource::Own,
        rpc::RetentionSource::Inherited => rest::RetentionSource::Inherited,
        rpc::RetentionSource::Tenant => rest::RetentionSource::Tenant,
        rpc::RetentionSource::Default => rest::RetentionSource::Default,
        rpc::RetentionSource::Unspecified => return Err(missing("retention.source")),
    };
    let policy = from.policy.ok_or_else(|| missing("retention.policy"))?;
    Ok(rest::Retention {
        max_count: policy.max_count,
        max_age_days: policy.max_age_days,
        thin: policy.thin,
        source,
    })
}

pub(crate) fn usage(from: rpc::Usage) -> Result<rest::Usage, Error> {
    Ok(rest::Usage {
        files: from.files,
        bytes: from.bytes,
        old_versions: from.old_versions,
        old_version_bytes: from.old_version_bytes,
        trash_files: from.trash_files,
        trash_bytes: from.trash_bytes,
        limits: from.limits.into_iter().map(quota).collect::<Result<_, _>>()?,
    })
}
