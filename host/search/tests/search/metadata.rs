//! Tags and fields are found as well, and told to nobody who does not see them.

use crate::support::{World, asked, names};
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use bitvault_proto::v1::SearchMatch;
use bitvault_proto::v1::files_service_server::FilesService as _;

fn tagged(query: &str, tags: &[&str], fields: &[&str]) -> v1::SearchRequest {
    v1::SearchRequest {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..asked(query)
    }
}

fn told(counts: Vec<v1::FacetCount>) -> Vec<(String, u32)> {
    counts.into_iter().map(|one| (one.value, one.count)).collect()
}

fn sorted(answer: &v1::SearchResponse) -> Vec<String> {
    let mut names = names(answer);
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_tags_and_fields_are_found_below_those_of_names() {
    let world = World::new().await;
    let ctx = world.ctx();
    let offer = world.mkdir(&ctx, "root", "Offer 7").await;
    let other = world.mkdir(&ctx, "root", "Offer 8").await;
    world.mkdir(&ctx, "root", "the taxes").await;
    let inside = world.mkdir(&ctx, &offer.id, "inside").await;
    world
        .mark(&ctx, &offer, &["Tax 2024"], &[("Client", "Über & Söhne GmbH")])
        .await;
    world.mark(&ctx, &other, &["taxonomy"], &[]).await;
    world.settle().await;
    let answer = world.ask(&ctx, asked("tax")).await.unwrap();
    let found: Vec<(String, SearchMatch)> = names(&answer)
        .into_iter()
        .zip(answer.items.iter().map(v1::SearchHit::r#match))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], ("the taxes".to_owned(), SearchMatch::WordPrefix));
    assert!(
        found[1..]
            .iter()
            .all(|(_, class)| *class == SearchMatch::Metadata)
    );
    for (query, expected, class) in [
        ("sohne 7", vec!["Offer 7"], SearchMatch::Metadata),
        ("offer tax 2024", vec!["Offer 7"], SearchMatch::Metadata),
        ("taxonmy", vec!["Offer 8"], SearchMatch::Fuzzy),
        ("offer taxonmy", vec!["Offer 8"], SearchMatch::Fuzzy),
        // Of the folder above its name counts, and what the node says itself; not what the folder carries.
        ("offer inside", vec!["inside"], SearchMatch::Path),
        ("sohne inside", vec![], SearchMatch::Path),
        ("client", vec![], SearchMatch::Metadata),
    ] {
        let answer = world.ask(&ctx, asked(query)).await.unwrap();
        assert_eq!(names(&answer), expected, "{query}");
        assert!(answer.items.iter().all(|hit| hit.r#match() == class), "{query}");
    }
    world.mark(&ctx, &inside, &["urgent"], &[]).await;
    world.settle().await;
    let answer = world.ask(&ctx, asked("offer urgent")).await.unwrap();
    assert_eq!(names(&answer), ["inside"]);
    assert_eq!(answer.items[0].r#match(), SearchMatch::Path);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_tags_and_fields_are_filters_and_are_counted() {
    let world = World::new().await;
    let ctx = world.ctx();
    let mut nodes = Vec::new();
    for number in 0..4 {
        nodes.push(world.mkdir(&ctx, "root", &format!("plan {number}")).await);
    }
    world
        .mark(&ctx, &nodes[0], &["draft", "tax 2024"], &[("client", "Ada & Co")])
        .await;
    world
        .mark(&ctx, &nodes[1], &["draft"], &[("client", "Ada")])
        .await;
    world.mark(&ctx, &nodes[2], &["drafts"], &[]).await;
    world.settle().await;
    for (request, expected) in [
        (tagged("plan", &["DRAFT "], &[]), vec!["plan 0", "plan 1"]),
        (tagged("plan", &["draft", "tax 2024"], &[]), vec!["plan 0"]),
        (tagged("plan", &["tax"], &[]), vec![]),
        (tagged("plan", &["nobody has this"], &[]), vec![]),
        (tagged("", &["draft"], &[]), vec!["plan 0", "plan 1"]),
        (tagged("", &["drafts"], &[]), vec!["plan 2"]),
        (tagged("", &[], &["Client:ada & co"]), vec!["plan 0"]),
        (tagged("1", &["draft"], &["client:Ada"]), vec!["plan 1"]),
        (tagged("plan", &[], &["client:Ada & C"]), vec![]),
        // Filters hold for what is misspelled as well.
        (tagged("pllan", &["drafts"], &[]), vec!["plan 2"]),
    ] {
        let answer = world.ask(&ctx, request.clone()).await.unwrap();
        assert_eq!(sorted(&answer), expected, "{request:?}");
    }
    let facets = world.ask(&ctx, asked("plan")).await.unwrap().facets.unwrap();
    assert_eq!(facets.counted, 4);
    assert_eq!(
        told(facets.tags),
        [
            ("draft".to_owned(), 2),
            ("drafts".to_owned(), 1),
            ("tax 2024".to_owned(), 1)
        ]
    );
    let by_tag = world.ask(&ctx, tagged("", &["draft"], &[])).await.unwrap();
    assert!(
        by_tag
            .items
            .iter()
            .all(|hit| hit.r#match() == SearchMatch::Metadata)
    );
    assert_eq!(told(by_tag.facets.unwrap().tags)[0], ("draft".to_owned(), 2));
    // Pages go on by tag alone.
    let first = v1::SearchRequest {
        limit: 1,
        ..tagged("", &["draft"], &[])
    };
    let page = world.ask(&ctx, first.clone()).await.unwrap();
    let second = v1::SearchRequest {
        cursor: page.next_cursor.clone(),
        ..first
    };
    let rest = world.ask(&ctx, second).await.unwrap();
    assert_ne!(names(&page), names(&rest));
    assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_reaches_the_index_and_a_copy_carries_it_too() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "folder").await;
    let node = world.mkdir(&ctx, &folder.id, "node").await;
    world.mark(&ctx, &node, &["old"], &[("client", "first")]).await;
    world.settle().await;
    assert_eq!(world.names(&ctx, "first").await, ["node"]);
    let change = v1::UpdateMetadataRequest {
        node_id: node.id.clone(),
        add_tags: vec!["new".to_owned()],
        remove_tags: vec!["old".to_owned()],
        set_fields: [("client".to_owned(), "second".to_owned())].into(),
        ..v1::UpdateMetadataRequest::default()
    };
    world.change(&ctx, change).await;
    world.settle().await;
    for (query, expected) in [("first", 0), ("second", 1), ("old", 0), ("new", 1), ("node", 1)] {
        assert_eq!(world.names(&ctx, query).await.len(), expected, "{query}");
    }
    let target = world.mkdir(&ctx, "root", "target").await;
    let copy = v1::CopyNodeRequest {
        id: folder.id.clone(),
        parent_id: target.id,
        ..v1::CopyNodeRequest::default()
    };
    world.files.copy_node(ctx.request(copy)).await.unwrap();
    world.settle().await;
    assert_eq!(world.names(&ctx, "second").await, ["node", "node"]);
    world.rm(&ctx, &folder, false).await;
    world.settle().await;
    assert_eq!(world.names(&ctx, "second").await, ["node"]);
    let left = world.dump().await;
    assert!(left.iter().any(|row| row.contains("=new")));
    assert!(
        !left
            .iter()
            .any(|row| row.contains("first") || row.contains("=old"))
    );
    world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(world.dump().await, left);
}

/// The index is behind: what a node carried before somebody was let in to it stays unknown to them.
#[tokio::test(flavor = "multi_thread")]
async fn tags_of_another_time_are_neither_found_nor_counted() {
    let world = World::new().await;
    let ctx = world.ctx();
    let reader = AccountId::new();
    let shared = world.mkdir(&ctx, "root", "shared").await;
    let node = world.mkdir(&ctx, &shared.id, "statement").await;
    world
        .mark(&ctx, &node, &["dismiss bob", "harmless"], &[("why", "embezzled")])
        .await;
    world.settle().await;
    let change = v1::UpdateMetadataRequest {
        node_id: node.id.clone(),
        remove_tags: vec!["dismiss bob".to_owned()],
        remove_fields: vec!["why".to_owned()],
        ..v1::UpdateMetadataRequest::default()
    };
    world.change(&ctx, change).await;
    world.grant(&shared, reader, "viewer").await;
    let as_reader = world.as_account(reader);
    let asks = [
        asked("dismiss"),
        asked("embezzled"),
        asked("embezzeld"),
        asked("shared embezzled"),
        tagged("", &["dismiss bob"], &[]),
        tagged("statement", &["dismiss bob"], &[]),
        tagged("", &[], &["why:embezzled"]),
    ];
    for ask in &asks {
        let answer = world.ask(&as_reader, ask.clone()).await.unwrap();
        assert!(answer.items.is_empty(), "{ask:?}");
        assert_eq!(answer.facets.unwrap().counted, 0, "{ask:?}");
    }
    let answer = world.ask(&as_reader, asked("statement")).await.unwrap();
    assert_eq!(names(&answer), ["statement"]);
    assert!(answer.facets.unwrap().tags.is_empty());
    world.settle().await;
    let answer = world.ask(&as_reader, asked("statement")).await.unwrap();
    assert_eq!(told(answer.facets.unwrap().tags), [("harmless".to_owned(), 1)]);
    for ask in &asks {
        assert!(world.ask(&ctx, ask.clone()).await.unwrap().items.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_or_counts_what_others_carry() {
    let world = World::new().await;
    let ctx = world.ctx();
    let node = world.mkdir(&ctx, "root", "paper").await;
    world
        .mark(&ctx, &node, &["redundancies"], &[("plan", "layoff")])
        .await;
    world.settle().await;
    let colleague = world.as_account(AccountId::new());
    world.mkdir(&colleague, "root", "paper of my own").await;
    world.settle().await;
    for ask in [
        asked("redundancies"),
        asked("layoff"),
        asked("layofff"),
        tagged("", &["redundancies"], &[]),
        tagged("", &[], &["plan:layoff"]),
    ] {
        let answer = world.ask(&colleague, ask.clone()).await.unwrap();
        assert!(
            answer.items.is_empty() && answer.facets.unwrap().counted == 0,
            "{ask:?}"
        );
    }
    let answer = world.ask(&colleague, asked("paper")).await.unwrap();
    assert_eq!(names(&answer), ["paper of my own"]);
    assert!(answer.facets.unwrap().tags.is_empty());
}
