use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use dht_sensor::{DhtError, dht11, dht22};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

use super::*;
use crate::dht::Lateness;
use simulator_record::random::Seed;

/// A microcontroller as the driver sees it: one pin, and time that passes in delays.
#[derive(Clone)]
struct Host {
    line: Rc<RefCell<DataLine>>,
    now: Rc<Cell<Instant>>,
}

impl Host {
    fn with(model: DhtModel, temperature: i32, humidity: i32, seed: u64) -> Self {
        let (temperature, humidity) = (Signal::Constant(temperature), Signal::Constant(humidity));
        let mut line = DataLine::new(model, temperature, humidity, Seed(seed).stream("sensor"));
        line.power_on(Instant::START);
        Self { line: Rc::new(RefCell::new(line)), now: Rc::new(Cell::new(Instant::from_secs(10))) }
    }

    fn read_dht22(&mut self) -> Result<(f32, f32), DhtError<Infallible>> {
        let reading = dht22::blocking::read(&mut self.clone(), self)?;
        Ok((reading.temperature, reading.relative_humidity))
    }

    fn read_dht11(&mut self) -> Result<(i8, u8), DhtError<Infallible>> {
        let reading = dht11::blocking::read(&mut self.clone(), self)?;
        Ok((reading.temperature, reading.relative_humidity))
    }

    fn wait(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }

    fn late(&self, by: Duration) {
        self.line.borrow_mut().begin_fault(SensorFault::LateResponse(Lateness::always(by)));
    }

    fn surround(&self, temperature: i32, humidity: i32) {
        let (temperature, humidity) = (Signal::Constant(temperature), Signal::Constant(humidity));
        self.line.borrow_mut().surround(self.now.get(), Some(temperature), Some(humidity));
    }

    /// A start pulse of such a length, and how it was answered.
    fn start(&self, pulse: Duration) -> SensorReport {
        self.line.borrow_mut().drive(self.now.get(), HostDrive::Low);
        self.wait(pulse);
        self.line.borrow_mut().drive(self.now.get(), HostDrive::Released);
        self.report()
    }

    /// The report of the read just made; none may be left behind it.
    fn report(&self) -> SensorReport {
        let mut line = self.line.borrow_mut();
        let due = line.report_due().unwrap();
        assert_eq!(line.take_report(due - Duration::from_nanos(1)), None);
        let report = line.take_report(due).unwrap();
        assert_eq!(line.report_due(), None);
        report
    }
}

impl ErrorType for Host {
    type Error = Infallible;
}

impl InputPin for Host {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.line.borrow().level(self.now.get()) == Level::High)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl OutputPin for Host {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.line.borrow_mut().drive(self.now.get(), HostDrive::Low);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.line.borrow_mut().drive(self.now.get(), HostDrive::Released);
        Ok(())
    }
}

impl DelayNs for Host {
    fn delay_ns(&mut self, ns: u32) {
        self.wait(Duration::from_nanos(ns.into()));
    }
}

#[test]
fn the_firmwares_driver_reads_a_dht22_whatever_its_tolerances() {
    for seed in 0..200 {
        let mut host = Host::with(DhtModel::Am2302, 215, 456, seed);
        assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
        host.wait(Duration::from_secs(2));
        host.surround(-101, 1_000);
        host.read_dht22().unwrap();
        host.wait(Duration::from_secs(2));
        assert_eq!(host.read_dht22().unwrap(), (-10.1, 100.0));
    }
}

#[test]
fn the_firmwares_driver_reads_a_dht11() {
    for seed in 0..200 {
        assert_eq!(Host::with(DhtModel::Dht11, 230, 470, seed).read_dht11().unwrap(), (23, 47));
    }
}

#[test]
fn a_transaction_is_reported_once_with_its_edges() {
    let mut host = Host::with(DhtModel::Am2302, -101, 652, 1);
    host.read_dht22().unwrap();
    let report = host.report();
    assert_eq!(report.started, Instant::from_secs(10));
    assert_eq!(report.outcome, SensorOutcome::Answered);
    assert_eq!((report.temperature, report.humidity), (Some(-101), Some(652)));
    assert_eq!(report.edges.len(), 2 + 2 + 80 + 2, "start, response, 40 bits, end");
    assert_eq!(report.edges[..2], [0, 1_000]);
    assert!(report.edges.is_sorted());
    assert_eq!(report.ended.saturating_since(report.started).as_micros(), u128::from(*report.edges.last().unwrap()));

    // The example of the AM2302 data sheet §7, read off the edges: 65.2 %, −10.1 °C.
    let high_times = report.edges[5..].chunks_exact(2).map(|edges| edges[1] - edges[0]);
    let bits = high_times.fold(0_u64, |bits, high| bits << 1 | u64::from(high > 45));
    assert_eq!(bits, 0x02_8C_80_65_73);
}

#[test]
fn it_answers_with_what_it_measured_after_the_answer_before() {
    for model in DhtModel::ALL {
        let host = Host::with(model, 210, 450, 1);
        let read = || {
            let report = host.start(Duration::from_millis(20));
            host.wait(Duration::from_secs(2));
            (report.outcome, report.temperature.unwrap(), report.humidity.unwrap())
        };
        host.surround(300, 600);
        assert_eq!(read(), (SensorOutcome::Answered, 210, 450), "it has measured after power-up");
        host.wait(Duration::from_hours(5));
        host.surround(-50, 700);
        assert_eq!(read(), (SensorOutcome::Answered, 300, 600), "five hours old");
        let frost = if model == DhtModel::Dht11 { 0 } else { -50 };
        assert_eq!(read(), (SensorOutcome::Answered, frost, 700));
    }
}

#[test]
fn what_changes_while_it_measures_is_measured() {
    let host = Host::with(DhtModel::Am2302, 210, 450, 1);
    host.start(Duration::from_millis(1));
    host.wait(Duration::from_millis(429));
    host.surround(220, 450);
    host.wait(Duration::from_millis(2));
    host.surround(230, 450);
    assert_eq!(host.start(Duration::from_millis(1)).temperature, Some(220));
}

#[test]
fn it_is_deaf_while_it_measures() {
    for model in DhtModel::ALL {
        let host = Host::with(model, 210, 450, 1);
        let outcome_after = |millis: u64| {
            // From release to release.
            host.wait(Duration::from_millis(millis - 20));
            host.start(Duration::from_millis(20)).outcome
        };
        assert_eq!(outcome_after(2_000), SensorOutcome::Answered);
        assert_eq!(outcome_after(429), SensorOutcome::TooSoon);
        // What it does not hear does not keep it from measuring.
        assert_eq!(outcome_after(20), SensorOutcome::Answered);
        assert_eq!(outcome_after(430), SensorOutcome::Answered);
    }
}

#[test]
fn a_start_pulse_too_short_is_answered_now_and_then() {
    let answered = |micros: u64| {
        let host = Host::with(DhtModel::Am2302, 210, 450, 1);
        let tries = (0..1_000).filter(|_| {
            host.wait(Duration::from_secs(2));
            host.start(Duration::from_micros(micros)).outcome == SensorOutcome::Answered
        });
        tries.count()
    };
    assert_eq!([105, 505].map(answered), [0, 1_000]);
    assert!((160..=240).contains(&answered(205)), "2 of 10");
    assert!((450..=550).contains(&answered(305)), "5 of 10");
}

#[test]
fn a_host_that_drives_high_hides_the_beginning_of_the_response() {
    for seed in 0..100 {
        let host = Host::with(DhtModel::Am2302, 210, 450, seed);
        let mut line = host.line.borrow_mut();
        let pulled = Instant::from_secs(10);
        let released = pulled + Duration::from_millis(20);
        line.drive(pulled, HostDrive::Low);
        line.drive(released, HostDrive::High);
        let at = |micros| released + Duration::from_micros(micros);
        assert_eq!(line.level(at(43)), Level::High);
        line.drive(at(44), HostDrive::Released);
        assert_eq!(line.level(at(44)), Level::Low);
        let edges = line.take_report(Instant::FAR_FUTURE).unwrap().edges;
        assert_eq!(edges.len(), 2 + 2 + 80 + 2);
        assert_eq!(edges[..3], [0, 20_000, 20_044]);
        // Captured: 60 to 65.
        assert!((54..=69).contains(&(edges[3] - edges[2])), "{edges:?}");
        assert!(edges.is_sorted());
    }
}

#[test]
fn a_host_that_drives_high_all_the_time_sees_nothing() {
    let host = Host::with(DhtModel::Am2302, 210, 450, 1);
    let mut line = host.line.borrow_mut();
    line.drive(Instant::from_secs(10), HostDrive::Low);
    line.drive(Instant::from_millis(10_001), HostDrive::High);
    line.drive(Instant::from_millis(10_020), HostDrive::Released);
    assert_eq!(line.level(Instant::from_millis(10_002)), Level::High);
    let report = line.take_report(Instant::FAR_FUTURE).unwrap();
    assert_eq!((report.outcome, report.edges), (SensorOutcome::Answered, vec![0, 1_000]));
}

#[test]
fn it_is_silent_until_it_has_settled() {
    let mut host = Host::with(DhtModel::Am2302, 215, 456, 1);
    host.now.set(Instant::from_millis(1_990));
    assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
    assert_eq!(host.report().outcome, SensorOutcome::Settling);
    host.now.set(Instant::from_millis(2_000));
    assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
}

#[test]
fn a_dht11_ignores_the_dht22s_start_pulse() {
    let mut host = Host::with(DhtModel::Dht11, 215, 456, 1);
    assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
    assert_eq!(host.report().outcome, SensorOutcome::ShortStart);
}

#[test]
fn faults_are_the_errors_that_the_driver_reports() {
    for seed in 0..50 {
        let mut host = Host::with(DhtModel::Am2302, 215, 456, seed);
        host.line.borrow_mut().begin_fault(SensorFault::Silent);
        assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
        assert_eq!(host.report().outcome, SensorOutcome::Silent);

        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().begin_fault(SensorFault::BadChecksum);
        assert!(matches!(host.read_dht22(), Err(DhtError::ChecksumMismatch)));
        assert_eq!(host.report().outcome, SensorOutcome::BadChecksum);

        host.wait(Duration::from_secs(2));
        host.late(Duration::from_micros(150));
        assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
        host.report();

        // Only a little late, the response is taken for the first bit and everything after it is off by one.
        host.wait(Duration::from_secs(2));
        host.late(Duration::from_micros(60));
        assert!(matches!(host.read_dht22(), Err(DhtError::ChecksumMismatch)));
        host.report();

        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().end_fault(std::iter::empty());
        assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
    }
}

#[test]
fn so_many_responses_are_late_as_the_fault_says() {
    let host = Host::with(DhtModel::Am2302, 210, 450, 1);
    let (least, most) = (Duration::from_micros(60), Duration::from_micros(90));
    let lateness = Lateness { least, most, per_million: 60_000 };
    host.line.borrow_mut().begin_fault(SensorFault::LateResponse(lateness));
    let releases: Vec<u32> = (0..1_000)
        .map(|_| {
            host.wait(Duration::from_secs(2));
            let edges = host.start(Duration::from_millis(1)).edges;
            edges[2] - edges[1]
        })
        .collect();
    assert!(releases.iter().all(|release| (21..=30).contains(release) || (81..=120).contains(release)));
    let late = releases.iter().filter(|release| **release > 30).count();
    assert!((40..=80).contains(&late), "{late} of 1000");
}

#[test]
fn latched_up_it_needs_its_power_cut() {
    let mut host = Host::with(DhtModel::Am2302, 215, 456, 1);
    host.line.borrow_mut().begin_fault(SensorFault::Latched);
    host.wait(Duration::from_secs(86_400));
    assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
    host.line.borrow_mut().power_off(host.now.get());
    host.line.borrow_mut().power_on(host.now.get());
    host.wait(Duration::from_secs(2));
    assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
}

#[test]
fn what_a_device_did_after_its_power_cut_has_not_happened() {
    let mut host = Host::with(DhtModel::Am2302, 215, 456, 1);
    host.read_dht22().unwrap();
    let cut = Instant::from_millis(10_003);
    assert!(cut < host.now.get(), "in the middle of the transaction");
    host.line.borrow_mut().power_off(cut);
    assert_eq!(host.line.borrow().report_due(), None);
    for micros in 0..6_000 {
        assert_eq!(host.line.borrow().level(cut + Duration::from_micros(micros)), Level::High);
    }
    host.line.borrow_mut().drive(cut, HostDrive::Low);
    host.line.borrow_mut().drive(cut + Duration::from_millis(1), HostDrive::Released);
    assert_eq!(host.line.borrow().report_due(), None, "an unpowered board reports nothing");
}

#[test]
fn a_reset_in_the_start_pulse_releases_the_line() {
    let host = Host::with(DhtModel::Am2302, 215, 456, 1);
    let mut line = host.line.borrow_mut();
    line.drive(Instant::from_millis(5_000), HostDrive::Low);
    assert_eq!(line.level(Instant::from_micros(5_000_050)), Level::Low);
    line.reset_host(Instant::from_micros(5_000_100));
    assert_eq!(line.level(Instant::from_micros(5_000_101)), Level::High);
    let report = line.take_report(Instant::FAR_FUTURE).unwrap();
    assert_eq!((report.outcome, report.edges), (SensorOutcome::ShortStart, vec![0, 100]));

    line.drive(Instant::from_millis(7_000), HostDrive::Low);
    line.reset_host(Instant::from_millis(6_000));
    assert_eq!(line.level(Instant::from_millis(7_001)), Level::High);
    assert_eq!(line.report_due(), None);
}

#[test]
fn the_sensor_talks_on_when_the_host_interrupts() {
    let mut line =
        DataLine::new(DhtModel::Am2302, Signal::Constant(215), Signal::Constant(456), Seed(1).stream("sensor"));
    line.power_on(Instant::START);
    line.drive(Instant::from_millis(5_000), HostDrive::Low);
    line.drive(Instant::from_millis(5_001), HostDrive::Released);
    let ended = line.report_due().unwrap();
    line.drive(Instant::from_millis(5_002), HostDrive::Low);
    assert_eq!(line.level(Instant::from_micros(5_002_100)), Level::Low);
    line.drive(Instant::from_millis(5_003), HostDrive::Released);
    assert_eq!(line.report_due(), Some(ended));
    line.take_report(ended).unwrap();
    assert_eq!(line.report_due(), None, "a pulse that ends before the sensor does is no start");
}

#[test]
fn the_same_seed_gives_the_same_edges() {
    let edges = |seed| {
        let mut host = Host::with(DhtModel::Am2302, 215, 456, seed);
        host.read_dht22().unwrap();
        host.report().edges
    };
    assert_eq!(edges(7), edges(7));
    assert_ne!(edges(7), edges(8));
}
