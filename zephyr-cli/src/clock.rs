//! The local clock, and times as people read and write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zephyr_core::UnixMs;

/// The local time.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(since.as_millis().try_into().unwrap_or(u64::MAX))
}

/// `2026-11-22T12:00:00.123Z` (RFC 3339).
pub fn rfc3339(time: UnixMs) -> String {
    let (seconds, ms) = (time.0 / 1_000, time.0 % 1_000);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day from the days since 1970-01-01, by eras of 400 years that begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// A duration as people type it: `90`, `60s`, `1500ms`, `5m` or `1h`.
///
/// # Errors
/// Says how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|_| factor != 0)
        .map(Duration::from_millis)
        .ok_or_else(|| "write a number and a unit, such as 60s, 500ms, 5m or 1h".into())
}

/// A duration as people say it.
pub fn say(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{:.1} s", duration.as_secs_f64()),
        10_000..120_000 => format!("{} s", ms.div_ceil(1_000)),
        120_000..7_200_000 => format!("{} min", ms.div_ceil(60_000)),
        _ => format!("{:.1} h", duration.as_secs_f64() / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (1_772_323_200_001, "2026-03-01T00:00:00.001Z"),
        ] {
            assert_eq!(rfc3339(UnixMs(ms)), text);
        }
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, ms) in [("90", 90_000), ("60s", 60_000), ("500ms", 500), ("5m", 300_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)));
        }
        for text in ["", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "18446744073709551615h"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        let said = |ms| say(Duration::from_millis(ms));
        assert_eq!(said(250), "250 ms");
        assert_eq!(said(2_250), "2.2 s");
        assert_eq!(said(61_000), "61 s");
        assert_eq!(said(600_000), "10 min");
        assert_eq!(said(9_000_000), "2.5 h");
    }
}
