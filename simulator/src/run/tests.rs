//! Sweeps, telling runs apart, and recording them.

use std::cell::RefCell;

use simulator_record::events::{self, Kind, Level, PowerState};

use super::determinism::difference;
use super::*;

fn scenario(text: &str) -> Scenario {
    let text = format!("title = 't'\n{text}\n[[expect]]\nevent.boot = {{}}\n");
    Scenario::parse("t.toml", &text, &|name| Err(format!("{name} is not needed"))).unwrap()
}

/// A phone sets up a blank device; power is cut in flash operations between `from` and `until`.
fn sweep(from: &str, until: &str) -> Scenario {
    scenario(&format!(
        "duration = '1m'\n[[networks]]\nname = 'home'\n[[phones]]\nname = 'alice'\narrives = '5s'\ndoes = [\n\
         {{ join = {{ network = 'yellow-duck' }} }},\n\
         {{ submit = {{ network = 'home', write-key = 'channel', trusted-issuer = 'cloud' }} }},\n]\n\
         [sweep]\ncut-power-at-each-flash-operation = {{ from = '{from}', until = '{until}', off-for = '2s' }}\n"
    ))
}

#[test]
fn a_sweep_tries_each_flash_operation_once() {
    let outcome = run(&sweep("0s", "40s"), Seed(1));
    let cuts = |run: &Run| {
        run.events
            .iter()
            .filter(|event| event.kind == EventKind::Power(events::Power { state: PowerState::Off }))
            .count()
    };
    let torn = |run: &Run| {
        run.events.iter().find_map(|event| match event.kind {
            EventKind::Flash(events::Flash { number, torn: true, .. }) => Some(number),
            _ => None,
        })
    };
    let (plain, repetitions) = outcome.runs.split_first().unwrap();
    assert_eq!((plain.repetition, cuts(plain), torn(plain)), (0, 0, None));
    let operations = plain.events.iter().filter(|event| matches!(event.kind, EventKind::Flash(_))).count();
    assert!(operations >= 2, "saving erases and writes");
    assert_eq!(repetitions.len(), operations);
    for (number, run) in (1..).zip(repetitions) {
        assert_eq!((run.repetition, cuts(run), torn(run)), (number, 1, Some(number)));
    }
    assert!(outcome.passed(), "{:?}", outcome.first_failed_run().failures().next());
}

#[test]
fn a_sweep_that_finds_nothing_to_cut_fails() {
    let outcome = run(&sweep("50s", "55s"), Seed(1));
    let (verdict, failure) = outcome.first_failed_run().failures().next().unwrap();
    assert_eq!(verdict.text, "flash operations in the sweep's interval");
    assert_eq!(failure.seen, "there were none, so that no power cut was tried");
}

#[test]
fn the_run_that_failed_first_tells() {
    let mut outcome = run(&sweep("0s", "40s"), Seed(1));
    assert_eq!(outcome.first_failed_run().repetition, outcome.runs.last().unwrap().repetition);
    let failed = Verdict::missed("more", Failure { seen: "less".to_owned(), at: None });
    outcome.runs[1].verdicts.push(failed);
    assert!(!outcome.passed());
    assert_eq!(outcome.first_failed_run().repetition, 1);
}

#[test]
fn the_first_event_that_differs_is_named() {
    let scenario = scenario("duration = '20s'\n");
    let first = run(&scenario, Seed(1));
    assert_eq!(difference(&first, &run(&scenario, Seed(1))), None);

    let mut changed = first.clone();
    let place = changed.runs[0].events.iter().position(|event| matches!(event.kind, EventKind::Serial(_))).unwrap();
    changed.runs[0].events[place].kind = EventKind::Serial(events::Serial { line: "something else".to_owned() });
    let found = difference(&first, &changed).unwrap();
    assert_eq!(found.first, Some(line(&first.runs[0].events[place])));
    assert!(found.describe().contains("again: ") && found.describe().contains("something else"));

    let mut shorter = first.clone();
    let last = shorter.runs[0].events.pop();
    let found = difference(&first, &shorter).unwrap();
    assert_eq!((found.first, found.second), (last.as_ref().map(line), None));
}

#[test]
fn nothing_behind_a_runs_end_is_recorded() {
    let outcome = run(&scenario("duration = '1s'\n"), Seed(1));
    assert_eq!(outcome.simulated(), Duration::from_secs(1));
    assert!(!outcome.runs[0].events.is_empty());
    assert!(outcome.runs[0].events.iter().all(|event| event.at <= Instant::from_secs(1)));
}

#[test]
fn a_fault_that_takes_the_reply_away_says_what_was_stored() {
    let scenario = scenario(
        "duration = '2m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
         [[faults]]\nname = 'lost'\nfrom = '0s'\ncount = 2\ninject.cloud = 'drop-after-storing'\n",
    );
    let outcome = run(&scenario, Seed(1));
    let actions: Vec<&str> = outcome.runs[0]
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Fault(events::Fault { action, .. }) => Some(action.text()),
            _ => None,
        })
        .collect();
    let expected = [
        "begins",
        "stored an entry, and closed without a reply",
        "had nothing new to store, and closed without a reply",
    ];
    assert_eq!(actions, expected);
}

/// Keeps what it is told in memory, frames and edges too; fails once it has had so many events.
struct Told {
    room: usize,
    events: Rc<RefCell<Vec<String>>>,
    frames: Rc<RefCell<Vec<(Instant, String)>>>,
    edges: Rc<RefCell<Vec<Edge>>>,
    failed: RefCell<Option<io::Error>>,
}

impl Told {
    fn with_room_for(room: usize) -> Self {
        let (events, frames, edges) = Default::default();
        Self { room, events, frames, edges, failed: RefCell::default() }
    }
}

struct Telling {
    room: usize,
    events: Rc<RefCell<Vec<String>>>,
    frames: Rc<RefCell<Vec<(Instant, String)>>>,
    edges: Rc<RefCell<Vec<Edge>>>,
}

impl Recorder for Telling {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events.borrow_mut().push(line(event));
        if self.events.borrow().len() > self.room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn wants_frames(&self) -> bool {
        true
    }

    fn frame(&mut self, frame: Frame<'_>) -> io::Result<()> {
        assert!(frame.bytes.len() >= 14, "an Ethernet header at least");
        self.frames.borrow_mut().push((frame.at, frame.link.to_owned()));
        Ok(())
    }

    fn edge(&mut self, edge: Edge) -> io::Result<()> {
        self.edges.borrow_mut().push(edge);
        Ok(())
    }
}

impl Evidence for Told {
    fn open(&self, _: Name, _: u32) -> io::Result<Box<dyn Recorder>> {
        let (events, frames, edges) = (Rc::clone(&self.events), Rc::clone(&self.frames), Rc::clone(&self.edges));
        Ok(Box::new(Telling { room: self.room, events, frames, edges }))
    }

    fn events(&self, _: Name, _: u32) -> PathBuf {
        PathBuf::from("nowhere")
    }

    fn asks_for(&self, _: Kind) -> bool {
        false
    }

    fn failed(&self, error: io::Error) {
        self.failed.replace(Some(error));
    }
}

const STATION: &str = "duration = '2m'\n[settings]\nnetwork = 'home'\n[[networks]]\nname = 'home'\n";

#[test]
fn recording_changes_nothing_in_a_run() {
    let scenario = scenario(STATION);
    let told = Told::with_room_for(usize::MAX);
    let watch = Watch::default();
    let recorded = results(&scenario, Seed(1), &[Subject::host()], false, &watch, Some(&told)).unwrap();
    let plain = run(&scenario, Seed(1));
    let expected: Vec<String> = plain.runs[0].events.iter().map(line).collect();
    assert_eq!(*told.events.borrow(), expected);
    let run = &recorded.outcomes[0].outcome.runs[0];
    assert_eq!(run.verdicts, plain.runs[0].verdicts);
    assert_eq!(run.events, [], "what lies elsewhere is not kept in memory, too");
    let frames = told.frames.borrow();
    assert!(frames.is_sorted_by_key(|(at, _)| *at));
    for link in ["device 0", "router home"] {
        assert!(frames.iter().filter(|(_, its)| its == link).count() > 5, "{link}: {frames:?}");
    }
    let edges = told.edges.borrow();
    assert!(edges.iter().any(|edge| edge.pin == 13 && edge.level == Level::High), "{edges:?}");
}

#[test]
fn a_run_that_cannot_be_recorded_is_given_up() {
    let told = Told::with_room_for(5);
    let watch = Watch::default();
    let GivenUp(kept) =
        results(&scenario(STATION), Seed(1), &[Subject::host()], false, &watch, Some(&told)).unwrap_err();
    assert_eq!(told.events.borrow().len(), 6);
    assert_eq!(told.failed.borrow().as_ref().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    assert_eq!(kept.outcomes[0].outcome.runs[0].verdicts, []);
}
