//! The first milliseconds: the banner, and which mode the switch on GPIO5 asks for.

use embassy_time::{Duration, Instant, Timer};
use embedded_hal::digital::InputPin;
use log::info;

use crate::board::ResetCause;

/// The firmware's version, from its manifest.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A level counts when it has stood still for so long.
const STABLE: Duration = Duration::from_millis(20);
/// A switch that never stands still is taken at its last level after so long.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Greets on the serial log.
#[inline(never)]
pub fn banner(cause: ResetCause) {
    info!(target: "boot", "yellow duck {VERSION}, reset cause: {}", cause.name());
}

/// Whether the switch asks for configuration mode: its level once it has not changed for 20 ms, or after half a second
/// in any case. A pin that cannot be read asks for nothing.
pub async fn configuration_asked(switch: &mut impl InputPin) -> bool {
    let start = Instant::now();
    let mut level = is_high(switch);
    let mut since = start;
    loop {
        let now = Instant::now();
        if now - since >= STABLE || now - start >= PATIENCE {
            return level;
        }
        Timer::after(LOOK_EVERY).await;
        let seen = is_high(switch);
        if seen != level {
            level = seen;
            since = Instant::now();
        }
    }
}

fn is_high(switch: &mut impl InputPin) -> bool {
    switch.is_high().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;
    use crate::testing::block_on;

    /// A switch that bounces until `settles`, in milliseconds, and then rests at `level`.
    struct Bouncing {
        settles: u64,
        level: bool,
    }

    impl embedded_hal::digital::ErrorType for Bouncing {
        type Error = Infallible;
    }

    impl InputPin for Bouncing {
        fn is_high(&mut self) -> Result<bool, Infallible> {
            let now = Instant::now().as_millis();
            Ok(if now < self.settles { now.is_multiple_of(2) } else { self.level })
        }

        fn is_low(&mut self) -> Result<bool, Infallible> {
            self.is_high().map(|high| !high)
        }
    }

    #[test]
    fn a_bouncing_switch_is_read_once_it_rests() {
        for level in [true, false] {
            simulator_clock::set(0);
            assert_eq!(block_on(configuration_asked(&mut Bouncing { settles: 9, level })), level);
            let millis = Instant::now().as_millis();
            assert!((27..=40).contains(&millis), "{millis} ms");
        }
    }

    #[test]
    fn a_switch_that_never_rests_does_not_keep_the_device_from_starting() {
        simulator_clock::set(0);
        block_on(configuration_asked(&mut Bouncing { settles: u64::MAX, level: true }));
        assert!(Instant::now().as_millis() <= 510);
    }
}
