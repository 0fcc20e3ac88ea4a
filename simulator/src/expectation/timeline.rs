//! Whether everything in a scenario's timeline happened: a phone, a fault or a step that waits for an event which never
//! comes would leave the scenario testing nothing, and passing.
//!
//! What has a fixed time is not looked at: the scenario's own check keeps it within the run.

use super::{Failure, Record, Verdict, find};
use crate::events::Event;
use crate::scenario::model::{Begin, Place, Scenario, Trigger, When};
use crate::time::Instant;

/// Judges what a scenario's timeline waited for in a run that ended at `end`. Only what never happened gives a verdict.
pub fn timeline(scenario: &Scenario, events: &[Event], end: Instant) -> Vec<Verdict> {
    let record = &Record::of(events);
    let phones = scenario.phones.iter().filter_map(|phone| match &phone.arrives {
        Begin::After(trigger) => Some((format!("phone `{}` arrives", phone.name), trigger, phone.place)),
        Begin::At(_) => None,
    });
    let faults = scenario.faults.iter().filter_map(|fault| match &fault.when {
        When::After(trigger) => Some((format!("fault `{}` begins", fault.name), trigger, fault.place)),
        When::At(_) | When::Every { .. } => None,
    });
    let steps = scenario.steps.iter().filter_map(|step| match &step.when {
        When::After(trigger) => Some(("the step happens".to_owned(), trigger, step.place)),
        When::At(_) | When::Every { .. } => None,
    });
    phones
        .chain(faults)
        .chain(steps)
        .filter_map(|(what, trigger, place)| judge(&what, trigger, place, record, end))
        .collect()
}

fn judge(what: &str, trigger: &Trigger, place: Place, record: &Record<'_>, end: Instant) -> Option<Verdict> {
    let seen = match find(trigger, record) {
        Ok(event) if event.at + trigger.plus <= end => return None,
        Ok(event) => format!("the run ended at {end} s, before {} s", event.at + trigger.plus),
        Err(seen) => format!("what it waits for never came: {seen}"),
    };
    Some(Verdict {
        text: format!("{what} {trigger}"),
        because: None,
        place: Some(place),
        failure: Some(Failure::new(seen, None)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{self, BootCause, EventKind};

    fn verdicts(timeline: &str) -> Vec<(String, String, u32)> {
        let text = format!("title = 't'\nduration = '100s'\n[[expect]]\nevent.boot = {{}}\n{timeline}");
        let scenario = Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap();
        let boot = EventKind::Boot(events::Boot { number: 1, cause: BootCause::PowerOn });
        let events = [Event { at: Instant::from_secs(98), sequence: 0, device: None, kind: boot }];
        super::timeline(&scenario, &events, Instant::from_secs(100))
            .into_iter()
            .map(|verdict| (verdict.text, verdict.failure.unwrap().seen, verdict.place.unwrap().line))
            .collect()
    }

    #[test]
    fn what_happened_gives_no_verdict() {
        assert_eq!(verdicts("[[steps]]\nafter = { event.boot = {} }\ndo.power = 'off'\n"), []);
        assert_eq!(verdicts("[[steps]]\nat = '99s'\ndo.power = 'off'\n"), []);
    }

    #[test]
    fn what_never_came_is_told_with_its_place() {
        let timeline = "[[phones]]\nname = 'alice'\nafter = { event.led = 'on' }\ndoes = [{ wait = '1s' }]\n\
             [[faults]]\nname = 'mute'\nafter = { event.boot = {}, count = 2 }\ninject.dns = 'silent'\n\
             [[steps]]\nafter = { event.boot = {}, plus = '3s' }\ndo.power = 'off'\n";
        let told = |text: &str, seen: &str, line| (text.to_owned(), seen.to_owned(), line);
        assert_eq!(
            verdicts(timeline),
            [
                told(
                    "phone `alice` arrives after the first LED goes on",
                    "what it waits for never came: nothing of the kind happened",
                    5
                ),
                told(
                    "fault `mute` begins after the 2nd boot",
                    "what it waits for never came: it happened once only",
                    9
                ),
                told(
                    "the step happens 3s after the first boot",
                    "the run ended at 100.000000 s, before 101.000000 s",
                    13
                ),
            ]
        );
    }
}
