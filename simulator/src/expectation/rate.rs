//! How often events may happen: no more than so many of one device in any stretch of time, wherever the stretch begins.
//!
//! Besides the rates that a scenario expects, every run has [limits](LIMITS) for what a device asks of others. They are
//! far above what any device in order needs, and far below a storm: a client that asks a router again and again without
//! a delay, or a server that has told it to wait. A scenario that means to show a storm says `allow =
//! ["request-storm"]`.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use humantime::format_duration;
use simulator_record::events::{DeviceId, Event, Kind};
use simulator_record::time::Instant;
use simulator_scenario::all_of;
use simulator_scenario::model::{Begin, End, RateCheck, Scenario, Settings, Window};
use simulator_scenario::words::times;

use super::window::{Side, Span};
use super::{Budget, Failure, Few, Judge, Verdict};

/// Holds a rate against what happens. Events of several devices are counted apart.
pub(super) struct Rate<'s> {
    check: &'s RateCheck,
    span: Span<'s>,
    devices: BTreeMap<Option<DeviceId>, Stretch>,
}

/// The stretch of one device that ends now, and what the busiest one held.
#[derive(Default)]
struct Stretch {
    events: VecDeque<Rc<Event>>,
    busiest: Few,
    /// The first event that was one too many.
    excess: Option<Instant>,
}

impl<'s> Rate<'s> {
    pub(super) fn new(check: &'s RateCheck, budget: &Budget) -> Self {
        Self { check, span: Span::new(&check.window, budget), devices: BTreeMap::new() }
    }
}

impl Judge for Rate<'_> {
    fn kinds(&self) -> Vec<Kind> {
        let trigger = self.span.trigger().map(|trigger| trigger.matcher.kind());
        [self.check.matcher.kind()].into_iter().chain(trigger).collect()
    }

    fn see(&mut self, event: &Rc<Event>) {
        if self.span.place(event) != Side::Inside || !self.check.matcher.matches(event) {
            return;
        }
        let stretch = self.devices.entry(event.device).or_default();
        stretch.events.push_back(Rc::clone(event));
        while stretch.events.front().is_some_and(|first| event.at.saturating_since(first.at) >= self.check.per) {
            stretch.events.pop_front();
        }
        let count = stretch.events.len() as u64;
        if count > stretch.busiest.count {
            stretch.busiest = Few::of(&stretch.events);
        }
        if count > self.check.most {
            stretch.excess.get_or_insert(event.at);
        }
    }

    fn judge(&self, end: Instant, early: bool) -> Result<(), Failure> {
        let closed = self.span.closed(end, early)?;
        // Of equally busy ones the first device's.
        let busiest = self.devices.values().map(|stretch| &stretch.busiest);
        let busiest = busiest.reduce(|most, other| if other.count > most.count { other } else { most });
        let Some(busiest) = busiest.filter(|busiest| busiest.count > self.check.most) else {
            return closed.is_over();
        };
        let seen = format!(
            "it happened {} in the busiest {}: {busiest}",
            times(busiest.count),
            format_duration(self.check.per)
        );
        Err(Failure::new(seen, self.devices.values().filter_map(|stretch| stretch.excess).min()))
    }
}

/// How long a stretch of [`LIMITS`] is.
const STRETCH: Duration = Duration::from_mins(5);

/// What a device may ask of others in any [`STRETCH`]: once a second in the long run. A connection counts twice (it
/// opens and it ends), and so does an address (it is offered and acknowledged).
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

/// The rates that every run of a scenario is held against, unless it allows more.
pub(super) fn limits(scenario: &Scenario) -> Vec<RateCheck> {
    if scenario.allow.request_storm {
        return Vec::new();
    }
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
        .collect()
}

/// What is said of a limit that was exceeded.
pub(super) fn verdict(limit: &RateCheck, failure: Failure) -> Verdict {
    let because = "a device that asks so often floods others; if that is meant, allow = [\"request-storm\"]";
    Verdict { because: Some(because.to_owned()), ..Verdict::missed(format!("{limit}, in any run"), failure) }
}

#[cfg(test)]
mod tests {
    use simulator_record::events::{self, EventKind, NtpOutcome};

    use super::*;
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
                name: None,
                kind: query(),
            })
            .collect()
    }

    fn rate(most: u64, per: u64) -> RateCheck {
        let window = Window { open: Begin::At(Duration::ZERO), close: End::Never };
        RateCheck { matcher: all_of(Kind::Ntp).unwrap(), most, per: Duration::from_millis(per), window }
    }

    const END: Instant = Instant::from_secs(1_000);

    fn judge(check: &RateCheck, events: &[Event]) -> Result<(), Failure> {
        let mut rate = Rate::new(check, &Budget::default());
        events.iter().for_each(|event| rate.see(&Rc::new(event.clone())));
        rate.judge(END, false)
    }

    fn storms(scenario: &Scenario, events: &[Event], end: Instant) -> Vec<Verdict> {
        super::super::judged(scenario, events, end)
            .into_iter()
            .filter(|verdict| verdict.text.ends_with("in any run"))
            .collect()
    }

    #[test]
    fn a_stretch_may_begin_anywhere_and_ends_before_its_length() {
        let events = record([(0, 0), (900, 0), (1_000, 0), (1_899, 0), (1_900, 0)]);
        assert_eq!(judge(&rate(3, 1_000), &events), Ok(()));
        let failure = judge(&rate(2, 1_000), &events).unwrap_err();
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
        assert_eq!(judge(&rate(5, 1_000), &events), Ok(()));
        assert!(judge(&rate(4, 1_000), &events).is_err());
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
        let requests = |text: &str| limits(&scenario(text)).pop().map(|limit| limit.most);
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
            prop_assert_eq!(judge(&rate(most, per), &events).is_ok(), highest <= most);
        }
    }
}
