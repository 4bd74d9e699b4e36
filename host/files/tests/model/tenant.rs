//! One tenant of the real service, and which ids there are which keys of the model.

use crate::model::{ADMIN, GUEST, Key, NOBODY, Role, SPACE, Subject, USERS, User, home};
use crate::operation::CONTENTS;
use crate::request::{At, View};
use crate::support::{World, request, sha256};
use bitvault_platform::ids::{AccountId, GroupId, SessionId, TenantId};
use bitvault_platform::{self as platform, Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use std::collections::HashMap;
use std::sync::Arc;

/// What the service calls something that the model does not know.
pub(crate) const UNKNOWN: Key = Key::MAX;

/// Ids of one kind and their keys.
#[derive(Default)]
pub(crate) struct Names {
    ids: HashMap<Key, String>,
    keys: HashMap<String, Key>,
}

impl Names {
    pub(crate) fn id(&self, key: Key) -> String {
        self.ids
            .get(&key)
            .unwrap_or_else(|| panic!("{key} was never made"))
            .clone()
    }

    pub(crate) fn key(&self, id: &str) -> Key {
        self.keys.get(id).copied().unwrap_or(UNKNOWN)
    }

    /// Takes in an id that is new, as what the step `key` made.
    pub(crate) fn learn(&mut self, id: &str, key: Key) {
        if !self.keys.contains_key(id) && !self.ids.contains_key(&key) {
            self.ids.insert(key, id.to_owned());
            self.keys.insert(id.to_owned(), key);
        }
    }
}

pub(crate) struct Tenant {
    pub(crate) world: Arc<World>,
    pub(crate) http: reqwest::Client,
    pub(crate) id: TenantId,
    accounts: Vec<AccountId>,
    pub(crate) group: GroupId,
    pub(crate) nodes: Names,
    pub(crate) versions: Names,
    pub(crate) uploads: Names,
}

impl Tenant {
    /// A fresh tenant, as the model begins.
    pub(crate) async fn new(world: &Arc<World>, http: &reqwest::Client) -> Result<Self, Error> {
        let accounts: Vec<AccountId> = USERS.iter().map(|_| AccountId::new()).collect();
        let mut tenant = Self {
            world: Arc::clone(world),
            http: http.clone(),
            id: TenantId::new(),
            accounts,
            // Its real one comes below.
            group: GroupId(uuid::Uuid::nil()),
            nodes: Names::default(),
            versions: Names::default(),
            uploads: Names::default(),
        };
        let root = bitvault_platform::ids::NodeId(tenant.id.0);
        tenant.nodes.learn(&root.to_string(), crate::model::ROOT);
        for user in 0..USERS.len() {
            if let Some(key) = home(user) {
                let node = world.get(&tenant.ctx(user), "root").await?;
                tenant.nodes.learn(&node.id, key);
            }
        }
        let ann = tenant.ctx(ADMIN);
        let message = v1::CreateGroupRequest {
            name: "group".to_owned(),
        };
        let group = world
            .files
            .create_group(request(&ann, message))
            .await?
            .into_inner();
        tenant.group = group.id.parse()?;
        for user in [1, GUEST] {
            let message = tenant.member(user);
            world.files.put_group_member(request(&ann, message)).await?;
        }
        let message = v1::CreateSpaceRequest {
            name: "space".to_owned(),
            group_id: group.id,
            idempotency_key: None,
        };
        let space = world
            .files
            .create_space(request(&ann, message))
            .await?
            .into_inner();
        tenant.nodes.learn(&space.node.unwrap_or_default().id, SPACE);
        Ok(tenant)
    }

    pub(crate) fn ctx(&self, user: User) -> Ctx {
        let role = match user {
            ADMIN => platform::Role::Admin,
            GUEST => platform::Role::Guest,
            _ => platform::Role::Member,
        };
        Ctx::account(self.id, self.accounts[user], SessionId::new(), role)
    }

    /// Whose account it is.
    pub(crate) fn user(&self, account: &str) -> User {
        let found = self
            .accounts
            .iter()
            .position(|known| known.to_string() == account);
        found.unwrap_or(NOBODY)
    }

    pub(crate) fn member(&self, user: User) -> v1::GroupMemberRequest {
        v1::GroupMemberRequest {
            group_id: self.group.to_string(),
            account_id: self.accounts[user].to_string(),
        }
    }

    pub(crate) fn at(&self, at: At) -> String {
        match at {
            At::Id(key) => self.nodes.id(key),
            At::Home => "root".to_owned(),
        }
    }

    pub(crate) fn subject(&self, subject: Subject) -> String {
        match subject {
            Subject::User(user) => self.accounts[user].to_string(),
            Subject::Group => self.group.to_string(),
        }
    }

    pub(crate) fn subject_of(&self, id: &str) -> Subject {
        if id == self.group.to_string() {
            Subject::Group
        } else {
            Subject::User(self.user(id))
        }
    }

    pub(crate) fn view(&self, node: &v1::Node) -> View {
        let version = node.version.as_ref();
        View {
            key: self.nodes.key(&node.id),
            parent: node.parent_id.as_ref().map(|id| self.nodes.key(id)),
            name: node.name.clone(),
            is_folder: node.kind() == v1::NodeKind::Folder,
            revision: node.revision,
            version: version.map(|version| {
                (
                    self.versions.key(&version.id),
                    content(version.size, &version.sha256),
                )
            }),
        }
    }

    pub(crate) fn views(&self, nodes: &[v1::Node]) -> Vec<View> {
        nodes.iter().map(|node| self.view(node)).collect()
    }
}

/// Which of the contents has this size and hash; none: 255.
pub(crate) fn content(size: u64, hash: &[u8]) -> u8 {
    let same = |bytes: &&[u8]| bytes.len() as u64 == size && sha256(bytes) == hash;
    let found = CONTENTS.iter().position(same);
    found.map_or(u8::MAX, |content| content as u8)
}

const ROLES: [(Role, &str); 4] = [
    (Role::Viewer, "viewer"),
    (Role::Commenter, "commenter"),
    (Role::Editor, "editor"),
    (Role::Owner, "owner"),
];

pub(crate) fn role_name(role: Role) -> String {
    let found = ROLES.iter().find(|(known, _)| *known == role);
    found.map_or("", |(_, name)| name).to_owned()
}

pub(crate) fn role_of(name: &str) -> Option<Role> {
    ROLES
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(role, _)| *role)
}
