//! The peer: two instances of Syncthing on loopback, each with one folder, without discovery, relays or NAT traversal.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bitvault_conformance::daemon::free_port;
use serde_json::{Value, json};

const KEY: &str = "benchmark";
/// How long an instance may take to answer its API.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
const SHARE: &str = "bench";

pub(super) struct Peer {
    home: PathBuf,
    pub(super) folder: PathBuf,
    id: String,
    gui: String,
    listen: String,
    http: reqwest::Client,
    child: Option<Child>,
}

impl Peer {
    pub(super) fn new(home: &Path, name: &str) -> Result<Self> {
        let (home, folder) = (home.join(name).join("home"), home.join(name).join("files"));
        std::fs::create_dir_all(&folder).context("make a folder for Syncthing")?;
        let made = program().arg("generate").arg("--home").arg(&home).output();
        let made = made.context("run syncthing; install it with `cargo xtask tools syncthing`")?;
        ensure!(
            made.status.success(),
            "syncthing: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let id = program().arg("--home").arg(&home).arg("--device-id").output()?;
        Ok(Self {
            home,
            folder,
            id: String::from_utf8(id.stdout)?.trim().to_owned(),
            gui: format!("127.0.0.1:{}", free_port()?),
            listen: format!("tcp://127.0.0.1:{}", free_port()?),
            http: reqwest::Client::new(),
            child: None,
        })
    }

    pub(super) async fn start(&mut self) -> Result<()> {
        let child = program()
            .args([
                "serve",
                "--no-browser",
                "--no-restart",
                "--no-upgrade",
                "--no-default-folder",
            ])
            .arg("--home")
            .arg(&self.home)
            .arg(format!("--gui-address=http://{}", self.gui))
            .arg(format!("--gui-apikey={KEY}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.context("run syncthing")?);
        let begun = Instant::now();
        while self.get("/rest/system/ping").await.is_err() {
            ensure!(begun.elapsed() < STARTED_WITHIN, "syncthing does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Shares the folder with another one; from then on it is kept in step.
    pub(super) async fn share_with(&self, other: &Self) -> Result<()> {
        let mut config = self.get("/rest/config").await?;
        let options = config["options"]
            .as_object_mut()
            .context("syncthing has options")?;
        for name in [
            "globalAnnounceEnabled",
            "localAnnounceEnabled",
            "relaysEnabled",
            "natEnabled",
        ] {
            options.insert(name.to_owned(), json!(false));
        }
        options.insert("listenAddresses".to_owned(), json!([self.listen]));
        options.insert("urAccepted".to_owned(), json!(-1));
        options.insert("crashReportingEnabled".to_owned(), json!(false));
        config["devices"] = json!([
            {"deviceID": self.id, "name": "this"},
            {"deviceID": other.id, "name": "other", "addresses": [other.listen]},
        ]);
        config["folders"] = json!([{
            "id": SHARE,
            "path": self.folder,
            "type": "sendreceive",
            "devices": [{"deviceID": self.id}, {"deviceID": other.id}],
        }]);
        let request = self.http.put(format!("http://{}/rest/config", self.gui));
        request
            .header("X-API-Key", KEY)
            .json(&config)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// Whether it has so many files and needs none.
    pub(super) async fn has(&self, files: usize) -> Result<bool> {
        let status = self.get(&format!("/rest/db/status?folder={SHARE}")).await?;
        Ok(status["localFiles"].as_u64() == Some(files as u64)
            && status["needFiles"] == 0
            && status["state"] == "idle")
    }

    pub(super) fn pid(&self) -> Result<u64> {
        Ok(u64::from(self.child.as_ref().context("syncthing runs")?.id()))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = self
            .http
            .get(format!("http://{}{path}", self.gui))
            .header("X-API-Key", KEY);
        let answer = request.timeout(Duration::from_secs(30)).send().await?;
        if !answer.status().is_success() {
            bail!("syncthing answers {} to {path}", answer.status());
        }
        Ok(answer.json().await?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _killed = child.kill();
            let _ended = child.wait();
        }
    }
}

fn program() -> Command {
    Command::new("syncthing")
}
