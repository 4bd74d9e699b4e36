//! Compiles the .proto files with protox, so that no protoc has to be installed.

use prost::Message as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "bitvault/v1/sessions.proto",
        "bitvault/v1/files.proto",
        "bitvault/v1/links.proto",
        "bitvault/v1/access.proto",
        "bitvault/v1/metadata.proto",
        "bitvault/v1/conflicts.proto",
        "bitvault/v1/quotas.proto",
        "bitvault/v1/tenants.proto",
        "bitvault/v1/search.proto",
        "bitvault/v1/sync.proto",
        "bitvault/internal/v1/identity.proto",
        "bitvault/internal/v1/links.proto",
        "bitvault/internal/v1/feed.proto",
        "bitvault/internal/v1/index.proto",
        "bitvault/internal/v1/nodes.proto",
        "bitvault/internal/v1/storage.proto",
        "bitvault/internal/v1/tenant_data.proto",
    ];
    for folder in ["bitvault", "google"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    // Only the public package is told by reflection.
    let public = prost_types_of(&descriptors, |name| !name.contains("internal"));
    std::fs::write(out.join("public_descriptors.bin"), public)?;
    tonic_prost_build::configure()
        .build_server(true)
        .build_client(true)
        .btree_map(".")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .compile_fds(descriptors)?;
    Ok(())
}

fn prost_types_of(set: &prost_types::FileDescriptorSet, keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let file = set
        .file
        .iter()
        .filter(|file| keep(file.name()))
        .cloned()
        .collect();
    prost_types::FileDescriptorSet { file }.encode_to_vec()
}
