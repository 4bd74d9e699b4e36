//! Numbers as people read them. Pure; sizes in bytes, times in milliseconds or microseconds as named.

/// Decimal units, as file managers and disk vendors use them.
const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/// `1 byte`, `640 bytes`, `3.4 MB`: three significant digits at most.
#[allow(clippy::cast_precision_loss, reason = "a rounded figure for reading")]
pub(crate) fn bytes(count: u64) -> String {
    if count == 1 {
        return "1 byte".to_owned();
    }
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be rounded to 1000 of the smaller unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} bytes"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// `3.4 MB/s`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are small and not negative"
)]
pub(crate) fn rate(bytes_per_second: f64) -> String {
    format!("{}/s", bytes(bytes_per_second.max(0.0) as u64))
}

/// `5 s left`, `2 min left`, `1 h 10 min left`.
pub(crate) fn time_left(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{} s left", seconds.max(1)),
        60..=3569 => format!("{} min left", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 30) / 60;
            match minutes % 60 {
                0 => format!("{} h left", minutes / 60),
                rest => format!("{} h {rest} min left", minutes / 60),
            }
        }
    }
}

/// `850 µs`, `12.3 ms`, `4.20 s`.
#[allow(clippy::cast_precision_loss, reason = "a rounded figure for reading")]
pub(crate) fn micros(duration_us: u64) -> String {
    match duration_us {
        0..=999 => format!("{duration_us} µs"),
        1_000..=9_999 => format!("{:.2} ms", duration_us as f64 / 1e3),
        10_000..=99_999 => format!("{:.1} ms", duration_us as f64 / 1e3),
        100_000..=999_999 => format!("{:.0} ms", duration_us as f64 / 1e3),
        _ => format!("{:.2} s", duration_us as f64 / 1e6),
    }
}

/// `1 file`, `3 files`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_at_most_three_digits_and_change_unit_before_1000() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (209_715_200, "210 MB"),
            (5_368_709_120, "5.4 GB"),
        ] {
            assert_eq!(bytes(count), text, "{count}");
        }
    }

    #[test]
    fn time_left_never_says_zero_or_sixty_minutes() {
        for (seconds, text) in [
            (0, "1 s left"),
            (59, "59 s left"),
            (60, "1 min left"),
            (3_569, "59 min left"),
            (3_570, "1 h left"),
            (4_200, "1 h 10 min left"),
        ] {
            assert_eq!(time_left(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn durations_of_spans_choose_their_unit() {
        for (us, text) in [
            (850, "850 µs"),
            (1_234, "1.23 ms"),
            (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (4_200_000, "4.20 s"),
        ] {
            assert_eq!(micros(us), text);
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
    }
}
