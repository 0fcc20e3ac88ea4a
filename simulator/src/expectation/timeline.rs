//! Whether everything in a scenario's timeline happened: a phone, a fault or a step that waits for an event which never
//! comes would leave the scenario testing nothing, and passing.
//!
//! What has a fixed time is not looked at: the scenario's own check keeps it within the run.

use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::time::Instant;
use simulator_scenario::model::{Begin, Place, Scenario, When};

use super::window::Search;
use super::{Budget, Failure, Verdict};

/// Something of a timeline that waits for an event.
pub(super) struct Waiting<'s> {
    what: String,
    place: Place,
    search: Search<'s>,
}

/// All that waits in a scenario's timeline.
pub(super) fn waiting<'s>(scenario: &'s Scenario, budget: &Budget) -> Vec<Waiting<'s>> {
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
    let all = phones.chain(faults).chain(steps);
    all.map(|(what, trigger, place)| Waiting { what, place, search: Search::new(trigger, budget) }).collect()
}

impl Waiting<'_> {
    pub(super) fn kind(&self) -> Kind {
        self.search.trigger.matcher.kind()
    }

    pub(super) fn see(&mut self, event: &Rc<Event>) {
        self.search.see(event);
    }

    /// What it came to in a run that ended at `end`. Only what never happened gives a verdict.
    pub(super) fn verdict(&self, end: Instant) -> Option<Verdict> {
        let Search { trigger, found, .. } = &self.search;
        let seen = match found {
            Some((at, _)) if *at + trigger.plus <= end => return None,
            Some((at, _)) => format!("the run ended at {end} s, before {} s", *at + trigger.plus),
            None => format!("what it waits for never came: {}", self.search.seen_instead()),
        };
        let text = format!("{} {trigger}", self.what);
        Some(Verdict { place: Some(self.place), ..Verdict::missed(text, Failure::new(seen, None)) })
    }
}

#[cfg(test)]
mod tests {
    use simulator_record::events::{self, BootCause, EventKind};

    use super::*;

    fn verdicts(timeline: &str) -> Vec<(String, String, u32)> {
        let text = format!("title = 't'\nduration = '100s'\n[[expect]]\nevent.boot = {{}}\n{timeline}");
        let scenario = Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap();
        let boot = EventKind::Boot(events::Boot { number: 1, cause: BootCause::PowerOn });
        let events = [Event { at: Instant::from_secs(98), sequence: 0, device: None, name: None, kind: boot }];
        let end = Instant::from_secs(100);
        let judged = super::super::judged(&scenario, &events, end).into_iter();
        judged
            .filter(|verdict| verdict.text.contains(" after "))
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
