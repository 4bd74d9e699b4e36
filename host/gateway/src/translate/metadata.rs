use super::{at, missing, node};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn metadata(from: rpc::Metadata) -> rest::Metadata {
    rest::Metadata {
        node_id: from.node_id,
        revision: from.revision,
        tags: from.tags,
        fields: from.fields,
    }
}

pub(crate) fn favourite(from: rpc::Favourite) -> Result<rest::Favourite, Error> {
    Ok(rest::Favourite {
        node: node(from.node.ok_or_else(|| missing("favourite.node"))?)?,
        added_at: at(from.added_at, "favourite.added_at")?,
    })
}

pub(crate) fn sort(from: rest::NodeSort) -> rpc::NodeSort {
    match from {
        rest::NodeSort::Name => rpc::NodeSort::Name,
        rest::NodeSort::UpdatedAt => rpc::NodeSort::UpdatedAt,
        rest::NodeSort::CreatedAt => rpc::NodeSort::CreatedAt,
        rest::NodeSort::Size => rpc::NodeSort::Size,
    }
}
