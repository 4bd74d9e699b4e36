//! What this module asks of identity: what a tenant has settled, and who belongs to it. Asked in the name of the daemon,
//! while no transaction is open.

use bitvault_platform::ids::{AccountId, TenantId};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Code, Ctx, Error, Result, Role};
use bitvault_proto::internal::v1::GetMembershipRequest;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::v1;
use bitvault_proto::v1::tenant_service_client::TenantServiceClient;
use std::time::Duration;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A transport whose error has a plain type: futures of a client over a boxed error are not `Send` in the compiler's eyes.
type Port = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::Status>;

/// The module identity, as this one uses it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tenants(Port);

impl std::fmt::Debug for Tenants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tenants")
    }
}

impl Tenants {
    pub(crate) fn new(transport: Transport) -> Self {
        Self(BoxCloneSyncService::new(
            transport.map_err(tonic::Status::from_error),
        ))
    }

    /// How long the trash of a tenant keeps what is in it, if the tenant says so. One that is not there says nothing.
    pub(crate) async fn trash_keep(&self, tenant: TenantId) -> Result<Option<Duration>> {
        let request = Ctx::system("files")
            .within(tenant)
            .request(v1::GetTenantRequest {});
        let mut tenants = TenantServiceClient::new(self.0.clone());
        let answer = Box::pin(async move { tenants.get_tenant(request).await }).await;
        let settings = known(answer)?.and_then(|tenant| tenant.settings);
        let days = settings.and_then(|settings| settings.trash_retention_days);
        Ok(days.map(|days| Duration::from_secs(u64::from(days) * DAY)))
    }

    /// What an account is in a tenant; nothing when it may not act there now.
    pub(crate) async fn role(&self, tenant: TenantId, account: AccountId) -> Result<Option<Role>> {
        let request = Ctx::system("files").within(tenant).request(GetMembershipRequest {
            tenant_id: tenant.to_string(),
            account_id: account.to_string(),
        });
        let mut identity = IdentityServiceClient::new(self.0.clone());
        let answer = Box::pin(async move { identity.get_membership(request).await }).await;
        let_in(answer)?.map(|found| found.role.parse()).transpose()
    }
}

/// Nothing, when the answer is that it is not there.
fn known<T>(answer: std::result::Result<tonic::Response<T>, tonic::Status>) -> Result<Option<T>> {
    match answer.map_err(Error::from) {
        Ok(found) => Ok(Some(found.into_inner())),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing, when it is not there or not let in.
fn let_in<T>(answer: std::result::Result<tonic::Response<T>, tonic::Status>) -> Result<Option<T>> {
    match known(answer) {
        Err(error) if error.code() == Code::Denied => Ok(None),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_told_what_a_tenant_settled_does_not_take_it_for_nothing() {
        let refused = |code| Err::<tonic::Response<()>, _>(Error::new(code, "reason", "text").into());
        assert!(known(refused(Code::NotFound)).unwrap().is_none());
        for code in [Code::Denied, Code::Unauthenticated, Code::Unavailable] {
            assert!(known(refused(code)).is_err(), "{code:?}");
        }
        assert!(let_in(refused(Code::Denied)).unwrap().is_none());
        assert!(let_in(refused(Code::Unavailable)).is_err());
    }
}
