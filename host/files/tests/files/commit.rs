//! The commit protocol, end to end: what clients may count on.

use crate::support::{World, committing, file, request, send, version};
use bitvault_platform::Code;
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use futures::future::join_all;
use std::time::Duration;

fn reason<T: std::fmt::Debug>(result: &Result<T, bitvault_platform::Error>) -> &str {
    result.as_ref().unwrap_err().reason()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_committed_reads_back_even_when_empty() {
    let world = World::new().await;
    for (name, content) in [("a.txt", b"hello".as_slice()), ("empty", b"")] {
        let node = world.put("root", name, content).await.unwrap();
        assert_eq!(node.name, name);
        assert_eq!(node.version.as_ref().unwrap().size, content.len() as u64);
        assert_eq!(world.read(&node.id).await, content);
        assert_eq!(world.get(&world.ctx(), &node.id).await.unwrap(), node);
    }
    let names: Vec<_> = world
        .list("root")
        .await
        .unwrap()
        .into_iter()
        .map(|node| node.name)
        .collect();
    assert_eq!(names, ["a.txt", "empty"]);
    assert!(world.files.fsck().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn committing_again_answers_the_same_node() {
    let world = World::new().await;
    let upload = world.sent("root", "once", b"1").await;
    let first = world.commit_one(&upload).await.unwrap();
    let twice = vec![committing(&upload), committing(&upload)];
    for again in world.commit(&world.ctx(), twice).await {
        assert_eq!(again.unwrap(), first);
    }
    assert_eq!(world.count("SELECT count(*) FROM files.versions").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM files.journal").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_commits_of_one_name_exactly_one_wins_and_the_rest_is_collected() {
    let world = World::new().await;
    // Different spellings of one name.
    let uploads = join_all((0..32).map(|n| {
        let name = if n % 2 == 0 { "Straße" } else { "STRASSE" };
        let content = n.to_string().into_bytes();
        let world = &world;
        async move { world.sent("root", name, &content).await }
    }));
    let uploads = uploads.await;
    let results = join_all(uploads.iter().map(|upload| world.commit_one(upload))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for lost in results.iter().filter(|result| result.is_err()) {
        assert_eq!(reason(lost), "name_taken");
    }
    assert_eq!(world.list("root").await.unwrap().len(), 1);

    world.clock.advance(world_lifetime());
    world.files.collect_once().await.unwrap();
    world.clock.advance(Duration::from_secs(3601));
    let report = world.files.collect_once().await.unwrap();
    assert_eq!(report.deleted, 31);
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
    assert_eq!(check.objects_in_store, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_commits_by_two_daemons_one_takes_a_name_and_one_upload_is_one_file() {
    let world = World::new().await;
    let other = world.another();
    let ctx = world.ctx();
    for n in 0..20 {
        let [name, alone] = ["f", "g"].map(|kind| format!("{kind}{n}"));
        let first = world.sent("root", &name, b"one").await;
        let second = world.sent("root", &name, b"two").await;
        let (here, there) = tokio::join!(
            world.commit_by(&world.files, &ctx, vec![committing(&first)]),
            world.commit_by(&other, &ctx, vec![committing(&second)]),
        );
        let results = [here.unwrap().remove(0), there.unwrap().remove(0)];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let lost = results.iter().find(|result| result.is_err()).unwrap();
        assert_eq!(reason(lost), "name_taken");

        let upload = world.sent("root", &alone, b"three").await;
        let (here, there) = tokio::join!(
            world.commit_by(&world.files, &ctx, vec![committing(&upload)]),
            world.commit_by(&other, &ctx, vec![committing(&upload)]),
        );
        let [here, there] = [here, there].map(|results| results.unwrap().remove(0).unwrap().id);
        assert_eq!(here, there);
    }
    assert_eq!(world.list("root").await.unwrap().len(), 40);
}

fn world_lifetime() -> Duration {
    crate::support::config().upload_lifetime + Duration::from_secs(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_bytes_is_refused_until_they_come() {
    let world = World::new().await;
    let upload = world
        .start(&world.ctx(), vec![file("root", "late", b"late")])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(reason(&world.commit_one(&upload.id).await), "upload_incomplete");
    send(upload.parts[0].request.as_ref().unwrap(), b"late").await;
    world.commit_one(&upload.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_lie_about_size_or_hash_never_arrive() {
    let world = World::new().await;
    let upload = world
        .start(&world.ctx(), vec![file("root", "liar", b"truth")])
        .await
        .remove(0)
        .unwrap();
    let put = upload.parts[0].request.as_ref().unwrap();
    for lie in [b"lies!".as_slice(), b"truth and more", b""] {
        assert!(!crate::support::try_send(put, lie).await.status().is_success());
    }
    assert_eq!(reason(&world.commit_one(&upload.id).await), "upload_incomplete");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_upload_looks_like_none() {
    let world = World::new().await;
    let upload = world.sent("root", "mine", b"1").await;
    for ctx in [world.as_account(AccountId::new()), world.stranger()] {
        let result = world.commit(&ctx, vec![committing(&upload)]).await.remove(0);
        assert_eq!(result.unwrap_err().code(), Code::NotFound);
        let message = v1::GetUploadRequest { id: upload.clone() };
        let error = world.files.get_upload(request(&ctx, message)).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound);
    }
    let node = world.commit_one(&upload).await.unwrap();
    assert_eq!(
        world.get(&world.stranger(), &node.id).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_on_top_of_another_base_is_a_conflict_that_names_the_current_one() {
    let world = World::new().await;
    let node = world.put("root", "doc", b"one").await.unwrap();
    let first = node.version.clone().unwrap().id;
    let both = [b"two".as_slice(), b"three"].map(|content| version(&node.id, Some(&first), content));
    let started = world.start(&world.ctx(), both.to_vec()).await;
    let ids: Vec<String> = started
        .iter()
        .map(|upload| upload.as_ref().unwrap().id.clone())
        .collect();
    for (upload, content) in started.iter().zip([b"two".as_slice(), b"three"]) {
        send(
            upload.as_ref().unwrap().parts[0].request.as_ref().unwrap(),
            content,
        )
        .await;
    }
    let items = ids.iter().map(|id| committing(id)).collect();
    let results = world.commit(&world.ctx(), items).await;
    let second = results[0].as_ref().unwrap();
    assert_eq!(second.revision, 2);
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::Precondition, "version_conflict")
    );
    assert!(error.message().contains(&second.version.as_ref().unwrap().id));
    assert_eq!(world.read(&node.id).await, b"two");

    // Said at start already, before bytes travel.
    let early = world
        .start(&world.ctx(), vec![version(&node.id, Some(&first), b"four")])
        .await
        .remove(0);
    assert_eq!(reason(&early), "version_conflict");
    // Without a base the newest simply wins.
    let upload = world
        .start(&world.ctx(), vec![version(&node.id, None, b"five")])
        .await
        .remove(0)
        .unwrap();
    send(upload.parts[0].request.as_ref().unwrap(), b"five").await;
    assert_eq!(world.commit_one(&upload.id).await.unwrap().revision, 3);
    assert_eq!(world.count("SELECT count(*) FROM files.versions").await, 3);

    // Nor do two of one batch refuse each other then: the later one is on top.
    let contents = [b"six".as_slice(), b"seven"];
    let wanted = contents.map(|content| version(&node.id, None, content));
    let started = world.start(&world.ctx(), wanted.to_vec()).await;
    let mut items = Vec::new();
    for (upload, content) in started.into_iter().map(Result::unwrap).zip(contents) {
        send(upload.parts[0].request.as_ref().unwrap(), content).await;
        items.push(committing(&upload.id));
    }
    let results = world.commit(&world.ctx(), items).await;
    let revisions = results.iter().map(|result| result.as_ref().unwrap().revision);
    assert_eq!(
        revisions.collect::<Vec<_>>(),
        [5, 5],
        "each is told the file as the batch leaves it"
    );
    assert_eq!(world.read(&node.id).await, b"seven");
    assert_eq!(world.count("SELECT count(*) FROM files.versions").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_batch_fail_alone_and_the_rest_is_one_range_of_the_journal() {
    let world = World::new().await;
    world.put("root", "taken", b"0").await.unwrap();
    let mut items: Vec<_> = (0..20).map(|n| file("root", &format!("f{n:02}"), b"x")).collect();
    items.push(file("root", "TAKEN", b"x"));
    items.push(file("root", "..", b"x"));
    items.push(file("nod_00000000000000000000000000000000", "lost", b"x"));
    let started = world.start(&world.ctx(), items).await;
    assert_eq!(reason(&started[20]), "name_taken");
    assert_eq!(reason(&started[21]), "name_invalid");
    assert_eq!(reason(&started[22]), "parent_not_found");
    for upload in started[..19].iter().flatten() {
        send(upload.parts[0].request.as_ref().unwrap(), b"x").await;
    }
    let mut commits: Vec<_> = started[..20]
        .iter()
        .flatten()
        .map(|upload| committing(&upload.id))
        .collect();
    commits.push(committing("upl_nonsense"));
    let results = world.commit(&world.ctx(), commits).await;
    assert!(results[..19].iter().all(Result::is_ok));
    assert_eq!(reason(&results[19]), "upload_incomplete");
    assert_eq!(reason(&results[20]), "upload_not_found");
    assert_eq!(world.count("SELECT count(*) FROM files.journal").await, 20);
    assert_eq!(world.count("SELECT max(seq) FROM files.journal").await, 20);
    assert_eq!(
        world
            .count("SELECT count(DISTINCT xmin::text) FROM files.journal WHERE seq > 1")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_start_with_its_key_answers_the_same_uploads() {
    let world = World::new().await;
    let items = || vec![file("root", "a", b"1"), file("root", "..", b"2")];
    let first = world
        .start_keyed(&world.ctx(), items(), Some("k1"))
        .await
        .unwrap();
    let again = world
        .start_keyed(&world.ctx(), items(), Some("k1"))
        .await
        .unwrap();
    assert_eq!(first[0].as_ref().unwrap().id, again[0].as_ref().unwrap().id);
    assert_eq!(reason(&again[1]), "name_invalid");
    send(
        again[0].as_ref().unwrap().parts[0].request.as_ref().unwrap(),
        b"1",
    )
    .await;
    let other = world
        .start_keyed(&world.ctx(), vec![file("root", "b", b"1")], Some("k1"))
        .await;
    assert_eq!(reason(&other), "idempotency_key_reused");
    // Another account's key is another key.
    let somebody = world.as_account(AccountId::new());
    let theirs = world.start_keyed(&somebody, items(), Some("k1")).await.unwrap();
    assert_ne!(first[0].as_ref().unwrap().id, theirs[0].as_ref().unwrap().id);
    assert_eq!(world.count("SELECT count(*) FROM files.uploads").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_has_no_gaps_under_concurrent_writers() {
    let world = World::new().await;
    let writers = (0..16).map(|writer| {
        let world = &world;
        async move {
            for n in 0..6 {
                let name = format!("{writer}-{n}");
                if n % 3 == 0 {
                    world.mkdir("root", &name).await.unwrap();
                } else {
                    world.put("root", &name, name.as_bytes()).await.unwrap();
                }
            }
        }
    });
    join_all(writers).await;
    assert_eq!(world.count("SELECT count(*) FROM files.journal").await, 96);
    assert_eq!(world.count("SELECT max(seq) FROM files.journal").await, 96);
    assert_eq!(world.count("SELECT min(seq) FROM files.journal").await, 1);
    assert_eq!(world.count("SELECT seq FROM files.journal_heads").await, 96);
    assert_eq!(world.count("SELECT count(*) FROM files.outbox").await, 96);
}
