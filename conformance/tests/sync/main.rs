//! Devices that sync: real `bitvault sync` processes on real folders, against a real daemon. What they have is compared
//! byte by byte.

mod conflicts;
mod device;
mod doctor;
mod edits;
mod full;
mod killed;
mod large;
mod network;
mod paced;
mod random;
mod restored;
mod several;

use anyhow::Result;
use bitvault_conformance::daemon::Daemon;
use network::Network;
use restored::FoundBy;

async fn daemon() -> Result<Daemon> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    Ok(daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_offline_devices_edit_the_same_file_and_both_versions_survive() {
    edits::both_versions_survive(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_settles_conflicts_of_two_devices_in_the_web_app_and_both_follow() {
    conflicts::settled_in_the_web_app(&daemon().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_settled_at_the_command_line_as_well() {
    conflicts::settled_at_the_command_line(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_puts_into_a_folder_that_a_device_deletes_stays() {
    conflicts::a_folder_is_deleted_as_it_was_seen(&daemon().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_wins_against_a_delete_on_another_device() {
    edits::an_edit_wins(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_here_lies_in_the_trash_there_and_on_the_server() {
    edits::removed_is_kept(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_files_are_asked_for_together() {
    edits::many_files_are_asked_for_together(&daemon().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deletes_wait_until_somebody_agrees() {
    edits::many_deletes_wait(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_folders_of_one_account_are_synced_side_by_side() {
    several::folders(&daemon().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_on_one_machine_are_kept_apart() {
    several::accounts(&daemon().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_keeps_to_the_rates_that_it_was_given() {
    paced::all(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_a_server_that_are_killed_lose_nothing() {
    killed::all(daemon().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_transfers_that_are_killed_again_and_again_go_on_where_they_were() {
    large::all(Network::new().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_in_the_middle_of_transfers_tears_and_loses_nothing() {
    network::all(Network::new().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_on_the_disk_waits_whole_and_the_rest_is_synced() {
    full::folder(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_state_stops_the_device_and_loses_nothing() {
    full::state(&daemon().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_wrong_and_what_to_do() {
    doctor::all(daemon().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn three_devices_at_random_work_are_equal_at_rest_and_have_lost_nothing() {
    let network = Network::new().await.unwrap();
    random::all(network, &["desk", "laptop", "tablet"], 180)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn so_have_two_devices() {
    let network = Network::new().await.unwrap();
    random::all(network, &["desk", "laptop"], 15).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_put_back_to_a_backup_gets_back_what_devices_have() {
    restored::all(daemon().await.unwrap(), FoundBy::Mark)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_whose_store_tells_nothing_of_it() {
    restored::all(daemon().await.unwrap(), FoundBy::Cursor)
        .await
        .unwrap();
}
