//! What is found, in which order, and how it is told.

use crate::support::{World, asked, names};
use bitvault_proto::v1;
use bitvault_proto::v1::SearchMatch;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_name_comes_first_then_its_beginning_then_words_then_beginnings_of_words() {
    let world = World::new().await;
    let ctx = world.ctx();
    for name in [
        "annual reporting",
        "Annual report",
        "Report 2024",
        "report.pdf",
        "Report",
        "voice",
    ] {
        world.mkdir(&ctx, "root", name).await;
        world.clock.advance(Duration::from_secs(60));
    }
    world.settle().await;
    let answer = world.ask(&ctx, asked("report")).await.unwrap();
    let found: Vec<(String, SearchMatch)> = names(&answer)
        .into_iter()
        .zip(answer.items.iter().map(v1::SearchHit::r#match))
        .collect();
    let expected = [
        ("Report", SearchMatch::Exact),
        ("report.pdf", SearchMatch::Exact),
        ("Report 2024", SearchMatch::Prefix),
        ("Annual report", SearchMatch::Word),
        ("annual reporting", SearchMatch::WordPrefix),
    ];
    assert_eq!(found, expected.map(|(name, class)| (name.to_owned(), class)));
    let marked: Vec<(u32, u32)> = answer.items[3]
        .highlights
        .iter()
        .map(|range| (range.start, range.end))
        .collect();
    assert_eq!(marked, [(7, 13)]);
    assert_eq!(answer.items[3].path, "/Annual report");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_counts_in_any_order_and_case_and_accents_do_not() {
    let world = World::new().await;
    let ctx = world.ctx();
    for name in [
        "Übersicht März 2024.xlsx",
        "März 2023",
        "quarterlyReportFinal",
        "IMG_0042.JPG",
    ] {
        world.mkdir(&ctx, "root", name).await;
    }
    world.settle().await;
    for (query, expected) in [
        ("2024 marz", vec!["Übersicht März 2024.xlsx"]),
        ("MÄR übersicht", vec!["Übersicht März 2024.xlsx"]),
        ("report", vec!["quarterlyReportFinal"]),
        ("quarterlyrep", vec!["quarterlyReportFinal"]),
        ("0042", vec!["IMG_0042.JPG"]),
        ("marz 2022", vec![]),
        ("%", vec![]),
    ] {
        match world.ask(&ctx, asked(query)).await {
            Ok(answer) => assert_eq!(names(&answer), expected, "{query}"),
            Err(error) => assert_eq!((error.reason(), expected.len()), ("search_query_empty", 0)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn misspelled_words_are_found_where_nothing_better_is() {
    let world = World::new().await;
    let ctx = world.ctx();
    for name in [
        "quarterly report",
        "retort",
        "invoice 2024",
        "invoice 2023",
        "20240042",
    ] {
        world.mkdir(&ctx, "root", name).await;
    }
    world.settle().await;
    for (query, expected) in [
        ("quaterly", vec!["quarterly report"]),
        ("reprot", vec!["quarterly report"]),
        ("invioce 2024", vec!["invoice 2024"]),
        ("20240043", vec![]),
        ("xylophone", vec![]),
    ] {
        let answer = world.ask(&ctx, asked(query)).await.unwrap();
        assert_eq!(names(&answer), expected, "{query}");
        assert!(answer.items.iter().all(|hit| hit.r#match() == SearchMatch::Fuzzy));
    }
    let near = world.ask(&ctx, asked("retort")).await.unwrap();
    assert_eq!(
        names(&near)[0],
        "retort",
        "a word that is there comes before those like it"
    );
    assert_eq!(near.items[0].r#match(), SearchMatch::Exact);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_path_count_where_the_name_lacks_them() {
    let world = World::new().await;
    let ctx = world.ctx();
    let zephyr = world.mkdir(&ctx, "root", "Project Zephyr").await;
    let deep = world.mkdir(&ctx, &zephyr.id, "contracts").await;
    world.mkdir(&ctx, &deep.id, "Invoice Berlin").await;
    world.mkdir(&ctx, "root", "Invoice Rome").await;
    world.settle().await;
    assert_eq!(world.names(&ctx, "zephyr invoice").await, ["Invoice Berlin"]);
    assert_eq!(world.names(&ctx, "invoice zeph").await, ["Invoice Berlin"]);
    let all = world.ask(&ctx, asked("zephyr")).await.unwrap();
    let classes: Vec<SearchMatch> = all.items.iter().map(v1::SearchHit::r#match).collect();
    assert_eq!(classes, [SearchMatch::Word, SearchMatch::Path, SearchMatch::Path]);
    // Moved, it is found by its new path, and no row of what lies below was written.
    let other = world.mkdir(&ctx, "root", "Mistral").await;
    world.mv(&ctx, &deep, None, Some(&other.id)).await;
    world.settle().await;
    assert_eq!(world.names(&ctx, "mistral invoice").await, ["Invoice Berlin"]);
    assert!(world.names(&ctx, "zephyr invoice").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_what_is_something_else() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "plan").await;
    let inner = world.mkdir(&ctx, &folder.id, "inner").await;
    world.put(&ctx, "root", "plan a.png", 10, "image/png").await;
    world.clock.advance(Duration::from_secs(3600));
    let noon = prost_types::Timestamp {
        seconds: world.clock.now().unix_timestamp(),
        nanos: 0,
    };
    world
        .put(&ctx, &inner.id, "plan b.pdf", 1000, "application/pdf")
        .await;
    world.settle().await;
    let with = |change: fn(&mut v1::SearchRequest)| {
        let mut request = asked("plan");
        change(&mut request);
        request
    };
    for (request, expected) in [
        (with(|_| {}), vec!["plan", "plan b.pdf", "plan a.png"]),
        (with(|r| r.r#type = Some("folder".to_owned())), vec!["plan"]),
        (
            with(|r| r.r#type = Some("file".to_owned())),
            vec!["plan b.pdf", "plan a.png"],
        ),
        (with(|r| r.r#type = Some("image".to_owned())), vec!["plan a.png"]),
        (
            with(|r| r.r#type = Some("application/pdf".to_owned())),
            vec!["plan b.pdf"],
        ),
        (with(|r| r.min_size = Some(11)), vec!["plan b.pdf"]),
        (with(|r| r.max_size = Some(10)), vec!["plan a.png"]),
        (
            with(|r| r.owner = Some("me".to_owned())),
            vec!["plan", "plan b.pdf", "plan a.png"],
        ),
        (
            v1::SearchRequest {
                modified_after: Some(noon),
                ..asked("plan")
            },
            vec!["plan b.pdf"],
        ),
        (
            v1::SearchRequest {
                modified_before: Some(noon),
                ..asked("plan")
            },
            vec!["plan", "plan a.png"],
        ),
        (
            v1::SearchRequest {
                r#in: Some(inner.id.clone()),
                ..asked("plan")
            },
            vec!["plan b.pdf"],
        ),
        (
            v1::SearchRequest {
                r#in: Some(folder.id.clone()),
                ..asked("plan")
            },
            vec!["plan b.pdf"],
        ),
        (
            v1::SearchRequest {
                r#in: Some("root".to_owned()),
                ..asked("plan")
            },
            vec!["plan", "plan b.pdf", "plan a.png"],
        ),
    ] {
        let mut found = names(&world.ask(&ctx, request.clone()).await.unwrap());
        // What is in the folder `plan` is found by its path as well.
        found.retain(|name| name != "inner");
        assert_eq!(found, expected, "{request:?}");
    }
    let facets = world
        .ask(&ctx, with(|r| r.limit = 1))
        .await
        .unwrap()
        .facets
        .unwrap();
    let told = |counts: Vec<v1::FacetCount>| {
        counts
            .into_iter()
            .map(|one| (one.value, one.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(facets.counted, 3);
    assert_eq!(
        told(facets.kinds),
        [("file".to_owned(), 2), ("folder".to_owned(), 1)]
    );
    assert_eq!(
        told(facets.types),
        [("document".to_owned(), 1), ("image".to_owned(), 1)]
    );
    assert_eq!(told(facets.owners), [(world.account.to_string(), 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_every_hit_once() {
    let world = World::new().await;
    let ctx = world.ctx();
    for number in 0..23 {
        let name = if number % 2 == 0 {
            format!("note {number}")
        } else {
            format!("a notebook {number}")
        };
        world.mkdir(&ctx, "root", &name).await;
        if number % 3 == 0 {
            world.clock.advance(Duration::from_secs(1));
        }
    }
    world.settle().await;
    let all = names(
        &world
            .ask(
                &ctx,
                v1::SearchRequest {
                    limit: 100,
                    ..asked("note")
                },
            )
            .await
            .unwrap(),
    );
    assert_eq!(all.len(), 23);
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let request = v1::SearchRequest {
            limit: 4,
            cursor,
            ..asked("note")
        };
        let page = world.ask(&ctx, request).await.unwrap();
        paged.extend(names(&page));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_its_reason() {
    let world = World::new().await;
    let ctx = world.ctx();
    let file = world.put(&ctx, "root", "file", 1, "text/plain").await;
    for (request, reason) in [
        (asked(" "), "search_query_empty"),
        (asked(&"x".repeat(600)), "search_query_too_long"),
        (asked("a\u{7}"), "search_query_invalid"),
        (
            v1::SearchRequest {
                r#in: Some("nod_0".to_owned()),
                ..asked("a")
            },
            "node_not_found",
        ),
        (
            v1::SearchRequest {
                r#in: Some(file),
                ..asked("a")
            },
            "not_a_folder",
        ),
        (
            v1::SearchRequest {
                cursor: Some("zz".to_owned()),
                ..asked("a")
            },
            "cursor_invalid",
        ),
    ] {
        let error = world.ask(&ctx, request.clone()).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{request:?}");
    }
    // Whatever is typed is a text and no pattern and no SQL.
    for hostile in [
        "%_%",
        "'; DROP TABLE search.entries; --",
        "a:*|!b",
        "\u{202e}gpj",
        "\\",
        "((((",
        "𝕏𝕏",
        "a\u{300}\u{301}",
    ] {
        let answer = world.ask(&ctx, asked(hostile)).await;
        assert!(
            answer.is_ok_and(|answer| answer.items.is_empty()) || !hostile.chars().any(char::is_alphanumeric),
            "{hostile}"
        );
    }
}
