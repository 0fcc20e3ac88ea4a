//! What the channel holds at the end, read off the entries that the cloud stored.

use std::rc::Rc;
use std::time::Duration;

use humantime::format_duration;
use simulator_record::events::{Event, EventKind, Kind, Stored};
use simulator_record::time::Instant;
use simulator_scenario::model::{ChannelCheck, Quantity};
use simulator_scenario::words;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Failure, Judge};

/// What is kept of a stored entry: a long run has many.
struct Entry {
    stored: Instant,
    id: u64,
    created_at: i64,
    /// Whether it has a reading; one without only tells the device's status.
    is_reading: bool,
}

/// Holds what the cloud stores against what the channel must hold at the end.
pub(super) struct Channel<'s> {
    check: &'s ChannelCheck,
    entries: Vec<Entry>,
    /// For each field, by its place, the entry of the lowest number with a reading that it must not have.
    wrong: [Option<Wrong>; 8],
    /// For each field, by its place, since when it has been the same, and the first time that it was so for too long.
    same: [Same; 8],
}

/// How long a field has been the same.
#[derive(Default)]
struct Same {
    value: Option<String>,
    since: i64,
    too_long: Option<(Instant, String)>,
}

impl Same {
    /// An entry has this value.
    fn see(&mut self, number: usize, value: Option<&str>, entry: (Instant, i64), longest: Duration) {
        let (stored, created_at) = entry;
        if value.is_none() || self.value.as_deref() != value {
            self.value = value.map(str::to_owned);
            self.since = created_at;
            return;
        }
        let same = Duration::from_secs(created_at.saturating_sub(self.since).unsigned_abs());
        if same > longest && self.too_long.is_none() {
            let value = value.unwrap_or_default();
            let seen = format!("field{number} was {value} from {} to {}", calendar(self.since), calendar(created_at));
            self.too_long = Some((stored, seen));
        }
    }
}

/// A wrong value of a field.
struct Wrong {
    id: u64,
    created_at: i64,
    stored: Instant,
    value: Option<String>,
}

impl<'s> Channel<'s> {
    pub(super) fn new(check: &'s ChannelCheck) -> Self {
        Self { check, entries: Vec::new(), wrong: [const { None }; 8], same: Default::default() }
    }

    fn add(&mut self, stored: Instant, entry: &Stored) {
        let Stored { entry_id: id, created_at, fields, .. } = entry;
        let is_reading = fields.iter().any(Option::is_some);
        self.entries.push(Entry { stored, id: *id, created_at: *created_at, is_reading });
        if !is_reading {
            return;
        }
        if let Some(longest) = self.check.longest_same {
            for (place, (same, value)) in self.same.iter_mut().zip(fields).enumerate() {
                same.see(place + 1, value.as_deref(), (stored, *created_at), longest);
            }
        }
        for ((wanted, value), wrong) in self.check.fields.iter().zip(fields).zip(&mut self.wrong) {
            let is_wrong = wanted.as_ref().is_some_and(|wanted| !wanted.matches(value.as_deref()));
            if is_wrong && wrong.as_ref().is_none_or(|wrong| *id < wrong.id) {
                *wrong = Some(Wrong { id: *id, created_at: *created_at, stored, value: value.clone() });
            }
        }
    }
}

impl Judge for Channel<'_> {
    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::Stored]
    }

    fn see(&mut self, event: &Rc<Event>) {
        let is_its = event.device.is_none_or(|device| device == self.check.device);
        if let (EventKind::Stored(entry), true) = (&event.kind, is_its) {
            self.add(event.at, entry);
        }
    }

    /// Judges the entries in the order of their numbers, at the end of the run; tells the first that is wrong of each
    /// thing that is.
    fn judge(&self, end: Instant, _: bool) -> Result<(), Failure> {
        let check = self.check;
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.id);
        let (readings, reports): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.is_reading);
        let mut wrong: Vec<(Option<Instant>, String)> = Vec::new();
        let is_wrong =
            |wanted: Option<Quantity>, seen: &[&Entry]| wanted.is_some_and(|it| !it.allows(seen.len() as u64));
        if is_wrong(check.entries, &readings) || is_wrong(check.status_reports, &reports) {
            let mut seen = contents_in_words(&readings, &reports);
            // Too many readings have no gap that would explain them.
            if check.entries.is_some_and(|wanted| wanted.least() > readings.len() as u64)
                && let Some(gap) = first_gap(&readings, end)
            {
                seen = format!("{seen}; {gap}");
            }
            wrong.push((None, seen));
        } else if check.entries.is_none() && check.status_reports.is_none() && entries.is_empty() {
            wrong.push((None, "the channel is empty".to_owned()));
        }
        if check.ascending
            && let Some((before, entry)) = pairs(&entries).find(|(before, entry)| entry.created_at <= before.created_at)
        {
            wrong.push((
                Some(entry.stored),
                format!(
                    "entry {} was created at {}, not later than entry {} at {}",
                    entry.id,
                    calendar(entry.created_at),
                    before.id,
                    calendar(before.created_at)
                ),
            ));
        }
        if let Some(longest) = check.longest_gap
            && let Some((before, entry)) = pairs(&readings).find(|(before, entry)| gap(before, entry) > longest)
        {
            wrong.push((Some(entry.stored), gap_in_words(before, entry)));
        }
        wrong.extend(self.same.iter().filter_map(|same| same.too_long.clone()).map(|(at, seen)| (Some(at), seen)));
        if readings.is_empty() && !reports.is_empty() && check.fields.iter().any(Option::is_some) {
            wrong.push((None, "no entry has a reading".to_owned()));
        }
        for (number, Wrong { id, created_at, stored, value }) in
            (1..).zip(&self.wrong).filter_map(|(number, wrong)| Some((number, wrong.as_ref()?)))
        {
            let value = value.as_ref().map_or("absent".to_owned(), |value| format!("`{value}`"));
            let text = format!("field{number} of entry {id} at {} is {value}", calendar(*created_at));
            wrong.push((Some(*stored), text));
        }
        match wrong.first() {
            None => Ok(()),
            Some((at, _)) => {
                let texts: Vec<&str> = wrong.iter().map(|(_, text)| text.as_str()).collect();
                Err(Failure::new(texts.join("; "), *at))
            }
        }
    }
}

/// Neighbours.
fn pairs<'s, 'e>(entries: &'s [&'e Entry]) -> impl Iterator<Item = (&'e Entry, &'e Entry)> + 's {
    entries.windows(2).map(|pair| (pair[0], pair[1]))
}

/// The time between the creation of two neighbours.
fn gap(before: &Entry, entry: &Entry) -> Duration {
    Duration::from_secs(entry.created_at.saturating_sub(before.created_at).unsigned_abs())
}

fn gap_in_words(before: &Entry, entry: &Entry) -> String {
    format!(
        "{} lie between entry {} at {} and entry {}",
        format_duration(gap(before, entry)),
        before.id,
        calendar(before.created_at),
        entry.id
    )
}

/// The first gap of readings that are too few: the first two that lie more than half as far apart again as neighbours
/// usually do, or else the time after the last one.
fn first_gap(readings: &[&Entry], end: Instant) -> Option<String> {
    let mut gaps: Vec<Duration> = pairs(readings).map(|(before, entry)| gap(before, entry)).collect();
    gaps.sort_unstable();
    let usual = *gaps.get(gaps.len() / 2)?;
    let longer = usual + usual / 2;
    if let Some((before, entry)) = pairs(readings).find(|(before, entry)| gap(before, entry) > longer) {
        return Some(format!("the first gap: {}", gap_in_words(before, entry)));
    }
    let last = readings.last()?;
    let rest = Duration::from_secs(end.saturating_since(last.stored).as_secs());
    (rest > longer).then(|| format!("none was stored in the last {} of the run", format_duration(rest)))
}

/// "2 entries, created from … to …, and 1 status report".
fn contents_in_words(readings: &[&Entry], reports: &[&Entry]) -> String {
    let created = match readings {
        [] if reports.is_empty() => return "the channel is empty".to_owned(),
        [] => "no entry with a reading".to_owned(),
        [only] => format!("1 entry, created at {}", calendar(only.created_at)),
        [first, .., last] => format!(
            "{}, created from {} to {}",
            words::entries(readings.len() as u64),
            calendar(first.created_at),
            calendar(last.created_at)
        ),
    };
    if reports.is_empty() {
        created
    } else {
        format!("{created}, and {} without a reading", words::status_reports(reports.len() as u64))
    }
}

/// Seconds since 1970 as a date and time.
fn calendar(unix_time: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_time)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{unix_time} s since 1970"))
}
