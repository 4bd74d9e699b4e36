//! The module with its tenants, and a mail server that keeps what it is given.

use bitvault_files::Files;
use bitvault_identity::{Config, Identity};
use bitvault_platform::bus::InProcess;
use bitvault_platform::db::DbRole;
use bitvault_platform::rpc::{self, Signer, Transport};
use bitvault_platform::{Clock, Ctx, Error, Scopes};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessServiceServer;
use bitvault_proto::internal::v1::{AuthenticateRequest, CreateAccountRequest, CreateTenantRequest};
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::files_service_server::{FilesService as _, FilesServiceServer};
use bitvault_proto::v1::session_service_client::SessionServiceClient;
use bitvault_proto::v1::tenant_service_client::TenantServiceClient;
use bitvault_proto::v1::{
    AcceptInvitationRequest, AddMemberRequest, CreateFolderRequest, CreateInvitationRequest,
    CreateInvitationResponse, CreateSessionRequest, DeleteGrantRequest, InvitedGrant, ListMembersRequest,
    ListSharedRequest, Member, PutGrantRequest, RemoveMemberRequest, Session, UpdateMemberRequest,
};
use bitvault_testing::TestDatabase;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use time::macros::datetime;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tonic::body::Body;
use tonic::service::Routes;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service as _, ServiceExt as _};

pub(crate) const PASSWORD: &str = "a long walk in the rain";
pub(crate) const URL: &str = "https://vault.example.org";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    config: Config,
    signer: Signer,
    identity: Identity,
    transport: Transport,
}

/// The module files, behind a line that may fail.
pub(crate) struct FilesSide {
    pub(crate) files: Files,
    line: Arc<AtomicU8>,
}

/// How calls of files end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line {
    Good,
    /// They do not arrive, as if we were killed before them.
    Cut,
    /// They are served, and the answer does not arrive, as if we were killed after them.
    Mute,
}

impl FilesSide {
    pub(crate) fn set(&self, line: Line) {
        self.line.store(line as u8, Ordering::SeqCst);
    }

    /// A folder in somebody's home.
    pub(crate) async fn mkdir(&self, by: &Person, name: &str) -> String {
        let request = by.ctx.request(CreateFolderRequest {
            parent_id: "root".to_owned(),
            name: name.to_owned(),
            idempotency_key: None,
        });
        self.files.create_folder(request).await.unwrap().into_inner().id
    }

    pub(crate) async fn grant(&self, by: &Person, node: &str, to: &Person, role: &str) {
        let request = by.ctx.request(PutGrantRequest {
            node_id: node.to_owned(),
            subject_id: to.id.clone(),
            role: role.to_owned(),
        });
        self.files.put_grant(request).await.unwrap();
    }

    pub(crate) async fn take_back(&self, by: &Person, node: &str, from: &Person) {
        let request = by.ctx.request(DeleteGrantRequest {
            node_id: node.to_owned(),
            subject_id: from.id.clone(),
        });
        self.files.delete_grant(request).await.unwrap();
    }

    /// What somebody was given: nodes and roles.
    pub(crate) async fn shared_with(&self, who: &Person) -> Vec<(String, String)> {
        let request = who.ctx.request(ListSharedRequest::default());
        let listed = self.files.list_shared(request).await.unwrap().into_inner();
        let mut shared: Vec<_> = listed
            .items
            .into_iter()
            .map(|item| (item.node.unwrap().id, item.role))
            .collect();
        shared.sort();
        shared
    }
}

/// Somebody signed in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) ctx: Ctx,
    pub(crate) session: Session,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let mut config = Config::default();
        change(&mut config);
        let signer = Signer::ephemeral(clock.clone()).unwrap();
        let pool = database.pool(DbRole::Identity).unwrap();
        let identity = Identity::new(config.clone(), pool, clock.clone(), &format!("{URL}/")).unwrap();
        Self {
            transport: transport(&identity, &signer),
            database,
            clock,
            config,
            signer,
            identity,
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// The module once more, on the same database, with a cache of its own.
    pub(crate) fn another_process(&self) -> Transport {
        let pool = self.database.pool(DbRole::Identity).unwrap();
        let identity = Identity::new(self.config.clone(), pool, self.clock.clone(), URL).unwrap();
        transport(&identity, &self.signer)
    }

    pub(crate) fn tenants(&self) -> TenantServiceClient<Transport> {
        TenantServiceClient::new(self.transport.clone())
    }

    pub(crate) fn internal(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.transport.clone())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::new(self.transport.clone())
    }

    /// Makes a tenant, if there is none of the name, and an account in it; signs it in.
    pub(crate) async fn person(&self, tenant: &str, email: &str, role: &str) -> Person {
        let system = Ctx::system("test");
        let name = tenant.to_owned();
        let made = self
            .internal()
            .create_tenant(system.request(CreateTenantRequest { name }))
            .await
            .unwrap();
        let account = CreateAccountRequest {
            tenant_id: made.into_inner().tenant_id,
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            display_name: String::new(),
            role: role.to_owned(),
        };
        self.internal()
            .create_account(system.request(account))
            .await
            .unwrap();
        self.sign_in(email, PASSWORD, Some(tenant)).await.unwrap()
    }

    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: &str,
        tenant: Option<&str>,
    ) -> Result<Person, Error> {
        let request = Ctx::anonymous().request(CreateSessionRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            tenant: tenant.map(str::to_owned),
        });
        let session = self.sessions().create_session(request).await?.into_inner();
        self.holder(session).await
    }

    async fn holder(&self, session: Session) -> Result<Person, Error> {
        Ok(Person {
            id: session.account.clone().unwrap().id,
            ctx: self.authenticate(&session.access_token).await?,
            session,
        })
    }

    pub(crate) async fn authenticate(&self, token: &str) -> Result<Ctx, Error> {
        authenticate(&self.transport, token).await
    }

    pub(crate) async fn members(&self, ctx: &Ctx) -> Result<Vec<Member>, Error> {
        let request = ctx.request(ListMembersRequest::default());
        Ok(self.tenants().list_members(request).await?.into_inner().items)
    }

    pub(crate) async fn add(
        &self,
        by: &Person,
        email: &str,
        role: &str,
        password: Option<&str>,
    ) -> Result<(Member, Option<CreateInvitationResponse>), Error> {
        let request = by.ctx.request(AddMemberRequest {
            email: email.to_owned(),
            display_name: None,
            role: role.to_owned(),
            password: password.map(str::to_owned),
        });
        let added = self.tenants().add_member(request).await?.into_inner();
        Ok((added.member.unwrap(), added.invitation))
    }

    pub(crate) async fn set_role(&self, by: &Person, id: &str, role: &str) -> Result<Member, Error> {
        let request = by.ctx.request(UpdateMemberRequest {
            account_id: id.to_owned(),
            role: role.to_owned(),
        });
        Ok(self.tenants().update_member(request).await?.into_inner())
    }

    pub(crate) async fn remove(&self, by: &Person, id: &str) -> Result<(), Error> {
        let account_id = id.to_owned();
        let request = by.ctx.request(RemoveMemberRequest { account_id });
        self.tenants().remove_member(request).await?;
        Ok(())
    }

    pub(crate) async fn invite(
        &self,
        by: &Person,
        email: &str,
        role: &str,
    ) -> Result<CreateInvitationResponse, Error> {
        let request = by.ctx.request(CreateInvitationRequest {
            email: email.to_owned(),
            role: role.to_owned(),
            grants: Vec::new(),
        });
        Ok(self.tenants().create_invitation(request).await?.into_inner())
    }

    /// Invites to share nodes, as a guest.
    pub(crate) async fn share(
        &self,
        by: &Person,
        email: &str,
        grants: &[(&str, &str)],
    ) -> Result<CreateInvitationResponse, Error> {
        let grants = grants.iter().map(|(node, role)| InvitedGrant {
            node_id: (*node).to_owned(),
            role: (*role).to_owned(),
        });
        let request = by.ctx.request(CreateInvitationRequest {
            email: email.to_owned(),
            role: String::new(),
            grants: grants.collect(),
        });
        Ok(self.tenants().create_invitation(request).await?.into_inner())
    }

    /// The module files beside this one, each knowing the other.
    pub(crate) fn with_files(&self) -> FilesSide {
        let nowhere: Transport = BoxCloneSyncService::new(tower::service_fn(|_: http::Request<Body>| {
            std::future::ready(Err::<http::Response<Body>, BoxError>("there is no store".into()))
        }));
        let files = Files::new(
            Default::default(),
            self.database.pool(DbRole::Files).unwrap(),
            self.database.pool(DbRole::Worker).unwrap(),
            nowhere,
            self.transport.clone(),
            Arc::new(InProcess::default()),
            self.clock.clone(),
        );
        let files = files.unwrap();
        let routes = Routes::new(FilesServiceServer::new(files.clone()))
            .add_service(NodeAccessServiceServer::new(files.clone()));
        let guarded = rpc::guard(routes.prepare(), "files", self.signer.clone());
        let line = Arc::new(AtomicU8::new(Line::Good as u8));
        let side = FilesSide {
            files,
            line: Arc::clone(&line),
        };
        let straight = rpc::local(guarded, self.signer.clone());
        let faulty = tower::service_fn(move |request: http::Request<Body>| {
            let (mut straight, state) = (straight.clone(), line.load(Ordering::SeqCst));
            async move {
                if state == Line::Cut as u8 {
                    return Err(BoxError::from("nobody answers"));
                }
                let answer = straight.ready().await?.call(request).await;
                if state == Line::Mute as u8 {
                    return Err(BoxError::from("the answer was lost"));
                }
                answer
            }
        });
        self.identity.reach_files(&BoxCloneSyncService::new(faulty));
        side
    }

    pub(crate) async fn accept(&self, token: &str, password: &str) -> Result<Person, Error> {
        let request = Ctx::anonymous().request(AcceptInvitationRequest {
            token: token.to_owned(),
            password: password.to_owned(),
            display_name: Some("New Here".to_owned()),
        });
        let session = self.tenants().accept_invitation(request).await?.into_inner();
        self.holder(session).await
    }
}

fn transport(identity: &Identity, signer: &Signer) -> Transport {
    let guarded = rpc::guard(identity.routes(), "identity", signer.clone());
    rpc::local(guarded, signer.clone())
}

/// What the gateway makes of a token.
pub(crate) async fn authenticate(transport: &Transport, token: &str) -> Result<Ctx, Error> {
    let request = Ctx::system("test").request(AuthenticateRequest {
        access_token: token.to_owned(),
    });
    let mut client = IdentityServiceClient::new(transport.clone());
    let principal = client.authenticate(request).await?.into_inner();
    let ctx = Ctx::account(
        principal.tenant_id.parse()?,
        principal.account_id.parse()?,
        principal.session_id.parse()?,
        principal.role.parse()?,
    );
    Ok(match principal.scopes {
        None => ctx,
        Some(scopes) => ctx.limited_to(Scopes {
            read: scopes.read,
            write: scopes.write,
        }),
    })
}

/// The token of an invitation's link.
pub(crate) fn token(url: &str) -> String {
    url.strip_prefix(&format!("{URL}/invite#token="))
        .unwrap()
        .to_owned()
}

/// A mail server on loopback that takes everything, or refuses every recipient.
pub(crate) struct MailServer {
    pub(crate) url: String,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start(refuses: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, refuses, Arc::clone(&kept)));
            }
        });
        Self { url, mails }
    }

    /// Everything that arrived, envelope included, with the transfer encoding undone.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mails = self.mails.lock().unwrap();
        mails
            .iter()
            .map(|mail| mail.replace("=\r\n", "").replace("=3D", "="))
            .collect()
    }
}

async fn serve(stream: TcpStream, refuses: bool, mails: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let mut envelope = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.get(..4).unwrap_or_default().to_uppercase().as_str() {
            "EHLO" | "HELO" | "MAIL" | "RSET" | "NOOP" => "250 ok\r\n",
            "RCPT" if refuses => "550 nobody here\r\n",
            "RCPT" => {
                envelope.push_str(&line);
                "250 ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut mail = std::mem::take(&mut envelope);
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await?;
                    if line == ".\r\n" {
                        break;
                    }
                    mail.push_str(&line);
                }
                mails.lock().unwrap().push(mail);
                "250 kept\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "500 what?\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}
