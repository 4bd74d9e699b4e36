//! What goes wrong around the engines, and how it is put right in the end.

use bitvault_device::fs::own;
use bitvault_device::planner::NodeId;

use crate::run::Run;
use crate::store::Rows;

/// A second, in nanoseconds.
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Run {
    /// Perhaps something goes wrong now.
    pub(crate) fn accidents(&mut self) -> Result<(), String> {
        let setting = self.setting;
        let number = self.hub.below(self.devices.len());
        if self.hub.happens(setting.crashes) && self.devices[number].is_working() {
            self.crash(number, "crash");
        }
        if self.hub.happens(setting.power_cuts) {
            self.power_cut(number)?;
        }
        self.interruptions(number);
        if self.hub.happens(setting.lost_states) {
            self.lose_state(number);
        }
        if self.hub.happens(setting.clones) {
            self.clone_to(number);
        }
        self.server_accidents();
        if self.hub.happens(setting.jumps) {
            let jump = [
                SECOND,
                -SECOND,
                3600 * SECOND,
                -3600 * SECOND,
                40 * DAY,
                -40 * DAY,
            ][self.hub.below(6)];
            self.note(
                "clock jump",
                format_args!("the clock of d{number} jumps by {jump}"),
            );
            self.devices[number].machine.lock().skew += jump;
        }
        if self.hub.happens(setting.overflows) {
            self.note(
                "watcher overflow",
                format_args!("the watch of d{number} overflows"),
            );
            self.devices[number].machine.lock().lose_hints();
        }
        if self.hub.happens(setting.selections) {
            self.select(number);
        }
        if self.hub.happens(setting.pauses) {
            self.pause(number);
        }
        Ok(())
    }

    fn note(&self, family: &'static str, what: std::fmt::Arguments<'_>) {
        self.hub.met(family);
        self.hub.tell(what);
    }

    fn crash(&mut self, number: usize, family: &'static str) {
        self.note(family, format_args!("d{number}: {family}"));
        self.devices[number].kill();
    }

    /// What begins and ends by itself.
    fn interruptions(&mut self, number: usize) {
        let setting = self.setting;
        let mut guard = self.devices[number].machine.lock();
        let machine = &mut *guard;
        let kinds: [(&'static str, u32, &mut bool); 3] = [
            ("offline", setting.offline, &mut machine.is_offline),
            ("disk full", setting.disk_full, &mut machine.disk.is_full),
            ("access revoked", setting.revocations, &mut machine.is_revoked),
        ];
        for (family, likelihood, is_on) in kinds {
            let likelihood = if *is_on { 20 } else { likelihood };
            if self.hub.happens(likelihood) && (likelihood != 20 || *is_on) {
                *is_on = !*is_on;
                self.note(family, format_args!("d{number} {family}: {is_on}"));
            }
        }
        let likelihood = if machine.is_mounted { setting.unmounts } else { 20 };
        if self.hub.happens(likelihood) {
            machine.is_mounted = !machine.is_mounted;
            self.note(
                "unmount",
                format_args!("d{number} mounted: {}", machine.is_mounted),
            );
            drop(guard);
            self.may_repeat = true;
        }
    }

    fn server_accidents(&mut self) {
        let setting = self.setting;
        if self.hub.happens(setting.backups) {
            match self.backup.take() {
                None => {
                    self.hub.tell(format_args!("a backup of the server"));
                    self.backup = Some(self.server.backup());
                }
                Some(backup) => {
                    self.note(
                        "server restored from backup",
                        format_args!("the server is put back"),
                    );
                    self.may_repeat = true;
                    self.server.restore_backup(&backup);
                    self.excuse_what_the_server_lost();
                }
            }
        }
        if self.hub.happens(setting.compactions) {
            self.note("cursor pruned", format_args!("the journal is cut"));
            self.server.compact(self.server.journal_len());
        }
        if self.hub.happens(setting.rights) {
            self.change_rights();
        }
    }

    /// What was on the server alone is gone with it.
    fn excuse_what_the_server_lost(&mut self) {
        let mut kept = self.server.contents(self.server.root());
        for device in &self.devices {
            let machine = device.machine.lock();
            let seen = machine.disk.seen().into_iter();
            let seen = seen.filter(|(path, _, _)| !machine.is_exchanging(path));
            kept.extend(seen.filter_map(|(_, ino, _)| machine.disk.read(ino).ok()));
        }
        let lost: Vec<_> = self
            .ledger
            .written()
            .keys()
            .filter(|content| !kept.contains(content))
            .cloned()
            .collect();
        self.ledger.supersede(lost);
        // A device may be about to remove what it left out and the server had until now.
        let there = self.server.contents(self.server.root());
        let rest: Vec<_> = self
            .ledger
            .written()
            .keys()
            .filter(|content| !there.contains(content))
            .cloned()
            .collect();
        rest.iter().for_each(|content| self.ledger.may_be_buried(content));
    }

    fn change_rights(&mut self) {
        let nodes = self.server.nodes();
        let Some(node) = self.hub.pick(&nodes[1..]).map(|node| node.id) else {
            return;
        };
        match self.hub.below(4) {
            0 => {
                self.note("read-only", format_args!("{node} may only be read"));
                self.server.set_writable(node, false);
            }
            1 => {
                self.note("access revoked mid-sync", format_args!("{node} is hidden"));
                self.server.set_hidden(node, true);
            }
            _ => {
                self.hub.tell(format_args!("all rights are given"));
                self.server.give_all_rights();
            }
        }
    }

    fn select(&mut self, number: usize) {
        let nodes: Vec<NodeId> = self.server.nodes().iter().skip(1).map(|node| node.id).collect();
        let Some(node) = self.hub.pick(&nodes) else { return };
        self.note(
            "selective-sync change",
            format_args!("d{number} leaves out, or takes in, {node}"),
        );
        let id = node.to_string();
        self.devices[number].store.ask(|control| {
            if !control.excluded.remove(&id) {
                control.excluded.insert(id);
            }
        });
    }

    /// People want a device to do nothing for now, or to go on.
    fn pause(&mut self, number: usize) {
        let device = &self.devices[number];
        if device.is_working() {
            self.hub.met("paused at work");
        }
        device.store.ask(|control| {
            control.paused = !control.paused;
            self.hub
                .tell(format_args!("d{number} is to pause: {}", control.paused));
        });
    }

    /// The state of a device is lost, or put back to what it was at some time.
    fn lose_state(&mut self, number: usize) {
        if self.saved[number].is_none() && self.hub.below(2) == 0 {
            self.saved[number] = Some(self.devices[number].store.rows());
            return;
        }
        self.crash(number, "crash");
        self.may_repeat = true;
        let rows = self.saved[number].take();
        let family = if rows.is_some() {
            "state database stale"
        } else {
            "state database lost"
        };
        self.note(family, format_args!("d{number}: {family}"));
        self.devices[number].store.put_back(rows.unwrap_or_default());
    }

    /// The folder and the state of one machine are copied to another one, in place of what that had.
    fn clone_to(&mut self, to: usize) {
        let from = (to + 1) % self.devices.len();
        let names = |number: usize| self.devices[number].names() == self.devices[to].names();
        if from == to || !names(from) {
            return;
        }
        self.crash(to, "crash");
        self.note(
            "state database cloned",
            format_args!("d{from} is copied to d{to}"),
        );
        self.may_repeat = true;
        self.people.die(to, &mut self.ledger);
        let (disk, rows) = {
            let machine = self.devices[from].machine.lock();
            (
                machine.disk.copied(to as u64 + 1),
                self.devices[from].store.rows(),
            )
        };
        let gone = {
            let mut machine = self.devices[to].machine.lock();
            let gone: Vec<_> = machine.disk.files().into_iter().map(|file| file.2).collect();
            machine.replace(disk);
            gone
        };
        self.ledger.supersede(gone);
        self.devices[to].store.put_back(rows);
    }

    /// The power fails. What a device had noted as synced must be there behind it.
    fn power_cut(&mut self, number: usize) -> Result<(), String> {
        self.crash(number, "power cut");
        self.people.die(number, &mut self.ledger);
        self.may_repeat = true;
        let store = self.devices[number].store.clone();
        let mut machine = self.devices[number].machine.lock();
        if !machine.is_mounted {
            return Ok(());
        }
        let noted = noted(&store.rows(), &machine.disk);
        let before: Vec<_> = machine.disk.files().into_iter().map(|file| file.2).collect();
        if let Some(torn) = machine.disk.cut(&self.hub).first() {
            return Err(format!("d{number} put {torn} in place before it was durable"));
        }
        // What is left under a name of the engine's is for it to throw away: the server has it, or had it before it was put back.
        let held = self.server.all_contents(self.server.root());
        let after = machine.disk.files().into_iter().filter(|(path, _, content)| {
            let name = path.split().map_or("", |(_, name)| name);
            !own::is_temp(name) || held.contains(content)
        });
        let after: Vec<_> = after.map(|file| file.2).collect();
        let disk = &machine.disk;
        let seen = disk.seen();
        for (path, ino, bytes) in noted {
            // Wherever it is: of what a person renamed last, to and fro, any beginning may be left.
            let is_there = seen.iter().any(|(_, there, _)| *there == ino);
            let is_whole = bytes.is_none_or(|bytes| disk.read(ino) == Ok(bytes));
            if !is_there || !is_whole {
                return Err(format!("d{number} noted {path} as synced before it was durable"));
            }
        }
        self.ledger
            .supersede(before.iter().filter(|content| !after.contains(content)).cloned());
        for (_, ino, _) in machine.disk.seen() {
            if let Ok(content) = machine.disk.read(ino) {
                self.ledger.fragment(content);
            }
        }
        Ok(())
    }

    /// All that went wrong is over.
    pub(crate) fn put_right(&mut self) {
        let machines: Vec<_> = self.devices.iter().map(|device| device.machine.clone()).collect();
        self.people.finish(&machines, &mut self.ledger);
        for number in 0..self.devices.len() {
            if self.devices[number].is_working() {
                self.crash(number, "crash");
            }
            let device = &mut self.devices[number];
            device.kill();
            let mut machine = device.machine.lock();
            machine.losses = 0;
            machine.short_downloads = 0;
            machine.partial_listings = 0;
            machine.disk_errors = 0;
            machine.state_errors = 0;
            machine.is_offline = false;
            machine.is_revoked = false;
            machine.is_mounted = true;
            machine.disk.is_full = false;
            drop(machine);
            device.store.ask(|control| *control = Default::default());
        }
        self.server.give_all_rights();
        if self.setting.partial_listings > 0 {
            // What a listing failed to name is unknown until the next one.
            self.may_repeat = true;
            self.server.tell_all();
        }
    }
}

/// What a state says is synced and is on the disk as it says: path, inode and, of a file, its content.
fn noted(
    rows: &Rows,
    disk: &crate::disk::Disk,
) -> Vec<(
    bitvault_device::fs::RelPath,
    crate::disk::Ino,
    Option<bytes::Bytes>,
)> {
    let Ok(Some(loaded)) = rows.loaded() else {
        return Vec::new();
    };
    let trees = &loaded.trees;
    let synced = trees.synced.iter().filter_map(|synced| {
        let path = bitvault_device::scan::path_of(trees, synced.local)?;
        let entry = trees.local.get(synced.local)?;
        let ino = disk.at(&path).ok()?;
        let found = disk.stat(ino).ok()?;
        let is_as_noted = match synced.kind.content() {
            Some(_) => synced.fingerprint == Some(found.fingerprint),
            // Its number may be that of another one by now.
            None => found.kind == entry.kind && found.fingerprint.may_be_same_inode(&entry.fingerprint),
        };
        is_as_noted.then(|| (path, ino, disk.read(ino).ok()))
    });
    synced.collect()
}
