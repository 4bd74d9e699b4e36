//! A network that is cut and crippled in the middle of transfers, by a real proxy before the server and one before its
//! store.

use crate::device::{Device, Tree, rest, until};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::sha256;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, lasting_port};
use bitvault_conformance::meter::Meter;
use bitvault_conformance::toxiproxy::{Fault, Proxy, Toxiproxy};
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use std::time::Duration;

const MIB: usize = 1 << 20;
/// Goes in some parts, and comes in some ranges.
const LARGE: usize = 20 * MIB;
/// A transfer is cut behind so much.
const CUT_AT: u64 = 12 * MIB as u64;
const SMALL: usize = 20;
/// After these a device gives up for now.
const CUTS: [Fault; 3] = [Fault::Reset, Fault::Refused, Fault::Silence(300)];
/// With these it has to come to an end. A part has to pass through one connection.
const CRIPPLED: [Fault; 2] = [Fault::Limit(6 * MIB as u64), Fault::Latency(150)];
/// A fault begins within this, if nothing holds it up.
const STUCK_AFTER: Duration = Duration::from_millis(500);
/// Parts so small that a file of some MiB travels in many.
const SMALL_PARTS: &str = "[files]\nmultipart_threshold = \"6MiB\"\npart_size = \"5MiB\"\n";

/// A daemon that devices reach through proxies only. The meter sees what goes to the store and comes from there.
pub(crate) struct Network {
    pub(crate) daemon: Daemon,
    pub(crate) server: Proxy,
    pub(crate) store: Proxy,
    pub(crate) meter: Meter,
    _toxiproxy: Toxiproxy,
}

impl Network {
    pub(crate) async fn new() -> Result<Self> {
        let toxiproxy = Toxiproxy::start().await?;
        let port = lasting_port()?;
        let meter = Meter::before(([127, 0, 0, 1], port).into()).await?;
        let store = toxiproxy.before("store", address(&meter.url())?).await?;
        let mut daemon = Daemon::with_config(&format!(
            "{SMALL_PARTS}[lite]\ns3_listen = \"127.0.0.1:{port}\"\ns3_public_url = \"{}\"\n",
            store.url()
        ))?;
        daemon.start().await?;
        let server = toxiproxy.before("server", address(daemon.url())?).await?;
        Ok(Self {
            daemon,
            server,
            store,
            meter,
            _toxiproxy: toxiproxy,
        })
    }

    pub(crate) fn device(&self, name: &str) -> Result<Device> {
        Device::through(&self.server.url(), name)
    }

    /// A fault by chance, of the server, the store or both.
    pub(crate) async fn fail(&self, random: &mut StdRng) -> Result<()> {
        let fault = match random.random_range(0..5) {
            0 => Fault::Reset,
            1 => Fault::Refused,
            2 => Fault::Silence(random.random_range(0..1000)),
            3 => Fault::Limit(random.random_range(0..4000)),
            _ => Fault::Latency(random.random_range(50..500)),
        };
        let which = random.random_range(0..3);
        if which < 2 {
            self.server.begin(fault).await?;
        }
        if which > 0 {
            self.store.begin(fault).await?;
        }
        Ok(())
    }

    pub(crate) async fn heal(&self) -> Result<()> {
        self.server.heal().await?;
        self.store.heal().await
    }
}

fn address(url: &str) -> Result<std::net::SocketAddr> {
    let address = url.strip_prefix("http://").context("a URL of this machine")?;
    Ok(address.parse()?)
}

pub(crate) async fn all(network: Network) -> Result<()> {
    let mut story = Story {
        devices: [network.device("desk")?, network.device("laptop")?],
        direct: Cli::signed_in(network.daemon.url(), EMAIL, PASSWORD)?,
        network,
        random: StdRng::seed_from_u64(11),
        wanted: Tree::new(),
        number: 0,
    };
    let store = CUTS.map(|fault| (fault, vec![story.network.store.clone()]));
    let server = [(Fault::Refused, vec![story.network.server.clone()])];
    let both = vec![story.network.server.clone(), story.network.store.clone()];
    let both = CRIPPLED.map(|fault| (fault, both.clone()));
    for (fault, proxies) in store.into_iter().chain(server).chain(both) {
        let uploaded = story.upload(fault, &proxies).await;
        uploaded.with_context(|| format!("{fault:?} of {proxies:?} in an upload"))?;
        let downloaded = story.download(fault, &proxies).await;
        downloaded.with_context(|| format!("{fault:?} of {proxies:?} in a download"))?;
    }
    Ok(())
}

struct Story {
    network: Network,
    devices: [Device; 2],
    /// Sees the server as it is.
    direct: Cli,
    random: StdRng,
    wanted: Tree,
    number: usize,
}

impl Story {
    /// New files, large and small, and new content for one of the last time. Answers the large one's path.
    fn write(&mut self) -> Result<String> {
        self.number += 1;
        let desk = &self.devices[0];
        let folder = format!("cut {}", self.number);
        for small in 0..SMALL {
            let (path, content) = (format!("{folder}/small {small}"), format!("{folder}: {small}"));
            desk.write(&path, &content)?;
            self.wanted.insert(path, Some(sha256(content.as_bytes())));
        }
        let mut content = vec![0; LARGE];
        self.random.fill_bytes(&mut content);
        // Both a new file and a new version of one that is there.
        let path = match self.number % 2 {
            0 => format!("{folder}/large"),
            _ => "large".to_owned(),
        };
        std::fs::write(desk.path(&path), &content)?;
        self.wanted.insert(path.clone(), Some(sha256(&content)));
        self.wanted.insert(folder, None);
        Ok(path)
    }

    /// The large file is half way to the store when the fault begins.
    async fn upload(&mut self, fault: Fault, proxies: &[Proxy]) -> Result<()> {
        let path = self.write()?;
        self.network.meter.reset();
        self.network.meter.hold_sent_at(CUT_AT);
        self.devices[0].start(&[])?;
        self.network.meter.wait_sent(CUT_AT).await?;
        self.fault(0, fault, proxies).await?;
        let hash = self.wanted.get(&path).cloned().flatten();
        until("the file is on the server", || {
            let there = self.direct.run(&["stat", "--json", &format!("/{path}")])?;
            Ok(there.code == 0 && there.json()?["node"]["sha256"].as_str() == hash.as_deref())
        })
        .await?;
        self.end(0).await
    }

    /// The large file is half way from the store when the fault begins.
    async fn download(&mut self, fault: Fault, proxies: &[Proxy]) -> Result<()> {
        let path = self.write()?;
        let before = self.devices[1].tree()?.remove(&path);
        self.devices[0].once()?;
        self.network.meter.reset();
        self.network.meter.hold_received_at(CUT_AT);
        self.devices[1].start(&[])?;
        self.network.meter.wait_received(CUT_AT).await?;
        self.fault(1, fault, proxies).await?;
        let hash = self.wanted.get(&path).cloned();
        until("the file is on the device", || {
            let now = match std::fs::read(self.devices[1].path(&path)) {
                Ok(content) => Some(Some(sha256(&content))),
                Err(_) => None,
            };
            ensure!(now == before || now == hash, "{path} is torn");
            Ok(now == hash)
        })
        .await?;
        self.end(1).await
    }

    /// Begins a fault in the middle of a transfer, and ends it when the device has given up, unless it has to live with it.
    async fn fault(&mut self, device: usize, fault: Fault, proxies: &[Proxy]) -> Result<()> {
        let cuts = CUTS.contains(&fault);
        if !cuts {
            // The program waits for what is under way before it slows a connection down.
            self.network.meter.release();
        }
        let begin = async {
            for proxy in proxies {
                proxy.begin(fault).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        // A connection whose buffers are full holds up the program, too: what it has under way goes on, and then the fault begins.
        let let_go = async {
            tokio::time::sleep(STUCK_AFTER).await;
            self.network.meter.release();
        };
        let (begun, ()) = tokio::join!(begin, let_go);
        begun?;
        if cuts {
            until("the device says that it was cut off", || {
                ensure!(self.devices[device].runs()?, "it ended");
                Ok(!self.devices[device].status()?["status"]["stopped"].is_null())
            })
            .await?;
            self.network.heal().await?;
        }
        Ok(())
    }

    /// Nothing is lost, nothing is there that nobody made, and the next sync does nothing.
    async fn end(&mut self, device: usize) -> Result<()> {
        self.network.heal().await?;
        self.devices[device].kill()?;
        let [desk, laptop] = &self.devices;
        let tree = rest(&[desk, laptop])?;
        ensure!(tree == self.wanted, "{tree:#?} instead of {:#?}", self.wanted);
        Ok(())
    }
}
