//! toxiproxy: a real proxy that does to connections what bad networks do, told by its HTTP API.

use crate::daemon::free_port;
use crate::stores::tool;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What happens to the connections through a proxy, those that are open included, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They are reset, and so is each new one.
    Reset,
    /// They are closed, and nobody listens any more.
    Refused,
    /// Nothing passes. Each is closed after so many milliseconds; with 0 not before the fault ends.
    Silence(u64),
    /// Each is closed behind so many bytes.
    Limit(u64),
    /// Everything takes so many milliseconds longer.
    Latency(u64),
}

impl Fault {
    fn toxic(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Reset => Some(("reset_peer", json!({ "timeout": 0 }))),
            Self::Refused => None,
            Self::Silence(ms) => Some(("timeout", json!({ "timeout": ms }))),
            Self::Limit(bytes) => Some(("limit_data", json!({ "bytes": bytes }))),
            Self::Latency(ms) => Some(("latency", json!({ "latency": ms, "jitter": ms / 2 }))),
        }
    }
}

/// The running program. Dropped, it is killed.
#[derive(Debug)]
pub struct Toxiproxy {
    api: String,
    http: reqwest::Client,
    child: Child,
}

impl Toxiproxy {
    /// Starts it and waits until it answers.
    pub async fn start() -> Result<Self> {
        let port = free_port()?;
        let child = Command::new(tool("toxiproxy")?)
            .args(["-host", "127.0.0.1", "-port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start toxiproxy")?;
        let started = Self {
            api: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::new(),
            child,
        };
        let deadline = Instant::now() + READY_WITHIN;
        while started.http.get(started.url("/version")).send().await.is_err() {
            if Instant::now() > deadline {
                bail!("toxiproxy does not answer within {READY_WITHIN:?}");
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(started)
    }

    /// A proxy before `target`, on a free port.
    pub async fn before(&self, name: &str, target: SocketAddr) -> Result<Proxy> {
        let wanted = json!({
            "name": name,
            "listen": "127.0.0.1:0",
            "upstream": target.to_string(),
            "enabled": true,
        });
        let proxy = self.url("/proxies");
        let made = call(self.http.post(&proxy).json(&wanted)).await?;
        let address = made["listen"].as_str().context("where it listens")?;
        Ok(Proxy {
            at: format!("{proxy}/{name}"),
            address: address.parse()?,
            http: self.http.clone(),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }
}

impl Drop for Toxiproxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// One proxy; it lives as long as the program.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its URL in the program's API.
    at: String,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Proxy {
    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins a fault; those that are there stay.
    pub async fn begin(&self, fault: Fault) -> Result<()> {
        let Some((kind, attributes)) = fault.toxic() else {
            return self.enable(false).await;
        };
        for stream in ["upstream", "downstream"] {
            let toxic = json!({
                "name": format!("{kind}-{stream}"),
                "type": kind,
                "stream": stream,
                "attributes": attributes,
            });
            call(self.http.post(format!("{}/toxics", self.at)).json(&toxic)).await?;
        }
        Ok(())
    }

    /// Ends all faults.
    pub async fn heal(&self) -> Result<()> {
        let toxics = call(self.http.get(format!("{}/toxics", self.at))).await?;
        for toxic in toxics.as_array().into_iter().flatten() {
            let name = toxic["name"].as_str().context("a toxic has a name")?;
            call(self.http.delete(format!("{}/toxics/{name}", self.at))).await?;
        }
        self.enable(true).await
    }

    async fn enable(&self, enabled: bool) -> Result<()> {
        call(self.http.post(&self.at).json(&json!({ "enabled": enabled })))
            .await
            .map(drop)
    }
}

async fn call(request: reqwest::RequestBuilder) -> Result<Value> {
    let answer = request.send().await.context("call toxiproxy")?;
    let status = answer.status();
    let text = answer.text().await.context("read toxiproxy's answer")?;
    if !status.is_success() {
        bail!("toxiproxy: {status}: {text}");
    }
    match text.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_str(&text).with_context(|| format!("toxiproxy's answer: {text}")),
    }
}
