//! Accounts and groups as people call them: by mail address, and by name.

use super::{group, members};
use crate::connect::Server;
use crate::error::Error;
use std::collections::HashMap;

const ACCOUNT: &str = "acc_";
const GROUP: &str = "grp_";

/// Names of accounts and groups by their ids.
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// Asks for the names of these, as far as the caller may know them: a guest knows nobody but itself.
    pub(crate) async fn of<'a>(ids: impl Iterator<Item = &'a str>, server: &Server) -> Result<Self, Error> {
        let (mut accounts, mut groups) = (false, false);
        for id in ids {
            accounts |= id.starts_with(ACCOUNT);
            groups |= id.starts_with(GROUP);
        }
        let mut names = HashMap::new();
        if accounts {
            let members = server.client.members().await?;
            names.extend(members.into_iter().map(|member| (member.id, member.email)));
        }
        if groups {
            let groups = server.client.groups().await?;
            names.extend(
                groups
                    .into_iter()
                    .map(|group| (group.id, format!("group:{}", group.name))),
            );
        }
        Ok(Self(names))
    }

    /// As the options of commands take it: a mail address or `group:NAME`; the id of what has no name here.
    pub(crate) fn name(&self, id: &str) -> String {
        self.0.get(id).map_or(id, String::as_str).to_owned()
    }
}

/// The id of whom a person means: an id as it is, a group by its name, a member by the mail address.
pub(crate) async fn id(who: &str, server: &Server) -> Result<String, Error> {
    if who.starts_with(ACCOUNT) || who.starts_with(GROUP) {
        return Ok(who.to_owned());
    }
    match who.strip_prefix("group:") {
        Some(name) => Ok(group::named(server, name).await?.id),
        None => Ok(members::find(server, who).await?.id),
    }
}
