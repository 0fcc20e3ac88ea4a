//! The scenario that evidence makes: one axis of time, a recording to measure again, and what was seen as expectations.

mod page;

use super::evidence::{Evidence, On, SECOND, Time, duration};
use super::schedule::{self, Rhythm, Row};
use super::stamp;
use page::Page;

/// A scenario and what lies beside it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The scenario's text.
    pub scenario: String,
    /// The recording's text, if there are readings.
    pub recording: Option<String>,
    /// How many readings are in it, and how many of them failed.
    pub readings: (usize, usize),
    /// How many times without readings.
    pub gaps: usize,
    /// How many faults and steps.
    pub done: usize,
}

/// Writes the scenario; `recording` is what its recording is called.
pub fn draft(evidence: Vec<Evidence>, recording: &str) -> Draft {
    let evidence = aligned(evidence);
    let calendar = evidence.iter().any(|it| it.calendar);
    let main = evidence.iter().find(|it| !it.readings.is_empty());
    let said = evidence.iter().find_map(|it| Some((it.interval?, it.interval_origin.clone())));
    let rhythm = main.and_then(|it| Rhythm::of(&it.readings, said.as_ref().map(|(interval, _)| *interval)));
    let rhythm = rhythm.unwrap_or(Rhythm { interval: 300 * SECOND, median: 300 * SECOND, steady: false });
    let known = evidence.iter().find(|it| !it.starts.is_empty()).map(|it| it.starts.clone());
    let derived = known.is_none();
    let starts = known.or_else(|| main.map(|it| schedule::starts(it, &rhythm))).unwrap_or_default();
    let first = evidence.iter().filter_map(|it| it.span).map(|(first, _)| first).min().unwrap_or(0);
    let from = starts.first().map_or(first, |on| on.from);
    // A run begins at a whole second of the calendar.
    let before = main.is_none_or(|main| first < main.readings[0].at.min(from));
    let zero = if before { from.min(first) } else { from };
    let zero = if calendar { zero.div_euclid(SECOND) * SECOND } else { zero };
    let last = evidence.iter().filter_map(|it| it.span).map(|(_, last)| last).max().unwrap_or(0);
    let end = match main.and_then(|it| it.readings.last()) {
        Some(reading) => {
            last.max(reading.at + if rhythm.interval < 80 * SECOND { 60 * SECOND } else { rhythm.interval * 3 / 4 })
        }
        None => last + 30 * SECOND,
    };
    let end = zero + ((end - zero + SECOND - 1) / SECOND * SECOND).max(30 * SECOND);
    let mut page = Page::new(zero, end);
    let rows = main.map(|it| schedule::rows(&it.readings, &rhythm)).unwrap_or_default();
    page.head(&evidence, calendar, main.is_some());
    page.device(from, &evidence);
    page.settings(&evidence, &rhythm, said.is_some());
    page.sensor(&evidence, main, &rhythm, recording);
    page.surroundings(&evidence);
    page.faults(&evidence);
    page.steps(&evidence, if derived { &starts } else { &[] });
    let gaps = page.expectations(&evidence, main, &rhythm, &rows, &starts);
    Draft {
        scenario: page.text,
        recording: main.map(|_| table(&rows, zero, calendar)),
        readings: main.map_or((0, 0), |it| (it.readings.len(), it.readings.iter().filter(|it| it.failed()).count())),
        gaps,
        done: page.done,
    }
}

/// All evidence on one axis: what does not tell the calendar begins where what does begins, and requests that come
/// faster than the duck can ask are spread to its pace.
fn aligned(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    for it in &mut evidence {
        let rhythm = Rhythm::of(&it.readings, it.interval);
        if let Some(rhythm) = rhythm.filter(|rhythm| rhythm.median < 10 * SECOND) {
            let first = it.readings[0].at;
            let place = |index: usize| first + index as Time * rhythm.interval;
            it.readings.iter_mut().enumerate().for_each(|(index, reading)| reading.at = place(index));
            let last = it.readings.last().map_or(first, |reading| reading.at);
            it.reach(last);
            it.notes.insert(0, format!(
                "{}: its readings are {} apart, and the duck reads every {} at the fastest: one of them for each reading",
                it.file,
                duration(rhythm.median),
                duration(rhythm.interval)
            ));
        }
    }
    let begin = |it: &Evidence| it.starts.first().map(|on| on.from).or(it.span.map(|(first, _)| first));
    let anchor = evidence.iter().filter(|it| it.calendar).filter_map(begin).min();
    if let Some(anchor) = anchor {
        for it in evidence.iter_mut().filter(|it| !it.calendar) {
            let by = anchor - begin(it).unwrap_or(0);
            shift(it, by);
            it.notes.push(format!("{}: it does not tell the calendar; taken to begin with the others", it.file));
        }
    }
    evidence
}

fn shift(it: &mut Evidence, by: Time) {
    it.readings.iter_mut().for_each(|reading| reading.at += by);
    for on in &mut it.starts {
        *on = On { from: on.from + by, until: on.until.map(|until| until + by) };
    }
    it.steps.iter_mut().for_each(|step| step.at += by);
    for fault in &mut it.faults {
        fault.from = fault.from.saturating_add(by);
        fault.until = fault.until.map(|until| until + by);
    }
    for expected in &mut it.expected {
        expected.from = expected.from.map(|from| from + by);
        expected.until = expected.until.map(|until| until + by);
    }
    it.span = it.span.map(|(first, last)| (first + by, last + by));
    it.calendar = true;
}

/// The recording, with the place of each row in the last column.
fn table(rows: &[Row], zero: Time, calendar: bool) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |row: [&str; 4]| writer.write_record(row).expect("memory takes all");
    put(["time", "temperature", "humidity", "from"]);
    let value = |value: Option<i32>| match value {
        Some(tenths) => format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10),
        None => "nan".to_owned(),
    };
    let mut last = Time::MIN;
    for row in rows {
        let from = row.from.max(zero);
        // Two that would begin before the run: the later one counts.
        let time = match calendar {
            true => stamp::rfc3339(from),
            false => format!("{}.{:06}", (from - zero) / SECOND, (from - zero) % SECOND / 1_000),
        };
        if from >= last {
            put([&time, &value(row.temperature), &value(row.humidity), &row.origin]);
        }
        last = from;
    }
    String::from_utf8(writer.into_inner().expect("memory takes all")).expect("all of it is text")
}
