//! Compressed siblings: `name.br` and `name.gz` beside each file that they make smaller.

use std::io::Write as _;

use anyhow::{Context, Result};

use crate::files::Files;

/// Below this a compressed copy saves nothing worth a second file, in bytes.
const SMALLEST: usize = 256;

/// Brotli's strongest setting: compressed once, sent often.
const BROTLI_QUALITY: u32 = 11;

/// Brotli's window: 2^22 bytes covers the module.
const BROTLI_WINDOW_BITS: u32 = 22;

/// Adds the siblings.
pub(crate) fn beside(files: &mut Files) -> Result<()> {
    let mut siblings = Vec::new();
    for (name, bytes) in files.iter() {
        if bytes.len() < SMALLEST || is_compressed(name) {
            continue;
        }
        for (extension, packed) in [("br", brotli(bytes)?), ("gz", gzip(bytes)?)] {
            if packed.len() < bytes.len() {
                siblings.push((format!("{name}.{extension}"), packed));
            }
        }
    }
    for (name, bytes) in siblings {
        files.add(&name, bytes);
    }
    Ok(())
}

fn is_compressed(name: &str) -> bool {
    ["png", "jpg", "jpeg", "webp", "avif", "woff2", "br", "gz"]
        .iter()
        .any(|extension| name.rsplit_once('.').is_some_and(|(_, own)| own == *extension))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer =
        brotli::CompressorWriter::new(&mut packed, 64 * 1024, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
    writer
        .write_all(bytes)
        .and_then(|()| writer.flush())
        .context("compress with brotli")?;
    drop(writer);
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).context("compress with gzip")?;
    writer.finish().context("compress with gzip")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn siblings_unpack_to_the_file_and_only_where_they_are_smaller() {
        let mut files = Files::default();
        let text = "the same line again\n".repeat(100).into_bytes();
        files.add("a.js", text.clone());
        files.add("tiny.js", b"1".to_vec());
        files.add("photo.png", text.clone());
        beside(&mut files).unwrap();
        let names: Vec<_> = files.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["a.js", "a.js.br", "a.js.gz", "photo.png", "tiny.js"]);

        let mut unpacked = Vec::new();
        let packed = files.take("a.js.br").unwrap();
        brotli::Decompressor::new(&packed[..], 4096)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        let packed = files.take("a.js.gz").unwrap();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);
    }
}
