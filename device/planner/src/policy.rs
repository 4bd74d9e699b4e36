//! What a device may hold, and what it has to ask a person about.

use std::collections::BTreeSet;

use crate::ids::NodeId;
use crate::names::NameRules;

/// What the planner has to know beside the trees. The engine makes it anew for each plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the device is called in names of conflicted copies.
    pub device: String,
    /// The day that such names carry.
    pub today: Date,
    /// What the device's file system can hold.
    pub names: NameRules,
    /// Selective sync: folders (or files) of the server that this device leaves out, with all below them.
    pub excluded: BTreeSet<NodeId>,
    /// When deletes wait for a person.
    pub guard: Guard,
}

/// A day of the device's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year, as 2026.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day, 1 to 31.
    pub day: u8,
}

/// When so many nodes would be deleted at once that a person is asked first, in each direction by itself: more than half
/// of what is synced, or more than `many` that are also more than `percent` of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// So many deletes are always carried out: who has three files may delete two.
    pub few: usize,
    /// Number of deletes above which `percent` counts.
    pub many: usize,
    /// Share of what is synced, in percent.
    pub percent: usize,
    /// So many were deleted on the server just before, beyond what was made anew: they count as if they were still to be.
    pub before_remote: usize,
    /// And so many on the device.
    pub before_local: usize,
    /// Up to how many deletes on the server a person has agreed to.
    pub agreed_remote: usize,
    /// Up to how many deletes on the device a person has agreed to.
    pub agreed_local: usize,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            few: 4,
            many: 1000,
            percent: 10,
            before_remote: 0,
            before_local: 0,
            agreed_remote: 0,
            agreed_local: 0,
        }
    }
}
