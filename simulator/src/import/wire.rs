//! The data line of a DHT sensor as a logic analyser captured it: a VCD, or a session of sigrok (`.sr`, a zip of raw
//! samples with a file `metadata`).
//!
//! A request is a low pulse of 0.1 ms or more; what the sensor answers to it are 40 bits, told apart by how long the
//! line is high after each low (data sheets of DHT11 and AM2302). A request without a whole answer, or with a wrong
//! checksum, is a reading that failed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use vcd::{Command, IdCode, Parser, ScopeItem, Value};

use super::evidence::{Evidence, Fault, Origin, Reading, Time};
use super::stamp::LATEST;

const MICROSECOND: Time = 1_000;
/// A low pulse this long asks the sensor; a sensor's own are at most 88 us.
const START: Time = 95 * MICROSECOND;
/// Behind this a line that stays as it is says that nothing more comes.
const SILENCE: Time = 220 * MICROSECOND;
/// A bit whose high is longer than this is a one.
const ONE: Time = 48 * MICROSECOND;
/// By then a sensor in order has pulled the line low.
const LATE: Time = 42 * MICROSECOND;
/// How much a session may hold once it is unpacked.
const SAMPLES: u64 = 1 << 30;

/// How much its description may hold.
const METADATA: u64 = 1 << 18;

/// The changes of a line: when, and to which level. The level alternates.
type Edges = Vec<(Time, bool)>;

pub(super) fn is_vcd(text: &str) -> bool {
    ["$date", "$version", "$timescale", "$comment", "$scope", "$var"].iter().any(|word| text.starts_with(word))
}

/// Reads a VCD: of several signals the one with a sensor's answers on it.
pub(super) fn vcd(file: &str, text: &str) -> Result<Evidence, String> {
    let mut parser = Parser::new(Cursor::new(text.as_bytes()));
    let header = parser.parse_header().map_err(|error| format!("this is not a VCD: {error}"))?;
    let (number, unit) =
        header.timescale.ok_or("its $timescale is missing, so that nobody knows how long a step is")?;
    // Femtoseconds are finer than a nanosecond: work with the fraction.
    let step = f64::from(number) * unit.fraction() * 1e9;
    let mut signals: Vec<(IdCode, String, Edges)> = Vec::new();
    signals_of(&header.items, &mut signals);
    let places: BTreeMap<IdCode, usize> =
        signals.iter().enumerate().rev().map(|(place, (id, ..))| (*id, place)).collect();
    let mut now: Time = 0;
    for command in parser.by_ref() {
        match command.map_err(|error| format!("this is not a VCD: {error}"))? {
            Command::Timestamp(steps) => {
                now = (steps as f64 * step) as Time;
                if now > LATEST {
                    return Err(format!("its time #{steps} is more than 200 years behind its beginning"));
                }
            }
            Command::ChangeScalar(id, value) => {
                if let Some((_, _, edges)) = places.get(&id).map(|place| &mut signals[*place]) {
                    // What nobody drives is pulled high.
                    let level = value != Value::V0;
                    if edges.last().is_none_or(|(_, last)| *last != level) {
                        edges.push((now, level));
                    }
                }
            }
            _ => {}
        }
    }
    choose(file, "a waveform (VCD)", signals.into_iter().map(|(_, name, edges)| (name, edges)).collect(), now)
}

fn signals_of(items: &[ScopeItem], signals: &mut Vec<(IdCode, String, Edges)>) {
    for item in items {
        match item {
            ScopeItem::Var(var) if var.size == 1 => signals.push((var.code, var.reference.clone(), Vec::new())),
            ScopeItem::Scope(scope) => signals_of(&scope.items, signals),
            _ => {}
        }
    }
}

/// Reads a session of sigrok.
pub(super) fn sigrok(file: &str, bytes: &[u8]) -> Result<Evidence, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("this is not a session of sigrok: {error}"))?;
    let mut metadata = String::new();
    let mut entry = archive
        .by_name("metadata")
        .map_err(|_| "this zip is no session of sigrok: the file `metadata` is not in it".to_owned())?;
    entry.by_ref().take(METADATA + 1).read_to_string(&mut metadata).map_err(|error| format!("metadata: {error}"))?;
    drop(entry);
    if metadata.len() as u64 > METADATA {
        return Err(format!("metadata: it is larger than {} KiB, and sigrok's has some lines", METADATA >> 10));
    }
    let value = |key: &str| {
        metadata
            .lines()
            .find_map(|line| line.split_once('=').filter(|(name, _)| name.trim() == key))
            .map(|(_, it)| it.trim())
    };
    let rate = value("samplerate").and_then(hertz).ok_or("metadata: `samplerate` is missing, such as 1 MHz")?;
    let unit: usize = value("unitsize").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, 8);
    let name = value("capturefile").unwrap_or("logic-1").to_owned();
    let mut parts: Vec<(u64, String)> = archive
        .file_names()
        .filter_map(|file| {
            let file = file.ok()?;
            let rest = file.strip_prefix(name.as_str())?;
            let number = if rest.is_empty() { Some(0) } else { rest.strip_prefix('-')?.parse().ok() };
            Some((number?, file.to_string()))
        })
        .collect();
    parts.sort();
    let mut lines: Vec<(String, usize, Edges)> = metadata
        .lines()
        .filter_map(|line| {
            let (key, name) = line.split_once('=')?;
            let number: usize = key.trim().strip_prefix("probe")?.parse().ok()?;
            (1..=unit * 8).contains(&number).then(|| (name.trim().to_owned(), number - 1, Vec::new()))
        })
        .collect();
    let (mut sample, mut last, mut total): (u64, Option<u64>, u64) = (0, None, 0);
    let at = |sample: u64| (u128::from(sample) * 1_000_000_000 / u128::from(rate)) as Time;
    for (_, part) in parts {
        let mut data = Vec::new();
        let entry = archive.by_name(&part).map_err(|error| format!("{part}: {error}"))?;
        entry.take(SAMPLES + 1 - total).read_to_end(&mut data).map_err(|error| format!("{part}: {error}"))?;
        total += data.len() as u64;
        if total > SAMPLES {
            return Err(format!("it holds more than {} MiB of samples; cut it with sigrok-cli", SAMPLES >> 20));
        }
        for word in data.chunks_exact(unit) {
            let word = word.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            if last != Some(word) {
                for (_, bit, edges) in &mut lines {
                    let level = word >> *bit & 1 == 1;
                    if edges.last().is_none_or(|(_, last)| *last != level) {
                        edges.push((at(sample), level));
                    }
                }
                last = Some(word);
            }
            sample += 1;
        }
    }
    choose(file, "a session of sigrok", lines.into_iter().map(|(name, _, edges)| (name, edges)).collect(), at(sample))
}

/// `1 MHz`, `500 kHz`, `1000000`.
fn hertz(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, "Hz"));
    let factor = match unit.to_lowercase().as_str() {
        "hz" => 1.0,
        "khz" => 1e3,
        "mhz" => 1e6,
        "ghz" => 1e9,
        _ => return None,
    };
    let rate = number.parse::<f64>().ok()? * factor;
    (1.0..=1e12).contains(&rate).then_some(rate as u64)
}

/// A request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    at: Time,
    answer: Answer,
    /// From the line's release to the sensor's first low.
    delay: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Silent,
    /// Bits are missing.
    Short,
    BadChecksum,
    Bytes([u8; 5]),
}

/// The requests on a line.
fn requests(edges: &Edges) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut index = 0;
    while index + 1 < edges.len() {
        let ((low, level), (high, _)) = (edges[index], edges[index + 1]);
        index += 1;
        if level || high - low < START {
            continue;
        }
        // From the release on: high, the response's low and high, and 40 bits of a low and a high each.
        let times: Vec<Time> = edges[index..].iter().take(85).map(|(at, _)| *at).collect();
        let apart: Vec<Time> =
            times.windows(2).map(|pair| pair[1] - pair[0]).take(84).take_while(|it| *it < SILENCE).collect();
        let delay = apart.first().copied();
        let answer = match apart.len() {
            0 | 1 => Answer::Silent,
            2..83 => Answer::Short,
            _ => {
                let mut bytes = [0u8; 5];
                for bit in 0..40 {
                    let one = apart[3 + 2 * bit + 1] > ONE;
                    bytes[bit / 8] = bytes[bit / 8] << 1 | u8::from(one);
                }
                let sum = bytes[..4].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
                if sum == bytes[4] { Answer::Bytes(bytes) } else { Answer::BadChecksum }
            }
        };
        index += apart.len().saturating_sub(1) / 2 * 2;
        requests.push(Request { at: low, answer, delay: delay.filter(|_| answer != Answer::Silent) });
    }
    requests
}

/// Takes the line with most answers, or with most requests if none has an answer.
fn choose(file: &str, kind: &'static str, lines: Vec<(String, Edges)>, end: Time) -> Result<Evidence, String> {
    let names: Vec<String> = lines.iter().map(|(name, _)| format!("`{name}`")).collect();
    let read = lines.iter().map(|(name, edges)| (name, requests(edges)));
    let good = |requests: &[Request]| requests.iter().filter(|it| matches!(it.answer, Answer::Bytes(_))).count();
    let best = read.max_by_key(|(_, requests)| {
        (good(requests), requests.iter().filter(|it| it.answer != Answer::Silent).count(), requests.len())
    });
    let Some((name, requests)) = best.filter(|(_, requests)| !requests.is_empty()) else {
        return Err(format!(
            "no signal has a sensor's request on it, a low pulse of 0.1 ms or more (there are: {})",
            names.join(", ")
        ));
    };
    let mut evidence = Evidence::new(file, kind);
    evidence.columns = [format!("signal {name}"), format!("signal {name}")];
    // The high byte of an AM2302's humidity is 3 at most; a DHT11's is percents.
    let dht11 = requests.iter().any(|it| matches!(it.answer, Answer::Bytes([humidity, 0, _, 0, _]) if humidity > 3));
    for request in &requests {
        let origin = Origin::at(file, format!("at {} s", seconds(request.at)));
        let (mut temperature, mut humidity) = (None, None);
        let mut what = "";
        match request.answer {
            Answer::Bytes([a, b, c, d, _]) if dht11 => {
                humidity = Some(i32::from(a) * 10 + i32::from(b));
                temperature = Some(i32::from(c) * 10 + i32::from(d));
            }
            Answer::Bytes([a, b, c, d, _]) => {
                let magnitude = i32::from(c & 0x7F) << 8 | i32::from(d);
                humidity = Some(i32::from(a) << 8 | i32::from(b));
                temperature = Some(if c & 0x80 == 0 { magnitude } else { -magnitude });
            }
            Answer::Silent => what = "no answer",
            Answer::Short => what = "bits are missing",
            Answer::BadChecksum => what = "wrong checksum",
        }
        if !what.is_empty() {
            evidence.notes.push(format!("{origin}: {what}"));
        }
        evidence.readings.push(Reading { at: request.at, temperature, humidity, origin });
    }
    let place = evidence.readings[0].origin.clone();
    evidence.sensor = Some((if dht11 { "DHT11" } else { "DHT22" }, place.clone()));
    late(&mut evidence, &requests, place);
    evidence.reach(0);
    evidence.reach(end);
    Ok(evidence)
}

/// Responses that come later than a sensor in order gives them.
fn late(evidence: &mut Evidence, requests: &[Request], origin: Origin) {
    let delays: Vec<Time> = requests.iter().filter_map(|request| request.delay).collect();
    let late: Vec<Time> = delays.iter().filter(|delay| **delay > LATE).map(|delay| delay - LATE).collect();
    let (Some(least), Some(most)) = (late.iter().min(), late.iter().max()) else { return };
    let share = (late.len() * 1000 / delays.len()).max(1);
    let (least, most) = (least / MICROSECOND, most / MICROSECOND + 1);
    let inject = format!(
        "sensor = {{ late-response = {{ from = \"{least}us\", to = \"{most}us\", probability = \"{}.{} %\" }} }}",
        share / 10,
        share % 10
    );
    let what = format!("{} of {} responses come late", late.len(), delays.len());
    evidence.faults.push(Fault { what, from: 0, until: None, count: None, inject, origin });
}

fn seconds(at: Time) -> String {
    format!("{}.{:06}", at / 1_000_000_000, at % 1_000_000_000 / 1_000)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request with its answer as edges, beginning at `at`.
    pub(in crate::import) fn answered(at: Time, bytes: [u8; 4], edges: &mut Edges) {
        let mut now = at;
        let mut push = |level: bool, length: Time, edges: &mut Edges| {
            edges.push((now, level));
            now += length * MICROSECOND;
        };
        push(false, 1000, edges);
        push(true, 30, edges);
        push(false, 80, edges);
        push(true, 80, edges);
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        for byte in bytes.into_iter().chain([sum]) {
            for bit in (0..8).rev() {
                push(false, 54, edges);
                push(true, if byte >> bit & 1 == 1 { 73 } else { 26 }, edges);
            }
        }
        push(false, 50, edges);
        push(true, 1, edges);
    }

    #[test]
    fn answers_are_read_and_what_is_none_is_told() {
        let mut edges = vec![(0, true)];
        answered(1_000_000, [0x02, 0x9A, 0x80, 0x65], &mut edges);
        edges.extend([(2_000_000_000, false), (2_001_000_000, true)]);
        answered(4_000_000_000, [0x02, 0x9B, 0x00, 0xD7], &mut edges);
        let found = requests(&edges);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[1].answer, Answer::Silent);
        let evidence = choose("x.sr", "test", vec![("SDA".into(), edges)], 5_000_000_000).unwrap();
        let read: Vec<_> = evidence.readings.iter().map(|it| (it.temperature, it.humidity)).collect();
        assert_eq!(read, [(Some(-101), Some(666)), (None, None), (Some(215), Some(667))]);
        assert_eq!(evidence.sensor.unwrap().0, "DHT22");
    }
}
