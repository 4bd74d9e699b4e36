//! The engine of device sync: keeps a folder of this machine and one on the server in step.
//!
//! Owns everything that acts: reading the journal, scanning, carrying out what the planner says, and the device's state.
//! The planner (`bitvault-planner`) decides; nothing here does. Called by the CLI and driven by the simulator.
//!
//! Invariants: file system, server, time and chance come in as traits ([`fs::FileSystem`], [`remote::Remote`],
//! [`world::World`]), so that a run can be repeated by its seed. One task owns the trees. See ADR-0022 and ADR-0023.

pub mod engine;
pub mod fs;
pub mod remote;
pub mod scan;
pub mod state;
pub mod watch;
pub mod world;

pub use bitvault_planner as planner;
