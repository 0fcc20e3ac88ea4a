use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use dht_sensor::{DhtError, dht11, dht22};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

use super::*;
use crate::random::Seed;

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
        self.line.borrow_mut().drive(self.now.get(), Level::Low);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.line.borrow_mut().drive(self.now.get(), Level::High);
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
        let mut host = Host::with(DhtModel::Dht22, 215, 456, seed);
        assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
        host.line.borrow_mut().set_temperature(Signal::Constant(-101));
        host.line.borrow_mut().set_humidity(Signal::Constant(1_000));
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
    let mut host = Host::with(DhtModel::Dht22, -101, 652, 1);
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
fn asked_again_too_soon_it_repeats_itself() {
    let mut host = Host::with(DhtModel::Dht22, 215, 456, 1);
    host.read_dht22().unwrap();
    host.report();
    host.line.borrow_mut().set_temperature(Signal::Constant(300));
    host.wait(Duration::from_millis(1_900));
    assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
    assert_eq!(host.report().outcome, SensorOutcome::TooSoon);
    host.wait(Duration::from_millis(100));
    assert_eq!(host.read_dht22().unwrap(), (30.0, 45.6));
}

#[test]
fn it_is_silent_until_it_has_settled() {
    let mut host = Host::with(DhtModel::Dht22, 215, 456, 1);
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
        let mut host = Host::with(DhtModel::Dht22, 215, 456, seed);
        host.line.borrow_mut().set_fault(Some(SensorFault::Silent));
        assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
        assert_eq!(host.report().outcome, SensorOutcome::Silent);

        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().set_fault(Some(SensorFault::BadChecksum));
        assert!(matches!(host.read_dht22(), Err(DhtError::ChecksumMismatch)));
        assert_eq!(host.report().outcome, SensorOutcome::BadChecksum);

        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().set_fault(Some(SensorFault::LateResponse(Duration::from_micros(150))));
        assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
        host.report();

        // Only a little late, the response is taken for the first bit and everything after it is off by one.
        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().set_fault(Some(SensorFault::LateResponse(Duration::from_micros(60))));
        assert!(matches!(host.read_dht22(), Err(DhtError::ChecksumMismatch)));
        host.report();

        host.wait(Duration::from_secs(2));
        host.line.borrow_mut().set_fault(None);
        assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
    }
}

#[test]
fn latched_up_it_needs_its_power_cut() {
    let mut host = Host::with(DhtModel::Dht22, 215, 456, 1);
    host.line.borrow_mut().latch();
    host.wait(Duration::from_secs(86_400));
    assert!(matches!(host.read_dht22(), Err(DhtError::Timeout)));
    host.line.borrow_mut().power_off(host.now.get());
    host.line.borrow_mut().power_on(host.now.get());
    host.wait(Duration::from_secs(2));
    assert_eq!(host.read_dht22().unwrap(), (21.5, 45.6));
}

#[test]
fn what_a_device_did_after_its_power_cut_has_not_happened() {
    let mut host = Host::with(DhtModel::Dht22, 215, 456, 1);
    host.read_dht22().unwrap();
    let cut = Instant::from_millis(10_003);
    assert!(cut < host.now.get(), "in the middle of the transaction");
    host.line.borrow_mut().power_off(cut);
    assert_eq!(host.line.borrow().report_due(), None);
    for micros in 0..6_000 {
        assert_eq!(host.line.borrow().level(cut + Duration::from_micros(micros)), Level::High);
    }
    host.line.borrow_mut().drive(cut, Level::Low);
    host.line.borrow_mut().drive(cut + Duration::from_millis(1), Level::High);
    assert_eq!(host.line.borrow().report_due(), None, "an unpowered board reports nothing");
}

#[test]
fn a_reset_in_the_start_pulse_releases_the_line() {
    let host = Host::with(DhtModel::Dht22, 215, 456, 1);
    let mut line = host.line.borrow_mut();
    line.drive(Instant::from_millis(5_000), Level::Low);
    assert_eq!(line.level(Instant::from_millis(5_001)), Level::Low);
    line.reset_host(Instant::from_micros(5_000_500));
    assert_eq!(line.level(Instant::from_micros(5_000_501)), Level::High);
    let report = line.take_report(Instant::FAR_FUTURE).unwrap();
    assert_eq!((report.outcome, report.edges), (SensorOutcome::ShortStart, vec![0, 500]));

    line.drive(Instant::from_millis(7_000), Level::Low);
    line.reset_host(Instant::from_millis(6_000));
    assert_eq!(line.level(Instant::from_millis(7_001)), Level::High);
    assert_eq!(line.report_due(), None);
}

#[test]
fn the_sensor_talks_on_when_the_host_interrupts() {
    let mut line =
        DataLine::new(DhtModel::Dht22, Signal::Constant(215), Signal::Constant(456), Seed(1).stream("sensor"));
    line.power_on(Instant::START);
    line.drive(Instant::from_millis(5_000), Level::Low);
    line.drive(Instant::from_millis(5_001), Level::High);
    let ended = line.report_due().unwrap();
    line.drive(Instant::from_millis(5_002), Level::Low);
    assert_eq!(line.level(Instant::from_micros(5_002_100)), Level::Low);
    line.drive(Instant::from_millis(5_003), Level::High);
    assert_eq!(line.report_due(), Some(ended));
    line.take_report(ended).unwrap();
    assert_eq!(line.report_due(), None, "a pulse that ends before the sensor does is no start");
}

#[test]
fn the_same_seed_gives_the_same_edges() {
    let edges = |seed| {
        let mut host = Host::with(DhtModel::Dht22, 215, 456, seed);
        host.read_dht22().unwrap();
        host.report().edges
    };
    assert_eq!(edges(7), edges(7));
    assert_ne!(edges(7), edges(8));
}
