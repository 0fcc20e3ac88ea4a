//! Keeps the calendar's floor in flash, so that no forged time leads before it after a restart either.
//!
//! [`crate::wall_clock`] says what the floor is and when it moves: with a reply of the cloud, about once a week. The
//! uploader looks here after each reply. Each move is a save of a record of 17 bytes; one that fails is tried again a
//! day later.

use embassy_time::{Duration, Instant};
use embedded_storage_async::nor_flash::NorFlash;
use log::{info, warn};

use crate::store::{self, Own};
use crate::wall_clock::{Iso8601, WallClock};

const AFTER_FAILURE: Duration = Duration::from_secs(86_400);

/// What keeps the floor.
pub(crate) struct Floor<'f, F> {
    flash: &'f mut F,
    own: Own,
    kept: i64,
    /// Not before this, after a failure.
    earliest: Instant,
}

impl<'f, F: NorFlash> Floor<'f, F> {
    /// The floor of a `clock` that has just been made of what the flash holds: `own`.
    pub fn new(flash: &'f mut F, own: Own, clock: WallClock) -> Self {
        Self { flash, own, kept: clock.floor(), earliest: Instant::MIN }
    }

    /// Keeps the floor of `clock`, if it has moved.
    pub async fn keep(&mut self, clock: WallClock) {
        let floor = clock.floor();
        if floor == self.kept || Instant::now() < self.earliest {
            return;
        }
        self.own.newest_time = Some(floor);
        match store::save_own(self.flash, &self.own).await {
            Ok(()) => {
                info!(target: "time", "no time before {} is believed from now on", Iso8601(floor));
                self.kept = floor;
            }
            Err(error) => {
                warn!(target: "time", "could not keep the time in flash: {error}");
                self.earliest = Instant::now() + AFTER_FAILURE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use embassy_futures::block_on;

    use super::*;
    use crate::store::nor::Nor;
    use crate::tls::Validity;
    use crate::wall_clock::RELEASE_DATE;

    #[test]
    fn the_floor_is_written_when_it_has_moved_and_a_failure_is_tried_again_a_day_later() {
        simulator_clock::set(0);
        let mut flash = Nor::new(4);
        let own = Own { secret: [7; store::SECRET], newest_time: None };
        let mut clock = WallClock::unknown(None);
        flash.power_on(Some(1));
        let mut floor = Floor::new(&mut flash, own, clock);
        block_on(floor.keep(clock));
        assert_eq!(floor.flash.operations, 0);

        let later = RELEASE_DATE + 40 * 86_400;
        for _ in 0..2 {
            clock.hear_server(later, Instant::from_secs(1), Some(Validity { from: 0, until: u64::MAX }));
        }
        assert_eq!(clock.floor(), later);
        block_on(floor.keep(clock));
        assert_eq!(floor.flash.operations, 1, "power is gone");
        floor.flash.power_on(None);
        for (day, operations) in [(0, 0), (1, 4), (2, 4)] {
            simulator_clock::set(day * 86_400_000_000_000 + 1_000_000);
            block_on(floor.keep(clock));
            assert_eq!(floor.flash.operations, operations, "day {day}");
        }
        assert_eq!(block_on(store::load_own(&mut flash)), Ok(Some(Own { newest_time: Some(later), ..own })));
    }
}
