//! Where reading the DHT22 begins to fail: its times one by one, to the microsecond and far beyond what the data sheet
//! allows, on the host and on the emulated chip.
//!
//! Before each reading the sensor gets other times, which it keeps exactly. Those that are not varied are the data
//! sheet's typical ones. For each range of times the table says what came of the reading's up to three tries; in a
//! range both ends and at least every eighth time have been tried.
//!
//! What the limits come from (`dht-sensor` 0.3, `read_raw`): the firmware waits a millisecond for the response and only
//! then lets the driver on. A bit is what the line shows 35 us after it rose; ones that are shorter than that read as
//! nothing but zeros, of which the checksum is right. Each level is waited for through 100 looks with 1 us between
//! them, and in this alone host and chip differ: these take 124 us on the host, which counts the same for each look at
//! the pin, and some 114 us on the chip, which executes them. How long exactly depends on where the linker has put the
//! code, so the chip's limits are compared to [some microseconds](SLACK), and what lies on the limit itself counts for
//! nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use simulator::run::Executor;
use simulator_parts::{ExactTiming, SensorFault};
use simulator_world::device::esp8266::Image;

/// One time, or several together, over a range.
struct Sweep {
    what: &'static str,
    unit: &'static str,
    over: RangeInclusive<u64>,
    /// Between the values that are tried at first.
    step: usize,
    timing: fn(u64) -> ExactTiming,
}

/// After the data sheet's single-bus timing table (AM2302, §7).
const SWEEPS: [Sweep; 8] = [
    Sweep {
        what: "from the release to the response (data sheet: 20 to 40 in the text, up to 200 in the table)",
        unit: "us",
        over: 1..=1_600,
        step: 40,
        timing: |micros| ExactTiming { release: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "low of the response (75 to 85)",
        unit: "us",
        over: 1..=240,
        step: 8,
        timing: |micros| ExactTiming { response_low: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "high of the response (75 to 85)",
        unit: "us",
        over: 1..=160,
        step: 8,
        timing: |micros| ExactTiming { response_high: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "low before each bit (48 to 55)",
        unit: "us",
        over: 1..=160,
        step: 8,
        timing: |micros| ExactTiming { bit_low: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "high of a zero (22 to 30)",
        unit: "us",
        over: 1..=60,
        step: 8,
        timing: |micros| ExactTiming { zero_high: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "high of a one (68 to 75)",
        unit: "us",
        over: 20..=180,
        step: 8,
        timing: |micros| ExactTiming { one_high: us(micros), ..TYPICAL },
    },
    Sweep {
        what: "all of them together, as of a sensor whose own clock runs slow or fast (100)",
        unit: "% ",
        over: 20..=220,
        step: 8,
        timing: |percent| {
            let of = |typical: Duration| typical * percent as u32 / 100;
            ExactTiming {
                release: of(TYPICAL.release),
                response_low: of(TYPICAL.response_low),
                response_high: of(TYPICAL.response_high),
                bit_low: of(TYPICAL.bit_low),
                zero_high: of(TYPICAL.zero_high),
                one_high: of(TYPICAL.one_high),
            }
        },
    },
    Sweep {
        what: "each of the six at its lower or its upper limit, in all 64 ways",
        unit: "  ",
        over: 0..=63,
        step: 1,
        timing: |way| {
            let limit = |time: u32, lower, upper| us(if way >> time & 1 == 0 { lower } else { upper });
            ExactTiming {
                release: limit(0, 20, 40),
                response_low: limit(1, 75, 85),
                response_high: limit(2, 75, 85),
                bit_low: limit(3, 48, 55),
                zero_high: limit(4, 22, 30),
                one_high: limit(5, 68, 75),
            }
        },
    },
];

const TYPICAL: ExactTiming = ExactTiming {
    release: us(30),
    response_low: us(80),
    response_high: us(80),
    bit_low: us(50),
    zero_high: us(26),
    one_high: us(70),
};

const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

#[test]
fn on_the_host() {
    insta::assert_snapshot!("host", table(&Executor::Host));
}

#[test]
fn on_the_chip() {
    let Some(folder) = crate::image::image() else { return };
    let image = Image::load(&folder, None).unwrap_or_else(|error| panic!("{error}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sensor_timing/chip.txt");
    let known = std::fs::read_to_string(path).unwrap();
    let found = table(&Executor::Stubs(Arc::new(image)));
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chip.txt");
    std::fs::write(&made, &found).unwrap();
    let agree = |(known, found): (&Row, &Row)| {
        known.outcome == found.outcome
            && known.first.abs_diff(found.first) <= SLACK
            && known.last.abs_diff(found.last) <= SLACK
    };
    let (known_rows, found_rows) = (rows(&known), rows(&found));
    assert!(
        known_rows.len() == found_rows.len() && known_rows.iter().zip(&found_rows).all(agree),
        "the limits have moved; if that is right: cp {} simulator/tests/it/sensor_timing/\nknown:\n{known}\nfound:\n{found}",
        made.display()
    );
}

/// By how much a limit on the chip may be another than the one that was written down, in the unit of its sweep.
const SLACK: u64 = 3;

/// A range of times of which the same came.
struct Row {
    first: u64,
    last: u64,
    outcome: String,
}

/// The rows of a table, but those on a limit, where one try ends in another way than the next. A sweep's title is a
/// row, too.
fn rows(table: &str) -> Vec<Row> {
    let row = |line: &str| match line
        .trim()
        .split_once("  ")
        .filter(|(times, _)| times.starts_with(|first: char| first.is_ascii_digit()))
    {
        Some((times, outcome)) => {
            let mut times = times.split(' ').filter_map(|word| word.parse().ok());
            let first = times.next().expect("a row begins with its first time");
            Row { first, last: times.next().unwrap_or(first), outcome: outcome.trim().to_owned() }
        }
        None => Row { first: 0, last: 0, outcome: line.to_owned() },
    };
    let mut rows: Vec<Row> =
        table.lines().filter(|line| !line.is_empty() && !line.contains(", then ")).map(row).collect();
    // Within a limit some times may end in one way throughout.
    rows.dedup_by(|next, row| {
        let same = next.outcome == row.outcome && next.first > 0;
        row.last = if same { next.last } else { row.last };
        same
    });
    rows
}

/// What came of each time of each sweep. Neighbours of which the same came share a line.
fn table(executor: &Executor) -> String {
    let outcomes = outcomes(executor);
    let mut table = String::new();
    for (Sweep { what, unit, .. }, outcomes) in SWEEPS.iter().zip(&outcomes) {
        writeln!(table, "{what}").expect("a string takes all");
        let rows: Vec<(&u64, &String)> = outcomes.iter().collect();
        for same in rows.chunk_by(|a, b| a.1 == b.1) {
            let ((first, outcome), (last, _)) = (same[0], same[same.len() - 1]);
            let range = if first == last { first.to_string() } else { format!("{first} to {last}") };
            writeln!(table, "{range:>12} {unit}  {outcome}").expect("a string takes all");
        }
        writeln!(table).expect("a string takes all");
    }
    table
}

/// For each sweep what came of some of its values: of each `step`th, and of all next to which something else came.
fn outcomes(executor: &Executor) -> Vec<BTreeMap<u64, String>> {
    let mut outcomes = vec![BTreeMap::new(); SWEEPS.len()];
    let mut next: Vec<(usize, u64)> = Vec::new();
    for (number, Sweep { over, step, .. }) in SWEEPS.iter().enumerate() {
        next.extend(over.clone().step_by(*step).chain([*over.end()]).map(|value| (number, value)));
    }
    while !next.is_empty() {
        let timings: Vec<ExactTiming> = next.iter().map(|(number, value)| (SWEEPS[*number].timing)(*value)).collect();
        // Two worlds at a time, as the emulated chip takes long.
        let (first, second) = timings.split_at(timings.len() / 2);
        let found = std::thread::scope(|scope| {
            let first = scope.spawn(|| readings(executor, first));
            let second = readings(executor, second);
            first.join().expect("a world that panics has said why").into_iter().chain(second).collect::<Vec<_>>()
        });
        for ((number, value), outcome) in next.drain(..).zip(found) {
            outcomes[number].insert(value, outcome);
        }
        for (number, known) in outcomes.iter().enumerate() {
            let between =
                known.iter().zip(known.iter().skip(1)).filter(|((a, one), (b, other))| one != other && *b - *a > 1);
            next.extend(between.map(|((a, _), (b, _))| (number, a.midpoint(*b))));
        }
    }
    outcomes
}

/// What came of a reading with each of the timings.
fn readings(executor: &Executor, timings: &[ExactTiming]) -> Vec<String> {
    let faults: Vec<_> = timings.iter().copied().map(SensorFault::Exact).collect();
    crate::readings::readings(executor, "DHT22", &faults).iter().map(|tries| summary(tries)).collect()
}

/// The outcomes in their order, those of successive tries that are the same as one.
fn summary(tries: &[String]) -> String {
    assert!(!tries.is_empty(), "each reading ends somehow");
    let same = tries.chunk_by(|a, b| a == b).map(|same| match same {
        [only] => only.clone(),
        [first, ..] => format!("{first} ({} times)", same.len()),
        [] => String::new(),
    });
    same.collect::<Vec<_>>().join(", then ")
}
