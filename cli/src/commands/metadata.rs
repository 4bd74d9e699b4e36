use super::find;
use crate::args::Metadata;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::UpdateMetadata;

pub(crate) async fn run(args: &Metadata, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, &args.path).await?;
    let change = UpdateMetadata {
        add_tags: args.add_tags.clone(),
        remove_tags: args.remove_tags.clone(),
        set_fields: args.set_fields.iter().cloned().collect(),
        remove_fields: args.remove_fields.clone(),
    };
    let looks = change.add_tags.is_empty()
        && change.remove_tags.is_empty()
        && change.set_fields.is_empty()
        && change.remove_fields.is_empty();
    let metadata = if looks {
        server.client.metadata(&node.id).await
    } else {
        server.client.update_metadata(&node.id, &change).await
    };
    let metadata = metadata.map_err(|error| Error::at(&args.path, error))?;
    if output.json {
        return output.document(&metadata);
    }
    let tags = metadata.tags.into_iter().map(|tag| vec!["tag".to_owned(), tag]);
    let fields = metadata.fields.into_iter().map(|(name, text)| vec![name, text]);
    output.listing(
        &["name", "text"],
        &tags.chain(fields).collect::<Vec<_>>(),
        "no tags and no fields; add them with --tag and --set",
    )
}
