//! What a cable makes of a sensor's edges.

use std::time::Duration;

use super::{SensorFault, likely};
use simulator_record::random::{Draw as _, Stream};
use simulator_record::time::Instant;

/// How long a spike is.
const SPIKE: Duration = Duration::from_micros(2);

/// The edges, falling first, as they arrive with such a fault.
pub(super) fn disturbed(mut edges: Vec<Instant>, fault: &SensorFault, stream: &mut Stream) -> Vec<Instant> {
    match *fault {
        SensorFault::LastEdgeLost => {
            // The low behind the last bit: its beginning is the bit's end.
            edges.truncate(edges.len().saturating_sub(2));
            edges
        }
        SensorFault::SlowEdges(rise) => slow(&edges, rise),
        SensorFault::Glitches(per_million) if likely(per_million, stream) && edges.len() > 1 => {
            let level = stream.between(1, edges.len() as u64 - 1) as usize;
            let length = edges[level].saturating_since(edges[level - 1]);
            let begins = edges[level - 1] + length.saturating_sub(SPIKE) / 2;
            edges.splice(level..level, [begins, begins + SPIKE.min(length)]);
            edges
        }
        _ => edges,
    }
}

/// Each rise comes so much later; a high that is shorter never gets there.
fn slow(edges: &[Instant], rise: Duration) -> Vec<Instant> {
    let mut slow: Vec<Instant> = Vec::with_capacity(edges.len());
    for (place, edge) in edges.iter().enumerate() {
        if place % 2 == 0 {
            match slow.last() {
                Some(risen) if slow.len().is_multiple_of(2) && risen >= edge => drop(slow.pop()),
                _ => slow.push(*edge),
            }
        } else {
            slow.push(*edge + rise);
        }
    }
    slow
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::random::Seed;

    fn edges(micros: &[u64]) -> Vec<Instant> {
        micros.iter().map(|micros| Instant::START + Duration::from_micros(*micros)).collect()
    }

    #[test]
    fn a_slow_rise_makes_lows_longer_and_swallows_short_highs() {
        assert_eq!(slow(&edges(&[20, 100, 180, 230]), Duration::from_micros(10)), edges(&[20, 110, 180, 240]));
        assert_eq!(slow(&edges(&[20, 100, 105, 230]), Duration::from_micros(10)), edges(&[20, 240]));
    }

    #[test]
    fn a_spike_is_within_a_level_and_the_order_stays() {
        let mut stream = Seed(1).stream("spikes");
        let before = edges(&[20, 100, 180, 230]);
        for _ in 0..100 {
            let after = disturbed(before.clone(), &SensorFault::Glitches(1_000_000), &mut stream);
            assert!(after.len() == 6 && after.is_sorted(), "{after:?}");
        }
        let lost = disturbed(before, &SensorFault::LastEdgeLost, &mut stream);
        assert_eq!(lost, edges(&[20, 100]));
    }
}
