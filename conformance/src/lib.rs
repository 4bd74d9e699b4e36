//! Black-box suites and what they stand on: real servers on loopback, started on free ports and stopped by whoever
//! started them.
//!
//! - [`daemon`]: a real `bitvaultd`
//! - [`api`]: a plain caller of its REST API
//! - [`browser`]: the web app in a real browser
//! - [`cli`]: the real `bitvault`
//! - [`meter`]: a proxy that counts and holds bytes
//! - [`stores`]: MinIO, versitygw and rclone
//! - [`toxiproxy`]: a proxy that cuts and cripples connections
//! - [`disk`]: a small disk to be filled up

pub mod api;
pub mod browser;
pub mod cli;
pub mod daemon;
pub mod disk;
pub mod meter;
pub mod stores;
pub mod toxiproxy;
