use super::{find, quota};
use crate::args::Usage;
use crate::connect::Server;
use crate::error::Error;
use crate::human::size;
use crate::output::Output;

pub(crate) async fn run(args: &Usage, server: &Server, output: &Output) -> Result<(), Error> {
    let usage = match &args.space {
        Some(path) => {
            let top = find(server, path).await?;
            let usage = server.client.usage(Some(&top.id)).await;
            usage.map_err(|error| Error::at(path, error))?
        }
        None => server.client.usage(None).await?,
    };
    if output.json {
        return output.document(&usage);
    }
    for (what, count, unit, bytes) in [
        ("files", usage.files, "file", usage.bytes),
        (
            "old versions",
            usage.old_versions,
            "version",
            usage.old_version_bytes,
        ),
        ("trash", usage.trash_files, "file", usage.trash_bytes),
    ] {
        let plural = if count == 1 { "" } else { "s" };
        output.line(&format!("{what:<12}  {:>9}  {count} {unit}{plural}", size(bytes)))?;
    }
    let all = usage.bytes + usage.old_version_bytes + usage.trash_bytes;
    output.line(&format!("{:<12}  {:>9}", "together", size(all)))?;
    usage
        .limits
        .iter()
        .try_for_each(|limit| output.line(&format!("{:<12}  {}", "limit", quota::told(limit))))
}
