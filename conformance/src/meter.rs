//! A TCP proxy before a store that counts the bytes of each direction and can hold them at a mark, so that a test sees
//! what was really sent and can stop a transfer in its middle without guessing at times.

use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a test waits for bytes to come.
const WITHIN: Duration = Duration::from_secs(120);
const BUFFER: usize = 16 * 1024;

/// One direction: how much has passed, and up to where bytes may pass.
#[derive(Debug, Clone)]
struct Flow {
    passed: Arc<watch::Sender<u64>>,
    limit: Arc<watch::Sender<u64>>,
}

impl Flow {
    fn new() -> Self {
        Self {
            passed: Arc::new(watch::Sender::new(0)),
            limit: Arc::new(watch::Sender::new(u64::MAX)),
        }
    }

    async fn carry(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return to.shutdown().await;
            }
            let mut limit = self.limit.subscribe();
            // The sender lives as long as this flow.
            let _open = limit
                .wait_for(|limit| *self.passed.borrow() < *limit)
                .await
                .is_ok();
            to.write_all(&buffer[..read]).await?;
            self.passed.send_modify(|passed| *passed += read as u64);
        }
    }

    async fn reach(&self, bytes: u64) -> Result<()> {
        let mut passed = self.passed.subscribe();
        match tokio::time::timeout(WITHIN, passed.wait_for(|passed| *passed >= bytes)).await {
            Ok(seen) => seen.map(drop).context("the meter is gone"),
            Err(_) => bail!("only {} bytes passed within {WITHIN:?}", *self.passed.borrow()),
        }
    }
}

/// A running proxy; it ends with the runtime that it was started in.
#[derive(Debug)]
pub struct Meter {
    address: SocketAddr,
    up: Flow,
    down: Flow,
    /// Changes when the connections that are open now must end.
    cut: watch::Sender<()>,
}

impl Meter {
    /// Listens on a free port and carries every connection to `target`.
    pub async fn before(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let meter = Self {
            address: listener.local_addr()?,
            up: Flow::new(),
            down: Flow::new(),
            cut: watch::Sender::new(()),
        };
        let cut = meter.cut.clone();
        let (up, down) = (meter.up.clone(), meter.down.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (up, down) = (up.clone(), down.clone());
                let mut cut = cut.subscribe();
                tokio::spawn(async move {
                    // A side that went away ends the connection; the other side notices by itself.
                    let Ok(server) = TcpStream::connect(target).await else {
                        return;
                    };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let carried = async {
                        tokio::join!(
                            up.carry(from_client, to_server),
                            down.carry(from_server, to_client)
                        )
                    };
                    tokio::select! {
                        _ends = carried => {}
                        _cut = cut.changed() => {}
                    }
                });
            }
        });
        Ok(meter)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes that clients sent since the last [`Meter::reset`], heads of requests included.
    pub fn sent(&self) -> u64 {
        *self.up.passed.borrow()
    }

    /// Bytes that clients were answered.
    pub fn received(&self) -> u64 {
        *self.down.passed.borrow()
    }

    /// Holds what clients send after so many bytes.
    pub fn hold_sent_at(&self, bytes: u64) {
        self.up.limit.send_replace(bytes);
    }

    /// Holds what clients are answered after so many bytes.
    pub fn hold_received_at(&self, bytes: u64) {
        self.down.limit.send_replace(bytes);
    }

    /// Holds nothing any more.
    pub fn release(&self) {
        self.hold_sent_at(u64::MAX);
        self.hold_received_at(u64::MAX);
    }

    /// Waits until clients sent so much.
    pub async fn wait_sent(&self, bytes: u64) -> Result<()> {
        self.up.reach(bytes).await
    }

    /// Waits until clients were answered so much.
    pub async fn wait_received(&self, bytes: u64) -> Result<()> {
        self.down.reach(bytes).await
    }

    /// Ends the connections that are open, so that nothing in flight is counted later; then counts from zero and holds
    /// nothing.
    pub fn reset(&self) {
        self.cut.send_replace(());
        for flow in [&self.up, &self.down] {
            flow.passed.send_replace(0);
            flow.limit.send_replace(u64::MAX);
        }
    }
}
