//! Uploads in parts: resumed, assembled once, and what their hash is worth.

use crate::support::{World, committing, request, send, sha256};
use bitvault_platform::Error;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;

/// Two parts: the store takes no smaller one than this, except as the last.
const PART: usize = 5 << 20;

fn content() -> Vec<u8> {
    (0..PART + 1234).map(|n| (n * 7 % 251) as u8).collect()
}

async fn started(world: &World, name: &str, hash: Option<&[u8]>) -> v1::Upload {
    let mut item = crate::support::file("root", name, &content());
    item.sha256 = hash.map(sha256);
    let upload = world.start(&world.ctx(), vec![item]).await.remove(0).unwrap();
    assert!(upload.multipart);
    assert_eq!(
        (upload.part_size, upload.part_count, upload.parts.len()),
        (PART as u64, 2, 2)
    );
    upload
}

async fn presign(
    world: &World,
    upload: &str,
    wanted: Vec<v1::PartWanted>,
) -> Result<Vec<v1::PartRequest>, Error> {
    let message = v1::PresignPartsRequest {
        upload_id: upload.to_owned(),
        parts: wanted,
    };
    Ok(world
        .files
        .presign_parts(request(&world.ctx(), message))
        .await?
        .into_inner()
        .parts)
}

async fn status(world: &World, upload: &str) -> v1::Upload {
    let message = v1::GetUploadRequest {
        id: upload.to_owned(),
    };
    world
        .files
        .get_upload(request(&world.ctx(), message))
        .await
        .unwrap()
        .into_inner()
}

async fn send_part(part: &v1::PartRequest, content: &[u8]) -> v1::CommitPart {
    let range = part.offset as usize..(part.offset + part.size) as usize;
    v1::CommitPart {
        number: part.number,
        etag: send(part.request.as_ref().unwrap(), &content[range]).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_resumes_with_the_parts_that_the_store_holds() {
    let world = World::new().await;
    let content = content();
    let upload = started(&world, "big", None).await;
    send_part(&upload.parts[1], &content).await;

    // The client died; another one asks what is there and sends the rest.
    let held = status(&world, &upload.id).await;
    assert_eq!(
        held.uploaded
            .iter()
            .map(|part| (part.number, part.size))
            .collect::<Vec<_>>(),
        [(2, 1234)]
    );
    let early = world.commit_one(&upload.id).await.unwrap_err();
    assert_eq!(early.reason(), "sha256_missing");
    let mut commit = committing(&upload.id);
    commit.sha256 = Some(sha256(&content));
    let early = world
        .commit(&world.ctx(), vec![commit.clone()])
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(early.reason(), "upload_incomplete");
    let wanted = vec![v1::PartWanted {
        number: 1,
        sha256: None,
    }];
    send_part(&presign(&world, &upload.id, wanted).await.unwrap()[0], &content).await;

    let node = world
        .commit(&world.ctx(), vec![commit.clone()])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(world.read(&node.id).await, content);
    assert_eq!(
        world.commit(&world.ctx(), vec![commit]).await.remove(0).unwrap(),
        node
    );
    assert_eq!(
        status(&world, &upload.id).await.state,
        v1::UploadState::Committed as i32
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.blobs WHERE sha256_verified")
            .await,
        1
    );
    assert!(world.files.fsck().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_lies_is_found_out_by_reading_back() {
    let world = World::new().await;
    let content = content();
    let upload = started(&world, "liar", Some(b"something else")).await;
    let mut commit = committing(&upload.id);
    for part in &upload.parts {
        commit.parts.push(send_part(part, &content).await);
    }
    let error = world
        .commit(&world.ctx(), vec![commit])
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(error.reason(), "checksum_mismatch");
    assert_eq!(
        status(&world, &upload.id).await.state,
        v1::UploadState::Orphaned as i32
    );
    assert!(world.list("root").await.unwrap().is_empty());
}

/// Uploads a file whose parts are bound to hashes, and the whole to `claimed`.
async fn put_bound(world: &World, name: &str, claimed: &[u8]) -> v1::Node {
    let content = content();
    let upload = started(world, name, Some(claimed)).await;
    let wanted = [&content[..PART], &content[PART..]];
    let wanted = wanted.iter().zip(1..).map(|(bytes, number)| v1::PartWanted {
        number,
        sha256: Some(sha256(bytes)),
    });
    let parts = presign(world, &upload.id, wanted.collect()).await.unwrap();
    let mut commit = committing(&upload.id);
    let wrong = vec![0; PART];
    assert!(
        !crate::support::try_send(parts[0].request.as_ref().unwrap(), &wrong)
            .await
            .status()
            .is_success()
    );
    for part in &parts {
        commit.parts.push(send_part(part, &content).await);
    }
    world.commit(&world.ctx(), vec![commit]).await.remove(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_were_bound_are_trusted_now_and_read_back_later() {
    let world = World::new().await;
    let content = content();
    let mut nodes = Vec::new();
    for (name, claimed) in [("honest", content.as_slice()), ("liar", b"something else")] {
        nodes.push(put_bound(&world, name, claimed).await);
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.blobs WHERE sha256_verified")
            .await,
        0
    );
    assert_eq!(world.files.verify_once().await.unwrap(), 2);
    assert_eq!(world.files.verify_once().await.unwrap(), 0);
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.blobs WHERE sha256_verified")
            .await,
        1
    );
    let found = world.files.fsck().await.unwrap().content_mismatches;
    assert_eq!(found, [nodes[1].version.as_ref().unwrap().id.clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_can_not_be_read_back_holds_nothing_else_up() {
    let world = World::new().await;
    for name in ["missing", "unreadable", "fine"] {
        put_bound(&world, name, &content()).await;
    }
    let mut admin = world.admin().await;
    let keys: Vec<String> = sqlx::query_scalar("SELECT key FROM files.objects ORDER BY id")
        .fetch_all(&mut admin)
        .await
        .unwrap();
    // The row of the first names an object that is not there.
    let sql = "UPDATE files.objects SET key = left(key, -1) || '9' WHERE key = $1 RETURNING key";
    let lost: String = sqlx::query_scalar(sql)
        .bind(&keys[0])
        .fetch_one(&mut admin)
        .await
        .unwrap();
    *world.refused.lock().unwrap() = vec![("HashObject", keys[1].clone())];
    let verified = "SELECT count(*) FROM files.blobs WHERE sha256_verified";
    assert_eq!(world.files.verify_once().await.unwrap(), 1);
    assert_eq!(world.count(verified).await, 1);
    let check = world.files.fsck().await.unwrap();
    assert_eq!(check.missing_objects, [lost]);
    assert_eq!(check.dangling_versions.len(), 1);
    assert_eq!(check.content_mismatches, [""; 0]);

    world.refused.lock().unwrap().clear();
    assert_eq!(world.files.verify_once().await.unwrap(), 1, "it is tried again");
    assert_eq!(world.count(verified).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_does_not_exist_is_refused() {
    let world = World::new().await;
    let upload = started(&world, "big", None).await;
    for numbers in [vec![0], vec![3], vec![1, 1], vec![]] {
        let wanted = numbers
            .into_iter()
            .map(|number| v1::PartWanted { number, sha256: None })
            .collect();
        assert_eq!(
            presign(&world, &upload.id, wanted).await.unwrap_err().code(),
            bitvault_platform::Code::Invalid
        );
    }
    let mut commit = committing(&upload.id);
    commit.sha256 = Some(sha256(b""));
    commit.parts.push(v1::CommitPart {
        number: 2,
        etag: "x".to_owned(),
    });
    let error = world
        .commit(&world.ctx(), vec![commit])
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(error.reason(), "parts_invalid");
}
