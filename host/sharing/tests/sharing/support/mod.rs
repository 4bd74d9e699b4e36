//! The module and those that it calls, each behind its guard as the daemon wires them.

use bitvault_files::Files;
use bitvault_identity::Identity;
use bitvault_platform::bus::InProcess;
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::rpc::{Signer, Transport, guard, local};
use bitvault_platform::{Clock, Ctx, Error, Role};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessService as _;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessServiceServer;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use bitvault_proto::v1::files_service_server::FilesServiceServer;
use bitvault_proto::v1::link_service_server::LinkService as _;
use bitvault_proto::v1::tenant_service_client::TenantServiceClient;
use bitvault_sharing::{Config, Sharing};
use bitvault_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use time::macros::datetime;
use tonic::service::Routes;

pub(crate) struct World {
    pub(crate) sharing: Sharing,
    pub(crate) files: FilesServiceClient<Transport>,
    pub(crate) identity: IdentityServiceClient<Transport>,
    pub(crate) tenants: TenantServiceClient<Transport>,
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
}

fn served(routes: Routes, name: &'static str) -> Transport {
    let signer = Signer::ephemeral(Clock::system()).unwrap();
    local(guard(routes.prepare(), name, signer.clone()), signer)
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let clock = Clock::fixed(datetime!(2026-03-01 00:00 UTC));
        let pool = |role| database.pool(role).unwrap();
        let identity = Identity::new(
            Default::default(),
            pool(DbRole::Identity),
            clock.clone(),
            "http://127.0.0.1",
        )
        .unwrap();
        let identity = served(identity.routes(), "identity");
        // No test moves bytes: the store is nowhere.
        let nowhere = served(Routes::default(), "storage");
        let files = Files::new(
            Default::default(),
            pool(DbRole::Files),
            pool(DbRole::Worker),
            nowhere,
            identity.clone(),
            Arc::new(InProcess::default()),
            clock.clone(),
        );
        let files = files.unwrap();
        let routes = Routes::new(FilesServiceServer::new(files.clone()));
        let files = served(routes.add_service(NodeAccessServiceServer::new(files)), "files");
        let sharing = Sharing::new(
            config,
            pool(DbRole::Sharing),
            identity.clone(),
            files.clone(),
            clock.clone(),
        );
        let mut world = Self {
            sharing: sharing.unwrap(),
            files: FilesServiceClient::new(files),
            tenants: TenantServiceClient::new(identity.clone()),
            identity: IdentityServiceClient::new(identity),
            database,
            clock,
            tenant: TenantId::new(),
            account: AccountId::new(),
        };
        let request = Ctx::system("test").request(internal::CreateTenantRequest {
            name: "acme".to_owned(),
        });
        let tenant = world.identity.clone().create_tenant(request).await.unwrap();
        world.tenant = tenant.into_inner().tenant_id.parse().unwrap();
        world.account = world.join("ada@example.org").await;
        world
    }

    /// A new account of the tenant.
    pub(crate) async fn join(&self, email: &str) -> AccountId {
        self.join_as(email, "member").await
    }

    pub(crate) async fn join_as(&self, email: &str, role: &str) -> AccountId {
        let request = Ctx::system("test").request(internal::CreateAccountRequest {
            tenant_id: self.tenant.to_string(),
            email: email.to_owned(),
            password: "correct-horse-battery".to_owned(),
            display_name: String::new(),
            role: role.to_owned(),
        });
        let made = self.identity.clone().create_account(request).await.unwrap();
        made.into_inner().account_id.parse().unwrap()
    }

    pub(crate) fn ctx(&self) -> Ctx {
        self.as_account(self.account)
    }

    pub(crate) fn as_account(&self, account: AccountId) -> Ctx {
        Ctx::account(self.tenant, account, SessionId::new(), Role::Member)
    }

    /// Somebody of another tenant, with every right there.
    pub(crate) fn stranger(&self) -> Ctx {
        Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), Role::Owner)
    }

    /// A folder of the usual caller.
    pub(crate) async fn mkdir(&self, parent: &str, name: &str) -> String {
        let request = self.ctx().request(v1::CreateFolderRequest {
            parent_id: parent.to_owned(),
            name: name.to_owned(),
            idempotency_key: None,
        });
        self.files
            .clone()
            .create_folder(request)
            .await
            .unwrap()
            .into_inner()
            .id
    }

    pub(crate) async fn trash(&self, id: &str) {
        let request = self.ctx().request(v1::DeleteNodeRequest {
            id: id.to_owned(),
            permanent: false,
            revision: None,
            covers: None,
        });
        self.files.clone().delete_node(request).await.unwrap();
    }

    /// Settles who may make public links.
    pub(crate) async fn settle(&self, makers: &str) {
        let admin = Ctx::account(self.tenant, self.account, SessionId::new(), Role::Admin);
        let request = admin.request(v1::UpdateTenantRequest {
            display_name: None,
            settings: Some(v1::TenantSettings {
                public_links: Some(makers.to_owned()),
                ..v1::TenantSettings::default()
            }),
        });
        self.tenants.clone().update_tenant(request).await.unwrap();
    }

    /// As an administrator of the database.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut admin)
            .await
            .unwrap();
    }

    pub(crate) async fn create(
        &self,
        ctx: &Ctx,
        link: v1::CreateLinkRequest,
    ) -> Result<v1::CreatedLink, Error> {
        Ok(self.sharing.create_link(ctx.request(link)).await?.into_inner())
    }

    /// A link of the usual caller: its id and token.
    pub(crate) async fn link(&self, link: v1::CreateLinkRequest) -> (String, String) {
        let made = self.create(&self.ctx(), link).await.unwrap();
        (made.link.unwrap().id, made.token.unwrap())
    }

    pub(crate) async fn open(&self, token: &str, key: Option<&str>) -> Result<internal::OpenedLink, Error> {
        let request = Ctx::system("gateway").request(opening(token, key));
        Ok(self.sharing.open_link(request).await?.into_inner())
    }

    pub(crate) async fn take(&self, token: &str) -> Result<internal::OpenedLink, Error> {
        let request = Ctx::system("gateway").request(opening(token, None));
        Ok(self.sharing.take_download(request).await?.into_inner())
    }

    pub(crate) async fn unlock(
        &self,
        token: &str,
        password: &str,
        peer: &str,
    ) -> Result<internal::LinkKey, Error> {
        let request = Ctx::system("gateway").request(internal::UnlockLinkRequest {
            token: token.to_owned(),
            password: password.to_owned(),
            peer: peer.to_owned(),
        });
        Ok(self.sharing.unlock_link(request).await?.into_inner())
    }

    pub(crate) async fn update(&self, ctx: &Ctx, change: v1::UpdateLinkRequest) -> Result<v1::Link, Error> {
        Ok(self.sharing.update_link(ctx.request(change)).await?.into_inner())
    }

    pub(crate) async fn delete(&self, ctx: &Ctx, id: &str) -> Result<(), Error> {
        let request = ctx.request(v1::DeleteLinkRequest { id: id.to_owned() });
        self.sharing.delete_link(request).await?;
        Ok(())
    }

    pub(crate) async fn list(
        &self,
        ctx: &Ctx,
        list: v1::ListLinksRequest,
    ) -> Result<v1::ListLinksResponse, Error> {
        Ok(self.sharing.list_links(ctx.request(list)).await?.into_inner())
    }
}

fn opening(token: &str, key: Option<&str>) -> internal::OpenLinkRequest {
    internal::OpenLinkRequest {
        token: token.to_owned(),
        key: key.map(str::to_owned),
        under_way: false,
    }
}

/// A link that downloads.
pub(crate) fn download(node: &str) -> v1::CreateLinkRequest {
    v1::CreateLinkRequest {
        node_id: node.to_owned(),
        kind: v1::LinkKind::Download.into(),
        ..v1::CreateLinkRequest::default()
    }
}

/// So many seconds after the clock.
pub(crate) fn after(world: &World, seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp {
        seconds: world.clock.now().unix_timestamp() + seconds,
        nanos: 0,
    })
}

#[track_caller]
pub(crate) fn reason<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "none".to_owned(),
        Err(error) => error.reason().to_owned(),
    }
}
