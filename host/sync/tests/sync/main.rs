//! The module sync over the real module files, on a real Postgres.

mod cursors;
mod devices;
mod erase;
mod model;
mod plans;
mod push;
mod retention;
mod rls;
mod sight;
mod support;
mod waiting;
