//! What a client wants to upload, validated.

use super::access::{Actor, node_id};
use super::name::Name;
use super::plan::{Limits, Plan};
use crate::error::Refusal;
use bitvault_platform::ids::{NodeId, VersionId};
use bitvault_platform::{Error, Result};
use bitvault_proto::v1;

/// Longest media type, in bytes.
const CONTENT_TYPE_BYTES: usize = 255;
/// Longest name of a device, in bytes.
const DEVICE_BYTES: usize = 128;

/// What an upload adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A new file in a folder.
    File { parent: NodeId, name: Name },
    /// A new version of a file, on top of `base` where one is named.
    Version { node: NodeId, base: Option<VersionId> },
}

impl Target {
    /// The node that commit will lock.
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Self::File { parent, .. } => *parent,
            Self::Version { node, .. } => *node,
        }
    }
}

/// What a new file is a conflicted copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConflictOf {
    pub(crate) node: NodeId,
    /// The version of it that the copy was made from, where the device knows.
    pub(crate) base: Option<VersionId>,
}

/// One upload to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) target: Target,
    pub(crate) size: u64,
    pub(crate) sha256: Option<[u8; 32]>,
    /// As the client tells it; otherwise the file's name does.
    pub(crate) content_type: Option<String>,
    /// Where the content comes from, as that calls itself.
    pub(crate) device: Option<String>,
    pub(crate) conflict: Option<ConflictOf>,
    pub(crate) plan: Plan,
}

impl Start {
    /// Everything that can be said without looking at rows.
    pub(crate) fn new(item: v1::StartUpload, actor: Actor, limits: &Limits) -> Result<Self> {
        let target = target(&item, actor)?;
        let sha256 = item.sha256.as_deref().map(sha256).transpose()?;
        let plan = Plan::new(item.size, limits)?;
        if sha256.is_none() && !plan.multipart {
            return Err(Refusal::Sha256Missing.into());
        }
        let device = item.device.as_deref().map(device).transpose()?;
        let conflict = conflict(item.conflict_of, actor, &target, device.as_deref())?;
        let content_type = content_type(item.content_type)?;
        Ok(Self {
            target,
            size: item.size,
            sha256,
            content_type,
            device,
            conflict,
            plan,
        })
    }
}

fn target(item: &v1::StartUpload, actor: Actor) -> Result<Target> {
    let refuse = |field: &str, detail: &str| Err(Error::invalid_field("target_invalid", field, detail));
    match (&item.node_id, &item.parent_id, &item.name) {
        (Some(node), None, None) => Ok(Target::Version {
            node: node_id(node, actor)?,
            base: item.base_version.as_deref().map(str::parse).transpose()?,
        }),
        (None, Some(parent), Some(name)) => {
            if item.base_version.is_some() {
                return refuse("base_version", "goes with node_id only");
            }
            Ok(Target::File {
                parent: node_id(parent, actor)?,
                name: Name::new(name)?,
            })
        }
        (None, Some(_), None) => refuse("name", "name the new file"),
        (None, None, _) => refuse(
            "parent_id",
            "give parent_id and name for a new file, or node_id for a new version",
        ),
        (Some(_), _, _) => refuse("node_id", "give either node_id, or parent_id and name"),
    }
}

/// What a device calls itself: it is shown, and stands in names.
fn device(text: &str) -> Result<String> {
    let text = text.trim();
    if (1..=DEVICE_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let detail = format!("use 1 to {DEVICE_BYTES} bytes without control characters");
    Err(Error::invalid_field("device_invalid", "device", detail))
}

fn conflict(
    given: Option<v1::ConflictOf>,
    actor: Actor,
    target: &Target,
    device: Option<&str>,
) -> Result<Option<ConflictOf>> {
    let refuse = |field: &str, detail: &str| Err(Error::invalid_field("target_invalid", field, detail));
    match (given, target, device) {
        (None, ..) => Ok(None),
        (Some(_), Target::Version { .. }, _) => refuse("conflict_of", "goes with a new file only"),
        (Some(_), _, None) => refuse("device", "name the device that made the conflicted copy"),
        (Some(given), Target::File { .. }, Some(_)) => Ok(Some(ConflictOf {
            node: node_id(&given.node_id, actor)?,
            base: given.base_version.as_deref().map(str::parse).transpose()?,
        })),
    }
}

/// 32 bytes, or `sha256_invalid`.
pub(crate) fn sha256(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| Error::invalid_field("sha256_invalid", "sha256", "give 32 bytes: 64 hex digits"))
}

fn content_type(given: Option<String>) -> Result<Option<String>> {
    let Some(given) = given.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // It becomes a header: visible ASCII and spaces only.
    let plain = given.len() <= CONTENT_TYPE_BYTES
        && given.contains('/')
        && given.trim() == given
        && given.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if plain {
        Ok(Some(given))
    } else {
        Err(Error::invalid_field(
            "content_type_invalid",
            "content_type",
            "use a media type such as text/plain, at most 255 bytes",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::Role;
    use bitvault_platform::ids::{AccountId, TenantId};

    fn actor() -> Actor {
        Actor {
            tenant: TenantId::new(),
            account: AccountId::new(),
            role: Role::Member,
            link: None,
        }
    }

    const LIMITS: Limits = Limits {
        single_max: 100,
        part_size: 1 << 20,
        min_part: 1,
        max_part: 1 << 30,
        max_parts: 100,
    };

    fn item() -> v1::StartUpload {
        v1::StartUpload {
            parent_id: Some("root".to_owned()),
            name: Some("a.txt".to_owned()),
            size: 5,
            sha256: Some(vec![7; 32]),
            ..v1::StartUpload::default()
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        type Change = fn(&mut v1::StartUpload);
        fn of(node: NodeId) -> Option<v1::ConflictOf> {
            Some(v1::ConflictOf {
                node_id: node.to_string(),
                base_version: None,
            })
        }
        let cases: [(&str, Change); 12] = [
            ("device_invalid", |item| item.device = Some("a\nb".to_owned())),
            ("device_invalid", |item| item.device = Some("x".repeat(129))),
            ("target_invalid", |item| item.conflict_of = of(NodeId::new())),
            ("target_invalid", |item| {
                item.device = Some("laptop".to_owned());
                item.conflict_of = of(NodeId::new());
                (item.parent_id, item.name) = (None, None);
                item.node_id = Some(NodeId::new().to_string());
            }),
            ("target_invalid", |item| item.name = None),
            ("target_invalid", |item| item.parent_id = None),
            ("target_invalid", |item| item.node_id = Some("root".to_owned())),
            ("target_invalid", |item| item.base_version = Some("x".to_owned())),
            ("name_invalid", |item| item.name = Some("..".to_owned())),
            ("sha256_missing", |item| item.sha256 = None),
            ("sha256_invalid", |item| item.sha256 = Some(vec![1; 31])),
            ("content_type_invalid", |item| {
                item.content_type = Some("a/b\r\nX: y".to_owned())
            }),
        ];
        for (reason, change) in cases {
            let mut item = item();
            change(&mut item);
            let error = Start::new(item, actor(), &LIMITS).unwrap_err();
            assert_eq!(error.reason(), reason);
        }
    }

    #[test]
    fn large_content_may_name_its_hash_at_commit() {
        let large = v1::StartUpload {
            size: 101,
            sha256: None,
            ..item()
        };
        assert!(Start::new(large, actor(), &LIMITS).unwrap().plan.multipart);
    }
}
