//! What becomes of files that an exchange leaves beside their place.

use bitvault_planner::{Date, Name, conflicted_copy};

/// Where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The folder of the trash for what made place.
    pub label: String,
    /// What the device is called in names of conflicted copies.
    pub device: String,
    /// The day that such names carry.
    pub today: Date,
}

impl Aside {
    /// What a file is called that somebody wrote while it had this name for a moment: the first name, number 1, or a later
    /// one where that is taken.
    pub fn copy(&self, name: &str, number: u32) -> String {
        let copy = conflicted_copy(&Name::from(name), false, &self.device, self.today, number);
        copy.as_str().to_owned()
    }
}
