//! How often events may happen: no more than so many of one device in any stretch of time, wherever the stretch begins.
//!
//! Besides the rates that a scenario expects, every run has [limits](LIMITS) for what a device asks of others. They are
//! far above what any device in order needs, and far below a storm: a client that asks a router again and again without a
//! delay, or a server that has told it to wait. A scenario that means to show a storm says `allow = ["request-storm"]`.

use std::collections::BTreeMap;
use std::time::Duration;

use humantime::format_duration;

use super::{Failure, Record, Span, Verdict, listed};
use crate::events::{DeviceId, Event, Kind};
use crate::scenario::all_of;
use crate::scenario::model::{Begin, End, RateCheck, Scenario, Settings, Window};
use crate::scenario::words::times;
use crate::time::Instant;

/// Judges a rate over the record of a run that ended at `end`. Events of several devices are counted apart.
pub(super) fn judge(check: &RateCheck, record: &Record<'_>, end: Instant) -> Result<(), Failure> {
    let span = Span::of(&check.window, record, end)?;
    let mut devices: BTreeMap<Option<DeviceId>, Vec<&Event>> = BTreeMap::new();
    let events = record.concerning(&check.matcher).iter().copied();
    for event in events.filter(|event| span.contains(event) && check.matcher.matches(event)) {
        devices.entry(event.device).or_default().push(event);
    }
    let too_many = |stretch: &&[&Event]| stretch.len() as u64 > check.most;
    let Some(busiest) = busiest(devices.values().flat_map(|events| stretches(events, check.per))).filter(too_many)
    else {
        return span.is_over();
    };
    let one_too_many = devices.values().flat_map(|events| stretches(events, check.per)).filter(too_many);
    let at = one_too_many.filter_map(<[_]>::last).map(|event| event.at).min();
    Err(Failure::new(
        format!(
            "it happened {} in the busiest {}: {}",
            times(busiest.len() as u64),
            format_duration(check.per),
            listed(busiest)
        ),
        at,
    ))
}

/// For each event the stretch that ends with it, as the events in it.
fn stretches<'s, 'e>(events: &'s [&'e Event], per: Duration) -> impl Iterator<Item = &'s [&'e Event]> {
    let mut first = 0;
    events.iter().enumerate().map(move |(last, event)| {
        while event.at.saturating_since(events[first].at) >= per {
            first += 1;
        }
        &events[first..=last]
    })
}

/// The first of the stretches with the most events.
fn busiest<'s, 'e>(stretches: impl Iterator<Item = &'s [&'e Event]>) -> Option<&'s [&'e Event]> {
    stretches.reduce(|busiest, stretch| if stretch.len() > busiest.len() { stretch } else { busiest })
}

/// How long a stretch of [`LIMITS`] is.
const STRETCH: Duration = Duration::from_mins(5);

/// What a device may ask of others in any [`STRETCH`]: once a second in the long run. A connection counts twice (it opens
/// and it ends), and so does an address (it is offered and acknowledged).
const LIMITS: [(Kind, u64); 6] = [
    (Kind::Join, 300),
    (Kind::Lease, 300),
    (Kind::Dns, 300),
    (Kind::Ntp, 300),
    (Kind::Connection, 300),
    (Kind::Tls, 300),
];

/// HTTP requests in any hour, besides two for each reading: a device that sends one reading at a time, and each of them
/// twice, stays below.
const REQUESTS_AN_HOUR: u64 = 60;

/// The shortest interval between readings that a device can be set to, for one that a phone may set up.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(15);

/// The rates that every run of a scenario is held against.
fn limits(scenario: &Scenario) -> impl Iterator<Item = RateCheck> {
    let interval = |settings: Option<&Settings>| match settings {
        Some(settings) if scenario.phones.is_empty() => settings.interval,
        _ => SHORTEST_INTERVAL,
    };
    let interval = scenario.devices.iter().map(|device| interval(device.settings.as_ref())).min();
    let interval = interval.unwrap_or(SHORTEST_INTERVAL);
    let readings_an_hour = Duration::from_hours(1).as_secs() / interval.as_secs().max(1);
    let requests = REQUESTS_AN_HOUR + 2 * readings_an_hour;
    LIMITS
        .into_iter()
        .map(|(kind, most)| (kind, most, STRETCH))
        .chain([(Kind::Http, requests, Duration::from_hours(1))])
        .filter_map(|(kind, most, per)| {
            let window = Window { open: Begin::At(Duration::ZERO), close: End::Never };
            Some(RateCheck { matcher: all_of(kind)?, most, per, window })
        })
}

/// Judges what every run is expected to ask of others without saying so, unless the scenario allows more. Only what failed
/// gives a verdict.
pub fn storms(scenario: &Scenario, events: &[Event], end: Instant) -> Vec<Verdict> {
    if scenario.allow.request_storm {
        return Vec::new();
    }
    let record = Record::of(events);
    let verdict = |limit: RateCheck| {
        let failure = judge(&limit, &record, end).err()?;
        Some(Verdict {
            text: format!("{limit}, in any run"),
            because: Some(
                "a device that asks so often floods others; if that is meant, allow = [\"request-storm\"]".to_owned(),
            ),
            place: None,
            failure: Some(failure),
        })
    };
    limits(scenario).filter_map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{self, EventKind, NtpOutcome};
    use proptest::prelude::*;

    fn query() -> EventKind {
        EventKind::Ntp(events::Ntp { outcome: NtpOutcome::Answered, unix_time: None })
    }

    fn record(events: impl IntoIterator<Item = (u64, u32)>) -> Vec<Event> {
        (0..)
            .zip(events)
            .map(|(sequence, (millis, device))| Event {
                at: Instant::from_millis(millis),
                sequence,
                device: Some(DeviceId(device)),
                kind: query(),
            })
            .collect()
    }

    fn rate(most: u64, per: u64) -> RateCheck {
        let window = Window { open: Begin::At(Duration::ZERO), close: End::Never };
        RateCheck { matcher: all_of(Kind::Ntp).unwrap(), most, per: Duration::from_millis(per), window }
    }

    const END: Instant = Instant::from_secs(1_000);

    #[test]
    fn a_stretch_may_begin_anywhere_and_ends_before_its_length() {
        let events = record([(0, 0), (900, 0), (1_000, 0), (1_899, 0), (1_900, 0)]);
        assert_eq!(judge(&rate(3, 1_000), &Record::of(&events), END), Ok(()));
        let failure = judge(&rate(2, 1_000), &Record::of(&events), END).unwrap_err();
        assert_eq!(
            failure.seen,
            "it happened 3 times in the busiest 1s: at 0.900000 s NTP query: answered; at 1.000000 s NTP query: \
             answered; at 1.899000 s NTP query: answered"
        );
        assert_eq!(failure.at, Some(Instant::from_millis(1_899)), "the one that is one too many");
    }

    #[test]
    fn devices_are_counted_apart() {
        let events = record((0..20).map(|number| (number * 100, (number % 2) as u32)));
        assert_eq!(judge(&rate(5, 1_000), &Record::of(&events), END), Ok(()));
        assert!(judge(&rate(4, 1_000), &Record::of(&events), END).is_err());
    }

    fn scenario(text: &str) -> Scenario {
        let text = format!("title = 't'\nduration = '1000s'\n{text}\n[[expect]]\nevent.boot = {{}}\n");
        Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn once_a_second_is_no_storm_and_more_is() {
        let settings = "[settings]\nnetwork = 'home'";
        let events = record((0..600).map(|number| (number * 1_000, 0)));
        assert_eq!(storms(&scenario(settings), &events, END), []);
        let events = record((0..301).map(|number| (number * 996, 0)));
        let verdicts = storms(&scenario(settings), &events, END);
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].text, "NTP query: at most 300 times in any 5m, in any run");
        assert_eq!(storms(&scenario("allow = ['request-storm']"), &events, END), []);
    }

    #[test]
    fn requests_are_limited_by_how_often_the_device_reads() {
        let requests = |text: &str| limits(&scenario(text)).last().map(|limit| limit.most);
        assert_eq!(requests("[settings]\nnetwork = 'home'"), Some(60 + 24));
        assert_eq!(requests("[settings]\nnetwork = 'home'\ninterval = '1h'"), Some(60 + 2));
        assert_eq!(requests(""), Some(60 + 480), "a blank device may be set to anything");
    }

    proptest! {
        /// Against looking at every stretch on its own.
        #[test]
        fn the_busiest_stretch_is_found(
            mut times in proptest::collection::vec(0_u64..5_000, 0..60), per in 1_u64..2_000, most in 1_u64..20
        ) {
            times.sort_unstable();
            let events = record(times.iter().map(|millis| (*millis, 0)));
            let count = |from: u64| times.iter().filter(|time| (from..from + per).contains(time)).count() as u64;
            let highest = times.iter().map(|from| count(*from)).max().unwrap_or_default();
            prop_assert_eq!(judge(&rate(most, per), &Record::of(&events), END).is_ok(), highest <= most);
        }
    }
}
