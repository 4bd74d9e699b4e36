//! Conflicts that two devices made offline, settled where the person is.

use crate::device::{Device, Tree, rest};
use anyhow::{Context as _, Result, bail, ensure};
use bitvault_client::Client;
use bitvault_client::api::CreateSession;
use bitvault_client::transfer::{Options, Silent, Transfer};
use bitvault_conformance::api::{Caller, sha256};
use bitvault_conformance::browser::{keep_pictures, run};
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_device::planner::NodeId;
use bitvault_device::remote::{Key, Refusal, Remote as _, RemoteError, RestRemote};
use serde_json::Value;
use std::fs;
use std::sync::Arc;

/// Those that docs/conflicts.md shows.
const PICTURES: [&str; 4] = [
    "conflicts.png",
    "conflict-text.png",
    "conflict-images.png",
    "conflict-narrow.png",
];

fn text(title: &str, amount: &str) -> String {
    let lines = (1..=30).map(|month| format!("Item {month:02}: as planned\n"));
    let middle = format!("Travel: {amount}\nFood: 120\n");
    format!("# {title}\n\n{middle}{}", lines.collect::<String>())
}

/// A picture of one colour: an uncompressed BMP of 240 × 160.
fn image(red: u8, green: u8, blue: u8) -> Vec<u8> {
    let (width, height) = (240_u32, 160_u32);
    let bytes = width * height * 3;
    let mut image = b"BM".to_vec();
    for number in [54 + bytes, 0, 54, 40, width, height] {
        image.extend(number.to_le_bytes());
    }
    image.extend([1, 0, 24, 0]);
    for number in [0, bytes, 2835, 2835, 0, 0] {
        image.extend(number.to_le_bytes());
    }
    for at in 0..width * height {
        let shade = u8::try_from((at / width) / 2).unwrap_or_default();
        image.extend([blue, green, red].map(|part| part.saturating_sub(shade)));
    }
    image
}

fn copy_of(tree: &Tree, name: &str) -> Result<String> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mark = format!("{stem} (conflicted copy, laptop, ");
    let found = tree.keys().find(|path| path.starts_with(&mark));
    found
        .cloned()
        .with_context(|| format!("no copy of {name}: {tree:#?}"))
}

fn hash_of(tree: &Tree, name: &str) -> Option<String> {
    tree.get(name).cloned().flatten()
}

/// Both devices change the same files while they are offline; the desk syncs first.
fn disagree(desk: &Device, laptop: &Device, files: &[(&str, [Vec<u8>; 3])]) -> Result<Tree> {
    for (name, [base, ..]) in files {
        fs::write(desk.path(name), base)?;
    }
    rest(&[desk, laptop])?;
    for (name, [_, there, here]) in files {
        fs::write(desk.path(name), there)?;
        fs::write(laptop.path(name), here)?;
    }
    rest(&[desk, laptop])
}

pub(crate) async fn settled_in_the_web_app(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = (Device::new(daemon, "desk")?, Device::new(daemon, "laptop")?);
    let budget = ["80", "95", "140"].map(|amount| text("Budget", amount).into_bytes());
    let notes = ["one", "two", "three"].map(|word| format!("{word}\n").into_bytes());
    let photo = [image(60, 90, 160), image(40, 140, 120), image(200, 120, 60)];
    let data = [vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 9]];
    let files = [
        ("budget.md", budget.clone()),
        ("notes.txt", notes.clone()),
        ("photo.bmp", photo.clone()),
        ("table.zip", data.clone()),
    ];
    let tree = disagree(&desk, &laptop, &files)?;
    ensure!(tree.len() == 8, "a copy of each: {tree:#?}");

    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let listed = owner.get("/v1/conflicts").await?.ok()?;
    let listed = listed["items"].as_array().context("items")?;
    ensure!(listed.len() == 4, "{listed:#?}");
    for conflict in listed {
        ensure!(
            conflict["device"] == "laptop" && conflict["theirs"]["device"] == "desk",
            "{conflict:#?}"
        );
        let versions = format!(
            "/v1/nodes/{}/versions",
            conflict["theirs"]["node"]["id"].as_str().context("id")?
        );
        let versions = owner.get(&versions).await?.ok()?;
        ensure!(
            versions["items"][1]["id"] == conflict["base_version"],
            "it tells what both began from: {conflict:#?}"
        );
    }

    let scratch = tempfile::tempdir()?;
    let outcome = tokio::task::block_in_place(|| run("conflicts.mjs", daemon, scratch.path(), ""));
    keep_pictures(scratch.path(), &PICTURES);
    outcome?;

    let tree = rest(&[&desk, &laptop])?;
    let expected: Tree = [
        ("budget.md", &budget[2]),
        ("notes.txt", &notes[1]),
        ("photo (laptop).bmp", &photo[2]),
        ("photo.bmp", &photo[1]),
        ("table.zip", &data[2]),
    ]
    .into_iter()
    .map(|(name, content)| (name.to_owned(), Some(sha256(content))))
    .collect();
    ensure!(tree == expected, "{tree:#?}");
    let left = owner.get("/v1/conflicts").await?.ok()?;
    ensure!(left["items"] == serde_json::json!([]), "{left}");
    Ok(())
}

pub(crate) fn settled_at_the_command_line(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = (Device::new(daemon, "desk")?, Device::new(daemon, "laptop")?);
    for (keep, name, kept) in [
        ("theirs", "a.txt", vec![("a.txt", "there")]),
        ("mine", "b.txt", vec![("b.txt", "here")]),
        (
            "both",
            "c.txt",
            vec![("c.txt", "there"), ("c (laptop).txt", "here")],
        ),
    ] {
        let contents = ["as it was", "there", "here"].map(|text| text.as_bytes().to_vec());
        let tree = disagree(&desk, &laptop, &[(name, contents)])?;
        let copy = copy_of(&tree, name)?;
        let listed: Value = desk.cli.run(&["conflicts", "--json"])?.ok()?.json()?;
        let [conflict] = listed["items"].as_array().context("items")?.as_slice() else {
            bail!("one conflict is wanted: {listed}");
        };
        ensure!(conflict["mine"]["node"]["name"] == copy.as_str(), "{listed}");
        let id = conflict["id"].as_str().context("an id")?;
        let told = desk.cli.run(&["conflicts"])?.ok()?.text();
        ensure!(told.contains(id) && told.contains(&copy), "{told}");
        let stale = desk
            .cli
            .run(&["conflicts", "resolve", id, "--keep", keep, "--if-match", "1"])?;
        ensure!(stale.code == 5, "{}: {}", stale.code, stale.stderr);
        desk.cli
            .run(&["conflicts", "resolve", id, "--keep", keep])?
            .ok()?;
        let tree = rest(&[&desk, &laptop])?;
        ensure!(!tree.contains_key(&copy), "{tree:#?}");
        for (name, content) in kept {
            ensure!(
                hash_of(&tree, name) == Some(sha256(content.as_bytes())),
                "{name} {tree:#?}"
            );
        }
        ensure!(desk.cli.run(&["conflicts"])?.ok()?.text().is_empty());
    }
    let missing = [
        "conflicts",
        "resolve",
        "cnf_00000000000000000000000000000000",
        "--keep",
        "both",
    ];
    ensure!(desk.cli.run(&missing)?.code == 3);
    Ok(())
}

/// The server as the engine sees it.
async fn remote(daemon: &Daemon) -> Result<RestRemote> {
    let client = Client::builder(daemon.url().parse()?).build()?;
    let credentials = CreateSession {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
        tenant: None,
    };
    client.sign_in(&credentials).await?;
    let options = Options {
        jobs: 1,
        state_dir: None,
        account: EMAIL.to_owned(),
    };
    Ok(RestRemote::new(Transfer::new(client, options, Arc::new(Silent))?))
}

/// The device has read the journal and goes on to delete; before it does, somebody puts a file into the folder.
pub(crate) async fn a_folder_is_deleted_as_it_was_seen(daemon: &Daemon) -> Result<()> {
    let desk = Device::new(daemon, "desk")?;
    for name in [
        "folder/inner/1",
        "folder/inner/2",
        "kept/1",
        "kept/2",
        "kept/3",
        "kept/4",
    ] {
        desk.write(name, &format!("content of {name}"))?;
    }
    desk.once()?;
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let folder = owner.get("/v1/lookup?path=/folder").await?.ok()?;
    let inner = owner.get("/v1/lookup?path=/folder/inner").await?.ok()?;
    let files = [
        owner.get("/v1/lookup?path=/folder/inner/1").await?.ok()?,
        owner.get("/v1/lookup?path=/folder/inner/2").await?.ok()?,
    ];
    let known = |node: &Value| -> Result<(NodeId, i64)> {
        Ok((
            node["id"].as_str().context("id")?.parse()?,
            node["revision"].as_i64().context("revision")?,
        ))
    };
    let covers: Vec<_> = [&folder, &inner, &files[0], &files[1]]
        .into_iter()
        .map(known)
        .collect::<Result<_>>()?;
    owner
        .upload(
            inner["id"].as_str().context("id")?,
            "new.txt",
            b"nobody here has seen this",
        )
        .await?;
    // What the engine asks for on what it knew.
    let (top, revision) = *covers.first().context("a folder")?;
    let refused = remote(daemon)
        .await?
        .delete(&Key("k".to_owned()), top, revision, &covers)
        .await;
    let Err(RemoteError::Refused { why, detail }) = refused else {
        bail!("it was not refused: {refused:?}");
    };
    ensure!(why == Refusal::Stale, "{why:?}: {detail}");
    let names = owner.get("/v1/lookup?path=/folder/inner/new.txt").await?;
    ensure!(names.status.is_success(), "{}", names.body);
    // And the whole device: the file stays, with the folders that it needs.
    fs::remove_dir_all(desk.path("folder"))?;
    let tree = rest(&[&desk])?;
    ensure!(tree.contains_key("folder/inner/new.txt"), "{tree:#?}");
    ensure!(!tree.contains_key("folder/inner/1"), "{tree:#?}");
    Ok(())
}
