//! The two services: authorise → domain → store.

mod identity;
mod sessions;
