//! How a file is cut. Pure: offsets and sizes in bytes.

use std::ops::Range;

/// Up to this size a file is hashed before its upload starts: the server may want it whole, and reading it twice is
/// cheap. Larger files are read once, part by part, while they are sent.
pub(crate) const HASH_FIRST_BYTES: u64 = 16 << 20;
/// Parts of one file that are sent at the same time.
pub(crate) const PARTS_AT_ONCE: usize = 4;
/// What is read and hashed in one go: about 10 ms of work, so that the page stays smooth.
pub(crate) const STEP_BYTES: u64 = 2 << 20;

/// The bytes of part `number` (from 1), or nothing if there is no such part. A file of no bytes has one empty part.
pub(crate) fn part(number: u32, part_size: u64, size: u64) -> Option<Range<u64>> {
    let start = u64::from(number.checked_sub(1)?).checked_mul(part_size)?;
    let empty_file = size == 0 && number == 1;
    (start < size || empty_file).then(|| start..start.saturating_add(part_size).min(size))
}

/// Cuts a range into steps of at most [`STEP_BYTES`].
pub(crate) fn steps(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    let mut at = range.start;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let step = at..end.min(at + STEP_BYTES);
            at = step.end;
            step
        })
    })
}

/// Waiting time before try `attempt` (from 1) after a failure that may pass, in milliseconds; nothing when it is time to
/// give up.
pub(crate) fn pause_ms(attempt: u32) -> Option<u32> {
    const TRIES: u32 = 5;
    const FIRST_MS: u32 = 500;
    (attempt < TRIES).then(|| FIRST_MS << attempt.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_without_gap_or_overlap() {
        for (size, part_size) in [
            (0, 10),
            (1, 10),
            (10, 10),
            (11, 10),
            (99, 10),
            (100, 10),
            (209_715_200, 8 << 20),
        ] {
            let mut at = 0;
            let mut number = 1;
            while let Some(range) = part(number, part_size, size) {
                assert_eq!(range.start, at, "part {number} of {size}");
                assert!(range.end - range.start <= part_size);
                at = range.end;
                number += 1;
            }
            assert_eq!(at, size);
            assert_eq!(u64::from(number) - 1, size.div_ceil(part_size).max(1));
        }
    }

    #[test]
    fn there_is_no_part_zero() {
        assert_eq!(part(0, 10, 100), None);
    }

    #[test]
    fn steps_cover_the_range() {
        let range = 5..(STEP_BYTES * 2 + 6);
        let cut: Vec<_> = steps(range.clone()).collect();
        assert_eq!(cut.len(), 3);
        assert_eq!((cut[0].start, cut[2].end), (range.start, range.end));
        assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(steps(7..7).count(), 0);
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(
            (1..=5).map(pause_ms).collect::<Vec<_>>(),
            [Some(500), Some(1000), Some(2000), Some(4000), None]
        );
    }
}
