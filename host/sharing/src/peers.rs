//! What this module asks of identity and files.

use crate::domain::makers::{LinkMakers, Member};
use bitvault_platform::ids::{AccountId, TenantId};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Code, Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::node_access_service_client::NodeAccessServiceClient;
use std::fmt;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// A transport whose error has a plain type: futures of a client over a boxed error are not `Send` in the compiler's
/// eyes.
type Port = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::Status>;

/// The other modules. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Peers {
    identity: IdentityServiceClient<Port>,
    files: NodeAccessServiceClient<Port>,
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peers")
    }
}

fn port(transport: Transport) -> Port {
    BoxCloneSyncService::new(transport.map_err(tonic::Status::from_error))
}

impl Peers {
    pub(crate) fn new(identity: Transport, files: Transport) -> Self {
        Self {
            identity: IdentityServiceClient::new(port(identity)),
            files: NodeAccessServiceClient::new(port(files)),
        }
    }

    /// What the caller may do with a node.
    pub(crate) async fn access(&self, ctx: &Ctx, node_id: &str) -> Result<internal::NodeAccess> {
        let request = ctx.request(internal::GetAccessRequest {
            node_id: node_id.to_owned(),
        });
        let mut files = self.files.clone();
        let answer = Box::pin(async move { files.get_access(request).await }).await?;
        Ok(answer.into_inner())
    }

    /// What an account is in a tenant now, and what that lets it do about links; nothing when it may not act there.
    pub(crate) async fn member(&self, tenant: TenantId, account: AccountId) -> Result<Option<Member>> {
        let message = internal::GetMembershipRequest {
            tenant_id: tenant.to_string(),
            account_id: account.to_string(),
        };
        let request = Ctx::system("sharing").within(tenant).request(message);
        let mut identity = self.identity.clone();
        let answer = Box::pin(async move { identity.get_membership(request).await }).await;
        let found = is_there(answer.map_err(Error::from))?.map(tonic::Response::into_inner);
        found
            .map(|found| {
                Ok(Member {
                    role: found.role.parse()?,
                    makers: LinkMakers::parse(&found.public_links)?,
                })
            })
            .transpose()
    }
}

/// Nothing, when the answer is that it is not there or not for the caller.
pub(crate) fn is_there<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.code(), Code::NotFound | Code::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}
