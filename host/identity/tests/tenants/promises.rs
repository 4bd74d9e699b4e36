//! Invitations that share nodes.

use crate::support::{Line, MailServer, PASSWORD, Person, World, token};
use bitvault_identity::MailConfig;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::{
    CreateInvitationResponse, DeleteNodeRequest, Invitation, ListInvitationsRequest, LookupInvitationRequest,
    RevokeInvitationRequest, TenantSettings, UpdateTenantRequest,
};

fn secret(made: CreateInvitationResponse) -> String {
    token(&made.url.unwrap())
}

fn reason<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "none".to_owned(),
        Err(error) => error.reason().to_owned(),
    }
}

fn carried(invitation: &Invitation) -> Vec<(String, String)> {
    let grants = invitation.grants.iter();
    let mut grants: Vec<_> = grants
        .map(|grant| (grant.node_id.clone(), grant.role.clone()))
        .collect();
    grants.sort();
    grants
}

async fn listed(w: &World, by: &Person) -> Result<Vec<Invitation>, Error> {
    let request = by.ctx.request(ListInvitationsRequest::default());
    Ok(w.tenants().list_invitations(request).await?.into_inner().items)
}

async fn revoke(w: &World, by: &Person, id: &str) -> Result<(), Error> {
    let request = by.ctx.request(RevokeInvitationRequest { id: id.to_owned() });
    w.tenants().revoke_invitation(request).await?;
    Ok(())
}

fn pair(node: &str, role: &str) -> (String, String) {
    (node.to_owned(), role.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_invitation_shares_is_given_to_who_accepts() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let carl = w.person("acme", "carl@example.org", "member").await;
    let plans = side.mkdir(&ada, "plans").await;
    let notes = side.mkdir(&ada, "notes").await;
    let theirs = side.mkdir(&carl, "theirs").await;
    side.grant(&carl, &theirs, &ada, "editor").await;
    for (grants, refused) in [
        (vec![(theirs.as_str(), "viewer")], "role_too_low"),
        (
            vec![("nod_00000000000000000000000000000000", "viewer")],
            "node_not_found",
        ),
        (vec![(plans.as_str(), "boss")], "role_invalid"),
        (
            vec![(plans.as_str(), "viewer"), (&plans, "editor")],
            "grants_invalid",
        ),
    ] {
        assert_eq!(reason(w.share(&ada, "bob@example.org", &grants).await), refused);
    }
    assert!(listed(&w, &ada).await.unwrap().is_empty());

    let first = w
        .share(&ada, "bob@example.org", &[(&plans, "viewer")])
        .await
        .unwrap();
    // The same inviter once more: all of it stays promised, by one link.
    let grants = [(notes.as_str(), "viewer"), (&plans, "editor")];
    let made = w.share(&ada, "Bob@Example.org", &grants).await.unwrap();
    let invitation = made.invitation.clone().unwrap();
    assert_eq!(invitation.role, "guest");
    let mut both = vec![pair(&notes, "viewer"), pair(&plans, "editor")];
    both.sort();
    assert_eq!(carried(&invitation), both);
    assert_eq!(listed(&w, &ada).await.unwrap(), [invitation]);
    assert_eq!(
        reason(w.accept(&secret(first), PASSWORD).await),
        "invitation_invalid"
    );
    let secret = secret(made);
    let look = Ctx::anonymous().request(LookupInvitationRequest {
        token: secret.clone(),
    });
    let offered = w.tenants().lookup_invitation(look).await.unwrap().into_inner();
    assert_eq!(
        (
            offered.tenant.as_str(),
            offered.email.as_str(),
            offered.has_password
        ),
        ("acme", "bob@example.org", false)
    );
    assert_eq!(offered.invited_by.as_deref(), Some("ada"));
    let names: Vec<&str> = offered.shares.iter().map(|share| share.name.as_str()).collect();
    assert_eq!(names, ["notes", "plans"]);
    let bob = w.accept(&secret, PASSWORD).await.unwrap();
    assert_eq!(side.shared_with(&bob).await, both);
    assert_eq!(
        reason(w.share(&ada, "bob@example.org", &grants).await),
        "already_member"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_between_acceptance_and_grant_gives_it_later_and_once() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let plans = side.mkdir(&ada, "plans").await;
    let grants = [(plans.as_str(), "editor")];
    let invite = |email: &'static str| w.share(&ada, email, &grants);

    let cut = secret(invite("cut@example.org").await.unwrap());
    side.set(Line::Cut);
    let new = w.accept(&cut, PASSWORD).await.unwrap();
    assert!(side.shared_with(&new).await.is_empty());
    assert_eq!(w.identity().keep_promises_once().await.unwrap(), 0);
    side.set(Line::Good);
    assert_eq!(w.identity().keep_promises_once().await.unwrap(), 1);
    assert_eq!(side.shared_with(&new).await, [pair(&plans, "editor")]);
    side.take_back(&ada, &plans, &new).await;
    assert_eq!(w.identity().keep_promises_once().await.unwrap(), 0);
    assert!(side.shared_with(&new).await.is_empty());

    let mute = secret(invite("mute@example.org").await.unwrap());
    side.set(Line::Mute);
    let new = w.accept(&mute, PASSWORD).await.unwrap();
    assert_eq!(side.shared_with(&new).await, [pair(&plans, "editor")]);
    // Taken back before it is asked for again.
    side.take_back(&ada, &plans, &new).await;
    side.set(Line::Good);
    assert_eq!(w.identity().keep_promises_once().await.unwrap(), 0);
    assert!(side.shared_with(&new).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_the_inviters_to_give_is_dropped_and_the_door_opens_all_the_same() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let eve = w.person("acme", "eve@example.org", "admin").await;
    let carl = w.person("acme", "carl@example.org", "member").await;
    let theirs = side.mkdir(&carl, "theirs").await;
    side.grant(&carl, &theirs, &eve, "owner").await;
    let kept = side.mkdir(&eve, "kept").await;
    let gone = side.mkdir(&eve, "gone").await;
    let all = [(theirs.as_str(), "viewer"), (&gone, "viewer"), (&kept, "viewer")];
    let one = secret(w.share(&eve, "one@example.org", &all).await.unwrap());
    let two = secret(w.share(&eve, "two@example.org", &all).await.unwrap());
    side.take_back(&carl, &theirs, &eve).await;
    for permanent in [false, true] {
        let request = eve.ctx.request(DeleteNodeRequest {
            id: gone.clone(),
            permanent,
            revision: None,
            covers: None,
        });
        side.files.delete_node(request).await.unwrap();
    }
    let new = w.accept(&one, PASSWORD).await.unwrap();
    assert_eq!(side.shared_with(&new).await, [pair(&kept, "viewer")]);
    // Who left has nothing to give.
    w.remove(&ada, &eve.id).await.unwrap();
    let new = w.accept(&two, PASSWORD).await.unwrap();
    assert!(side.shared_with(&new).await.is_empty());
    assert_eq!(w.identity().keep_promises_once().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_gives_nothing_and_what_is_there_is_never_lowered() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let plans = side.mkdir(&ada, "plans").await;
    let made = w
        .share(&ada, "bob@example.org", &[(&plans, "viewer")])
        .await
        .unwrap();
    let id = made.invitation.clone().unwrap().id;
    revoke(&w, &ada, &id).await.unwrap();
    assert_eq!(
        reason(w.accept(&secret(made), PASSWORD).await),
        "invitation_invalid"
    );
    // A later invitation of the same address does not bring it back.
    let plain = secret(w.invite(&ada, "bob@example.org", "guest").await.unwrap());
    let bob = w.accept(&plain, PASSWORD).await.unwrap();
    assert!(side.shared_with(&bob).await.is_empty());

    let waits = w.add(&ada, "waits@example.org", "guest", None).await.unwrap().0;
    let waiting = Person {
        id: waits.account.unwrap().id,
        ..bob.clone()
    };
    side.grant(&ada, &plans, &waiting, "editor").await;
    let shared = secret(
        w.share(&ada, "waits@example.org", &[(&plans, "viewer")])
            .await
            .unwrap(),
    );
    let waiting = w.accept(&shared, PASSWORD).await.unwrap();
    assert_eq!(side.shared_with(&waiting).await, [pair(&plans, "editor")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_link_to_what_somebody_else_has_promised() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let eve = w.person("acme", "eve@example.org", "admin").await;
    let (plans, hers) = (side.mkdir(&ada, "plans").await, side.mkdir(&eve, "hers").await);
    // One that carries nothing is replaced, and its role stays.
    w.invite(&eve, "bob@example.org", "member").await.unwrap();
    let made = w
        .share(&ada, "bob@example.org", &[(&plans, "viewer")])
        .await
        .unwrap();
    let invitation = made.invitation.clone().unwrap();
    assert_eq!(invitation.role, "member");
    assert_eq!(
        reason(w.share(&eve, "bob@example.org", &[(&hers, "viewer")]).await),
        "invitation_open"
    );
    for refused in [
        reason(w.invite(&eve, "bob@example.org", "guest").await),
        reason(w.add(&eve, "bob@example.org", "guest", None).await),
    ] {
        assert_eq!(refused, "invitation_open");
    }
    revoke(&w, &eve, &invitation.id).await.unwrap();
    w.invite(&ada, "heir@example.org", "owner").await.unwrap();
    assert_eq!(
        reason(w.share(&eve, "heir@example.org", &[(&hers, "viewer")]).await),
        "invitation_open"
    );
    w.share(&eve, "bob@example.org", &[(&hers, "viewer")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_invite_guests_where_the_tenant_lets_them() {
    let w = World::new().await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let carl = w.person("acme", "carl@example.org", "member").await;
    let guest = w.person("acme", "guest@example.org", "guest").await;
    let theirs = side.mkdir(&carl, "theirs").await;
    let grants = [(theirs.as_str(), "viewer")];
    let share = |email: &'static str| w.share(&carl, email, &grants);
    assert_eq!(reason(share("bob@example.org").await), "admin_only");
    let request = ada.ctx.request(UpdateTenantRequest {
        display_name: None,
        settings: Some(TenantSettings {
            guest_invitations: Some("members".to_owned()),
            ..TenantSettings::default()
        }),
    });
    w.tenants().update_tenant(request).await.unwrap();
    let other = w.invite(&ada, "other@example.org", "member").await.unwrap();
    let other = other.invitation.unwrap();
    assert_eq!(reason(share("other@example.org").await), "invitation_open");
    assert_eq!(
        reason(w.invite(&carl, "bob@example.org", "member").await),
        "admin_only"
    );
    let made = share("bob@example.org").await.unwrap();
    // Each sees its own, who runs the tenant all.
    let own = made.invitation.clone().unwrap();
    assert_eq!(own.role, "guest");
    assert_eq!(listed(&w, &carl).await.unwrap(), std::slice::from_ref(&own));
    assert_eq!(listed(&w, &ada).await.unwrap().len(), 2);
    assert_eq!(reason(listed(&w, &guest).await), "admin_only");
    assert_eq!(reason(revoke(&w, &carl, &other.id).await), "invitation_not_found");
    revoke(&w, &carl, &own.id).await.unwrap();
    let again = secret(share("bob@example.org").await.unwrap());
    let bob = w.accept(&again, PASSWORD).await.unwrap();
    assert_eq!(side.shared_with(&bob).await, [pair(&theirs, "viewer")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_names_what_is_shared() {
    let sink = MailServer::start(false).await;
    let config = MailConfig {
        url: sink.url.clone(),
        from: "BitVault <vault@example.org>".to_owned(),
        username: None,
        password: None,
        password_file: None,
    };
    let w = World::with(|identity| identity.mail = Some(config)).await;
    let side = w.with_files();
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let plans = side.mkdir(&ada, "Plans for 2027").await;
    let grants = [(plans.as_str(), "editor"), ("root", "viewer")];
    w.share(&ada, "new@example.org", &grants).await.unwrap();
    let mails = sink.mails();
    for line in ["Plans for 2027 (as editor)", "all of their files (as viewer)"] {
        assert!(mails[0].contains(line), "{}", mails[0]);
    }
}
