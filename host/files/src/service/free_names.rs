//! Names for what a drop box takes in. A visitor must not learn which names are taken, so a file whose name is gets another.

use crate::domain::free_name::candidates;
use crate::store::commits::NewFile;
use crate::store::nodes;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::HashSet;
use uuid::Uuid;

/// Gives each of the files in `blind` a name that nothing in its folder has, nor another file of the same batch. Who calls
/// holds the locks of the folders.
pub(super) async fn choose(tx: &mut TenantTx, files: &mut [NewFile], blind: &HashSet<NodeId>) -> Result<()> {
    if blind.is_empty() {
        return Ok(());
    }
    let mut parents: Vec<Uuid> = Vec::new();
    let mut keys = Vec::new();
    let mut wanted = Vec::new();
    for (at, file) in files
        .iter()
        .enumerate()
        .filter(|(_, file)| blind.contains(&file.id))
    {
        let names = candidates(&file.name, &file.id.0.simple().to_string());
        parents.extend(names.iter().map(|_| file.parent.0));
        keys.extend(names.iter().map(|name| name.key.clone()));
        wanted.push((at, names));
    }
    let mut taken: HashSet<(NodeId, String)> = nodes::taken(tx, &parents, &keys).await?.into_iter().collect();
    let named = files.iter().filter(|file| !blind.contains(&file.id));
    taken.extend(named.map(|file| (file.parent, file.name_key.clone())));
    for (at, names) in wanted {
        let Some(file) = files.get_mut(at) else { continue };
        let free = |key: &str| !taken.contains(&(file.parent, key.to_owned()));
        if let Some(name) = names.into_iter().find(|name| free(&name.key)) {
            taken.insert((file.parent, name.key.clone()));
            file.name = name.text;
            file.name_key = name.key;
        }
    }
    Ok(())
}
