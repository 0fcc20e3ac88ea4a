//! Simulated time in words, as the terminal and `interrupted.txt` have it.

use std::time::Duration;

/// A duration in days, hours, minutes and whole seconds: `1 day 2h 3m`. Months and years, which `humantime` has, are of
/// no fixed length.
pub(super) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, seconds) = (seconds / 86_400, seconds % 86_400);
    let mut parts = Vec::new();
    match days {
        0 => {}
        1 => parts.push("1 day".to_owned()),
        days => parts.push(format!("{days} days")),
    }
    let units = [("h", seconds / 3_600), ("m", seconds / 60 % 60), ("s", seconds % 60)];
    parts.extend(units.iter().filter(|(_, count)| *count > 0).map(|(unit, count)| format!("{count}{unit}")));
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_their_largest_units() {
        for (seconds, words) in [
            (0, "0s"),
            (59, "59s"),
            (2_520, "42m"),
            (90_061, "1 day 1h 1m 1s"),
            (604_800, "7 days"),
            (86_403, "1 day 3s"),
        ] {
            assert_eq!(format_duration(Duration::from_secs(seconds)), words);
        }
    }
}
