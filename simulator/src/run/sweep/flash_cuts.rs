//! The power is cut in the midst of each flash operation.

use std::time::Duration;

use simulator_record::random::{Draw, Seed};
use simulator_record::time::Instant;
use simulator_world::world::{Command, FlashBegun};

use super::{Axis, Point, Shown};

/// A repetition for each flash operation that begins in an interval.
pub(super) struct FlashCuts {
    /// Operations count that begin at or after this.
    pub(super) from: Duration,
    /// And no later than this.
    pub(super) until: Duration,
    /// How long the power stays off.
    pub(super) off_for: Duration,
}

impl Axis for FlashCuts {
    fn points(&self, seed: Seed, plain: &Shown) -> Vec<Point> {
        let interval = Instant::START + self.from..=Instant::START + self.until;
        let within = plain.flash_operations.iter().filter(|operation| interval.contains(&operation.at));
        let cut = |operation: &FlashBegun| Point::Intervention {
            at: moment(seed, operation),
            command: Command::CutPower { device: operation.device, length: self.off_for },
        };
        within.map(cut).collect()
    }

    fn needs(&self) -> (&'static str, &'static str) {
        ("flash operations in the sweep's interval", "there were none, so that no power cut was tried")
    }
}

/// A moment of the operation at which it has begun and is not finished.
fn moment(seed: Seed, operation: &FlashBegun) -> Instant {
    let first = operation.at.as_nanos() + 1;
    let last = operation.ends.as_nanos().max(first + 1) - 1;
    Instant::from_nanos(seed.stream("hands").between(first, last))
}

#[cfg(test)]
mod tests {
    use simulator_record::events::DeviceId;

    use super::*;

    #[test]
    fn each_operation_that_begins_in_the_interval_is_cut_in_its_midst() {
        let cuts =
            FlashCuts { from: Duration::from_secs(2), until: Duration::from_secs(4), off_for: Duration::from_secs(9) };
        let device = DeviceId(0);
        let at = |seconds| {
            let at = Instant::from_secs(seconds);
            FlashBegun { at, device, ends: at + Duration::from_millis(3) }
        };
        let shown = Shown { flash_operations: (1..=5).map(at).collect() };
        let points = cuts.points(Seed(1), &shown);
        assert_eq!(points.len(), 3, "2 s, 3 s and 4 s");
        for (point, operation) in points.iter().zip(&shown.flash_operations[1..]) {
            let Point::Intervention { at, command } = point else { panic!("{point:?}") };
            assert!(operation.at < *at && *at < operation.ends, "{point:?}");
            assert_eq!(*command, Command::CutPower { device, length: Duration::from_secs(9) });
        }
        let instant = FlashBegun { ends: Instant::from_secs(3), ..at(3) };
        assert_eq!(moment(Seed(1), &instant), Instant::from_secs(3) + Duration::from_nanos(1));
    }

    #[test]
    fn without_operations_there_is_nothing_to_try() {
        let cuts = FlashCuts { from: Duration::ZERO, until: Duration::from_secs(1), off_for: Duration::ZERO };
        assert_eq!(cuts.points(Seed(1), &Shown::default()), []);
    }
}
