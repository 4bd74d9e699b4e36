//! The REST contract as types: what the gateway reads and answers, and what the typed client sends and receives.
//!
//! Invariants: plain data, no I/O, compiles to wasm32; JSON is snake_case; ids are prefixed strings (`nod_…`) that
//! clients treat as opaque; times are RFC 3339 in UTC; sizes are bytes. Unknown fields in input are refused; unknown
//! fields in answers are ignored by clients, so that an old client meets a new server.

mod access;
mod bounds;
mod conflicts;
mod copies;
pub mod limits;
mod links;
mod metadata;
mod nodes;
mod page;
mod problem;
mod quotas;
mod search;
mod sessions;
mod sync;
mod tenants;
mod traces;
mod trash;
mod uploads;
mod versions;

pub use access::{
    CreateSpace, Grant, Grants, Group, GroupMember, NameGroup, NodeRole, PutGrant, SetInheritance,
    SharedNode, Space, UpdateSpace,
};
pub use conflicts::{Conflict, ConflictOf, ConflictResolution, ConflictSide, Keep, ResolveConflict};
pub use copies::{CopyJob, CopyNode, CopyState};
pub use links::{
    CreateLink, CreatedLink, DropUpload, Instant, Link, LinkKey, LinkKind, PublicLink, UnlockLink, UpdateLink,
};
pub use metadata::{Favourite, Metadata, NodeSort, SortOrder, UpdateMetadata};
pub use nodes::{
    BatchContents, Content, ContentItem, ContentResult, CreateFolder, Node, NodeKind, UpdateNode,
};
pub use page::Page;
pub use problem::{Code, FieldError, Problem};
pub use quotas::{HomeQuota, Quota, QuotaKind, SetQuota};
pub use search::{FacetCount, Facets, Highlight, Hit, Match, SearchPage};
pub use sessions::{Account, CreateSession, Me, RefreshSession, Session, Tenant};
pub use sync::{
    Change, ChangeCause, ChangeKind, ChangePage, CreateDevice, Device, PushChanges, PushCommit, PushDelete,
    PushFolder, PushItem, PushMove, PushResult,
};
pub use tenants::{
    AcceptInvitation, AccessToken, AddMember, AddedMember, ChangePassword, CreateInvitation, CreateToken,
    CreatedInvitation, CreatedToken, Invitation, InvitedGrant, LookupInvitation, Member, OfferedInvitation,
    OfferedShare, TenantDeletion, TenantDetails, TenantSettings, UpdateMe, UpdateMember, UpdateTenant,
    UpdateTenantSettings,
};
pub use traces::{SpanStatus, Trace, TraceSpan, TraceSummary};
pub use trash::{
    BatchDeletes, BatchMoves, DeleteItem, DeleteResult, EmptiedTrash, MoveItem, MoveResult, RestoreNode,
    TrashItem,
};
pub use uploads::{
    BatchCommitItem, BatchCommits, BatchResults, BatchUploads, CommitResult, CommitUpload, PartRequest,
    PartWanted, Parts, StartUpload, StartUploadResult, Upload, UploadPart, UploadState, UploadedPart,
    WantedParts,
};
pub use versions::{FileVersion, LabelVersion, Retention, RetentionSource, SetRetention, Usage};
