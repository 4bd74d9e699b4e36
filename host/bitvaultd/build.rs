//! Checks that what the binary embeds has been built.

fn main() {
    println!("cargo:rerun-if-changed=../../assets");
    if !std::path::Path::new("../../assets/plugins/storage-s3.wasm").exists() {
        println!("cargo:error=the plugin components are not built yet: run `cargo xtask build`");
    }
}
