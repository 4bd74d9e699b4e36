//! What may happen in a run: drawn from its seed, so that each run is rich in a few things rather than poor in all.

use crate::disk::Nature;
use crate::hub::Hub;

/// Who acts in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actors {
    /// People at all machines and on the web.
    Everyone,
    /// Those at the first machine.
    OneMachine,
    /// Those on the web.
    Web,
}

/// What may happen in a run. Likelihoods are in a thousand, of each step of the driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Machines that sync.
    pub(crate) devices: usize,
    /// How many acts of people there are.
    pub(crate) acts: usize,
    /// Who acts.
    pub(crate) actors: Actors,
    /// Of a hundred acts so many are on the web.
    pub(crate) web: usize,
    /// A device's process is killed.
    pub(crate) crashes: u32,
    /// A machine loses power.
    pub(crate) power_cuts: u32,
    /// A request or an answer is lost.
    pub(crate) losses: u32,
    /// A download ends early.
    pub(crate) short_downloads: u32,
    /// A whole listing fails to name something.
    pub(crate) partial_listings: u32,
    /// A machine is offline for a while.
    pub(crate) offline: u32,
    /// A disk is full for a while.
    pub(crate) disk_full: u32,
    /// A call to a disk fails.
    pub(crate) disk_errors: u32,
    /// A commit to the state fails.
    pub(crate) state_errors: u32,
    /// A disk is unmounted for a while.
    pub(crate) unmounts: u32,
    /// A state is lost, or put back to an earlier one.
    pub(crate) lost_states: u32,
    /// A folder and its state are copied to another machine.
    pub(crate) clones: u32,
    /// The server is put back to a backup.
    pub(crate) backups: u32,
    /// The journal is cut.
    pub(crate) compactions: u32,
    /// Rights are taken and given.
    pub(crate) rights: u32,
    /// A device is signed out for a while.
    pub(crate) revocations: u32,
    /// A machine's clock jumps.
    pub(crate) jumps: u32,
    /// A folder is left out, or taken in again.
    pub(crate) selections: u32,
    /// People have a device pause, or go on.
    pub(crate) pauses: u32,
    /// Of a hundred sessions so many keep running and watch.
    pub(crate) watches: usize,
    /// A hint of a watch is lost in an overflow.
    pub(crate) overflows: u32,
    /// The acts of people are simple ones, at devices with simple disks.
    pub(crate) is_plain: bool,
}

impl Setting {
    /// Draws one.
    pub(crate) fn draw(hub: &Hub) -> Self {
        let rarely = |likelihood: u32| match hub.below(5) {
            0 => likelihood,
            _ => 0,
        };
        let often = |likelihood: u32| match hub.below(3) {
            0 => 0,
            1 => likelihood / 4,
            _ => likelihood,
        };
        Self {
            devices: 1 + hub.below(5).div_ceil(2),
            acts: 4 + hub.below(20),
            actors: [
                Actors::Everyone,
                Actors::Everyone,
                Actors::OneMachine,
                Actors::Web,
            ][hub.below(4)],
            web: [0, 20, 50][hub.below(3)],
            crashes: often(12),
            power_cuts: rarely(8),
            losses: often(40),
            short_downloads: rarely(100),
            partial_listings: rarely(300),
            offline: rarely(4),
            disk_full: rarely(4),
            disk_errors: rarely(8),
            state_errors: rarely(20),
            unmounts: rarely(3),
            lost_states: rarely(2),
            clones: rarely(1),
            backups: rarely(3),
            compactions: rarely(3),
            rights: rarely(8),
            revocations: rarely(3),
            jumps: rarely(4),
            selections: rarely(5),
            pauses: rarely(20),
            watches: [0, 0, 50][hub.below(3)],
            overflows: rarely(30),
            is_plain: hub.below(4) == 0,
        }
    }

    /// What the disk of a machine is like.
    pub(crate) fn nature(&self, hub: &Hub, number: usize) -> Nature {
        Nature {
            number: number as u64 + 1,
            folds: !self.is_plain && hub.below(4) == 0,
            tells_birth: self.is_plain || hub.below(3) > 0,
            reuses_numbers: !self.is_plain && hub.below(3) == 0,
            tick: [1, 1, 4_000_000, 10_000_000][hub.below(4)],
        }
    }
}
