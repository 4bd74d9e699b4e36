use crate::support::{PASSWORD, World, authenticate, token};
use bitvault_platform::{Code, Ctx};
use bitvault_proto::v1::ListMembersRequest;
use std::time::{Duration, Instant};

#[tokio::test]
async fn members_are_listed_page_by_page_and_a_guest_sees_itself() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let guest = w.person("acme", "guest@example.org", "guest").await;
    w.person("acme", "member@example.org", "member").await;
    let stranger = w.person("other", "stranger@example.org", "owner").await;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let request = owner.ctx.request(ListMembersRequest { limit: 2, cursor });
        let page = w.tenants().list_members(request).await.unwrap().into_inner();
        assert!(page.items.len() <= 2);
        seen.extend(
            page.items
                .into_iter()
                .map(|member| (member.account.unwrap().email, member.role)),
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected = [("owner", "owner"), ("guest", "guest"), ("member", "member")];
    assert_eq!(
        seen,
        expected.map(|(name, role)| (format!("{name}@example.org"), role.to_owned()))
    );
    let own = w.members(&guest.ctx).await.unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].account.as_ref().unwrap().id, guest.id);
    assert_eq!(w.members(&stranger.ctx).await.unwrap().len(), 1);
    let bad = ListMembersRequest {
        limit: 0,
        cursor: Some("nonsense".to_owned()),
    };
    let refused = w
        .tenants()
        .list_members(owner.ctx.request(bad))
        .await
        .unwrap_err();
    assert_eq!(bitvault_platform::Error::from(refused).reason(), "cursor_invalid");
    assert_eq!(
        w.members(&Ctx::anonymous()).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn who_may_decide_about_whom_follows_the_roles() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let admin = w.person("acme", "admin@example.org", "admin").await;
    let member = w.person("acme", "member@example.org", "member").await;
    let guest = w.person("acme", "guest@example.org", "guest").await;
    for (by, whom, role, refusal) in [
        (&guest, &member, "guest", Some("admin_only")),
        (&member, &guest, "member", Some("admin_only")),
        (&member, &member, "owner", Some("admin_only")),
        (&admin, &admin, "owner", Some("owner_only")),
        (&admin, &owner, "guest", Some("owner_only")),
        (&admin, &member, "emperor", Some("role_invalid")),
        (&admin, &guest, "admin", None),
        (&owner, &guest, "owner", None),
        (&owner, &guest, "guest", None),
    ] {
        let outcome = w.set_role(by, &whom.id, role).await;
        let reason = outcome.as_ref().err().map(|error| error.reason());
        assert_eq!(reason, refusal, "{role}");
        if let Ok(changed) = outcome {
            assert_eq!(changed.role, role);
        }
    }
    assert_eq!(
        w.remove(&admin, &owner.id).await.unwrap_err().reason(),
        "owner_only"
    );
    assert_eq!(
        w.remove(&member, &guest.id).await.unwrap_err().reason(),
        "admin_only"
    );
    for role in ["owner", "admin"] {
        let refused = w.add(&member, "x@example.org", role, None).await.unwrap_err();
        assert_eq!(refused.reason(), "admin_only");
    }
    let refused = w.add(&admin, "x@example.org", "owner", None).await.unwrap_err();
    assert_eq!(refused.reason(), "owner_only");
}

#[tokio::test]
async fn members_of_another_tenant_do_not_exist() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let stranger = w.person("other", "stranger@example.org", "owner").await;
    for id in [
        stranger.id.as_str(),
        "acc_00000000000000000000000000000001",
        "x",
        "",
    ] {
        assert_eq!(
            w.set_role(&owner, id, "guest").await.unwrap_err().reason(),
            "member_not_found"
        );
        assert_eq!(
            w.remove(&owner, id).await.unwrap_err().reason(),
            "member_not_found"
        );
    }
    assert!(w.authenticate(&stranger.session.access_token).await.is_ok());
}

#[tokio::test]
async fn the_last_owner_stays_and_two_owners_can_not_unmake_each_other() {
    let w = World::new().await;
    let one = w.person("acme", "one@example.org", "owner").await;
    assert_eq!(w.remove(&one, &one.id).await.unwrap_err().reason(), "last_owner");
    assert_eq!(
        w.set_role(&one, &one.id, "admin").await.unwrap_err().reason(),
        "last_owner"
    );
    for round in 0..8 {
        let other = w
            .person("acme", &format!("other{round}@example.org"), "owner")
            .await;
        // The race is between two owners: `one` unmakes `other` and the reverse.
        let (first, second) = tokio::join!(
            w.set_role(&one, &other.id, "member"),
            w.set_role(&other, &one.id, "member")
        );
        let unmade = usize::from(first.is_ok()) + usize::from(second.is_ok());
        assert_eq!(unmade, 1, "{first:?} {second:?}");
        let owners = w.members(&one.ctx).await.unwrap();
        let owners: Vec<_> = owners.iter().filter(|member| member.role == "owner").collect();
        assert_eq!(owners.len(), 1);
        if first.is_err() {
            w.set_role(&other, &one.id, "owner").await.unwrap();
            w.set_role(&other, &other.id, "member").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_removed_member_is_out_at_once_here_and_within_seconds_elsewhere() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let member = w.person("acme", "member@example.org", "member").await;
    let there = w.another_process();
    let access = &member.session.access_token;
    assert!(authenticate(&there, access).await.is_ok());
    w.remove(&owner, &member.id).await.unwrap();
    let removed = Instant::now();
    assert_eq!(
        w.authenticate(access).await.unwrap_err().reason(),
        "token_invalid"
    );
    while authenticate(&there, access).await.is_ok() {
        assert!(
            removed.elapsed() < Duration::from_secs(8),
            "the cache keeps it too long"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = w.sign_in("member@example.org", PASSWORD, None).await.unwrap_err();
    assert_eq!(refused.reason(), "no_tenant");
    assert_eq!(
        w.remove(&owner, &member.id).await.unwrap_err().reason(),
        "member_not_found"
    );
}

#[tokio::test]
async fn a_role_counts_from_the_next_call_on() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let member = w.person("acme", "member@example.org", "member").await;
    w.set_role(&owner, &member.id, "admin").await.unwrap();
    let now = w.authenticate(&member.session.access_token).await.unwrap();
    let request = now.request(bitvault_proto::v1::ListInvitationsRequest::default());
    assert!(w.tenants().list_invitations(request).await.is_ok());
}

#[tokio::test]
async fn an_account_is_added_or_made_and_a_repeat_changes_nothing() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let known = w.person("other", "known@example.org", "member").await;
    let (added, invitation) = w.add(&owner, "KNOWN@example.org", "member", None).await.unwrap();
    assert_eq!((added.account.unwrap().id, invitation), (known.id.clone(), None));
    w.sign_in("known@example.org", PASSWORD, Some("acme"))
        .await
        .unwrap();
    assert!(w.add(&owner, "known@example.org", "member", None).await.is_ok());
    let other_role = w
        .add(&owner, "known@example.org", "guest", None)
        .await
        .unwrap_err();
    assert_eq!(other_role.reason(), "already_member");
    let taken = w
        .add(&owner, "known@example.org", "member", Some("another long walk"))
        .await;
    assert_eq!(taken.unwrap_err().reason(), "account_exists");

    let (made, invitation) = w
        .add(&owner, "new@example.org", "guest", Some("another long walk"))
        .await
        .unwrap();
    assert!(!made.pending && invitation.is_none());
    w.sign_in("new@example.org", "another long walk", None)
        .await
        .unwrap();
    for (email, password, reason) in [
        ("nobody", None, "email_invalid"),
        ("x@example.org", Some("short"), "password_short"),
    ] {
        assert_eq!(
            w.add(&owner, email, "guest", password)
                .await
                .unwrap_err()
                .reason(),
            reason
        );
    }
}

#[tokio::test]
async fn an_account_without_a_password_gets_in_by_its_invitation_only() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let (member, invitation) = w.add(&owner, "new@example.org", "member", None).await.unwrap();
    assert!(member.pending);
    let url = invitation.unwrap().url.unwrap();
    let refused = w.sign_in("new@example.org", PASSWORD, None).await.unwrap_err();
    assert_eq!(refused.reason(), "sign_in_failed");
    let accepted = w.accept(&token(&url), PASSWORD).await.unwrap();
    assert_eq!(accepted.id, member.account.unwrap().id);
    w.sign_in("new@example.org", PASSWORD, None).await.unwrap();
    let listed = w.members(&owner.ctx).await.unwrap();
    assert!(listed.iter().all(|member| !member.pending));
}
