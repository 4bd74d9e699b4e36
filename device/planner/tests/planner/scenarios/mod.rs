//! A test for each scenario family of sync that the planner can show.

mod deletes;
mod doubts;
mod edits;
mod moves;
mod names;
mod scans;
mod selection;
