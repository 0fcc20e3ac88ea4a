//! How fast virtual time passes, and the parts that decide it.
//!
//! `a_day` runs `scenarios/normal/one-day.toml`: 24 h, a reading each minute, each upload with a full TLS handshake;
//! its items a second are simulated seconds a second, which is how many times faster than real time it is.
//!
//! What profiling it showed (`perf record`, release build): three quarters of the time are arithmetic on P-256, half of
//! that the firmware's two signature checks a handshake and most of the rest the server's side; the AEAD and hashes
//! hardly count. The event queue and the copying of its entries once took a quarter, because overtaken deadlines bred;
//! now they take about 3 %. The rest is spread thinly over the network stacks.

#[path = "../tests/it/image/mod.rs"]
mod image;

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use simulator::report::folder::Draft;
use simulator::run::watch::{Stop, Watch};
use simulator::run::{self, Case, Executor, Subject};
use simulator::seeds::{self, Plan};
use simulator_parts::{DataLine, DhtModel, HostDrive, Signal};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::device::esp8266::Image;
use simulator_world::world::queue::Queue;

fn main() {
    divan::main();
}

fn simulate(bencher: Bencher<'_, '_>, scenario: &Scenario) {
    bencher.counter(ItemsCount::new(scenario.duration.as_secs())).bench_local(|| {
        let outcome = run::run(scenario, Seed(scenario.seed));
        assert!(outcome.passed(), "a run that fails is no measure");
        outcome
    });
}

fn parse(text: &str) -> Scenario {
    Scenario::parse("bench.toml", text, &|name| Err(format!("{name} is not needed")))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The measure of the whole: simulated seconds a second.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_day(bencher: Bencher<'_, '_>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/normal/one-day.toml");
    let scenario = Scenario::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    simulate(bencher, &scenario);
}

/// 64 seeds of the same scenario, on one thread and on two: two take little more than half as long where two processors
/// are idle.
#[divan::bench(args = [1, 2], sample_count = 3, sample_size = 1)]
fn a_sweep(bencher: Bencher<'_, '_>, jobs: usize) {
    struct Nobody;
    impl seeds::Progress for Nobody {
        fn done(&self, _: bool) {}
    }
    let scenario = parse("title = 'x'\nduration = '2h'\n[settings]\nnetwork = 'home'\n[[expect]]\nevent.stored = {}\n");
    let jobs = NonZeroUsize::new(jobs).expect("the bench asks for some");
    bencher.counter(ItemsCount::new(64u32)).bench_local(|| {
        let plan = Plan {
            scenario: &scenario,
            executor: &Executor::Host,
            image: None,
            seeds: 0..=63,
            first: Vec::new(),
            shard: None,
            jobs,
            fail_fast: false,
        };
        let ran = seeds::run(&plan, &Stop::default(), &Nobody);
        assert!(ran.is_ok_and(|ran| ran.tally.ran == 64), "all seeds are run");
    });
}

/// The same with all that `preflash run` leaves of it, its pages as well: its time over that of `a_day` is what
/// evidence costs, and should be no more than 1.3.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_day_with_all_evidence(bencher: Bencher<'_, '_>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/normal/one-day.toml");
    let scenario = Scenario::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let out = tempfile::tempdir().expect("there is room for a folder");
    let case = Case { scenario: 0, seed: Seed(scenario.seed), seed_named: false, reproduce: Arc::default() };
    bencher.counter(ItemsCount::new(scenario.duration.as_secs())).bench_local(|| {
        let draft = Draft::new(out.path(), &case, &scenario, false).expect("it can be written");
        let subjects = [Subject::host()];
        let results = run::results(&scenario, case.seed, &subjects, false, &Watch::default(), Some(&draft));
        let results = results.unwrap_or_else(|_| panic!("nobody gives it up"));
        let report = draft.keep(&results).expect("it can be written");
        assert!(report.passed(), "a run that fails is no measure");
        report
    });
}

/// A day with a reading every five minutes, each uploaded with a full TLS handshake, on the emulated chip: its items a
/// second are again how many times faster than real time it is. It needs the image (`cargo ci image`), and is left out
/// without.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_day_on_the_chip(bencher: Bencher<'_, '_>) {
    let Some(folder) = image::image() else { return };
    let chip = Executor::Stubs(Arc::new(Image::load(&folder, None).unwrap_or_else(|error| panic!("{error}"))));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/normal/a-normal-day.toml");
    let scenario = Scenario::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    bencher.counter(ItemsCount::new(scenario.duration.as_secs())).bench_local(|| {
        let outcome = run::run_watched(&scenario, Seed(scenario.seed), &chip, &Watch::default());
        assert!(outcome.is_ok_and(|outcome| outcome.passed()), "a run that fails is no measure");
    });
}

/// A boot, a join, a lease, the time, and one upload: what one handshake costs lies between this and `without_tls`.
#[divan::bench(sample_count = 20)]
fn one_upload(bencher: Bencher<'_, '_>) {
    let text = "title = 't'\nduration = '1m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n[[expect]]\nevent.stored = {}\n";
    simulate(bencher, &parse(text));
}

/// The same over plain HTTP.
#[divan::bench(sample_count = 20)]
fn one_upload_without_tls(bencher: Bencher<'_, '_>) {
    let text = "title = 't'\nduration = '1m'\n[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\ntls = false\nport = 80\n[[expect]]\nevent.stored = {}\n";
    simulate(bencher, &parse(text));
}

/// One measurement over the sensor's wire, read every microsecond as a busy driver does.
#[divan::bench]
fn a_sensor_transaction(bencher: Bencher<'_, '_>) {
    let seed = Seed(1);
    bencher
        .with_inputs(|| {
            let mut line =
                DataLine::new(DhtModel::Am2302, Signal::Constant(215), Signal::Constant(456), seed.stream("sensor"));
            line.power_on(Instant::START);
            line
        })
        .bench_local_values(|mut line| {
            let begin = Instant::from_secs(5);
            line.drive(begin, HostDrive::Low);
            line.drive(Instant::from_micros(5_001_000), HostDrive::Released);
            for micros in 0..6_000 {
                black_box(line.level(Instant::from_micros(5_001_000 + micros)));
            }
            line
        });
}

/// An entry into the queue and out of it again, with as many waiting as a world of some devices has.
#[divan::bench]
fn the_event_queue(bencher: Bencher<'_, '_>) {
    const ENTRIES: u64 = 1_000;
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| {
        let mut queue = Queue::default();
        for entry in 0..50_u64 {
            queue.push(Instant::from_micros(entry * 7_919 % 1_000), [entry; 8]);
        }
        for entry in 0..ENTRIES {
            let (at, _) = queue.pop().expect("fifty wait");
            queue.push(at + std::time::Duration::from_micros(entry * 7_919 % 1_000), [entry; 8]);
        }
        queue
    });
}
