//! Tests of the planner as its callers see it: scenarios as text, and a search with whole devices and a model server.

mod model;
mod notation;
mod scenarios;
mod search;
