//! One run on a rig: what comes in becomes events, what the timeline says is done.
//!
//! Times are counted from the moment at which the board is started. What comes in has the time at which it was read,
//! also if a command or a person kept the run from looking.

#![expect(clippy::disallowed_methods, reason = "a real board runs by the clock on the wall")]

use std::rc::Rc;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant as WallInstant};

use simulator_live::port::{Received, SerialPort};
use simulator_parts::{PartId, SerialByte, SerialLine};
use simulator_record::events::{self, DeviceId, Event, EventKind, FaultAction, PowerState};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::model::Scenario;
use simulator_world::device::conversation::Conversation;
use simulator_world::internet;
use simulator_world::world::{Command, Fault as Wrong, Rule};

use super::cloud_faults::CloudFaults;
use super::feed::Feed;
use super::means::{self, Undone};
use super::prompt::Prompter;
use super::timeline::{Act, Timeline};
use super::{Reset, Rig};
use crate::director::Director;
use crate::expectation::{self, Failure, Judges, Verdict};
use crate::run::keep::{Keep, Kept};
use crate::run::watch::{GivenUp, Watch};
use crate::run::{CaseOutcome, Run, record};

/// What comes in is looked for so often at least.
const TURN: Duration = Duration::from_millis(20);
/// How long the supply is off before the run begins.
const OFF: Duration = Duration::from_secs(1);
/// The only device.
const BOARD: DeviceId = DeviceId(0);

/// Runs a scenario that [needs](super::needs()) nothing that the rig cannot do.
pub(in crate::run) fn run(
    scenario: &Scenario,
    rig: &Rig,
    watch: &Watch,
    keep: Keep<'_>,
) -> Result<CaseOutcome, GivenUp<CaseOutcome>> {
    let outcome = |run| CaseOutcome { runs: vec![run] };
    match run_once(scenario, rig, watch, keep) {
        Ok(run) => Ok(outcome(run)),
        Err(GivenUp(run)) => Err(GivenUp(Box::new(outcome(*run)))),
    }
}

fn run_once(scenario: &Scenario, rig: &Rig, watch: &Watch, keep: Keep<'_>) -> Result<Run, GivenUp<Run>> {
    let limits = expectation::limits(scenario);
    let mut judges = Judges::new(scenario, &limits, true);
    let mut kept = Kept::default();
    let mut recorder = keep.open(0);
    let mut failed = recorder.as_mut().err().map(|error| std::mem::replace(error, std::io::ErrorKind::Other.into()));
    let mut session = Session::new(scenario, rig, watch);
    let mut director = Director::new(scenario, Seed(scenario.seed), &mut session.timeline);
    let end = Instant::START + scenario.duration;
    let mut undone = session.prepare().err();
    while undone.is_none() && failed.is_none() {
        undone = session.go_on(end).err();
        // What comes in behind the end is of no run.
        for event in std::mem::take(&mut session.events).into_iter().filter(|event| event.at <= end) {
            let event = Rc::new(event);
            judges.see(&event);
            director.observe(&event, &mut session.timeline);
            if keep.keeps(&event) {
                kept.add(&event);
            }
            failed = failed.or(record(&mut recorder, &event).err());
        }
        if session.now() >= end {
            break;
        }
        if undone.is_none() && !watch.goes_on(0, session.now(), 0) {
            undone = Some(Undone::GivenUp);
        }
    }
    failed = failed.or(recorder.as_mut().ok().and_then(|recorder| recorder.finish().err()));
    drop(recorder);
    let given_up = failed.is_some() || undone == Some(Undone::GivenUp);
    if let Some(error) = failed {
        keep.failed(error);
    }
    let ended = session.now().min(end);
    let verdicts = match undone {
        Some(Undone::Failed(reason)) => vec![trouble(reason, ended)],
        Some(Undone::GivenUp) => Vec::new(),
        None if given_up => Vec::new(),
        None => judges.verdicts(end),
    };
    let run = Run {
        repetition: 0,
        events: kept.into_events(),
        record: keep.record(0),
        end: ended,
        verdicts,
        coverage: None,
        receipts: Vec::new(),
    };
    if given_up { Err(GivenUp(Box::new(run))) } else { Ok(run) }
}

/// What a run came to whose rig did not do its part. Nothing of the scenario is judged then.
fn trouble(reason: String, at: Instant) -> Verdict {
    Verdict::missed("a rig that does what it is asked, to the end", Failure { seen: reason, at: Some(at) })
}

struct Session<'r> {
    scenario: &'r Scenario,
    rig: &'r Rig,
    watch: &'r Watch,
    port: MutexGuard<'r, SerialPort>,
    prompter: MutexGuard<'r, Prompter>,
    feed: Option<Feed>,
    cloud: Option<CloudFaults>,
    timeline: Timeline,
    conversation: Conversation,
    serial: SerialLine,
    began: WallInstant,
    /// What has happened and was not looked at.
    events: Vec<Event>,
    happened: u64,
    last: Instant,
}

impl<'r> Session<'r> {
    fn new(scenario: &'r Scenario, rig: &'r Rig, watch: &'r Watch) -> Self {
        Self {
            scenario,
            rig,
            watch,
            port: rig.port.lock().unwrap_or_else(PoisonError::into_inner),
            prompter: rig.prompter.lock().unwrap_or_else(PoisonError::into_inner),
            feed: None,
            cloud: rig.description.cloud.as_deref().map(CloudFaults::at),
            timeline: Timeline::new(),
            conversation: Conversation::default(),
            serial: SerialLine::default(),
            began: WallInstant::now(),
            events: Vec::new(),
            happened: 0,
            last: Instant::START,
        }
    }

    fn now(&self) -> Instant {
        self.time_of(WallInstant::now())
    }

    fn time_of(&self, wall: WallInstant) -> Instant {
        Instant::START + wall.saturating_duration_since(self.began)
    }

    /// Something has happened; times in the record never go back.
    fn commit(&mut self, at: Instant, kind: impl Into<EventKind>) {
        self.last = self.last.max(at);
        let event =
            Event { at: self.last, sequence: self.happened, device: Some(BOARD), name: None, kind: kind.into() };
        self.events.push(event);
        self.happened += 1;
    }

    /// Has the board off, or about to be reset, with nothing under way; then time begins.
    fn prepare(&mut self) -> Result<(), Undone> {
        if let Some(url) = &self.rig.description.feed {
            self.feed = Some(Feed::watch(url).map_err(Undone::Failed)?);
        }
        if self.rig.description.power.is_some() {
            self.switch_supply(false)?;
            std::thread::sleep(OFF);
        }
        drain(&self.port);
        self.began = WallInstant::now();
        Ok(())
    }

    /// Does the next thing, or waits for it a while.
    fn go_on(&mut self, end: Instant) -> Result<(), Undone> {
        self.take_in(Duration::ZERO)?;
        self.timeline.advance(self.now());
        if let Some(act) = self.timeline.take_due() {
            return self.carry_out(act);
        }
        let now = self.now();
        let next = self.timeline.next_at().map_or(end, |next| next.min(end));
        self.take_in(next.saturating_since(now).min(TURN))
    }

    /// Takes what has come in, for which this waits if there is nothing.
    fn take_in(&mut self, mut patience: Duration) -> Result<(), Undone> {
        while let Some(Received { at, bytes }) = self.port.receive(patience) {
            patience = Duration::ZERO;
            let at = self.time_of(at);
            let bytes = bytes.map_err(|reason| Undone::Failed(format!("the serial port is gone: {reason}")))?;
            for byte in bytes {
                self.serial.receive(at, byte);
                self.conversation.hear(at, byte);
                self.timeline.type_in(self.conversation.take_typed(at));
            }
            while let Some(line) = self.serial.take_line(at) {
                self.commit(at, events::Serial { line: line.text });
            }
        }
        while let Some(seen) = self.feed.as_ref().and_then(Feed::next) {
            let (at, entry) = seen.map_err(Undone::Failed)?;
            self.commit(self.time_of(at), entry);
        }
        Ok(())
    }

    fn carry_out(&mut self, act: Act) -> Result<(), Undone> {
        let command = match act {
            Act::Key(byte) => {
                let sent = self.port.send(&[byte]);
                return sent.map_err(|error| Undone::Failed(format!("could not send to the serial port: {error}")));
            }
            Act::Command(command) => command,
        };
        match command {
            Command::Power { on: true, .. } if self.rig.description.power.is_none() => self.start_by_reset(),
            Command::Power { on, .. } => self.supply(on),
            Command::CutPower { device, length } => {
                self.supply(false)?;
                self.timeline.add(self.now() + length, Act::Command(Command::Power { device, on: true }));
                Ok(())
            }
            Command::PressReset { .. } => {
                self.reset()?;
                self.tell("reset button pressed".to_owned());
                Ok(())
            }
            Command::Switch { part, on, .. } => self.move_part(part, on),
            Command::Press { device, part, length, bounce } => {
                self.move_part(part, true)?;
                let release = Command::Switch { device, part, on: false, bounce };
                self.timeline.add(self.now() + length, Act::Command(release));
                Ok(())
            }
            Command::Type { keys, .. } => {
                let now = self.now();
                let keys = keys.into_iter().map(|(after, byte)| SerialByte { at: now + after, byte, bit: None });
                self.timeline.type_in(keys);
                Ok(())
            }
            Command::Converse { turns, every, .. } => {
                let typed = self.conversation.begin(self.now(), turns, every);
                self.timeline.type_in(typed);
                Ok(())
            }
            Command::StartPhone { phone } => self.use_phone(phone),
            Command::BeginFault(Rule { name, count, fault: Wrong::Internet(fault) })
                if matches!(fault, internet::Fault::Cloud(_) | internet::Fault::CloudReply(_)) =>
            {
                let cloud =
                    self.cloud.as_mut().ok_or_else(|| Undone::Failed("the rig has no fake cloud".to_owned()))?;
                cloud.set(&name, &fault, count).map_err(Undone::Failed)?;
                self.tell_fault(name, FaultAction::Begins)
            }
            Command::EndFault { rule } => {
                if let Some(cloud) = &mut self.cloud {
                    cloud.clear(&rule);
                }
                self.tell_fault(rule, FaultAction::Ends)
            }
            Command::BrownOut { .. }
            | Command::HoldReset { .. }
            | Command::HoldLow { .. }
            | Command::SerialIn { .. }
            | Command::Readings { .. }
            | Command::BeginFault(_) => Err(Undone::Failed(format!("no rig can do this: {command:?}"))),
        }
    }

    /// Records what was done, once what had come in before is recorded.
    fn tell(&mut self, action: String) {
        self.commit(self.now(), events::Step { action });
    }

    /// The same of a fault.
    fn tell_fault(&mut self, rule: String, action: FaultAction) -> Result<(), Undone> {
        self.take_in(Duration::ZERO)?;
        self.commit(self.now(), events::Fault { rule, action });
        Ok(())
    }

    fn supply(&mut self, on: bool) -> Result<(), Undone> {
        self.switch_supply(on)?;
        self.take_in(Duration::ZERO)?;
        let state = if on { PowerState::On } else { PowerState::Off };
        self.commit(self.now(), events::Power { state });
        Ok(())
    }

    fn switch_supply(&mut self, on: bool) -> Result<(), Undone> {
        let words = format!("switch the board's supply {}", if on { "on" } else { "off" });
        let Some(power) = &self.rig.description.power else {
            return Err(Undone::Failed("the rig cannot switch the supply".to_owned()));
        };
        power.switch(on, &words, &mut self.prompter, goes_on(self.watch, self.began))
    }

    /// Without a switched supply the beginning is a reset.
    fn start_by_reset(&mut self) -> Result<(), Undone> {
        match &self.rig.description.reset {
            Reset::DtrRts => self.port.reset(drain).map_err(|error| lines_failed(&error))?,
            Reset::Prompt | Reset::Command(_) | Reset::None => self.reset()?,
        }
        self.tell("started by a reset".to_owned());
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Undone> {
        match &self.rig.description.reset {
            Reset::DtrRts => self.port.reset(|_| {}).map_err(|error| lines_failed(&error))?,
            Reset::Command(line) => means::execute(line)?,
            Reset::Prompt => {
                let goes_on = goes_on(self.watch, self.began);
                means::ask(&mut self.prompter, "press the board's reset button", goes_on)?;
            }
            Reset::None => return Err(Undone::Failed("the rig cannot reset the board".to_owned())),
        }
        self.take_in(Duration::ZERO)
    }

    fn move_part(&mut self, part: PartId, on: bool) -> Result<(), Undone> {
        let name = means::part_name(self.scenario, part);
        let words =
            format!("turn `{name}` {}", if on { "on (press it, if it is a button)" } else { "off (let go of it)" });
        let Some(switching) = self.rig.description.parts.get(name) else {
            return Err(Undone::Failed(format!("the rig cannot move `{name}`")));
        };
        switching.switch(on, &words, &mut self.prompter, goes_on(self.watch, self.began))?;
        self.take_in(Duration::ZERO)?;
        self.tell(format!("`{name}` {}", if on { "on" } else { "off" }));
        Ok(())
    }

    fn use_phone(&mut self, phone: usize) -> Result<(), Undone> {
        let scenario = self.scenario;
        let Some(phone) = scenario.phones.get(phone) else { return Ok(()) };
        for action in &phone.does {
            let words = means::phone_words(&means::phone_name(phone), action);
            means::ask(&mut self.prompter, &words, goes_on(self.watch, self.began))?;
            self.take_in(Duration::ZERO)?;
            self.tell(words);
        }
        Ok(())
    }
}

/// Whether a run that has begun then goes on.
fn goes_on(watch: &Watch, began: WallInstant) -> impl Fn() -> bool {
    move || watch.goes_on(0, Instant::START + began.elapsed(), 0)
}

/// What has come in so far is of no run.
fn drain(port: &SerialPort) {
    while let Some(Received { bytes: Ok(_), .. }) = port.receive(Duration::ZERO) {}
}

fn lines_failed(error: &std::io::Error) -> Undone {
    Undone::Failed(format!("could not move DTR and RTS: {error}"))
}
