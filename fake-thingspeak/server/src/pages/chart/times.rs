//! Where an axis of time carries labels: at round times of a clock in the zone, also across its changes.

use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use fake_thingspeak::cloud::Zone;

/// A distance between two labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Seconds(i64),
    /// Of the year, from 1970 on.
    Months(i64),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// In order of their length.
const STEPS: [Step; 34] = [
    Step::Seconds(1),
    Step::Seconds(2),
    Step::Seconds(5),
    Step::Seconds(10),
    Step::Seconds(15),
    Step::Seconds(30),
    Step::Seconds(MINUTE),
    Step::Seconds(2 * MINUTE),
    Step::Seconds(5 * MINUTE),
    Step::Seconds(10 * MINUTE),
    Step::Seconds(15 * MINUTE),
    Step::Seconds(30 * MINUTE),
    Step::Seconds(HOUR),
    Step::Seconds(2 * HOUR),
    Step::Seconds(3 * HOUR),
    Step::Seconds(6 * HOUR),
    Step::Seconds(12 * HOUR),
    Step::Seconds(DAY),
    Step::Seconds(2 * DAY),
    Step::Seconds(7 * DAY),
    Step::Seconds(14 * DAY),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(240),
    Step::Months(600),
    Step::Months(1_200),
    Step::Months(2_400),
    Step::Months(6_000),
    Step::Months(12_000),
];

impl Step {
    /// About how long it is in seconds.
    fn length(self) -> i64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Months(months) => months * 30 * DAY,
        }
    }

    /// What stands at a time.
    fn label(self, clock: PrimitiveDateTime) -> String {
        let midnight = clock.time() == Time::MIDNIGHT;
        match self {
            Self::Months(months) if months >= 12 => clock.year().to_string(),
            Self::Months(_) => format!("{} {}", month(clock.month()), clock.year()),
            Self::Seconds(seconds) if seconds >= DAY || midnight => format!("{} {}", month(clock.month()), clock.day()),
            Self::Seconds(seconds) if seconds >= MINUTE => format!("{:02}:{:02}", clock.hour(), clock.minute()),
            Self::Seconds(_) => format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second()),
        }
    }

    /// The last round time that is not after `clock`.
    fn before(self, clock: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        match self {
            Self::Seconds(step) if step <= DAY => {
                let into_day = (clock.time() - Time::MIDNIGHT).whole_seconds();
                Some(
                    PrimitiveDateTime::new(clock.date(), Time::MIDNIGHT)
                        + Duration::seconds(into_day - into_day % step),
                )
            }
            // Days count from a Monday.
            Self::Seconds(step) => {
                let days = i64::from(clock.date().to_julian_day());
                let day = Date::from_julian_day(i32::try_from(days - days.rem_euclid(step / DAY)).ok()?).ok()?;
                Some(PrimitiveDateTime::new(day, Time::MIDNIGHT))
            }
            Self::Months(step) => {
                let months = i64::from(clock.year()) * 12 + i64::from(u8::from(clock.month())) - 1;
                start_of_month(months - months.rem_euclid(step))
            }
        }
    }

    fn after(self, clock: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        match self {
            Self::Seconds(step) => clock.checked_add(Duration::seconds(step)),
            Self::Months(step) => {
                start_of_month(i64::from(clock.year()) * 12 + i64::from(u8::from(clock.month())) - 1 + step)
            }
        }
    }
}

/// The beginning of the month that is so many after January of the year 0.
fn start_of_month(months: i64) -> Option<PrimitiveDateTime> {
    let month = Month::try_from(u8::try_from(months.rem_euclid(12) + 1).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(months.div_euclid(12)).ok()?, month, 1).ok()?;
    Some(PrimitiveDateTime::new(date, Time::MIDNIGHT))
}

fn month(month: Month) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES[usize::from(u8::from(month)) - 1]
}

/// Round times from `from` to `to` (seconds since 1970), about `most` of them, with their labels.
pub(super) fn ticks(from: i64, to: i64, most: i64, zone: &Zone) -> Vec<(i64, String)> {
    let span = to.saturating_sub(from);
    let fits = |step: &&Step| span / step.length() <= most;
    let step = *STEPS.iter().find(fits).unwrap_or(&STEPS[STEPS.len() - 1]);
    let clock_at = |seconds| {
        let local = zone.local(OffsetDateTime::from_unix_timestamp(seconds).ok()?);
        Some(PrimitiveDateTime::new(local.date(), local.time()))
    };
    let mut found: Vec<(i64, String)> = Vec::new();
    let mut clock = clock_at(from).and_then(|clock| step.before(clock));
    // A clock that is put back shows an hour twice, of which only the first has labels.
    for _ in 0..3 * most + 60 {
        let Some(now) = clock else { break };
        clock = step.after(now);
        let Some(seconds) = zone.at(now).map(OffsetDateTime::unix_timestamp) else { continue };
        if seconds > to {
            break;
        }
        if seconds >= from && found.last().is_none_or(|(last, _)| *last < seconds) {
            found.push((seconds, step.label(now)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn labels(from: OffsetDateTime, to: OffsetDateTime, zone: &str) -> Vec<String> {
        let zone = Zone::of(Some(zone), None);
        ticks(from.unix_timestamp(), to.unix_timestamp(), 6, &zone).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_stand_at_round_times_of_the_zone() {
        let (from, to) = (datetime!(2026-07-01 21:10 UTC), datetime!(2026-07-02 0:20 UTC));
        assert_eq!(labels(from, to, "UTC"), ["21:30", "22:00", "22:30", "23:00", "23:30", "Jul 2"]);
        assert_eq!(labels(from, to, "Europe/Berlin"), ["23:30", "Jul 2", "00:30", "01:00", "01:30", "02:00"]);
        assert_eq!(labels(from, to, "Asia/Kathmandu"), ["03:00", "03:30", "04:00", "04:30", "05:00", "05:30", "06:00"]);
    }

    #[test]
    fn days_are_the_zones_own_when_its_clocks_change() {
        // Berlin has 23 hours on 2026-03-29, and 25 on 2026-10-25.
        let zone = Zone::of(Some("Europe/Berlin"), None);
        let (from, to) = (datetime!(2026-03-27 12:00 UTC), datetime!(2026-03-31 12:00 UTC));
        let found = ticks(from.unix_timestamp(), to.unix_timestamp(), 6, &zone);
        let gaps: Vec<i64> = found.windows(2).map(|pair| (pair[1].0 - pair[0].0) / 3_600).collect();
        assert_eq!(gaps, [24, 23, 24], "{found:?}");
        let (from, to) = (datetime!(2026-10-24 22:00 UTC), datetime!(2026-10-25 4:00 UTC));
        let hours = ticks(from.unix_timestamp(), to.unix_timestamp(), 6, &zone);
        assert!(hours.windows(2).all(|pair| pair[0].0 < pair[1].0), "{hours:?}");
    }

    #[test]
    fn any_span_has_labels_that_are_not_too_many() {
        let start = datetime!(2026-01-15 10:20:30 UTC).unix_timestamp();
        let mut span = 1;
        while span < 8_000 * 365 * DAY {
            let count = ticks(start, start.saturating_add(span), 6, &Zone::default()).len();
            assert!((1..=12).contains(&count) || span < 3, "{span}: {count}");
            span = span * 3 / 2 + 1;
        }
        let all = ticks(i64::MIN, i64::MAX, 6, &Zone::default());
        assert!(all.len() <= 80, "{}", all.len());
    }

    #[test]
    fn long_spans_are_labelled_with_months_and_years() {
        let year = labels(datetime!(2025-02-10 0:00 UTC), datetime!(2026-02-09 0:00 UTC), "UTC");
        assert_eq!(year, ["Apr 2025", "Jul 2025", "Oct 2025", "Jan 2026"]);
        let decades = labels(datetime!(1995-02-10 0:00 UTC), datetime!(2026-02-09 0:00 UTC), "UTC");
        assert_eq!(decades, ["2000", "2005", "2010", "2015", "2020", "2025"]);
    }
}
