use crate::support::{PASSWORD, Person, World};
use bitvault_platform::Error;
use bitvault_proto::v1::{ChangePasswordRequest, UpdateMeRequest};

const NEW: &str = "another walk in the sun";

async fn change(w: &World, who: &Person, current: &str, new: &str) -> Result<(), Error> {
    let request = who.ctx.request(ChangePasswordRequest {
        current: current.to_owned(),
        new: new.to_owned(),
    });
    w.tenants().change_password(request).await?;
    Ok(())
}

#[tokio::test]
async fn another_password_ends_all_other_sessions_in_every_tenant() {
    let w = World::new().await;
    let here = w.person("acme", "ada@example.org", "member").await;
    let elsewhere = w.person("other", "ada@example.org", "owner").await;
    let again = w
        .sign_in("ada@example.org", PASSWORD, Some("acme"))
        .await
        .unwrap();
    let bystander = w.person("acme", "bob@example.org", "member").await;
    change(&w, &here, PASSWORD, NEW).await.unwrap();
    for (who, lives) in [
        (&here, true),
        (&elsewhere, false),
        (&again, false),
        (&bystander, true),
    ] {
        assert_eq!(w.authenticate(&who.session.access_token).await.is_ok(), lives);
    }
    assert!(
        w.sign_in("ada@example.org", PASSWORD, Some("acme"))
            .await
            .is_err()
    );
    w.sign_in("ada@example.org", NEW, Some("acme")).await.unwrap();
}

#[tokio::test]
async fn a_wrong_or_weak_password_changes_nothing_and_guessing_is_slowed_down() {
    let w = World::with(|config| config.throttle.account_burst = 2).await;
    let ada = w.person("acme", "ada@example.org", "member").await;
    let weak = change(&w, &ada, PASSWORD, "short").await.unwrap_err();
    assert_eq!(
        (weak.reason(), weak.fields()[0].field.as_str()),
        ("password_short", "new")
    );
    for _ in 0..2 {
        assert_eq!(
            change(&w, &ada, "not this one", NEW).await.unwrap_err().reason(),
            "password_wrong"
        );
    }
    assert_eq!(
        change(&w, &ada, PASSWORD, NEW).await.unwrap_err().reason(),
        "sign_in_throttled"
    );
}

#[tokio::test]
async fn of_sign_ins_that_race_with_a_change_none_outlives_it() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "member").await;
    let (mut old, mut new) = (PASSWORD, NEW);
    for _ in 0..4 {
        let (changed, raced) = tokio::join!(
            change(&w, &ada, old, new),
            w.sign_in("ada@example.org", old, None)
        );
        changed.unwrap();
        if let Ok(raced) = raced {
            let there = w.another_process();
            let token = &raced.session.access_token;
            assert!(crate::support::authenticate(&there, token).await.is_err());
        }
        (old, new) = (new, old);
    }
}

#[tokio::test]
async fn a_name_is_changed_and_others_see_it() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "member").await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    for (name, reason) in [
        ("  Ada L. ", None),
        ("", Some("display_name_invalid")),
        ("a\u{7}", Some("display_name_invalid")),
    ] {
        let request = ada.ctx.request(UpdateMeRequest {
            display_name: name.to_owned(),
        });
        let outcome = w.tenants().update_me(request).await.map_err(Error::from);
        assert_eq!(
            outcome.err().map(|error| error.reason().to_owned()).as_deref(),
            reason
        );
    }
    let members = w.members(&owner.ctx).await.unwrap();
    assert_eq!(members[0].account.as_ref().unwrap().display_name, "Ada L.");
}
