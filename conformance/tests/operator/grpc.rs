//! gRPC on the same port as REST.

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_proto::internal::v1::CreateTenantRequest;
use bitvault_proto::internal::v1::ListObjectsRequest;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::storage_service_client::StorageServiceClient;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use bitvault_proto::v1::{GetNodeRequest, NodeKind};
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
