//! How often somebody waits for Postgres: a proxy in front of it that reads both sides of the wire.
//!
//! A round trip begins with a message to a server that owes no answer, and ends when the server has answered all that was sent
//! meanwhile and is ready again. So BEGIN, COMMIT and ROLLBACK count, prepared or not, waited for or not, and two statements in one
//! message are one. Not counted is what connects, and the bare Sync by which a pool tries each connection that comes back to it:
//! there is no SQL in it, and nobody waits for it.
//!
//! A statement is prepared when a connection sees it first, which is a round trip of its own: do first, uncounted, what is to be counted.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long connections may take to come back to their pools.
const REST_WITHIN: Duration = Duration::from_secs(20);
/// Read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The proxy. It ends when this is dropped.
#[derive(Debug)]
pub struct Turns {
    port: u16,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    log: Mutex<Log>,
    rested: Notify,
}

#[derive(Debug, Default)]
struct Log {
    /// What each round trip carried.
    turns: Vec<String>,
    /// By number; one that ended is gone.
    clients: HashMap<usize, Client>,
}

impl Seen {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    /// In front of the server that listens on that port of this machine.
    pub async fn before(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::<Seen>::default();
        let accepted = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((client, _)) = listener.accept().await {
                number += 1;
                let seen = Arc::clone(&accepted);
                tokio::spawn(async move {
                    // A side that went away; the other one learns it by its closed connection.
                    let _gone = pass(number, client, server, &seen).await;
                    seen.log().clients.remove(&number);
                    seen.rested.notify_waiters();
                });
            }
        });
        Ok(Self {
            port,
            seen,
            accepting,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the round trips carried that something took, until all connections are back in their pools.
    ///
    /// # Panics
    ///
    /// When they don't come back.
    pub async fn of<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.rest().await;
        self.seen.log().turns.clear();
        let done = work.await;
        self.rest().await;
        let turns = std::mem::take(&mut self.seen.log().turns);
        (done, turns)
    }

    async fn rest(&self) {
        let rest = async {
            loop {
                let rested = self.seen.rested.notified();
                tokio::pin!(rested);
                // Before looking, so that nothing is missed between the two.
                rested.as_mut().enable();
                if self.seen.log().clients.values().all(|client| client.is_resting) {
                    return;
                }
                rested.await;
            }
        };
        #[allow(clippy::expect_used, reason = "a test's mistake")]
        tokio::time::timeout(REST_WITHIN, rest)
            .await
            .expect("all connections come back to their pools");
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A connection.
#[derive(Debug, Default)]
struct Client {
    /// Whether it has connected.
    is_started: bool,
    /// How often the server will say that it is ready.
    owed: usize,
    /// The round trip that is on its way.
    turn: Vec<Part>,
    /// Texts of prepared statements, by name.
    prepared: HashMap<String, String>,
    /// Whether the last that was heard of it is that a pool tried it.
    is_resting: bool,
}

#[derive(Debug)]
enum Part {
    Connect,
    /// Statements as text.
    Query(String),
    Prepare(String),
    /// A prepared statement.
    Execute(String),
    Sync,
}

impl Client {
    /// A message of the client: its type, which the first one has none of, and what it holds.
    fn sends(&mut self, kind: Option<u8>, body: &[u8]) {
        let part = match kind {
            None => Part::Connect,
            Some(b'Q') => Part::Query(texts(body)[0].clone()),
            Some(b'P') => {
                let texts = texts(body);
                let sql = texts.get(1).cloned().unwrap_or_default();
                self.prepared.insert(texts[0].clone(), sql.clone());
                Part::Prepare(sql)
            }
            // A portal and the statement.
            Some(b'B') => {
                let name = texts(body).get(1).cloned().unwrap_or_default();
                Part::Execute(self.prepared.get(&name).cloned().unwrap_or_default())
            }
            Some(b'S') => Part::Sync,
            // Belongs to those above.
            Some(_) => return,
        };
        self.is_started = true;
        self.is_resting = false;
        self.owed += usize::from(matches!(part, Part::Connect | Part::Query(_) | Part::Sync));
        self.turn.push(part);
    }

    /// The server is ready; what the round trip carried, if that ends one that counts.
    fn is_answered(&mut self) -> Option<String> {
        self.owed = self.owed.saturating_sub(1);
        if self.owed > 0 {
            return None;
        }
        let turn = std::mem::take(&mut self.turn);
        let executes = |part: &Part| matches!(part, Part::Prepare(_) | Part::Execute(_));
        self.is_resting = matches!(turn.last(), Some(Part::Sync)) && !turn.iter().any(executes);
        let carried = turn.into_iter().filter_map(|part| match part {
            Part::Connect | Part::Sync => None,
            Part::Query(sql) | Part::Execute(sql) => Some(short(&sql)),
            Part::Prepare(sql) => Some(format!("prepare {}", short(&sql))),
        });
        let carried: Vec<String> = carried.collect();
        (!carried.is_empty()).then(|| carried.join("; "))
    }
}

/// The texts that a message begins with.
fn texts(body: &[u8]) -> Vec<String> {
    body.split(|byte| *byte == 0)
        .take(2)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect()
}

/// How a statement begins, without its columns.
fn short(sql: &str) -> String {
    let flat = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = flat.find(" FROM ").filter(|_| flat.starts_with("SELECT "));
    let start = from.map_or(flat.as_str(), |at| &flat[at + 1..]);
    start.chars().take(80).collect()
}

/// Passes everything on, both ways.
async fn pass(number: usize, client: TcpStream, server: u16, seen: &Seen) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    seen.log().clients.insert(number, Client::default());
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asks = relay(from_client, to_server, |chunk: &mut Vec<u8>| {
        if let Some(client) = seen.log().clients.get_mut(&number) {
            while let Some((kind, body, length)) = message(chunk, client.is_started) {
                client.sends(kind, body);
                chunk.drain(..length);
            }
        }
    });
    let answers = relay(from_server, to_client, |chunk: &mut Vec<u8>| {
        let mut log = seen.log();
        while let Some((kind, _, length)) = message(chunk, true) {
            if kind == Some(b'Z')
                && let Some(turn) = log.clients.get_mut(&number).and_then(Client::is_answered)
            {
                log.turns.push(turn);
            }
            chunk.drain(..length);
        }
        drop(log);
        seen.rested.notify_waiters();
    });
    // When one side ends, so does the other.
    tokio::select! { done = asks => done, done = answers => done }
}

/// Reads, tells what came and was not taken yet, and then writes it.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut tell: impl FnMut(&mut Vec<u8>),
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut heard = Vec::new();
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        heard.extend_from_slice(&chunk[..length]);
        tell(&mut heard);
        to.write_all(&chunk[..length]).await?;
    }
}

/// The first message, if all of it is here: its type, what it holds, and its length.
fn message(bytes: &[u8], is_typed: bool) -> Option<(Option<u8>, &[u8], usize)> {
    let at = usize::from(is_typed);
    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let end = at + usize::try_from(length).ok()?;
    let body = bytes.get(at + 4..end)?;
    Some((is_typed.then(|| bytes[0]), body, end))
}
