//! Every RPC that the reflection service tells, called with the ids of another tenant.

use super::{MARK, Owned};
use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::Caller;
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};
use prost_types::FileDescriptorProto;
use std::collections::BTreeMap;
use tokio_stream::StreamExt as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// It is about the caller's own session, which its methods end.
const NOT_OF_A_TENANT: &str = "bitvault.v1.SessionService";

/// Calls every method; answers how many calls took an id of the other tenant.
pub(super) async fn every_method(url: &str, stranger: &Caller, owned: &Owned) -> Result<usize> {
    let channel = Channel::from_shared(url.to_owned())?.connect().await?;
    let pool = told(&channel).await?;
    let mut took = 0;
    let services = pool.services().filter(|service| {
        service.full_name().starts_with("bitvault.") && service.full_name() != NOT_OF_A_TENANT
    });
    for service in services {
        for method in service.methods() {
            for message in messages(&method, owned) {
                let asked = format!("{message:?}");
                took += usize::from(owned.all().any(|id| asked.contains(id)));
                call(&channel, stranger, &method, message, owned).await?;
            }
        }
    }
    Ok(took)
}

/// Everything that reflection tells.
async fn told(channel: &Channel) -> Result<DescriptorPool> {
    let MessageResponse::ListServicesResponse(services) =
        ask(channel, MessageRequest::ListServices(String::new())).await?
    else {
        bail!("the services are not listed");
    };
    let mut files = BTreeMap::new();
    let mut wanted: Vec<MessageRequest> = services
        .service
        .into_iter()
        .map(|service| MessageRequest::FileContainingSymbol(service.name))
        .collect();
    while let Some(request) = wanted.pop() {
        let MessageResponse::FileDescriptorResponse(answer) = ask(channel, request).await? else {
            bail!("a file is not told");
        };
        for bytes in answer.file_descriptor_proto {
            let file = FileDescriptorProto::decode(bytes.as_slice())?;
            let name = file.name().to_owned();
            let missing = file.dependency.iter().filter(|name| !files.contains_key(*name));
            wanted.extend(missing.map(|name| MessageRequest::FileByFilename(name.clone())));
            files.insert(name, file);
        }
    }
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files.into_values())?;
    Ok(pool)
}

async fn ask(channel: &Channel, request: MessageRequest) -> Result<MessageResponse> {
    let asked = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let mut answers = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(tokio_stream::once(asked))
        .await?
        .into_inner();
    let answer = answers.next().await.context("an answer")??;
    answer.message_response.context("a message")
}

/// Messages with ids of the other tenant: one with all that fit, and one with each alone, as some exclude each other.
fn messages(method: &MethodDescriptor, owned: &Owned) -> Vec<DynamicMessage> {
    let about = about(method.name());
    let input = method.input();
    let all = filled(&input, about, owned, &|_| true);
    let mut messages: Vec<DynamicMessage> = names(&input, owned)
        .into_iter()
        .map(|one| filled(&input, about, owned, &|name| name == one))
        .collect();
    messages.push(all);
    messages
}

/// Of what kind a plain `id` is.
fn about(method: &str) -> &'static str {
    let kinds = [
        ("Upload", "uploads"),
        ("PresignParts", "uploads"),
        ("Group", "groups"),
        ("Space", "spaces"),
        ("Link", "links"),
        ("Device", "devices"),
        ("Conflict", "conflicts"),
    ];
    let kind = kinds.iter().find(|(part, _)| method.contains(part));
    kind.map_or("id", |(_, kind)| kind)
}

/// The fields that ids of the other tenant fit into, at any depth.
fn names(message: &MessageDescriptor, owned: &Owned) -> Vec<String> {
    let mut names = Vec::new();
    for field in message.fields() {
        match field.kind() {
            Kind::String if owned.id(field.name()).is_some() => names.push(field.name().to_owned()),
            Kind::Message(inner) if !field.is_map() && is_ours(&inner) => {
                names.extend(self::names(&inner, owned))
            }
            _ => {}
        }
    }
    names
}

fn is_ours(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with("bitvault.")
}

fn filled(
    message: &MessageDescriptor,
    about: &str,
    owned: &Owned,
    wanted: &dyn Fn(&str) -> bool,
) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        if let Some(value) = value(&field, about, owned, wanted) {
            let value = if field.is_list() {
                Value::List(vec![value])
            } else {
                value
            };
            made.set_field(&field, value);
        }
    }
    made
}

fn value(
    field: &FieldDescriptor,
    about: &str,
    owned: &Owned,
    wanted: &dyn Fn(&str) -> bool,
) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    match (field.kind(), field.name()) {
        (Kind::String, "cursor" | "idempotency_key") => None,
        (Kind::String, "path") => Some(Value::String(format!("/{MARK} folder"))),
        (Kind::String, "role") => Some(Value::String("viewer".to_owned())),
        (Kind::String, name) => {
            let key = if name == "id" { about } else { name };
            match owned.id(key) {
                Some(id) => wanted(name).then(|| Value::String(id.to_owned())),
                None => Some(Value::String("a name".to_owned())),
            }
        }
        (Kind::Bytes, _) => Some(Value::Bytes(vec![0; 32].into())),
        (Kind::Uint64, "size") => Some(Value::U64(1)),
        (Kind::Uint32, "number") => Some(Value::U32(1)),
        (Kind::Enum(_), "keep") => Some(Value::EnumNumber(1)),
        // It goes with a new file only, and would have every other upload refused for that.
        (Kind::Message(_), "conflict_of") if !wanted("conflict_of") => None,
        (Kind::Message(inner), _) if is_ours(&inner) => {
            Some(Value::Message(filled(&inner, about, owned, wanted)))
        }
        _ => None,
    }
}

async fn call(
    channel: &Channel,
    stranger: &Caller,
    method: &MethodDescriptor,
    message: DynamicMessage,
    owned: &Owned,
) -> Result<()> {
    let asked = format!("{message:?}");
    let what = format!("{}({asked})", method.full_name());
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {}", stranger.token()))?;
    request.metadata_mut().insert("authorization", bearer);
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await?;
    let (path, codec) = (PathAndQuery::try_from(path)?, Dynamic(method.output()));
    let answer = if method.is_server_streaming() {
        // What a stream begins with.
        match client.server_streaming(request, path, codec).await {
            Ok(answer) => answer.into_inner().next().await.transpose(),
            Err(status) => Err(status),
        }
    } else {
        let answer = client.unary(request, path, codec).await;
        answer.map(|answer| Some(answer.into_inner()))
    };
    let text = match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(status) => {
            let ours = matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss);
            assert!(!ours || owned.tolerates_failures, "{what}: {status:?}");
            let known = !matches!(status.code(), Code::Unauthenticated | Code::Unimplemented);
            assert!(known, "{what}: {status:?}");
            format!("{status:?}")
        }
    };
    // What it sent itself it may be told again.
    assert!(asked.contains(MARK) || !text.contains(MARK), "{what}: {text}");
    for id in owned.all().filter(|id| !asked.contains(*id)) {
        assert!(!text.contains(id), "{what}: {text}");
    }
    Ok(())
}

/// Messages as their descriptors say.
#[derive(Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|cause| Status::internal(cause.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), buffer);
        message
            .map(Some)
            .map_err(|cause| Status::internal(cause.to_string()))
    }
}
