//! What is told when something comes into sight or leaves it, and what is not told to who never saw it.

use crate::support::{Known, World, told};
use bitvault_platform::Ctx;
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;

/// Somebody who owns all, and somebody to whom a folder `shared` of its is shared, both told of everything so far.
struct Scene {
    world: World,
    owner: Ctx,
    guest: Ctx,
    account: AccountId,
    shared: String,
    known: Known,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let account = AccountId::new();
        let (owner, guest) = (world.ctx(), world.member(account));
        let shared = world.mkdir(&owner, "root", "shared").await;
        world.mkdir(&owner, &shared, "inner").await;
        world
            .grant(&owner, &shared, &account.to_string(), "editor")
            .await
            .unwrap();
        let known = world.snapshot(&guest).await;
        assert_eq!(known.names(), ["inner", "shared"]);
        Self {
            world,
            owner,
            guest,
            account,
            shared,
            known,
        }
    }

    /// What the guest is told now; it then knows what it would be told from the beginning.
    async fn told(&mut self) -> Vec<String> {
        let changes = self.changes().await;
        told(&changes)
    }

    async fn changes(&mut self) -> Vec<v1::Change> {
        let changes = self.world.catch_up(&self.guest, &mut self.known).await;
        let fresh = self.world.snapshot(&self.guest).await;
        assert_eq!(self.known.nodes, fresh.nodes, "{:?}", told(&changes));
        changes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_followed_by_what_happens_then() {
    let world = World::new().await;
    let ctx = world.ctx();
    let a = world.mkdir(&ctx, "root", "a").await;
    let b = world.mkdir(&ctx, &a, "b").await;
    let mut known = Known::default();
    let first = world.catch_up(&ctx, &mut known).await;
    assert_eq!(
        told(&first),
        ["upsert snapshot ", "upsert snapshot a", "upsert snapshot b"]
    );
    assert_eq!(first[0].role.as_deref(), Some("owner"));
    assert!(world.catch_up(&ctx, &mut known).await.is_empty());
    world.put(&ctx, &b, "file").await;
    world.touch(&ctx, &a, "tag").await.unwrap();
    world.mv(&ctx, &b, Some("c"), None).await.unwrap();
    world.touch(&ctx, &b, "tag").await.unwrap();
    let then = world.catch_up(&ctx, &mut known).await;
    assert_eq!(
        told(&then),
        ["upsert changed a", "upsert moved c", "upsert created file"],
        "one item a node, folders first"
    );
    assert_eq!(then[1].seq, 6);
    assert_eq!(then[0].actor, Some(world.account.to_string()));
    world.rm(&ctx, &a, false).await.unwrap();
    let then = world.catch_up(&ctx, &mut known).await;
    assert_eq!(told(&then), [format!("remove trashed {a}")]);
    assert_eq!(known.names(), [""]);
    world.restore(&ctx, &a, None).await.unwrap();
    assert_eq!(
        told(&world.catch_up(&ctx, &mut known).await),
        ["upsert restored a", "upsert restored c", "upsert restored file"]
    );
    assert_eq!(known.nodes, world.snapshot(&ctx).await.nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_given_and_taken_is_no_creation_and_no_deletion() {
    let mut scene = Scene::new().await;
    let (owner, account) = (scene.owner.clone(), scene.account.to_string());
    let other = scene.world.mkdir(&owner, "root", "other").await;
    scene.world.mkdir(&owner, &other, "below").await;
    assert!(scene.told().await.is_empty());
    scene
        .world
        .grant(&owner, &other, &account, "viewer")
        .await
        .unwrap();
    assert_eq!(
        scene.told().await,
        ["upsert access_given other", "upsert access_given below"]
    );
    scene
        .world
        .grant(&owner, &other, &account, "editor")
        .await
        .unwrap();
    assert_eq!(
        scene.told().await,
        ["upsert access_changed other", "upsert access_changed below"]
    );
    scene.world.ungrant(&owner, &other, &account).await.unwrap();
    assert_eq!(scene.told().await, [format!("remove access_lost {other}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_brings_into_sight_and_takes_out_of_it_as_well() {
    let mut scene = Scene::new().await;
    let owner = scene.owner.clone();
    let group = scene.world.group("crew").await;
    let other = scene.world.mkdir(&owner, "root", "other").await;
    scene.world.grant(&owner, &other, &group, "viewer").await.unwrap();
    assert!(scene.told().await.is_empty());
    scene.world.join(&group, scene.account, true).await.unwrap();
    assert_eq!(scene.told().await, ["upsert access_given other"]);
    scene.world.join(&group, scene.account, true).await.unwrap();
    assert!(scene.told().await.is_empty(), "it was there");
    scene.world.join(&group, scene.account, false).await.unwrap();
    assert_eq!(scene.told().await, [format!("remove access_lost {other}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_moves_out_of_sight_and_back_is_told_with_all_below_it() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let secret = scene.world.mkdir(&owner, "root", "secret").await;
    let folder = scene.world.mkdir(&owner, &shared, "folder").await;
    scene.world.mkdir(&owner, &folder, "deep").await;
    scene.told().await;
    scene
        .world
        .mv(&owner, &folder, None, Some(&secret))
        .await
        .unwrap();
    let changes = scene.changes().await;
    assert_eq!(told(&changes), [format!("remove moved_out {folder}")]);
    assert_eq!(changes[0].actor, Some(scene.world.account.to_string()));
    // Out of sight nothing of it is told.
    scene.world.mkdir(&owner, &folder, "unseen").await;
    scene
        .world
        .mv(&owner, &folder, Some("renamed"), None)
        .await
        .unwrap();
    scene.world.rm(&owner, &folder, false).await.unwrap();
    scene.world.restore(&owner, &folder, None).await.unwrap();
    assert!(scene.told().await.is_empty());
    scene
        .world
        .mv(&owner, &folder, None, Some(&shared))
        .await
        .unwrap();
    assert_eq!(
        scene.told().await,
        [
            "upsert moved_in renamed",
            "upsert moved_in deep",
            "upsert moved_in unseen"
        ]
    );
    // Moved there, and there removed for good before anybody looked: it left sight, and nobody deleted it.
    scene
        .world
        .mv(&owner, &folder, None, Some(&secret))
        .await
        .unwrap();
    scene.world.rm(&owner, &folder, false).await.unwrap();
    scene.world.rm(&owner, &folder, true).await.unwrap();
    assert_eq!(scene.told().await, [format!("remove moved_out {folder}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_takes_no_roles_from_above_any_more_leaves_sight_and_comes_back() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let folder = scene.world.mkdir(&owner, &shared, "folder").await;
    scene.world.mkdir(&owner, &folder, "deep").await;
    scene.told().await;
    scene.world.inherit(&owner, &folder, false).await.unwrap();
    assert_eq!(scene.told().await, [format!("remove access_lost {folder}")]);
    // A folder that was never seen is not told when it is thrown away, moved or shared with others.
    let to_others = AccountId::new().to_string();
    scene
        .world
        .grant(&owner, &folder, &to_others, "viewer")
        .await
        .unwrap();
    scene.world.rm(&owner, &folder, false).await.unwrap();
    scene.world.restore(&owner, &folder, None).await.unwrap();
    scene.world.mv(&owner, &folder, None, Some("root")).await.unwrap();
    scene
        .world
        .mv(&owner, &folder, None, Some(&shared))
        .await
        .unwrap();
    assert!(scene.told().await.is_empty());
    scene.world.inherit(&owner, &folder, true).await.unwrap();
    assert_eq!(
        scene.told().await,
        ["upsert access_given folder", "upsert access_given deep"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_by_itself_stays_when_the_folder_around_it_leaves_sight() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let account = scene.account.to_string();
    let folder = scene.world.mkdir(&owner, &shared, "folder").await;
    let kept = scene.world.mkdir(&owner, &folder, "kept").await;
    scene.world.mkdir(&owner, &kept, "below").await;
    scene
        .world
        .grant(&owner, &kept, &account, "viewer")
        .await
        .unwrap();
    scene.told().await;
    scene.world.inherit(&owner, &folder, false).await.unwrap();
    let now = scene.told().await;
    assert!(now.contains(&format!("remove access_lost {folder}")), "{now:?}");
    assert!(scene.known.names().contains(&"below"), "{now:?}");
    scene.world.ungrant(&owner, &shared, &account).await.unwrap();
    scene.told().await;
    assert_eq!(scene.known.names(), ["below", "kept"]);
    let parent = |known: &Known| known.nodes[&kept].0.clone();
    assert_eq!(parent(&scene.known), None, "what it is in is not told");
    scene
        .world
        .grant(&owner, &folder, &account, "viewer")
        .await
        .unwrap();
    scene.told().await;
    assert_eq!(parent(&scene.known), Some(folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn trash_restore_and_removal_for_good_are_told_once_and_with_who_did_it() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let folder = scene.world.mkdir(&owner, &shared, "folder").await;
    scene.world.mkdir(&owner, &folder, "deep").await;
    scene.told().await;
    scene.world.rm(&owner, &folder, false).await.unwrap();
    let changes = scene.changes().await;
    assert_eq!(told(&changes), [format!("remove trashed {folder}")]);
    assert_eq!(changes[0].actor, Some(scene.world.account.to_string()));
    scene.world.rm(&owner, &folder, true).await.unwrap();
    assert!(scene.told().await.is_empty(), "it was out of sight before");
    // The top of what is shared goes to the trash, with its folder or by itself.
    scene.world.rm(&owner, &shared, false).await.unwrap();
    let changes = scene.changes().await;
    assert_eq!(told(&changes), [format!("remove trashed {shared}")]);
    assert_eq!(changes[0].actor, Some(scene.world.account.to_string()));
    scene.world.restore(&owner, &shared, None).await.unwrap();
    assert_eq!(
        scene.told().await,
        ["upsert access_given shared", "upsert access_given inner"]
    );
    let around = scene.world.mkdir(&owner, "root", "around").await;
    scene
        .world
        .mv(&owner, &shared, None, Some(&around))
        .await
        .unwrap();
    scene.told().await;
    scene.world.rm(&owner, &around, false).await.unwrap();
    assert_eq!(scene.told().await, [format!("remove trashed {shared}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_tree_that_comes_into_sight_is_told_in_pages_while_it_changes() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let secret = scene.world.mkdir(&owner, "root", "secret").await;
    let folder = scene.world.mkdir(&owner, &secret, "folder").await;
    let mut folders = vec![folder.clone()];
    for at in 0..30 {
        let parent = folders[at / 3].clone();
        folders.push(scene.world.mkdir(&owner, &parent, &format!("f{at}")).await);
    }
    scene.told().await;
    scene
        .world
        .mv(&owner, &folder, None, Some(&shared))
        .await
        .unwrap();
    let mut at = 0;
    loop {
        let page = scene.world.pull(&scene.guest, &mut scene.known, 4).await;
        assert!(page.items.len() <= 4);
        // Each step moves something from what has been walked to what has not, or the other way.
        if at < 12 {
            let (one, other) = (folders[12 + at].clone(), folders[2 + (at * 7) % 9].clone());
            let _cycle = scene.world.mv(&owner, &one, None, Some(&other)).await;
        }
        at += 1;
        if !page.has_more {
            break;
        }
        assert!(at < 500, "it does not come to an end");
    }
    scene.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_release_wrote_hides_nothing_that_is_seen_and_tells_nothing_that_is_not() {
    let mut scene = Scene::new().await;
    let (owner, shared) = (scene.owner.clone(), scene.shared.clone());
    let secret = scene.world.mkdir(&owner, "root", "secret").await;
    let folder = scene.world.mkdir(&owner, &secret, "folder").await;
    scene.world.mkdir(&owner, &folder, "deep").await;
    let own = scene.world.mkdir(&owner, &shared, "own").await;
    scene.told().await;
    scene
        .world
        .mv(&owner, &folder, None, Some(&shared))
        .await
        .unwrap();
    scene.world.rm(&owner, &own, false).await.unwrap();
    scene
        .world
        .admin("UPDATE files.journal SET from_id = NULL, inherited = NULL")
        .await;
    let now = scene.told().await;
    assert!(now.contains(&"upsert moved_in deep".to_owned()), "{now:?}");
    assert!(now.contains(&format!("remove trashed {own}")), "{now:?}");
    // Where it was is not known, so its removal is not told: the reader finds out when it uses it.
    scene
        .world
        .mv(&owner, &folder, None, Some(&secret))
        .await
        .unwrap();
    scene
        .world
        .admin("UPDATE files.journal SET from_id = NULL, inherited = NULL")
        .await;
    let changes = scene.world.catch_up(&scene.guest, &mut scene.known).await;
    assert!(changes.is_empty(), "{:?}", told(&changes));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_across_tenants() {
    let world = World::new().await;
    let ctx = world.ctx();
    let mut known = world.snapshot(&ctx).await;
    let elsewhere = world.another_tenant();
    let theirs = elsewhere.ctx();
    let folder = elsewhere.mkdir(&theirs, "root", "theirs").await;
    let account = world.account.to_string();
    elsewhere
        .grant(&theirs, &folder, &account, "owner")
        .await
        .unwrap();
    assert!(world.catch_up(&ctx, &mut known).await.is_empty());
    assert!(world.snapshot(&ctx).await.names().is_empty());
}
