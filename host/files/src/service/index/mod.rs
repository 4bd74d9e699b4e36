//! What the module search asks: the journal and the present state of nodes, for its index; and, in the name of whoever
//! searches, what may be shown and where to look for more.
//!
//! The first four are for the daemon itself: they know no permission. The last one decides by it.

mod describe_nodes;
mod filter_visible;
mod list_below;
mod list_journal_heads;
mod places;
mod read_journal;

use super::{Answer, Files, serve};
use crate::domain::lineage::Lineage;
use crate::store::index::{Described, Head};
use crate::store::unsigned;
use crate::store_client::timestamp;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::index_service_server::IndexService;
use tonic::{Request, Response};

/// Most nodes, changes or tenants of one call.
const ITEMS_MAX: u32 = 1000;

#[tonic::async_trait]
impl IndexService for Files {
    async fn list_journal_heads(
        &self,
        request: Request<internal::ListJournalHeadsRequest>,
    ) -> Answer<internal::ListJournalHeadsResponse> {
        serve!(self, request, list_journal_heads::list_journal_heads)
    }

    async fn read_journal(
        &self,
        request: Request<internal::ReadJournalRequest>,
    ) -> Answer<internal::ReadJournalResponse> {
        serve!(self, request, read_journal::read_journal)
    }

    async fn describe_nodes(
        &self,
        request: Request<internal::DescribeNodesRequest>,
    ) -> Answer<internal::DescribeNodesResponse> {
        serve!(self, request, describe_nodes::describe_nodes)
    }

    async fn list_below(
        &self,
        request: Request<internal::ListBelowRequest>,
    ) -> Answer<internal::ListBelowResponse> {
        serve!(self, request, list_below::list_below)
    }

    async fn filter_visible(
        &self,
        request: Request<internal::FilterVisibleRequest>,
    ) -> Answer<internal::FilterVisibleResponse> {
        serve!(self, request, filter_visible::filter_visible)
    }
}

/// How many items a call may answer.
fn bounded(limit: u32) -> i64 {
    i64::from(limit.clamp(1, ITEMS_MAX))
}

/// Ids of nodes, refused when there are too many.
fn node_ids(texts: &[String]) -> Result<Vec<NodeId>> {
    if texts.len() > ITEMS_MAX as usize {
        return Err(Error::invalid_field(
            "batch_too_large",
            "ids",
            format!("send at most {ITEMS_MAX} ids at a time"),
        ));
    }
    texts.iter().map(|text| text.parse()).collect()
}

/// A head as it is answered.
fn head(head: &Head) -> internal::JournalHead {
    internal::JournalHead {
        tenant_id: head.tenant.to_string(),
        epoch: head.epoch,
        seq: head.seq,
    }
}

/// A node as it is indexed, if the lineage shows it to be live.
fn indexed(lineage: &mut Lineage, root: NodeId, node: Described) -> Result<Option<internal::IndexedNode>> {
    let live = lineage.live(node.id).is_some();
    match lineage.tree(node.id, root) {
        Some(tree) if live => Ok(Some(message(node, tree)?)),
        _ => Ok(None),
    }
}

fn message(node: Described, tree: NodeId) -> Result<internal::IndexedNode> {
    Ok(internal::IndexedNode {
        id: node.id.to_string(),
        tree_id: tree.to_string(),
        parent_id: node.parent_id.map(|id| id.to_string()),
        folder: node.is_folder,
        name: node.name,
        revision: node.revision,
        updated_at: Some(timestamp(node.updated_at)),
        created_by: node.created_by.map(|id| id.to_string()),
        size: node.size.map(unsigned).transpose()?,
        content_type: node.content_type,
        tags: node.tags.unwrap_or_default(),
        fields: node.fields.map(|fields| fields.0).unwrap_or_default(),
    })
}
