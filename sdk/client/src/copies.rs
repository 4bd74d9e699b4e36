//! Copies on the server.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{CopyJob, CopyNode, Node};
use serde::Deserialize;

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Copied {
    /// It is large: ask [`Client::copy_job`] until it is done.
    Job(CopyJob),
    /// It is there.
    Node(Box<Node>),
}

impl Client {
    /// `POST /v1/nodes/{id}/copy`: a copy with all that is below, without moving a byte.
    ///
    /// # Errors
    /// `not_found`; `conflict` when the name is taken; `invalid` for a folder that would end up within itself; as any call.
    pub async fn copy_node(&self, id: &str, copy: &CopyNode) -> Result<Copied> {
        self.send(Call::post("/v1/nodes/{id}/copy", [id], copy)?).await
    }

    /// `GET /v1/copies/{id}`: where a large copy stands.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn copy_job(&self, id: &str) -> Result<CopyJob> {
        self.send(Call::get("/v1/copies/{id}", [id])).await
    }

    /// `DELETE /v1/copies/{id}`: gives a large copy up.
    ///
    /// # Errors
    /// `not_found`; `conflict` when it is done; as any call.
    pub async fn cancel_copy(&self, id: &str) -> Result<CopyJob> {
        self.send(Call::delete("/v1/copies/{id}", [id])).await
    }
}
