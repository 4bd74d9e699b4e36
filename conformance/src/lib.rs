//! Black-box suites and what they stand on: real servers on loopback, started on free ports and stopped by whoever
//! started them.
//!
//! - [`daemon`]: a real `bitvaultd`
//! - [`api`]: a plain caller of its REST API
//! - [`stores`]: MinIO, versitygw and rclone

pub mod api;
pub mod daemon;
pub mod stores;
