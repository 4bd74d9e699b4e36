//! Signing in, going on and signing out, through the generated clients, on a real Postgres.
#![allow(clippy::unwrap_used, reason = "tests")]

use bitvault_identity::{Config, Identity, PEER_HEADER};
use bitvault_platform::db::{Database, DbRole};
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::rpc::{self, Signer, Transport};
use bitvault_platform::{Clock, Code, Ctx, Error, Role};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::{
    AuthenticateRequest, CreateAccountRequest, CreateTenantRequest, Principal,
};
use bitvault_proto::v1::session_service_client::SessionServiceClient;
use bitvault_proto::v1::{
    CreateSessionRequest, DeleteCurrentSessionRequest, GetMeRequest, Me, RefreshSessionRequest, Session,
};
use bitvault_testing::TestDatabase;
use std::time::Duration;
use time::macros::datetime;

const PASSWORD: &str = "a long walk in the rain";

struct Harness {
    database: TestDatabase,
    identity: Identity,
    transport: Transport,
    clock: Clock,
}

impl Harness {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let pool: Database = database.pool(DbRole::Identity).unwrap();
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let mut config = Config::default();
        change(&mut config);
        let identity = Identity::new(config, pool, clock.clone(), "https://vault.example.org/").unwrap();
        let signer = Signer::ephemeral(clock.clone()).unwrap();
        let guarded = rpc::guard(identity.routes(), "identity", signer.clone());
        Self {
            database,
            identity,
            transport: rpc::local(guarded, signer),
            clock,
        }
    }

    fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::new(self.transport.clone())
    }

    fn internal(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.transport.clone())
    }

    async fn tenant(&self, name: &str) -> Result<String, Error> {
        let request = Ctx::system("test").request(CreateTenantRequest {
            name: name.to_owned(),
        });
        Ok(self
            .internal()
            .create_tenant(request)
            .await?
            .into_inner()
            .tenant_id)
    }

    async fn account(&self, tenant_id: &str, email: &str, password: &str) -> Result<String, Error> {
        let request = Ctx::system("test").request(CreateAccountRequest {
            tenant_id: tenant_id.to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
            display_name: String::new(),
            role: "owner".to_owned(),
        });
        Ok(self
            .internal()
            .create_account(request)
            .await?
            .into_inner()
            .account_id)
    }

    /// A tenant `acme` with the account ada@example.org.
    async fn ada(&self) -> String {
        let tenant = self.tenant("acme").await.unwrap();
        self.account(&tenant, "ada@example.org", PASSWORD).await.unwrap()
    }

    async fn sign_in_from(
        &self,
        peer: &str,
        email: &str,
        password: &str,
        tenant: Option<&str>,
    ) -> Result<Session, Error> {
        let mut request = Ctx::anonymous().request(CreateSessionRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            tenant: tenant.map(str::to_owned),
        });
        request.metadata_mut().insert(PEER_HEADER, peer.parse().unwrap());
        Ok(self.sessions().create_session(request).await?.into_inner())
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<Session, Error> {
        self.sign_in_from("10.0.0.1", email, password, None).await
    }

    async fn refresh(&self, refresh_token: &str) -> Result<Session, Error> {
        let request = Ctx::anonymous().request(RefreshSessionRequest {
            refresh_token: refresh_token.to_owned(),
        });
        Ok(self.sessions().refresh_session(request).await?.into_inner())
    }

    async fn authenticate(&self, access_token: &str) -> Result<Principal, Error> {
        let request = Ctx::system("test").request(AuthenticateRequest {
            access_token: access_token.to_owned(),
        });
        Ok(self.internal().authenticate(request).await?.into_inner())
    }

    async fn me(&self, ctx: &Ctx) -> Result<Me, Error> {
        Ok(self
            .sessions()
            .get_me(ctx.request(GetMeRequest {}))
            .await?
            .into_inner())
    }
}

fn ctx(principal: &Principal) -> Ctx {
    Ctx::account(
        principal.tenant_id.parse().unwrap(),
        principal.account_id.parse().unwrap(),
        principal.session_id.parse().unwrap(),
        principal.role.parse().unwrap(),
    )
}

#[tokio::test]
async fn a_session_begins_is_known_and_ends() {
    let h = Harness::new().await;
    assert!(!h.identity.has_accounts().await.unwrap());
    let account = h.ada().await;
    assert!(h.identity.has_accounts().await.unwrap());
    let session = h.sign_in("ADA@Example.org ", PASSWORD).await.unwrap();
    assert!(session.access_token.starts_with("bva_") && session.refresh_token.starts_with("bvr_"));
    assert_eq!(session.tenant.as_ref().unwrap().name, "acme");
    assert_eq!(
        session.expires_at.unwrap().seconds,
        h.clock.now().unix_timestamp() + 3600
    );

    let principal = h.authenticate(&session.access_token).await.unwrap();
    assert_eq!(
        (principal.account_id.as_str(), principal.role.as_str()),
        (account.as_str(), "owner")
    );
    let ctx = ctx(&principal);
    let me = h.me(&ctx).await.unwrap();
    assert_eq!(me.account.unwrap().display_name, "ada");

    h.sessions()
        .delete_current_session(ctx.request(DeleteCurrentSessionRequest {}))
        .await
        .unwrap();
    assert_eq!(
        h.authenticate(&session.access_token).await.unwrap_err().reason(),
        "token_invalid"
    );
    assert_eq!(
        h.refresh(&session.refresh_token).await.unwrap_err().reason(),
        "refresh_invalid"
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let h = Harness::new().await;
    h.ada().await;
    let wrong = h
        .sign_in("ada@example.org", "another long walk")
        .await
        .unwrap_err();
    for email in ["eve@example.org", "", "\0", "no address"] {
        assert_eq!(h.sign_in(email, PASSWORD).await.unwrap_err(), wrong, "{email:?}");
    }
    assert_eq!(
        (wrong.code(), wrong.reason()),
        (Code::Unauthenticated, "sign_in_failed")
    );
    let long = "x".repeat(100_000);
    assert_eq!(h.sign_in("ada@example.org", &long).await.unwrap_err(), wrong);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_waits_too() {
    let h = Harness::with(|config| config.throttle.account_burst = 2).await;
    h.ada().await;
    for peer in ["10.0.0.1", "10.0.0.2"] {
        let refused = h.sign_in_from(peer, "ada@example.org", "wrong wrong", None).await;
        assert_eq!(refused.unwrap_err().reason(), "sign_in_failed");
    }
    let refused = h.sign_in("ada@example.org", PASSWORD).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.reason()),
        (Code::Exhausted, "sign_in_throttled")
    );
    h.clock.advance(Config::default().throttle.account_interval);
    h.sign_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn one_address_can_not_guess_at_many_accounts() {
    let h = Harness::with(|config| config.throttle.address_burst = 2).await;
    for email in ["a@example.org", "b@example.org"] {
        assert_eq!(
            h.sign_in(email, PASSWORD).await.unwrap_err().reason(),
            "sign_in_failed"
        );
    }
    assert_eq!(
        h.sign_in("c@example.org", PASSWORD).await.unwrap_err().reason(),
        "sign_in_throttled"
    );
    let elsewhere = h.sign_in_from("10.0.0.9", "c@example.org", PASSWORD, None).await;
    assert_eq!(elsewhere.unwrap_err().reason(), "sign_in_failed");
}

#[tokio::test]
async fn an_account_of_several_tenants_names_one_after_its_password_was_right() {
    let h = Harness::new().await;
    let account = h.ada().await;
    let second = h.tenant("second").await.unwrap();
    h.tenant("foreign").await.unwrap();
    assert_eq!(
        h.account(&second, "Ada@example.org", "ignored password")
            .await
            .unwrap(),
        account
    );

    let sign_in = |password, tenant| h.sign_in_from("10.0.0.1", "ada@example.org", password, tenant);
    let refused = sign_in(PASSWORD, None).await.unwrap_err();
    assert_eq!(
        (refused.reason(), refused.fields()[0].field.as_str()),
        ("tenant_required", "tenant")
    );
    assert_eq!(
        sign_in("wrong wrong", None).await.unwrap_err().reason(),
        "sign_in_failed"
    );
    for unknown in ["foreign", "nowhere", "\0"] {
        let refused = sign_in(PASSWORD, Some(unknown)).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.reason()),
            (Code::Denied, "tenant_denied")
        );
    }
    for name in ["acme", "second"] {
        let session = sign_in(PASSWORD, Some(name)).await.unwrap();
        assert_eq!(session.tenant.unwrap().name, name);
    }
}

#[tokio::test]
async fn an_access_token_expires_and_its_refresh_token_opens_the_next() {
    let h = Harness::new().await;
    h.ada().await;
    let first = h.sign_in("ada@example.org", PASSWORD).await.unwrap();
    let session_id = h.authenticate(&first.access_token).await.unwrap().session_id;
    h.clock.advance(Duration::from_secs(3600));
    assert_eq!(
        h.authenticate(&first.access_token).await.unwrap_err().reason(),
        "token_expired"
    );
    let second = h.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(
        h.authenticate(&second.access_token).await.unwrap().session_id,
        session_id
    );
    h.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(
        h.refresh(&second.refresh_token).await.unwrap_err().reason(),
        "refresh_expired"
    );
}

#[tokio::test]
async fn the_second_use_of_a_refresh_token_ends_the_family() {
    let h = Harness::new().await;
    h.ada().await;
    let first = h.sign_in("ada@example.org", PASSWORD).await.unwrap();
    let second = h.refresh(&first.refresh_token).await.unwrap();
    h.authenticate(&second.access_token).await.unwrap();
    assert_eq!(
        h.refresh(&first.refresh_token).await.unwrap_err().reason(),
        "refresh_reused"
    );
    assert_eq!(
        h.authenticate(&second.access_token).await.unwrap_err().reason(),
        "token_invalid"
    );
    assert_eq!(
        h.refresh(&second.refresh_token).await.unwrap_err().reason(),
        "refresh_invalid"
    );
    // Another session of the same account goes on.
    h.sign_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn of_two_refreshes_at_once_at_most_one_wins() {
    let h = Harness::new().await;
    h.ada().await;
    let first = h.sign_in("ada@example.org", PASSWORD).await.unwrap();
    let (one, other) = tokio::join!(h.refresh(&first.refresh_token), h.refresh(&first.refresh_token));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
}

#[tokio::test]
async fn tokens_of_no_shape_are_nobodys() {
    let h = Harness::new().await;
    h.ada().await;
    let session = h.sign_in("ada@example.org", PASSWORD).await.unwrap();
    for token in ["", "bva_", "\0", &"x".repeat(100_000), &session.refresh_token] {
        assert_eq!(h.authenticate(token).await.unwrap_err().reason(), "token_invalid");
        if token != session.refresh_token {
            assert_eq!(h.refresh(token).await.unwrap_err().reason(), "refresh_invalid");
        }
    }
}

#[tokio::test]
async fn internal_calls_are_made_by_the_daemon_only() {
    let h = Harness::new().await;
    let member = Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), Role::Owner);
    let mut internal = h.internal();
    for caller in [Ctx::anonymous(), member] {
        let tenant = CreateTenantRequest { name: "x".to_owned() };
        let refusals = [
            internal.create_tenant(caller.request(tenant)).await.unwrap_err(),
            internal
                .authenticate(caller.request(AuthenticateRequest::default()))
                .await
                .unwrap_err(),
            internal
                .create_account(caller.request(CreateAccountRequest::default()))
                .await
                .unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(Error::from(refusal).reason(), "internal_call");
        }
    }
    assert_eq!(
        h.me(&Ctx::anonymous()).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn creating_is_idempotent_and_checks_what_it_is_given() {
    let h = Harness::new().await;
    let tenant = h.tenant("acme").await.unwrap();
    assert_eq!(h.tenant("acme").await.unwrap(), tenant);
    assert_eq!(h.tenant("A b").await.unwrap_err().reason(), "tenant_name_invalid");
    let account = h.account(&tenant, "ada@example.org", PASSWORD).await.unwrap();
    assert_eq!(
        h.account(&tenant, "ada@example.org", PASSWORD).await.unwrap(),
        account
    );
    let nowhere = TenantId::new().to_string();
    assert_eq!(
        h.account(&nowhere, "b@example.org", PASSWORD)
            .await
            .unwrap_err()
            .reason(),
        "tenant_not_found"
    );
    for (email, password, reason) in [
        ("nobody", PASSWORD, "email_invalid"),
        ("b@example.org", "short", "password_short"),
        ("b@example.org", "password1", "password_common"),
    ] {
        assert_eq!(
            h.account(&tenant, email, password).await.unwrap_err().reason(),
            reason
        );
    }
}

#[tokio::test]
async fn nothing_that_opens_a_session_is_stored_in_the_clear() {
    use sqlx::Connection as _;
    let h = Harness::new().await;
    h.ada().await;
    let session = h.sign_in("ada@example.org", PASSWORD).await.unwrap();
    let mut admin = sqlx::PgConnection::connect(&h.database.admin_url())
        .await
        .unwrap();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT json_agg(a)::text FROM identity.accounts a),
                       (SELECT json_agg(s)::text FROM identity.sessions s),
                       (SELECT json_agg(r)::text FROM identity.refresh_tokens r))",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert!(dump.contains("ada@example.org") && dump.contains("$argon2id$"));
    for secret in [PASSWORD, &session.access_token[4..], &session.refresh_token[4..]] {
        assert!(!dump.contains(secret));
    }
}
