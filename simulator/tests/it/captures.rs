//! Real sensors, as sigrok captured them, beside ours and before the firmware.
//!
//! `captures/am230x.txt` has each request of the captures with its edges, and what sigrok's decoder, the independent
//! reader, makes of them. The firmware must read the same off the same edges, on the host and on the emulated chip; and
//! the sensors of `board::dht` must be like the captured ones: no edge that a captured one would not have, none
//! missing, and an answer where those answered.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use simulator::run::Executor;
use simulator_parts::{DataLine, DhtModel, HostDrive, SensorFault, SensorReport, Signal};
use simulator_record::events::SensorOutcome;
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_world::device::esp8266::Image;

/// One request to a captured sensor.
struct Request {
    capture: &'static str,
    /// From the capture's beginning.
    at: Duration,
    /// Degrees Celsius and percent as sigrok writes them; nothing if the sensor did not answer.
    read: Option<(&'static str, &'static str)>,
    /// Microseconds low, high, low …: the start pulse and, with an answer, all that follows.
    levels: Vec<u64>,
}

fn requests() -> Vec<Request> {
    let lines = include_str!("captures/am230x.txt").lines().filter(|line| !line.starts_with('#'));
    let request = |line: &'static str| {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("four words and the levels");
        let (capture, at, celsius, percent) = (word(), word(), word(), word());
        Request {
            capture,
            at: Duration::from_micros(at.parse().expect("microseconds")),
            read: (celsius != "-").then_some((celsius, percent)),
            levels: words.map(|level| level.parse().expect("microseconds")).collect(),
        }
    };
    lines.map(request).collect()
}

/// Those that were answered by a sensor of a kind.
fn answered(kind: &str) -> impl Iterator<Item = Request> {
    requests().into_iter().filter(move |request| request.read.is_some() && request.capture.starts_with(kind))
}

#[test]
fn the_firmware_reads_what_sigrok_reads_on_the_host() {
    assert_eq!(read_all(&Executor::Host), 158);
}

#[test]
fn the_firmware_reads_what_sigrok_reads_on_the_chip() {
    let Some(folder) = crate::image::image() else { return };
    let image = Image::load(&folder, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read_all(&Executor::Stubs(Arc::new(image))), 158);
}

/// How many frames the firmware read, each as sigrok does.
fn read_all(executor: &Executor) -> usize {
    let of = |sensor, kinds: [&str; 2]| {
        let frames: Vec<_> = kinds.into_iter().flat_map(answered).collect();
        let faults: Vec<_> = frames.iter().map(replay).collect();
        for (frame, tries) in frames.iter().zip(crate::readings::readings(executor, sensor, &faults)) {
            let (celsius, percent) = frame.read.expect("it was answered");
            let places = |text: &'static str| if sensor == "DHT11" { text.trim_end_matches(".0") } else { text };
            let expected = format!("{} °C, {} %", places(celsius), places(percent));
            assert_eq!(tries, [expected], "{} at {:?}", frame.capture, frame.at);
        }
        frames.len()
    };
    of("DHT22", ["am2302", "am2301"]) + of("DHT11", ["dht11", "no other"])
}

/// A sensor that answers as the captured one did.
fn replay(frame: &Request) -> SensorFault {
    SensorFault::Replay(frame.levels[1..].iter().map(|micros| Duration::from_micros(*micros)).collect())
}

/// Frost as the AM2322 of the collection sent it, 02 bf 80 4e 8f, on our AM2302's edges.
#[test]
fn the_sign_is_where_a_captured_sensor_has_it() {
    let report = ask(&mut line(DhtModel::Am2302, -78, 703, 1), Instant::from_secs(10), Duration::from_millis(1));
    let mut fields = Fields::default();
    let levels: Vec<u64> = report.edges.windows(2).map(|edges| u64::from(edges[1] - edges[0])).collect();
    fields.add(&levels);
    assert_eq!(fields.bytes, [0x02, 0xBF, 0x80, 0x4E, 0x8F]);
    let frost = Request { capture: "am2322", at: Duration::ZERO, read: Some(("-7.8", "70.3")), levels };
    assert_eq!(crate::readings::readings(&Executor::Host, "DHT22", &[replay(&frost)]), [["-7.8 °C, 70.3 %"]]);
}

/// A powered line that measures always the same.
fn line(model: DhtModel, temperature: i32, humidity: i32, seed: u64) -> DataLine {
    let stream = Seed(seed).stream("sensor");
    let mut line = DataLine::new(model, Signal::Constant(temperature), Signal::Constant(humidity), stream);
    line.power_on(Instant::START);
    line
}

/// A start pulse of such a length, and what comes of it.
fn ask(line: &mut DataLine, at: Instant, pulse: Duration) -> SensorReport {
    line.drive(at, HostDrive::Low);
    line.drive(at + pulse, HostDrive::Released);
    line.take_report(Instant::FAR_FUTURE).expect("each start pulse is reported")
}

/// From the shortest to the longest, in microseconds, by what it is.
#[derive(Default)]
struct Fields {
    ranges: BTreeMap<&'static str, RangeInclusive<u64>>,
    bytes: Vec<u8>,
}

const BYTE_LOW: [&str; 5] = ["low of byte 1", "low of byte 2", "low of byte 3", "low of byte 4", "low of byte 5"];

impl Fields {
    fn add(&mut self, levels: &[u64]) {
        let mut field = |name, micros: u64| {
            let range = self.ranges.entry(name).or_insert(micros..=micros);
            *range = micros.min(*range.start())..=micros.max(*range.end());
        };
        // How the response begins depends on the host that captured it.
        field("until the response's end", levels[1] + levels[2]);
        field("response high", levels[3]);
        let (bits, end) = levels[4..].as_chunks::<2>();
        self.bytes = vec![0; bits.len() / 8];
        for (number, [low, high]) in bits.iter().enumerate() {
            let of_byte = BYTE_LOW[(number / 8).min(4)];
            field(if number % 8 == 0 { of_byte } else { "low" }, *low);
            field(if *high > 45 { "one" } else { "zero" }, *high);
            self.bytes[number / 8] = self.bytes[number / 8] << 1 | u8::from(*high > 45);
        }
        field("end", end[0]);
    }
}

#[test]
fn our_sensors_keep_to_what_was_captured_and_cover_it() {
    for (model, kind) in [(DhtModel::Am2302, "am2302"), (DhtModel::Am2301, "am2301"), (DhtModel::Dht11, "dht11")] {
        let (mut captured, mut coarse, mut ours) = (Fields::default(), Fields::default(), Fields::default());
        let frames: Vec<_> = answered(kind).collect();
        for frame in &frames {
            let fields = if frame.capture.ends_with("_500khz") { &mut coarse } else { &mut captured };
            fields.add(&frame.levels);
        }
        for seed in 0..1_000 {
            let mut line = line(model, 200 + seed as i32 % 100, 400 + seed as i32 % 400, seed);
            let report = ask(&mut line, Instant::from_secs(10), Duration::from_millis(20));
            let levels: Vec<u64> = report.edges.windows(2).map(|edges| u64::from(edges[1] - edges[0])).collect();
            assert_eq!(levels.len(), frames[0].levels.len());
            ours.add(&levels);
        }
        let pad = |range: &RangeInclusive<u64>, by: u64| range.start() - by..=range.end() + by;
        let holds = |outer: RangeInclusive<u64>, inner: &RangeInclusive<u64>| {
            outer.contains(inner.start()) && outer.contains(inner.end())
        };
        assert_eq!(ours.ranges.len(), 11);
        for (name, range) in &ours.ranges {
            let taken = &captured.ranges[name];
            // What was captured of all AM2302s and kin: responses after 21 to 30 us, of 78 to 83 us.
            let response = model == DhtModel::Am2302 && *name == "until the response's end";
            let allowed = if response { 99..=113 } else { pad(taken, 1) };
            assert!(holds(allowed, range), "{kind}, {name}: captured {taken:?}, ours {range:?}");
            assert!(holds(range.clone(), taken), "{kind}, {name}: captured {taken:?}, ours {range:?}");
            if let Some(taken) = coarse.ranges.get(name) {
                assert!(
                    holds(pad(range, 1), taken),
                    "{kind}, {name}: captured {taken:?} in steps of 2, ours {range:?}"
                );
            }
        }
    }
}

/// Each request of the captures put to our AM2302 at the same time: it answers where the captured one did. Left out are
/// start pulses with which that is a matter of chance, and all before a capture's first answer, which depend on what
/// was before the capture.
#[test]
fn our_sensor_answers_when_the_captured_one_does() {
    let all = requests();
    let mut compared = (0, 0);
    for capture in all.chunk_by(|one, other| one.capture == other.capture) {
        if !capture[0].capture.starts_with("am2302") {
            continue;
        }
        let first = capture.iter().position(|request| request.read.is_some()).unwrap_or(0);
        let mut line = line(DhtModel::Am2302, 215, 456, 1);
        for request in &capture[first..] {
            let pulse = Duration::from_micros(request.levels[0]);
            if (200..320).contains(&request.levels[0]) {
                continue;
            }
            let report = ask(&mut line, Instant::from_secs(10) + request.at, pulse);
            let answers = report.outcome == SensorOutcome::Answered;
            assert_eq!(answers, request.read.is_some(), "{} at {:?}", request.capture, request.at);
            if answers { compared.0 += 1 } else { compared.1 += 1 }
        }
    }
    assert_eq!(compared, (145, 69), "answered, not answered");
}
