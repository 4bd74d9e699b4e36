//! How content of a size travels: in one PUT or in parts of which size.

use crate::error::Refusal;
use bitvault_platform::Result;

/// Largest size that a row can hold, and what any client could mean: 2^63 - 1 bytes.
const SIZE_MAX: u64 = i64::MAX as u64;

/// What bounds a plan: the configuration, and what the backend takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of the largest content that travels in one PUT.
    pub(crate) single_max: u64,
    /// Bytes of a part, where that gives few enough parts.
    pub(crate) part_size: u64,
    pub(crate) min_part: u64,
    pub(crate) max_part: u64,
    pub(crate) max_parts: u32,
}

/// How one upload travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) multipart: bool,
    /// Bytes of each part but the last; of a single PUT, the whole size.
    pub(crate) part_size: u64,
    pub(crate) part_count: u32,
}

impl Plan {
    /// Plans `size` bytes.
    pub(crate) fn new(size: u64, limits: &Limits) -> Result<Self> {
        if size <= limits.single_max {
            return Ok(Self {
                multipart: false,
                part_size: size,
                part_count: 1,
            });
        }
        let most = limits
            .max_part
            .saturating_mul(u64::from(limits.max_parts))
            .min(SIZE_MAX);
        if size > most {
            return Err(Refusal::TooLarge(most).into());
        }
        let fewest = size.div_ceil(u64::from(limits.max_parts.max(1)));
        // Whole MiB, so that offsets are easy on clients' buffers, unless the backend's largest part is no whole MiB.
        let part_size = limits
            .part_size
            .max(limits.min_part)
            .max(fewest)
            .max(1)
            .next_multiple_of(1 << 20)
            .min(limits.max_part);
        let part_count = u32::try_from(size.div_ceil(part_size)).map_err(|_| Refusal::TooLarge(most))?;
        Ok(Self {
            multipart: true,
            part_size,
            part_count,
        })
    }
}

/// Offset and size of part `number`, counted from 1.
pub(crate) fn part(size: u64, part_size: u64, number: u32) -> (u64, u64) {
    let offset = u64::from(number.saturating_sub(1)).saturating_mul(part_size);
    (offset, size.saturating_sub(offset).min(part_size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const LIMITS: Limits = Limits {
        single_max: 64 * MIB,
        part_size: 16 * MIB,
        min_part: 5 * MIB,
        max_part: 5 << 30,
        max_parts: 10_000,
    };

    #[test]
    fn small_content_is_one_put_even_when_empty() {
        for size in [0, 1, 64 * MIB] {
            let plan = Plan::new(size, &LIMITS).unwrap();
            assert_eq!((plan.multipart, plan.part_count), (false, 1));
            assert_eq!(part(size, plan.part_size, 1), (0, size));
        }
    }

    #[test]
    fn parts_cover_the_content_and_stay_within_the_backends_limits() {
        for size in [64 * MIB + 1, 1 << 30, 200 << 30, 5 << 40, 48 << 40] {
            let plan = Plan::new(size, &LIMITS).unwrap();
            assert!(plan.multipart && plan.part_count <= 10_000, "{size}");
            assert!(plan.part_size >= LIMITS.min_part && plan.part_size <= LIMITS.max_part);
            let (offset, last) = part(size, plan.part_size, plan.part_count);
            assert_eq!(offset + last, size);
            assert!(last > 0);
        }
    }

    #[test]
    fn more_than_the_backend_takes_is_refused() {
        for size in [(5 << 30) * 10_000 + 1, u64::MAX] {
            assert_eq!(Plan::new(size, &LIMITS).unwrap_err().reason(), "upload_too_large");
        }
    }
}
