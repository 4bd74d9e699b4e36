//! Conflicts: a file, and the copy that a device kept beside it because somebody else had changed it as well. Commit writes
//! them with the copy; here they are listed and settled. One verb a file.
//!
//! Invariants: a conflict is shown to who sees both files; settling one is what any editor could do by hand, in one
//! transaction, and leaves every content in a file, in its history or in the trash.

mod get_conflict;
mod list_conflicts;
mod resolve_conflict;
mod shown;

use super::{Answer, Files, serve};
use bitvault_platform::Ctx;
use bitvault_proto::v1;
use bitvault_proto::v1::conflicts_service_server::ConflictsService;
use tonic::{Request, Response};

#[tonic::async_trait]
impl ConflictsService for Files {
    async fn list_conflicts(
        &self,
        request: Request<v1::ListConflictsRequest>,
    ) -> Answer<v1::ListConflictsResponse> {
        serve!(self, request, list_conflicts::list_conflicts)
    }

    async fn get_conflict(&self, request: Request<v1::GetConflictRequest>) -> Answer<v1::Conflict> {
        serve!(self, request, get_conflict::get_conflict)
    }

    async fn resolve_conflict(&self, request: Request<v1::ResolveConflictRequest>) -> Answer<v1::Conflict> {
        serve!(self, request, resolve_conflict::resolve_conflict)
    }
}
