//! A switch on an input pin: its level as a function of time, with contact bounce.
//!
//! A hand [sets](Switch::set) the switch; the contact then bounces for a while, that is, the level changes an odd
//! number of times at moments drawn from the stream, and stays. Reading costs nothing and changes nothing.
//!
//! Not modelled: the debouncing of a capacitor, contacts that wear out.

use std::time::Duration;

use simulator_record::events::Level;
use simulator_record::random::{Draw, Stream};
use simulator_record::time::Instant;

/// A switch.
pub struct Switch {
    /// The level before the first change.
    initial: Level,
    /// In order of time, each to the other level.
    changes: Vec<(Instant, Level)>,
    stream: Stream,
}

impl Switch {
    /// A switch that stands at `initial` and draws its bounces from `stream`.
    pub fn new(initial: Level, stream: Stream) -> Self {
        Self { initial, changes: Vec::new(), stream }
    }

    /// The level at `at`, which may lie in the future: what the pin will read unless the switch is set again. Not to be
    /// asked about the time before the last [`Switch::set`].
    pub fn level(&self, at: Instant) -> Level {
        let passed = self.changes.partition_point(|(change, _)| *change <= at);
        passed.checked_sub(1).map_or(self.initial, |last| self.changes[last].1)
    }

    /// Sets the switch at `at`: the level becomes `level` then for the first time and, after bouncing, by `at + bounce`
    /// for good. Returns the changes to come, none if it stands so already.
    pub fn set(&mut self, at: Instant, level: Level, bounce: Duration) -> &[(Instant, Level)] {
        let now = self.level(at);
        self.initial = now;
        self.changes.clear();
        if now != level {
            let bounces = if bounce.is_zero() { 0 } else { 2 * self.stream.between(1, 4) };
            let last = u64::try_from(bounce.as_nanos()).unwrap_or(u64::MAX);
            let mut times: Vec<u64> = (0..bounces).map(|_| self.stream.between(1, last)).collect();
            times.sort_unstable();
            let mut bounced = level;
            self.changes.push((at, level));
            for time in times {
                bounced = bounced.opposite();
                self.changes.push((at + Duration::from_nanos(time), bounced));
            }
        }
        &self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::random::Seed;

    #[test]
    fn without_bounce_it_changes_once() {
        let mut switch = Switch::new(Level::Low, Seed(1).stream("switch"));
        let at = Instant::from_secs(5);
        assert_eq!(switch.set(at, Level::High, Duration::ZERO), [(at, Level::High)]);
        assert_eq!(switch.level(at - Duration::from_nanos(1)), Level::Low);
        assert_eq!(switch.level(at), Level::High);
        assert_eq!(switch.set(Instant::from_secs(6), Level::High, Duration::from_millis(8)), []);
    }

    #[test]
    fn bouncing_it_ends_where_it_was_set_to() {
        for seed in 0..100 {
            let mut switch = Switch::new(Level::Low, Seed(seed).stream("switch"));
            let (at, bounce) = (Instant::from_secs(5), Duration::from_millis(8));
            let changes = switch.set(at, Level::High, bounce).to_vec();
            assert!(changes.len() >= 3 && changes.len() % 2 == 1, "{changes:?}");
            assert!(changes.is_sorted_by_key(|(time, _)| *time));
            assert!(changes.windows(2).all(|pair| pair[0].1 != pair[1].1));
            assert_eq!(changes[0], (at, Level::High));
            assert_eq!(switch.level(at + bounce), Level::High);
            let middle = changes[1].0;
            assert_eq!(switch.level(middle), Level::Low);
        }
    }

    #[test]
    fn set_back_while_bouncing_the_old_bounces_are_gone() {
        let mut switch = Switch::new(Level::Low, Seed(1).stream("switch"));
        let changes = switch.set(Instant::from_secs(1), Level::High, Duration::from_millis(8)).to_vec();
        let again = changes[0].0 + Duration::from_nanos(1);
        switch.set(again, Level::Low, Duration::ZERO);
        assert_eq!(switch.level(again), Level::Low);
        assert_eq!(switch.level(Instant::from_secs(2)), Level::Low);
    }
}
