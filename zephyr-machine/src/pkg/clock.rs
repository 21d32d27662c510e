//! Time that does not run backwards.

use zephyr_core::UnixMs;

/// Milliseconds that have passed, as far as the wall clock shows: when that is set back, time stands still for
/// a moment instead of reviving codes or holding limits for as long as it was wrong.
#[derive(Debug, Default)]
pub(super) struct Clock {
    passed: u64,
    last: Option<UnixMs>,
}

impl Clock {
    /// Moves to `now` and returns the milliseconds since the first call.
    pub(super) fn advance(&mut self, now: UnixMs) -> u64 {
        let since = self.last.replace(now).map_or(0, |last| now.since(last));
        self.passed = self.passed.saturating_add(since);
        self.passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_stands_still_and_goes_on() {
        let mut clock = Clock::default();
        let times = [5_000, 6_000, 2_000, 2_500, 10_000].map(|ms| clock.advance(UnixMs(ms)));
        assert_eq!(times, [0, 1_000, 1_000, 1_500, 9_000]);
    }
}
