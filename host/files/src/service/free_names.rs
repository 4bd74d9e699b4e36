//! Names that are free. What comes back from the trash and copies get another one where their own is taken. So does what a
//! drop box takes in: a visitor must not learn which names are.

use crate::domain::free_name::candidates;
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::commits::NewContent;
use crate::store::nodes::{self, NodeView};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::HashSet;
use uuid::Uuid;

/// Names that are tried, and how many of them in one look.
const NAMES: u32 = 1000;
const NAMES_PER_LOOK: u32 = 50;

/// The name that is asked for, if it is free in the folder; else the node's own, or a free one made of it by `other` from
/// its name, whether it is a folder, and a number from 1. Who calls holds the lock of the folder.
pub(crate) async fn find(
    tx: &mut TenantTx,
    node: &NodeView,
    folder: NodeId,
    asked: Option<&Name>,
    other: impl Fn(&str, bool, u32) -> Result<Name>,
) -> Result<Name> {
    let mut names = vec![asked.cloned().unwrap_or_else(|| node.own_name())];
    let mut number = 0;
    loop {
        let keys: Vec<String> = names.iter().map(|name| name.key.clone()).collect();
        let taken = nodes::taken(tx, &vec![folder.0; keys.len()], &keys).await?;
        let taken: HashSet<String> = taken.into_iter().map(|(_, key)| key).collect();
        if let Some(free) = names.into_iter().find(|name| !taken.contains(&name.key)) {
            return Ok(free);
        }
        if number >= NAMES || asked.is_some() {
            let name = asked.map_or(&node.name, |name| &name.text);
            return Err(Refusal::NameTaken(name.clone()).into());
        }
        let tried = number + 1..=number + NAMES_PER_LOOK;
        names = tried
            .map(|number| other(&node.name, node.is_folder, number))
            .collect::<Result<_>>()?;
        number += NAMES_PER_LOOK;
    }
}

/// Gives each of the files in `blind` a name that nothing in its folder has, nor another file of the same batch. Who calls
/// holds the locks of the folders.
pub(super) async fn choose(
    tx: &mut TenantTx,
    contents: &mut [NewContent],
    blind: &HashSet<NodeId>,
) -> Result<()> {
    if blind.is_empty() {
        return Ok(());
    }
    let mut parents: Vec<Uuid> = Vec::new();
    let mut keys = Vec::new();
    let mut taken: HashSet<(NodeId, String)> = HashSet::new();
    let mut wanted = Vec::new();
    for content in contents {
        let Some(place) = &mut content.place else { continue };
        if !blind.contains(&content.node) {
            taken.insert((place.folder, place.key.clone()));
            continue;
        }
        let names = candidates(&place.name, &content.node.0.simple().to_string());
        parents.extend(names.iter().map(|_| place.folder.0));
        keys.extend(names.iter().map(|name| name.key.clone()));
        wanted.push((place, names));
    }
    taken.extend(nodes::taken(tx, &parents, &keys).await?);
    for (place, names) in wanted {
        let free = |key: &str| !taken.contains(&(place.folder, key.to_owned()));
        if let Some(name) = names.into_iter().find(|name| free(&name.key)) {
            taken.insert((place.folder, name.key.clone()));
            place.name = name.text;
            place.key = name.key;
        }
    }
    Ok(())
}
