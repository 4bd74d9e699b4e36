//! `bitvault sync`: the device engine behind a command, and what it remembers.

mod doctor;
mod look;
mod pace;
mod place;
mod progress;
mod run;

pub(crate) use doctor::doctor;
pub(crate) use look::look;
pub(crate) use run::run;
