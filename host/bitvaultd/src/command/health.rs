use super::answer;
use crate::config::Config;
use crate::lite::{last_runtime, reachable};
use anyhow::{Context as _, Result, bail};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a daemon may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

/// Asks `/readyz`. For container probes, so it needs nothing but this binary.
pub(crate) async fn healthcheck(config: &Config) -> Result<()> {
    let address = match last_runtime(&config.data_dir) {
        Some(runtime) => runtime.listen,
        None => reachable(config.listen),
    }
    .to_string();
    let asked = tokio::time::timeout(WITHIN, ask(&address)).await;
    let status = asked
        .ok()
        .context("no answer in time")
        .flatten()
        .with_context(|| format!("ask {address}"))?;
    if !status.contains(" 200 ") {
        bail!("not ready: {status}");
    }
    answer("ready");
    Ok(())
}

async fn ask(address: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.take(4096).read_to_string(&mut text).await?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
