//! Numbers of requests that are read only within the bounds that the schema tells, so that what it rules out is refused before
//! anything is done. What the schema can't tell is a rule of the module.

use crate::limits::{PART_NUMBER_MAX, SIZE_BYTES_MAX};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Number of a part of an upload.
pub(crate) fn part_number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 1..=PART_NUMBER_MAX)
}

/// Bytes of a content.
pub(crate) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, 0..=SIZE_BYTES_MAX)
}

fn within<'de, D, N>(from: D, bounds: RangeInclusive<N>) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + PartialOrd + Display,
{
    let number = N::deserialize(from)?;
    if bounds.contains(&number) {
        return Ok(number);
    }
    let (least, most) = bounds.into_inner();
    Err(D::Error::custom(format_args!(
        "{number} is out of bounds: use {least} to {most}"
    )))
}

#[cfg(test)]
mod tests {
    use crate::{StartUpload, UploadPart};

    #[test]
    fn a_number_out_of_bounds_is_not_read() {
        for (number, read) in [
            (0, false),
            (1, true),
            (2_147_483_647, true),
            (2_147_483_648_u32, false),
        ] {
            let part = format!(r#"{{"number": {number}, "etag": "e"}}"#);
            assert_eq!(
                serde_json::from_str::<UploadPart>(&part).is_ok(),
                read,
                "{number}"
            );
        }
        for (size, read) in [(0, true), (u64::MAX >> 1, true), (1 << 63, false)] {
            let start = format!(r#"{{"size": {size}}}"#);
            assert_eq!(
                serde_json::from_str::<StartUpload>(&start).is_ok(),
                read,
                "{size}"
            );
        }
    }
}
