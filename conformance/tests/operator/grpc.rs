//! gRPC on the same port as REST.

use crate::{WITHIN, until};
use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_proto::internal::v1::CreateTenantRequest;
use bitvault_proto::internal::v1::ListObjectsRequest;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::storage_service_client::StorageServiceClient;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use bitvault_proto::v1::sync_service_client::SyncServiceClient;
use bitvault_proto::v1::{
    CreateFolderRequest, GetNodeRequest, ListChangesRequest, ListChangesResponse, NodeKind,
};
use tokio_stream::StreamExt as _;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

async fn services(channel: &Channel) -> Result<Vec<String>> {
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(tokio_stream::once(ask))
        .await?
        .into_inner();
    let answer = answers.next().await.context("an answer")??;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        bail!("{answer:?}");
    };
    Ok(list.service.into_iter().map(|service| service.name).collect())
}

/// A request with a bearer token and with what only modules may send.
fn with<T>(message: T, token: &str, forged: bool) -> Result<Request<T>> {
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {token}"))?;
    request.metadata_mut().insert("authorization", bearer);
    if forged {
        let ctx = MetadataValue::from_static("{\"principal\":{\"kind\":\"system\"}}");
        request.metadata_mut().insert("bitvault-ctx", ctx);
    }
    Ok(request)
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_is_served_beside_rest_and_internal_services_are_not() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let root = owner.get("/v1/nodes/root").await.unwrap().ok().unwrap();
    let channel = Channel::from_shared(daemon.url().to_owned())
        .unwrap()
        .connect()
        .await
        .unwrap();

    let health = HealthClient::new(channel.clone())
        .check(HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);
    let listed = services(&channel).await.unwrap();
    assert!(
        ["FilesService", "SearchService"]
            .iter()
            .all(|name| listed.contains(&format!("bitvault.v1.{name}"))),
        "{listed:?}"
    );
    assert!(listed.iter().all(|name| !name.contains("internal")), "{listed:?}");

    let mut files = FilesServiceClient::new(channel.clone());
    let get = || GetNodeRequest {
        id: "root".to_owned(),
    };
    let node = files
        .get_node(with(get(), owner.token(), false).unwrap())
        .await
        .unwrap();
    let node = node.into_inner();
    assert_eq!(
        (node.kind(), node.id.as_str()),
        (NodeKind::Folder, root["id"].as_str().unwrap())
    );
    for forged in [false, true] {
        let refused = files
            .get_node(with(get(), "bvs_nobody", forged).unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "token_invalid");
    }
    assert_eq!(
        files.get_node(get()).await.unwrap_err().code(),
        Code::Unauthenticated
    );

    for forged in [false, true] {
        let create = CreateTenantRequest {
            name: "mine".to_owned(),
        };
        let refused = IdentityServiceClient::new(channel.clone())
            .create_tenant(with(create, owner.token(), forged).unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");
        let refused = StorageServiceClient::new(channel.clone())
            .list_objects(with(ListObjectsRequest::default(), owner.token(), forged).unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");
    }
}

/// How many wait for a change, as the daemon tells it.
async fn waiting(daemon: &Daemon) -> Result<Option<()>> {
    let metrics = reqwest::get(format!("{}/metrics", daemon.url()))
        .await?
        .text()
        .await?;
    Ok(metrics
        .lines()
        .any(|line| line == "bitvault_sync_waiting 1")
        .then_some(()))
}

async fn page(pages: &mut tonic::Streaming<ListChangesResponse>) -> Result<ListChangesResponse> {
    let page = tokio::time::timeout(WITHIN, pages.next()).await?;
    Ok(page.context("the stream ended")??)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_streamed_to_who_waits_for_them_and_to_nobody_without_a_token() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let channel = Channel::from_shared(daemon.url().to_owned())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut sync = SyncServiceClient::new(channel.clone());
    let from_here = ListChangesRequest::default;
    let refused = sync.watch_changes(from_here()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let nobody = with(from_here(), "bvs_nobody", true).unwrap();
    let refused = sync.watch_changes(nobody).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "token_invalid");

    // The first page tells of what is there.
    owner.get("/v1/nodes/root").await.unwrap().ok().unwrap();
    let request = with(from_here(), owner.token(), false).unwrap();
    let mut pages = sync.watch_changes(request).await.unwrap().into_inner();
    while page(&mut pages).await.unwrap().has_more {}
    until("it waits", async || waiting(&daemon).await).await.unwrap();
    let create = CreateFolderRequest {
        parent_id: "root".to_owned(),
        name: "new".to_owned(),
        idempotency_key: None,
    };
    let made = FilesServiceClient::new(channel)
        .create_folder(with(create, owner.token(), false).unwrap())
        .await
        .unwrap()
        .into_inner();
    let told = page(&mut pages).await.unwrap();
    let ids: Vec<&str> = told.items.iter().map(|change| change.node_id.as_str()).collect();
    assert_eq!(ids, [made.id.as_str()]);
}
