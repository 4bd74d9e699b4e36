use crate::support::{MailServer, PASSWORD, World, token};
use bitvault_identity::MailConfig;
use bitvault_platform::Error;
use bitvault_proto::v1::{ListInvitationsRequest, RevokeInvitationRequest};
use std::time::Duration;

fn mail(url: &str) -> MailConfig {
    MailConfig {
        url: url.to_owned(),
        from: "BitVault <vault@example.org>".to_owned(),
        username: None,
        password: None,
        password_file: None,
    }
}

#[tokio::test]
async fn an_invitation_is_accepted_once() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let made = w.invite(&owner, "new@example.org", "admin").await.unwrap();
    let secret = token(&made.url.unwrap());
    assert!(secret.starts_with("bvi_"));
    let short = w.accept(&secret, "short").await.unwrap_err();
    assert_eq!(short.reason(), "password_short");
    let new = w.accept(&secret, PASSWORD).await.unwrap();
    let account = new.session.account.clone().unwrap();
    assert_eq!(
        (account.email.as_str(), account.display_name.as_str()),
        ("new@example.org", "New Here")
    );
    assert_eq!(
        w.accept(&secret, PASSWORD).await.unwrap_err().reason(),
        "invitation_invalid"
    );
    let members = w.members(&new.ctx).await.unwrap();
    assert_eq!(members[1].role, "admin");
    let again = w.invite(&owner, "new@example.org", "guest").await.unwrap_err();
    assert_eq!(again.reason(), "already_member");
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_gets_in() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    for round in 0..6 {
        let made = w
            .invite(&owner, &format!("new{round}@example.org"), "guest")
            .await
            .unwrap();
        let secret = token(&made.url.unwrap());
        let (one, other) = tokio::join!(w.accept(&secret, PASSWORD), w.accept(&secret, PASSWORD));
        assert_eq!(
            usize::from(one.is_ok()) + usize::from(other.is_ok()),
            1,
            "{one:?} {other:?}"
        );
    }
}

#[tokio::test]
async fn unknown_expired_revoked_and_replaced_invitations_look_alike() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let secret = |made: bitvault_proto::v1::CreateInvitationResponse| token(&made.url.unwrap());
    let replaced = secret(w.invite(&owner, "a@example.org", "guest").await.unwrap());
    let revoked = w.invite(&owner, "A@Example.org", "member").await.unwrap();
    let id = revoked.invitation.clone().unwrap().id;
    let listed = || async {
        let request = owner.ctx.request(ListInvitationsRequest::default());
        w.tenants()
            .list_invitations(request)
            .await
            .unwrap()
            .into_inner()
            .items
    };
    assert_eq!(listed().await.len(), 1);
    let revoke = || owner.ctx.request(RevokeInvitationRequest { id: id.clone() });
    w.tenants().revoke_invitation(revoke()).await.unwrap();
    let gone = Error::from(w.tenants().revoke_invitation(revoke()).await.unwrap_err());
    assert_eq!(gone.reason(), "invitation_not_found");
    let expired = secret(w.invite(&owner, "b@example.org", "guest").await.unwrap());
    w.clock.advance(Duration::from_secs(7 * 86_400));
    assert!(listed().await.is_empty());
    let access = &owner.session.access_token;
    let mut told = Vec::new();
    for token in [
        replaced,
        secret(revoked),
        expired,
        "bvi_nonsense".to_owned(),
        access.clone(),
    ] {
        let refused = w.accept(&token, PASSWORD).await.unwrap_err();
        told.push((
            refused.code(),
            refused.reason().to_owned(),
            refused.message().to_owned(),
        ));
    }
    assert_eq!(told[0].1, "invitation_invalid");
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

#[tokio::test]
async fn a_link_alone_opens_nobodys_account() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let other = w.person("other", "boss@example.org", "owner").await;
    // One with a password shows it, and gets into the tenant as the same account.
    let known = w.person("other", "known@example.org", "member").await;
    let secret = token(
        &w.invite(&owner, "known@example.org", "member")
            .await
            .unwrap()
            .url
            .unwrap(),
    );
    let refused = w.accept(&secret, "a password of the inviter").await.unwrap_err();
    assert_eq!(refused.reason(), "sign_in_failed");
    assert_eq!(w.accept(&secret, PASSWORD).await.unwrap().id, known.id);
    // One that waits for the other tenant's invitation is not given away by this tenant's.
    let (_, first) = w.add(&other, "waits@example.org", "admin", None).await.unwrap();
    let (_, second) = w.add(&owner, "waits@example.org", "guest", None).await.unwrap();
    for link in [first, second] {
        let refused = w
            .accept(&token(&link.unwrap().url.unwrap()), PASSWORD)
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), "account_pending");
    }
}

#[tokio::test]
async fn invitations_are_for_those_who_run_the_tenant() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let admin = w.person("acme", "admin@example.org", "admin").await;
    let member = w.person("acme", "member@example.org", "member").await;
    let stranger = w.person("other", "stranger@example.org", "owner").await;
    let made = w.invite(&owner, "new@example.org", "owner").await.unwrap();
    assert_eq!(
        w.invite(&admin, "x@example.org", "owner")
            .await
            .unwrap_err()
            .reason(),
        "owner_only"
    );
    assert_eq!(
        w.invite(&member, "x@example.org", "guest")
            .await
            .unwrap_err()
            .reason(),
        "admin_only"
    );
    let id = made.invitation.unwrap().id;
    for (who, reason) in [(&member, "admin_only"), (&stranger, "invitation_not_found")] {
        let request = who.ctx.request(RevokeInvitationRequest { id: id.clone() });
        let refused = Error::from(w.tenants().revoke_invitation(request).await.unwrap_err());
        assert_eq!(refused.reason(), reason);
    }
    let request = member.ctx.request(ListInvitationsRequest::default());
    let refused = Error::from(w.tenants().list_invitations(request).await.unwrap_err());
    assert_eq!(refused.reason(), "admin_only");
}

#[tokio::test]
async fn the_link_goes_out_by_mail_and_to_nobody_else() {
    let sink = MailServer::start(false).await;
    let w = World::with(|config| config.mail = Some(mail(&sink.url))).await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let made = w.invite(&owner, "new@example.org", "member").await.unwrap();
    assert_eq!(made.url, None);
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("RCPT TO:<new@example.org>") && mails[0].contains("Subject: Invitation to acme")
    );
    let link = mails[0]
        .lines()
        .find(|line| line.contains("/invite#token="))
        .unwrap();
    w.accept(&token(link.trim()), PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_invitation_that_can_not_be_mailed_is_none() {
    let refusing = MailServer::start(true).await;
    for url in [refusing.url.as_str(), "smtp://127.0.0.1:1"] {
        let w = World::with(|config| config.mail = Some(mail(url))).await;
        let owner = w.person("acme", "owner@example.org", "owner").await;
        let refused = w.invite(&owner, "new@example.org", "member").await.unwrap_err();
        assert_eq!(refused.reason(), "mail_unavailable");
        let request = owner.ctx.request(ListInvitationsRequest::default());
        let open = w.tenants().list_invitations(request).await.unwrap().into_inner();
        assert!(open.items.is_empty());
    }
}
