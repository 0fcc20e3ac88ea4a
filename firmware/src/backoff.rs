//! Exponential backoff with jitter, for everything that is retried: joining, asking the time, uploading.
//!
//! Each wait is drawn evenly from the upper half of a window that doubles up to a limit ("equal jitter"), so that a
//! street of ducks that lost the same router does not come back all at once, and none hurries either.

use embassy_time::Duration;
use rand_core::RngCore;

/// How long to wait before the next try.
#[derive(Clone, Debug)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    window: Duration,
}

impl Backoff {
    /// Waits of `least` at the least and `most` at the most.
    pub const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, window: least }
    }

    /// The wait after one more failure.
    pub fn after_failure(&mut self, random: &mut impl RngCore) -> Duration {
        self.window = Duration::from_ticks(self.window.as_ticks().saturating_mul(2)).min(self.most);
        let low = (self.window / 2).max(self.least).min(self.window);
        low + jitter(self.window - low, random)
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.window = self.least;
    }
}

/// A random duration between nothing and `most`.
pub fn jitter(most: Duration, random: &mut impl RngCore) -> Duration {
    // The product's upper 64 bits are an even draw without a division; the bias of 2^-64 · range does not matter here.
    let range = u128::from(most.as_ticks()) + 1;
    let draw = (u128::from(random.next_u64()) * range) >> 64;
    Duration::from_ticks(u64::try_from(draw).unwrap_or(most.as_ticks()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn waits_double_up_to_the_limit_and_begin_anew() {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut random = Numbers(7);
        let mut backoff = Backoff::new(least, most);
        let mut bounds = [(1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (30, 60), (30, 60), (30, 60)].into_iter();
        for (low, high) in bounds.by_ref() {
            let wait = backoff.after_failure(&mut random);
            assert!(wait >= Duration::from_secs(low) && wait <= Duration::from_secs(high), "{wait}");
        }
        backoff.reset();
        assert!(backoff.after_failure(&mut random) <= Duration::from_secs(2));
    }

    #[test]
    fn two_devices_wait_differently() {
        let mut backoffs = [1, 2].map(|seed| {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
            backoff.after_failure(&mut Numbers(seed))
        });
        backoffs.sort();
        assert_ne!(backoffs[0], backoffs[1]);
    }

    #[test]
    fn jitter_covers_its_range() {
        let most = Duration::from_ticks(3);
        let mut random = Numbers(1);
        let mut seen = [false; 4];
        for _ in 0..200 {
            seen[usize::try_from(jitter(most, &mut random).as_ticks()).expect("small")] = true;
        }
        assert_eq!(seen, [true; 4]);
    }
}
