use super::{at_version, find};
use crate::args::Cat;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::transfer::{JOBS_DEFAULT, Silent};
use std::sync::Arc;

pub(crate) async fn run(args: &Cat, server: &Server, output: &Output) -> Result<(), Error> {
    if output.json {
        return Err(Error::usage(
            "cat writes the files themselves, not JSON",
            "use get --json, or leave --json out",
        ));
    }
    let transfer = server.transfer(JOBS_DEFAULT as u16, Arc::new(Silent))?;
    let mut out = tokio::io::stdout();
    for path in &args.remotes {
        let mut node = find(server, path).await?;
        if let Some(version) = &args.version {
            node = at_version(server, path, node, version).await?;
        }
        transfer
            .read_to(&node, &mut out)
            .await
            .map_err(|error| Error::at(path, error))?;
    }
    Ok(())
}
