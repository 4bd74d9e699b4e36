//! Links with a password.

use crate::support::{World, after, download, reason};
use bitvault_proto::v1;
use bitvault_sharing::Config;
use std::time::Duration;

const PASSWORD: &str = "a long walk";

fn locked(node: &str) -> v1::CreateLinkRequest {
    v1::CreateLinkRequest {
        password: Some(PASSWORD.to_owned()),
        ..download(node)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_gives_a_key_that_opens_its_link_for_a_while() {
    let world = World::new().await;
    let (_, token) = world.link(locked("root")).await;
    let (_, other) = world.link(locked("root")).await;
    assert_eq!(reason(world.open(&token, None).await), "link_not_found");
    assert_eq!(
        reason(world.unlock(&token, "a short walk", "1").await),
        "link_not_found"
    );
    let key = world.unlock(&token, PASSWORD, "1").await.unwrap().key.unwrap();
    world.open(&token, Some(&key)).await.unwrap();
    assert_eq!(reason(world.open(&other, Some(&key)).await), "link_not_found");
    world.clock.advance(Config::default().key_lifetime);
    assert_eq!(reason(world.open(&token, Some(&key)).await), "link_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_shuts_out_who_came_in_with_the_old_one() {
    let world = World::new().await;
    let (id, token) = world.link(locked("root")).await;
    let key = world.unlock(&token, PASSWORD, "1").await.unwrap().key.unwrap();
    let change = |password: &str| v1::UpdateLinkRequest {
        id: id.clone(),
        password: Some(password.to_owned()),
        ..Default::default()
    };
    // The same again has another hash.
    world.update(&world.ctx(), change(PASSWORD)).await.unwrap();
    assert_eq!(reason(world.open(&token, Some(&key)).await), "link_not_found");
    world.unlock(&token, PASSWORD, "1").await.unwrap();
    assert!(!world.update(&world.ctx(), change("")).await.unwrap().has_password);
    world.open(&token, None).await.unwrap();
    assert_eq!(world.unlock(&token, "anything", "1").await.unwrap().key, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_expired_ended_and_wrong_are_one_answer() {
    let world = World::new().await;
    let (_, wrong) = world.link(locked("root")).await;
    let (_, expired) = world
        .link(v1::CreateLinkRequest {
            expires_at: after(&world, 1),
            ..locked("root")
        })
        .await;
    let (_, used_up) = world
        .link(v1::CreateLinkRequest {
            max_downloads: Some(1),
            ..download("root")
        })
        .await;
    world.take(&used_up).await.unwrap();
    let (id, ended) = world.link(locked("root")).await;
    world.delete(&world.ctx(), &id).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let mut answers = Vec::new();
    for (peer, token) in [&wrong, &expired, &used_up, &ended, &"bvl_x".to_owned()]
        .into_iter()
        .enumerate()
    {
        answers.push(world.open(token, None).await.unwrap_err());
        let peer = peer.to_string();
        answers.push(world.unlock(token, "not this one", &peer).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_down_per_link_and_per_address_whatever_the_token() {
    let mut config = Config::default();
    config.throttle.link_burst = 2;
    config.throttle.link_interval = Duration::from_secs(10);
    config.throttle.address_burst = 3;
    config.throttle.address_interval = Duration::from_secs(1);
    let world = World::with(config).await;
    let (_, token) = world.link(locked("root")).await;
    for guessed in [token.as_str(), "bvl_nothing"] {
        for peer in ["1", "2"] {
            assert_eq!(
                reason(world.unlock(guessed, "not this one", peer).await),
                "link_not_found"
            );
        }
        assert_eq!(
            reason(world.unlock(guessed, PASSWORD, "3").await),
            "link_throttled"
        );
    }
    // Two of the three of address 1 are gone.
    assert_eq!(
        reason(world.unlock("bvl_a", "not this one", "1").await),
        "link_not_found"
    );
    assert_eq!(
        reason(world.unlock("bvl_b", "not this one", "1").await),
        "link_throttled"
    );
    world.clock.advance(Duration::from_secs(10));
    world.unlock(&token, PASSWORD, "3").await.unwrap();
}
