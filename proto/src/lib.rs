//! The gRPC contract of BitVault: messages, service traits and clients, generated from the `.proto` files beside this
//! crate. [`v1`] is public and stable; [`internal::v1`] is spoken between modules only and never reachable from outside.

#![allow(missing_docs, reason = "generated code is documented in the .proto files")]
#![allow(clippy::all, unreachable_pub, reason = "generated code is not ours to style")]

/// The public contract.
pub mod v1 {
    tonic::include_proto!("bitvault.v1");
}

/// Contracts between modules.
pub mod internal {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("bitvault.internal.v1");
    }
}

/// Encoded descriptors of the public package, for gRPC reflection.
pub const PUBLIC_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/public_descriptors.bin"));
