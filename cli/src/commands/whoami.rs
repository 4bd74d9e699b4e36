use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use serde_json::json;

pub(crate) async fn run(server: &Server, output: &Output) -> Result<(), Error> {
    let me = server.client.me().await?;
    let url = server.client.base();
    if output.json {
        return output.document(&json!({
            "url": url, "account": me.account, "tenant": me.tenant, "role": me.role, "traces": me.traces,
        }));
    }
    let (name, email) = (
        output.name(&me.account.display_name),
        output.name(&me.account.email),
    );
    output.line(&format!(
        "{email} ({name}), {} of {} at {url}",
        me.role,
        output.name(&me.tenant.name)
    ))
}
