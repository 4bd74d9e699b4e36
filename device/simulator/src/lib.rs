//! Whole engines of device sync on a simulated file system, network and clock, and the search among their seeds.
//!
//! Owns a model of the server, a model of a machine, and the driver that lets engines, people and accidents take turns in
//! one thread. Called by tests and by `cargo xtask sim`.
//!
//! Invariants: a run is a function of its seed. Ids are counted, no clock is read, no thread runs, and nothing depends on
//! the order of a hash map. What the models do is what the docs of the real things promise; where the two differ, the real
//! ones are tested with real processes.

mod accidents;
mod check;
mod device;
mod disk;
mod fs;
mod hub;
mod ledger;
mod machine;
mod mistake;
mod network;
mod people;
mod run;
mod server;
mod setting;
mod store;
mod trace;
mod world;

pub use mistake::Mistake;
pub use run::{Options, Outcome, run};
pub use server::{Fault, Faults, ModelRemote, ModelServer, NoFaults, Seen};
pub use trace::Trace;
