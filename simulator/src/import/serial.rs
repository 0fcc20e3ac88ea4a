//! A serial log whose lines tell times: the yellow duck's own (`[2.504831] sensor: 21.5 °C, 45.6 %`), and what terminal
//! programs put in front of any line (`2026-04-18 16:00:02.123 -> `, `16:00:02.123 > `).
//!
//! Only the device's own times: each start counts from 0 again. When a start was follows from what it says of the
//! calendar (`time: it is …`, `cloud: reading of … stored`), each of which leaves less than a second open.

mod reader;

use std::sync::LazyLock;

use regex::Regex;

use super::Hints;
use super::evidence::{Evidence, Origin, SECOND, Time};
use super::stamp::{self, Zone};
use reader::Reader;

/// From power or reset to the program's first line.
pub(super) const BOOT: Time = 105_000_000;

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("it is written right"));
    };
}

pattern!(
    DATED,
    r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| UTC|[+-]\d\d:?\d\d)?)\]?:?\s*(?:->|>|\|)?\s*(.*)$"
);
pattern!(CLOCKED, r"^\[?(\d\d:\d\d:\d\d(?:[.,]\d+)?)\]?:?\s*(?:->|>|\|)?\s*(.*)$");
pattern!(SINCE_BOOT, r"^\[\s*(\d+\.\d+)\]\s*(.*)$");
pattern!(MEASURED, r"(-?\d+(?:\.\d+)?)\s*°?\s*C\b[^0-9-]*(\d+(?:\.\d+)?)\s*%");
pattern!(ESP_BOOT, r"^ets .*rst cause:\s*(\d)");

/// A line of the log.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub number: u64,
    /// What a terminal or the record says.
    pub stamped: Option<Time>,
    /// Nanoseconds since the device started.
    pub since_boot: Option<Time>,
    pub text: String,
}

/// How far back a time of day may go without a midnight in between: a clock that was set.
const SET_BACK: Time = 2 * 60 * 60 * SECOND + 10 * 60 * SECOND;
const DAY: Time = 24 * 60 * 60 * SECOND;

/// Reads a log.
pub(super) fn read(file: &str, text: &str, hints: &Hints) -> Result<Evidence, String> {
    let mut zone = Zone { said: hints.utc_offset, ..Zone::default() };
    let mut clock = Clock::default();
    let (mut lines, mut dated) = (Vec::new(), false);
    for (number, line) in (1..).zip(text.lines()) {
        // Garbage in front of a line is the boot ROM's.
        let line = line.rsplit(char::REPLACEMENT_CHARACTER).next().unwrap_or(line);
        let line = line.trim_end().trim_start_matches(|letter: char| letter.is_control());
        let no_time = |text: &str| format!("line {number}: `{text}` is no time from 1970 to 2200");
        let (stamped, rest) = if let Some(found) = DATED.captures(line) {
            let moment = stamp::calendar(&found[1]).ok_or_else(|| no_time(&found[1]))?;
            dated = true;
            (Some(clock.dated(zone.place(moment), number)), found[2].to_owned())
        } else if let Some(found) = CLOCKED.captures(line) {
            let at = stamp::time_of_day(&found[1]).ok_or_else(|| no_time(&found[1]))?;
            (Some(clock.time_of_day(at, number)), found[2].to_owned())
        } else {
            (None, line.to_owned())
        };
        let (since_boot, text) = match SINCE_BOOT.captures(&rest) {
            Some(found) => (stamp::seconds(&found[1]), found[2].to_owned()),
            None => (None, rest),
        };
        lines.push(Line { number, stamped, since_boot, text });
    }
    if lines.iter().all(|line| line.stamped.is_none() && line.since_boot.is_none()) {
        return Err("no line begins with a time: neither the device's own, `[2.504831] …`, nor a terminal's, \
                    `2026-01-01 12:00:00.123 -> …` or `12:00:00.123 > …`; `pio device monitor --filter time` writes one"
            .to_owned());
    }
    let mut evidence = Evidence::new(file, "a serial log");
    evidence.notes.extend(zone.note(file));
    evidence
        .notes
        .extend(clock.notes.into_iter().map(|(number, what)| format!("{}: {what}", Origin::line(file, number))));
    self::evidence(evidence, lines, dated)
}

/// Reads a log that is not all text: at its rate the boot ROM's lines are garbage in a terminal that is set to the
/// program's.
pub(super) fn with_garbage(file: &str, bytes: &[u8], hints: &Hints) -> Result<Evidence, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut evidence = read(file, &text, hints)?;
    let lines = text.lines().filter(|line| line.contains(char::REPLACEMENT_CHARACTER)).count();
    evidence.notes.push(format!(
        "{file}: {lines} lines have bytes that are no text, as the boot ROM's are at another rate; those are passed over"
    ));
    Ok(evidence)
}

/// A terminal's clock, which goes on from line to line.
#[derive(Default)]
struct Clock {
    /// The midnight before.
    day: Time,
    last: Option<Time>,
    notes: Vec<(u64, String)>,
}

impl Clock {
    /// A time of the calendar: one that is earlier than the line before is taken as that one's.
    fn dated(&mut self, at: Time, number: u64) -> Time {
        let last = self.last.unwrap_or(at);
        if at < last {
            self.set_back(number);
        }
        let at = at.max(last);
        self.last = Some(at);
        at
    }

    /// A time of day: where it goes back by hours, a midnight has passed.
    fn time_of_day(&mut self, time: Time, number: u64) -> Time {
        if let Some(last) = self.last
            && self.day + time + SET_BACK < last
        {
            self.day += DAY;
            self.notes.push((number, "the clock goes back by hours: a midnight has passed".to_owned()));
        }
        self.dated(self.day + time, number)
    }

    fn set_back(&mut self, number: u64) {
        self.notes.push((number, "its time is before that of the line above, which is taken".to_owned()));
    }
}

/// Makes evidence of lines; `dated` says that their stamps are of the calendar.
pub(super) fn evidence(mut evidence: Evidence, lines: Vec<Line>, dated: bool) -> Result<Evidence, String> {
    let file = evidence.file.clone();
    let boots = boots(&lines);
    let (placed, calendar) = place(&lines, &boots, dated);
    evidence.calendar = calendar;
    let mut reader = Reader::new(evidence, file);
    let mut previous: Option<Time> = None;
    let mut starts = boots.iter().peekable();
    for (index, line) in lines.iter().enumerate() {
        let boot = starts.next_if(|boot| boot.line == index);
        let Some(at) = placed[index] else { continue };
        if let Some(boot) = boot {
            reader.boot(&boot.cause, line.number, at, previous);
        }
        reader.line(line, at);
        reader.evidence.reach(at);
        previous = Some(at);
    }
    reader.finish()
}

/// A start of the device.
#[derive(Clone, Debug)]
struct Boot {
    /// The first line of it.
    line: usize,
    cause: String,
}

fn boots(lines: &[Line]) -> Vec<Boot> {
    let mut boots: Vec<Boot> = Vec::new();
    let mut last = None;
    for (index, line) in lines.iter().enumerate() {
        let said = line.text.split_once("reset cause: ").filter(|_| line.text.contains("boot:"));
        let rom = ESP_BOOT.captures(&line.text).map(|found| match &found[1] {
            "1" => "power-on",
            "2" => "external reset",
            "3" => "software restart",
            _ => "watchdog",
        });
        let back = matches!((last, line.since_boot), (Some(last), Some(now)) if now < last);
        let cause = said.map(|(_, cause)| cause.trim().to_owned()).or_else(|| rom.map(str::to_owned));
        // The boot ROM's line and the program's are of one start.
        let again = boots
            .last()
            .is_some_and(|boot| lines[boot.line..index].len() < 12 && lines[boot.line].text.starts_with("ets"));
        match cause {
            Some(cause) if again && rom.is_none() => boots.last_mut().expect("there is one").cause = cause,
            Some(cause) => boots.push(Boot { line: index, cause }),
            None if back => boots.push(Boot { line: index, cause: "unknown".to_owned() }),
            None => {}
        }
        last = line.since_boot.or(if boots.last().is_some_and(|boot| boot.line == index) { None } else { last });
    }
    if boots.is_empty() || boots[0].line > 0 && lines[..boots[0].line].iter().any(|line| line.since_boot.is_some()) {
        boots.insert(0, Boot { line: 0, cause: "before the log".to_owned() });
    }
    boots
}

/// When each line was, and whether that is of the calendar.
fn place(lines: &[Line], boots: &[Boot], dated: bool) -> (Vec<Option<Time>>, bool) {
    if lines.iter().any(|line| line.stamped.is_some()) {
        let mut last = None;
        let placed = lines.iter().map(|line| {
            last = line.stamped.or(last);
            last
        });
        return (placed.collect(), dated);
    }
    // Where a start lies, at least and at most, by what it says of the calendar.
    let ends: Vec<usize> = boots.iter().skip(1).map(|boot| boot.line).chain([lines.len()]).collect();
    let said: Vec<Option<(Time, Time)>> =
        boots.iter().zip(&ends).map(|(boot, end)| calendar_of(&lines[boot.line..*end])).collect();
    let calendar = said.iter().any(Option::is_some);
    let mut placed = vec![None; lines.len()];
    let mut base: Option<Time> = None;
    let mut reached: Time = 0;
    for ((boot, end), said) in boots.iter().zip(&ends).zip(&said) {
        let from = match (said, base) {
            (Some((low, high)), _) => {
                // A run begins at a whole second as a rule, and the program's first line comes 0.1 s later.
                let whole = (low - BOOT).div_euclid(SECOND) * SECOND + BOOT;
                let whole = if whole < *low { whole + SECOND } else { whole };
                if whole < *high { whole } else { low + (high - low) / 2 }
            }
            // A start that says nothing of the calendar comes soon after what was before.
            (None, Some(_)) => reached + 2 * SECOND,
            (None, None) => 0,
        };
        base = Some(from);
        let mut last = 0;
        for index in boot.line..*end {
            last = lines[index].since_boot.unwrap_or(last);
            placed[index] = Some(from + last);
        }
        reached = from + last;
    }
    (placed, calendar)
}

/// Between which moments the device's clock was 0, by what these lines of one start say of the calendar.
fn calendar_of(lines: &[Line]) -> Option<(Time, Time)> {
    let (mut low, mut high) = (Time::MIN, Time::MAX);
    let mut narrow = |whole: Time, since: Time| {
        // A clock that shows whole seconds shows this one for a second.
        let (least, most) = (whole - since, whole + SECOND - since);
        if least < high && most > low {
            (low, high) = (low.max(least), high.min(most));
        }
    };
    let mut measured: Option<Time> = None;
    let mut known = false;
    for line in lines {
        let Some(since) = line.since_boot else { continue };
        if let Some(rest) = line.text.strip_prefix("time: it is ") {
            if let Some(at) = rest.split_whitespace().next().and_then(stamp::zoned) {
                narrow(at, since);
                known = true;
            }
        } else if line.text.starts_with("sensor: ") && MEASURED.is_match(&line.text) {
            measured = Some(since);
        } else if let Some(rest) = line.text.strip_prefix("cloud: reading of ")
            && let (Some(at), Some(measured)) = (rest.split_whitespace().next().and_then(stamp::zoned), measured)
            && known
            && since - measured < 5 * SECOND
        {
            narrow(at, measured);
        }
    }
    known.then_some((low, high))
}
