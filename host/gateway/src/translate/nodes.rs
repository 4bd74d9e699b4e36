use super::{at, missing};
use crate::problem;
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn node(from: rpc::Node) -> Result<rest::Node, Error> {
    let kind = match from.kind() {
        rpc::NodeKind::Folder => rest::NodeKind::Folder,
        rpc::NodeKind::File => rest::NodeKind::File,
        rpc::NodeKind::Unspecified => return Err(missing("node.kind")),
    };
    let mut node = rest::Node {
        kind,
        created_at: at(from.created_at, "node.created_at")?,
        updated_at: at(from.updated_at, "node.updated_at")?,
        id: from.id,
        parent_id: from.parent_id,
        name: from.name,
        revision: from.revision,
        size: None,
        sha256: None,
        content_type: None,
        version_id: None,
    };
    if let Some(version) = from.version {
        node.size = Some(version.size);
        node.sha256 = Some(hex::encode(&version.sha256));
        node.content_type = Some(version.content_type);
        node.version_id = Some(version.id);
    }
    Ok(node)
}

pub(crate) fn content(from: rpc::Content) -> Result<rest::Content, Error> {
    let request = from.request.ok_or_else(|| missing("content.request"))?;
    Ok(rest::Content {
        url: request.url,
        headers: request.headers.into_iter().collect(),
        expires_at: at(from.expires_at, "content.expires_at")?,
        size: from.size,
        sha256: hex::encode(&from.sha256),
    })
}

/// Where a file's bytes are, or why it was refused.
pub(crate) fn content_result(from: rpc::GetContentResult) -> Result<rest::ContentResult, Error> {
    match from.result.ok_or_else(|| missing("a content's result"))? {
        rpc::get_content_result::Result::Content(one) => Ok(rest::ContentResult::Content(content(one)?)),
        rpc::get_content_result::Result::Error(status) => {
            Ok(rest::ContentResult::Error(problem::of_item(Error::from(status))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::Timestamp;

    fn folder() -> rpc::Node {
        rpc::Node {
            id: "nod_1".to_owned(),
            kind: rpc::NodeKind::Folder.into(),
            revision: 7,
            created_at: Some(Timestamp {
                seconds: 1,
                nanos: 500_000_000,
            }),
            updated_at: Some(Timestamp { seconds: 2, nanos: 0 }),
            ..rpc::Node::default()
        }
    }

    #[test]
    fn a_folder_has_no_fields_of_a_file() {
        let json = serde_json::to_value(node(folder()).unwrap()).unwrap();
        let expected = serde_json::json!({
            "id": "nod_1", "kind": "folder", "name": "", "revision": 7,
            "created_at": "1970-01-01T00:00:01.5Z", "updated_at": "1970-01-01T00:00:02Z",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_file_shows_its_version() {
        let file = rpc::Node {
            kind: rpc::NodeKind::File.into(),
            version: Some(rpc::Version {
                id: "ver_1".to_owned(),
                size: 3,
                sha256: vec![0xab; 32],
                content_type: "text/plain".to_owned(),
            }),
            ..folder()
        };
        let file = node(file).unwrap();
        assert_eq!((file.size, file.version_id.as_deref()), (Some(3), Some("ver_1")));
        assert_eq!(file.sha256.unwrap(), "ab".repeat(32));
    }

    #[test]
    fn an_answer_without_a_promised_field_is_our_mistake() {
        let broken = rpc::Node {
            created_at: None,
            ..folder()
        };
        assert_eq!(node(broken).unwrap_err().reason(), "internal");
    }
}
