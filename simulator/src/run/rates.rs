//! What the firmware sends while something is wrong, whatever it is: no question is asked more often than once a second
//! in the long run.
//!
//! Every fault that the language has words for is there for an hour, and so are random pairs of them that come and go.
//! The frames are counted as the device hands them to its radio, so that those count, too, that nobody ever receives.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulator_record::events::{BootCause, Event, EventKind};
use simulator_record::random::{Draw, Seed};
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_scenario::model::Injection;
use simulator_scenario::vocabulary::{self, BSSID, NETWORK};
use simulator_world::device::host::HostTarget;
use simulator_world::device::port::Output;
use simulator_world::device::{Port, Progress, Target};

use super::build;
use crate::director::Director;

/// What is counted, and how many of it there may be within any minute and within any ten minutes. The longest honest
/// bursts stand behind the numbers: a request for an address that is not answered, the resolver's three tries, a TLS
/// handshake over a bad link.
const LIMITS: [(&str, usize, usize); 9] = [
    ("join", 15, 100),
    ("DHCP message", 20, 120),
    ("DNS question", 30, 200),
    ("NTP question", 15, 60),
    ("ARP request", 60, 400),
    ("ICMP message", 60, 400),
    ("TCP connection", 20, 100),
    ("TCP segment", 300, 1_500),
    ("HTTP request", 6, 45),
];

/// A target that is listened to.
struct Tap {
    target: HostTarget,
    port: Rc<Port>,
    sent: Rc<RefCell<Vec<(Instant, &'static str)>>>,
}

impl Target for Tap {
    fn start(&mut self, at: Instant, cause: BootCause) {
        self.target.start(at, cause);
    }

    fn run(&mut self, now: Instant) -> Progress {
        let progress = self.target.run(now);
        for (at, output) in self.port.take_outbox() {
            let kinds: &[_] = match &output {
                Output::Frame(frame) => kinds(frame),
                Output::Join { .. } => &["join"],
                Output::Leave
                | Output::Scan { .. }
                | Output::StartAccessPoint { .. }
                | Output::RadioFrame { .. }
                | Output::Listens(_)
                | Output::RadioOff
                | Output::Restarted { .. }
                | Output::Missed(_)
                | Output::FlashBegan { .. }
                | Output::Event(_) => &[],
            };
            self.sent.borrow_mut().extend(kinds.iter().map(|kind| (at, *kind)));
            self.port.put(at, output);
        }
        progress
    }

    fn stop(&mut self) {
        self.target.stop();
    }

    fn watchdog_resets_at(&self) -> Instant {
        self.target.watchdog_resets_at()
    }
}

/// What a frame is.
fn kinds(frame: &[u8]) -> &'static [&'static str] {
    const ARP: [u8; 2] = [8, 6];
    const UDP: u8 = 17;
    const TCP: u8 = 6;
    const ICMP: u8 = 1;
    let (ethertype, packet) = (&frame[12..14], &frame[14..]);
    if ethertype == ARP {
        return if packet[7] == 1 { &["ARP request"] } else { &[] };
    }
    let payload = &packet[usize::from(packet[0] & 15) * 4..];
    match (packet[9], u16::from_be_bytes([payload[2], payload[3]])) {
        (UDP, 67) => &["DHCP message"],
        (UDP, 53) => &["DNS question"],
        (UDP, 123) => &["NTP question"],
        (TCP, _) if payload[13] & 0b10 != 0 => &["TCP segment", "TCP connection"],
        (TCP, _) => &["TCP segment"],
        (ICMP, _) => &["ICMP message"],
        _ => panic!("what is this? {frame:02x?}"),
    }
}

/// What happened of what is counted, in order of time.
type Seen = BTreeMap<&'static str, Vec<Instant>>;

fn play(scenario: &Scenario, seed: Seed) -> (Seen, Vec<Event>) {
    let sent = Rc::new(RefCell::new(Vec::new()));
    let mut world = build::world_with(scenario, seed, |port| {
        let target = HostTarget::yellow_duck(Rc::clone(&port));
        Box::new(Tap { target, port, sent: Rc::clone(&sent) })
    });
    let mut director = Director::new(scenario, seed, &mut world);
    let end = Instant::START + scenario.duration;
    let mut events = Vec::new();
    while world.next_at().is_some_and(|at| at <= end) {
        world.step();
        for event in world.take_events() {
            director.observe(&event, &mut world);
            events.push(event);
        }
    }
    let requests = events.iter().filter(|event| matches!(event.kind, EventKind::Http(_)));
    let mut seen = Seen::new();
    for (at, kind) in sent.take().into_iter().chain(requests.map(|event| (event.at, "HTTP request"))) {
        seen.entry(kind).or_default().push(at);
    }
    (seen, events)
}

/// The most that there are within any window of so many seconds.
fn most_within(times: &[Instant], seconds: u64) -> usize {
    let window = std::time::Duration::from_secs(seconds);
    let within =
        |(index, from): (usize, &Instant)| times[index..].iter().take_while(|at| **at < *from + window).count();
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// An hour with these `faults`.
fn scenario(faults: &str) -> Scenario {
    let text = format!(
        "title = 't'\nduration = '1h'\n[settings]\nnetwork = '{NETWORK}'\npassphrase = 'correct horse'\n[[networks]]\n\
         name = '{NETWORK}'\npassphrase = 'correct horse'\nbssid = '{BSSID}'\n{faults}[[expect]]\nevent.boot = {{}}\n"
    );
    Scenario::parse("rates.toml", &text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with an hour of these `faults`, in words.
fn judge(faults: &str, seed: u64) -> Vec<String> {
    let (seen, events) = play(&scenario(faults), Seed(seed));
    let mut wrong = Vec::new();
    for (kind, in_a_minute, in_ten) in LIMITS {
        let times = seen.get(kind).map_or(&[][..], Vec::as_slice);
        for (seconds, limit) in [(60, in_a_minute), (600, in_ten)] {
            let most = most_within(times, seconds);
            if most > limit {
                wrong.push(format!("{most} times {kind} in {seconds} s, with seed {seed} and\n{faults}"));
            }
        }
    }
    let ended =
        |event: &&Event| matches!(event.kind, EventKind::Livelock(_) | EventKind::Watchdog(_) | EventKind::Crash(_));
    wrong.extend(events.iter().find(ended).map(|event| format!("{:?}, with seed {seed} and\n{faults}", event.kind)));
    wrong
}

/// Judges all cases, two at a time.
fn judge_all(cases: &[(String, u64)]) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some((faults, seed)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(judge(faults, *seed));
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().expect("no case panics")).collect()
    });
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// All but a supply that sags: a chip that loses its memory each time it sends cannot know that it has just asked.
fn injections() -> Vec<String> {
    let mut all = vocabulary::injections();
    all.retain(|injection| {
        let faults = scenario(&fault(1, injection, "")).faults;
        !faults.iter().any(|fault| matches!(fault.injection, Injection::Supply { .. }))
    });
    all
}

fn fault(number: usize, injection: &str, when: &str) -> String {
    format!("[[faults]]\nname = 'fault {number}'\n{when}inject = {injection}\n")
}

#[test]
fn no_fault_makes_the_firmware_ask_without_pause() {
    let always = injections().into_iter().map(|injection| (fault(1, &injection, ""), 1));
    let later = injections().into_iter().map(|injection| (fault(1, &injection, "from = '12m'\nuntil = '50m'\n"), 2));
    judge_all(&always.chain(later).collect::<Vec<_>>());
}

#[test]
fn nor_do_two_that_come_and_go() {
    let injections = injections();
    let mut draw = Seed(1).stream("pairs of faults");
    let mut below = |limit: usize| usize::try_from(draw.between(0, limit as u64 - 1)).expect("it is below a usize");
    let mut cases = Vec::new();
    for seed in 1..=60 {
        let mut faults = String::new();
        for number in 1..=2 {
            let every = 2 + below(900);
            let length = 1 + below(every - 1);
            let when = if below(3) == 0 { String::new() } else { format!("every = '{every}s'\nfor = '{length}s'\n") };
            faults += &fault(number, &injections[below(injections.len())], &when);
        }
        cases.push((faults, seed));
    }
    judge_all(&cases);
}
