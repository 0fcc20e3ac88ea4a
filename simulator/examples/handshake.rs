//! What a TLS handshake costs on the chip: `cargo ci handshake`, after `cargo ci image`.
//!
//! Runs the image on the emulated chip up to its first upload, with a server whose certificate has a P-256 key and with
//! one whose key is RSA-2048, at 160 MHz and at 80 MHz, and prints the steps of the handshake in instructions and
//! milliseconds, the longest stretch without food for the watchdog, and how deep the firmware's stack gets. Fails if a
//! stretch is long enough for the SDK's software watchdog, or if less of the stack is left than interrupts may need.
//!
//! The one argument it takes is the folder of the image, `target/esp07` without it.

use std::cell::RefCell;
use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use simulator::director::Director;
use simulator::expectation::{Judges, Verdict};
use simulator::run::build;
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::device::esp8266::probe::{Cost, Probe, Speed, Step};
use simulator_world::device::esp8266::{Esp8266Target, Image};

/// The SDK's software watchdog bites after 3 to 6 s, the hardware's later.
const WATCHDOG: Duration = Duration::from_secs(3);
/// Bytes of the stack that must be left: interrupts use the stack of whatever runs.
const RESERVE: u32 = 2_048;

/// Servers by the key in their certificate, which a P-256 authority has signed.
const SERVERS: [&str; 2] = ["P-256", "RSA-2048"];

fn main() -> ExitCode {
    let folder = env::args().nth(1).unwrap_or_else(|| "target/esp07".to_owned());
    let image = match Image::load(Path::new(&folder), None) {
        Ok(image) => Arc::new(image),
        Err(error) => {
            eprintln!("handshake: {error}");
            return ExitCode::from(2);
        }
    };
    let mut failures = Vec::new();
    for server in SERVERS {
        println!("a server with a {server} key");
        let full = run(&image, server, Speed::Full, &mut failures);
        let half = run(&image, server, Speed::Half, &mut failures);
        print(full.steps());
        for (probe, speed) in [(&full, Speed::Full), (&half, Speed::Half)] {
            let unfed = probe.longest_unfed();
            let megahertz = speed.megahertz();
            println!("  longest without food for the watchdog at {megahertz} MHz: {} ms", unfed.as_millis());
            if unfed >= WATCHDOG {
                failures.push(format!("{server} at {megahertz} MHz: the watchdog waits for {} ms", unfed.as_millis()));
            }
        }
        let (deepest, size) = full.stack();
        let left = size - deepest;
        println!("  stack: {deepest} of {size} bytes used, {left} left\n");
        if left < RESERVE {
            failures.push(format!("{server}: {left} bytes of the stack are left, less than {RESERVE}"));
        }
    }
    for failure in &failures {
        eprintln!("handshake: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs up to the first upload.
fn run(image: &Arc<Image>, server: &str, speed: Speed, failures: &mut Vec<String>) -> Probe {
    let text = format!(
        "title = 'handshake'\nduration = '1m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n\
         [cloud]\nkey-type = '{server}'\n[[expect]]\nevent.stored = {{}}\n"
    );
    let scenario = Scenario::parse("handshake.toml", &text, &|name| Err(format!("{name} is not needed")))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let probe = Rc::new(RefCell::new(Probe::new(image, speed)));
    let mut world = build::world_with(&scenario, Seed(1), |port| {
        Box::new(Esp8266Target::probed(port, Arc::clone(image), Rc::clone(&probe)))
    });
    let mut director = Director::new(&scenario, Seed(1), &mut world);
    let end = Instant::START + scenario.duration;
    let mut judges = Judges::new(&scenario, &[], true);
    while world.next_at().is_some_and(|at| at <= end) {
        world.step();
        for event in world.take_events() {
            director.observe(&event, &mut world);
            judges.see(&Rc::new(event));
        }
    }
    world.finish(end);
    let stored = judges.verdicts(end).iter().all(Verdict::is_met);
    let probe = Rc::into_inner(probe).expect("the world and its target are gone").into_inner();
    if !stored || probe.steps().last().is_none_or(|cost| cost.step != Step::Finished) {
        failures.push(format!("{server} at {} MHz: nothing was uploaded", speed.megahertz()));
    } else if probe.steps().iter().filter(|cost| cost.step == Step::Check).count() < 2 {
        failures
            .push(format!("{server} at {} MHz: fewer than two signatures were seen to be checked", speed.megahertz()));
    }
    probe
}

fn print(steps: &[Cost]) {
    println!("  {:<44} {:>12} {:>10} {:>10}", "", "instructions", "160 MHz", "80 MHz");
    let mut checks = 0;
    let mut total = 0;
    for Cost { step, cycles } in steps {
        let what = match (step, checks) {
            (Step::Connected, _) => continue,
            (Step::Hello, _) => "key pair, the client's hello",
            (Step::Check, 0) => "key agreement, the search for a path",
            (Step::Check, _) => "a certificate's signature",
            (Step::Finished, _) => "the server's signature over the handshake",
        };
        checks += usize::from(*step == Step::Check);
        total += cycles;
        line(what, *cycles);
    }
    line("all of it", total);
}

fn line(what: &str, cycles: u64) {
    let at = |speed: Speed| format!("{} ms", cycles / (1_000 * speed.megahertz()));
    println!("  {what:<44} {cycles:>12} {:>10} {:>10}", at(Speed::Full), at(Speed::Half));
}
