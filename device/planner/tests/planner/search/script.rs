//! Scripts at random: a tree that all agree on, and then what happens.

use proptest::prelude::*;

use crate::model::Mistake;
use crate::search::acts::{self, WebAct};
use crate::search::world::{Step, Sync};

/// What happens in a search, each with its weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) devices: usize,
    /// The first device's number: which file system it is like.
    pub(crate) first: usize,
    /// People act on disks, and on the server.
    pub(crate) disk: u32,
    pub(crate) web: u32,
    /// Entries that are never synced turn up.
    pub(crate) unsynced: u32,
    /// Rights are taken and given.
    pub(crate) rights: u32,
    /// Folders are left out and taken in again.
    pub(crate) excludes: u32,
    /// Devices lose their state.
    pub(crate) loses_state: u32,
    /// Devices die before they know what they did.
    pub(crate) loses_answers: bool,
    /// A mistake that the devices make.
    pub(crate) mistake: Option<Mistake>,
}

/// A device that is like Linux, and people everywhere.
pub(crate) const ORDINARY: Setting = Setting {
    devices: 1,
    first: 0,
    disk: 8,
    web: 4,
    unsynced: 0,
    rights: 0,
    excludes: 0,
    loses_state: 0,
    loses_answers: true,
    mistake: None,
};

fn step(setting: Setting) -> impl Strategy<Value = Step> {
    let device = 0..3_usize;
    prop_oneof![
        setting.disk => (device.clone(), acts::disk()).prop_map(|(device, act)| Step::Disk(device, act)),
        setting.web => acts::web().prop_map(Step::Web),
        6 => (device.clone(), sync()).prop_map(|(device, sync)| Step::Sync(device, sync)),
        setting.unsynced => (device.clone(), acts::rare_on_disk()).prop_map(|(device, act)| Step::Disk(device, act)),
        setting.rights => acts::rights().prop_map(Step::Web),
        setting.excludes => (device.clone(), any::<u8>()).prop_map(|(device, node)| Step::Exclude(device, node)),
        setting.loses_state => device.prop_map(Step::LoseState),
    ]
}

/// A tree that all agree on, and then what happens.
pub(crate) fn script(setting: Setting) -> impl Strategy<Value = (Vec<WebAct>, Vec<Step>)> {
    (
        proptest::collection::vec(acts::growing(), 0..8),
        proptest::collection::vec(step(setting), 1..24),
    )
}

fn sync() -> impl Strategy<Value = Sync> {
    (
        prop_oneof![3 => Just(usize::MAX), 1 => 0..4_usize],
        proptest::bool::weighted(0.8),
        any::<u64>(),
        proptest::option::weighted(0.2, (0..4_usize, acts::disk())),
    )
        .prop_map(|(events, scans, seed, disturbance)| Sync {
            events,
            scans,
            seed,
            disturbance,
        })
}
