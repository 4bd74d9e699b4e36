//! Events: at least once, in order within a node, connected to the request that caused them.

use crate::support::{World, committing, send, version};
use bitvault_platform::bus::{Bus as _, Event, Handler};
use bitvault_platform::{Code, Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Seen {
    events: Mutex<Vec<Event>>,
    refusing: Mutex<bool>,
}

#[async_trait::async_trait]
impl Handler for Seen {
    async fn handle(&self, event: &Event) -> Result<()> {
        if *self.refusing.lock().unwrap() && event.kind == "version.created" {
            return Err(Error::new(Code::Unavailable, "busy", "not now"));
        }
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }
}

async fn watched(world: &World) -> Arc<Seen> {
    let seen = Arc::new(Seen::default());
    world.bus.subscribe("test", "", seen.clone()).await.unwrap();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_once_it_is_durable_and_in_order_within_a_node() {
    let world = World::new().await;
    let seen = watched(&world).await;
    let mut expected = HashMap::new();
    for n in 0..3 {
        let node = world.put("root", &format!("f{n}"), b"1").await.unwrap();
        for content in [b"2".as_slice(), b"3"] {
            let upload = world
                .start(&world.ctx(), vec![version(&node.id, None, content)])
                .await
                .remove(0)
                .unwrap();
            send(upload.parts[0].request.as_ref().unwrap(), content).await;
            world
                .commit(&world.ctx(), vec![committing(&upload.id)])
                .await
                .remove(0)
                .unwrap();
        }
        world.delete(&node.id, false).await.unwrap();
        expected.insert(node.id, [1, 2, 3, 4].to_vec());
    }
    assert_eq!(world.files.relay_once().await.unwrap(), 12);
    let mut told: HashMap<String, Vec<i64>> = HashMap::new();
    for event in seen.events.lock().unwrap().iter() {
        assert_eq!(event.tenant, world.tenant);
        told.entry(event.key.clone())
            .or_default()
            .push(event.payload["revision"].as_i64().unwrap());
    }
    assert_eq!(told, expected);
    assert_eq!(world.count("SELECT count(*) FROM files.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_refused_comes_again_with_its_id_and_holds_back_only_its_node() {
    let world = World::new().await;
    let seen = watched(&world).await;
    *seen.refusing.lock().unwrap() = true;
    let node = world.put("root", "f", b"1").await.unwrap();
    world.delete(&node.id, false).await.unwrap();
    let folder = world.mkdir("root", "d").await.unwrap();
    assert_eq!(world.files.relay_once().await.unwrap(), 1, "the folder's only");
    assert_eq!(seen.events.lock().unwrap()[0].key, folder.id);
    *seen.refusing.lock().unwrap() = false;
    assert_eq!(world.files.relay_once().await.unwrap(), 0, "it is not due yet");
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.files.relay_once().await.unwrap(), 2);
    let kinds: Vec<String> = seen
        .events
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.kind.clone())
        .collect();
    assert_eq!(kinds, ["node.created", "version.created", "node.trashed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_share_the_work_and_tell_nothing_twice() {
    let world = World::new().await;
    let seen = watched(&world).await;
    for n in 0..50 {
        world.mkdir("root", &n.to_string()).await.unwrap();
    }
    let (one, other) = tokio::join!(world.files.relay_once(), world.files.relay_once());
    assert_eq!(one.unwrap() + other.unwrap(), 50);
    let mut ids: Vec<_> = seen.events.lock().unwrap().iter().map(|event| event.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 50);
}
