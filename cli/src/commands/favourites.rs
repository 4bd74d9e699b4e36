use super::find;
use super::whereabouts::Whereabouts;
use crate::args::Favourites;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use serde_json::json;

pub(crate) async fn run(args: &Favourites, server: &Server, output: &Output) -> Result<(), Error> {
    for path in &args.add {
        let node = find(server, path).await?;
        let added = server.client.add_favourite(&node.id).await;
        added.map_err(|error| Error::at(path, error))?;
    }
    for path in &args.remove {
        let node = find(server, path).await?;
        let removed = server.client.remove_favourite(&node.id).await;
        removed.map_err(|error| Error::at(path, error))?;
    }
    let favourites = server.client.favourites().await?;
    if output.json {
        return output.document(&json!({ "items": favourites }));
    }
    let mut whereabouts = Whereabouts::new(server).await?;
    let mut rows = Vec::new();
    for favourite in &favourites {
        rows.push(vec![
            whereabouts.path(&favourite.node).await?,
            instant(favourite.added_at),
        ]);
    }
    output.listing(
        &["path", "since"],
        &rows,
        "no favourites yet; make one with --add PATH",
    )
}
