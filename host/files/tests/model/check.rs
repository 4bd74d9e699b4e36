//! Everything that is there, compared with the model: what each user sees from the top, the trash, the rows, the journal.

use crate::journal;
use crate::model::{GUEST, Key, Model, ROOT, Role, SPACE, USERS, User, home};
use crate::quotas;
use crate::request::{Answer, At, Outcome, TrashView, View};
use crate::support::request;
use crate::tenant::{Tenant, role_of};
use bitvault_platform::Error;
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Items of a page, where all of them are read.
const PAGE: u32 = 100;

/// What is wrong.
pub(crate) type Wrong = String;

/// Compares an answer with what the model says.
pub(crate) fn same(tenant: &Tenant, expected: &Outcome, found: &Outcome) -> Result<(), Wrong> {
    let mut expected = expected.clone();
    if let Ok(Answer::Trash(items)) = &mut expected {
        settle(tenant, items);
    }
    equal("the answer", &expected, found)
}

pub(crate) fn equal<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), Wrong> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what}\n  expected {expected:?}\n  found    {found:?}"))
    }
}

/// The latest first; what was thrown away together goes by id, which the model does not know.
fn settle(tenant: &Tenant, items: &mut [TrashView]) {
    items.sort_by_key(|item| (item.at, tenant.nodes.id(item.view.key)));
    items.reverse();
    for item in items {
        item.at = 0;
    }
}

/// Compares everything.
pub(crate) async fn all(tenant: &Tenant, model: &Model) -> Result<(), Wrong> {
    for user in 0..USERS.len() {
        seen_by(tenant, model, user).await?;
    }
    quotas::compare(tenant, model).await?;
    journal::compare(tenant, model).await
}

async fn seen_by(tenant: &Tenant, model: &Model, user: User) -> Result<(), Wrong> {
    let who = USERS[user];
    let shared = shared(tenant, user).await.map_err(|error| error.to_string())?;
    let mut expected = model.shared(user);
    expected.sort_by_key(|(view, _)| view.key);
    equal(&format!("what is shared with {who}"), &expected, &shared)?;
    let spaces = spaces(tenant, user).await.map_err(|error| error.to_string())?;
    let expected: Vec<Key> = model.sees_space(user).then_some(SPACE).into_iter().collect();
    equal(&format!("the spaces of {who}"), &expected, &spaces)?;

    let mut folders: Vec<Key> = home(user).into_iter().chain(spaces).collect();
    let shared_folders = shared.iter().filter(|(view, _)| view.is_folder);
    folders.extend(shared_folders.map(|(view, _)| view.key));
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder) {
            continue;
        }
        let found = tenant.list(user, At::Id(folder), PAGE).await.map_err(reason);
        let expected: Result<Vec<View>, String> = model.list(user, At::Id(folder)).map_err(str::to_owned);
        equal(&format!("#{folder} as {who} sees it"), &expected, &found)?;
        let inside = found.into_iter().flatten().filter(|view| view.is_folder);
        folders.extend(inside.map(|view| view.key));
    }
    for tree in (0..=GUEST).filter_map(home).chain([SPACE, ROOT]) {
        let found = tenant.list_trash(user, Some(At::Id(tree)), PAGE).await;
        let expected = model.list_trash(user, Some(At::Id(tree)));
        let expected = expected.map(Answer::Trash).map_err(str::to_owned);
        same(tenant, &expected, &found.map(Answer::Trash).map_err(reason))
            .map_err(|wrong| format!("the trash of #{tree} as {who} sees it: {wrong}"))?;
    }
    Ok(())
}

fn reason(error: Error) -> String {
    error.reason().to_owned()
}

async fn shared(tenant: &Tenant, user: User) -> Result<Vec<(View, Role)>, Error> {
    let (ctx, mut found, mut cursor) = (tenant.ctx(user), Vec::new(), None);
    loop {
        let message = v1::ListSharedRequest { limit: PAGE, cursor };
        let page = tenant
            .world
            .files
            .list_shared(request(&ctx, message))
            .await?
            .into_inner();
        found.extend(page.items.iter().filter_map(|item| {
            let view = tenant.view(item.node.as_ref()?);
            Some((view, role_of(&item.role)?))
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            found.sort_by_key(|(view, _)| view.key);
            return Ok(found);
        }
    }
}

async fn spaces(tenant: &Tenant, user: User) -> Result<Vec<Key>, Error> {
    let message = v1::ListSpacesRequest::default();
    let page = tenant
        .world
        .files
        .list_spaces(request(&tenant.ctx(user), message))
        .await?
        .into_inner();
    let tops = page.items.into_iter().filter_map(|space| space.node);
    Ok(tops.map(|node| tenant.nodes.key(&node.id)).collect())
}
