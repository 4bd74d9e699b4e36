//! What a device's engine is driven against in tests: a model of the server behind the engine's own trait.
//!
//! Owns the model's tree, journal and bytes, in memory. Called by the engine's tests and by the simulator.
//!
//! Invariants: everything is a function of the calls and of [`Faults`]; ids are counted, no clock is read. What the model
//! does is what docs of the real API promise; where the two differ, the real one is tested with real processes.

mod server;

pub use server::{Fault, Faults, ModelRemote, ModelServer, NoFaults, Seen};
