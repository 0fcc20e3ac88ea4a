//! What the channel holds at the end, read off the entries that the cloud stored.

use std::time::Duration;

use humantime::format_duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Failure;
use crate::events::{self, Event, EventKind};
use crate::scenario::model::{ChannelCheck, Quantity};
use crate::scenario::words;
use crate::time::Instant;

/// A stored entry.
struct Entry<'e> {
    stored: Instant,
    id: u64,
    created_at: i64,
    fields: &'e [Option<String>; 8],
}

impl Entry<'_> {
    /// Whether it has a reading; one without only tells the device's status.
    fn is_reading(&self) -> bool {
        self.fields.iter().any(Option::is_some)
    }
}

/// Judges the entries in the order of their numbers, at the end of the run; tells the first that is wrong of each thing
/// that is.
pub(super) fn judge(check: &ChannelCheck, events: &[Event], end: Instant) -> Result<(), Failure> {
    let mut entries: Vec<Entry<'_>> = events
        .iter()
        .filter(|event| event.device.is_none_or(|device| device == check.device))
        .filter_map(|event| match &event.kind {
            EventKind::Stored(events::Stored { entry_id, created_at, fields, .. }) => {
                Some(Entry { stored: event.at, id: *entry_id, created_at: *created_at, fields })
            }
            _ => None,
        })
        .collect();
    entries.sort_by_key(|entry| entry.id);
    let (readings, reports): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) = entries.iter().partition(|entry| entry.is_reading());
    let mut wrong: Vec<(Option<Instant>, String)> = Vec::new();
    let is_wrong =
        |wanted: Option<Quantity>, seen: &[&Entry<'_>]| wanted.is_some_and(|it| !it.allows(seen.len() as u64));
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
    let neighbours = || entries.iter().zip(entries.iter().skip(1));
    if check.ascending
        && let Some((before, entry)) = neighbours().find(|(before, entry)| entry.created_at <= before.created_at)
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
    if readings.is_empty() && !reports.is_empty() && check.fields.iter().any(Option::is_some) {
        wrong.push((None, "no entry has a reading".to_owned()));
    }
    for (index, wanted) in check.fields.iter().enumerate() {
        let Some(wanted) = wanted else { continue };
        if let Some(entry) = readings.iter().find(|entry| !wanted.matches(entry.fields[index].as_deref())) {
            let value = entry.fields[index].as_ref().map_or("absent".to_owned(), |value| format!("`{value}`"));
            wrong.push((
                Some(entry.stored),
                format!("field{} of entry {} at {} is {value}", index + 1, entry.id, calendar(entry.created_at)),
            ));
        }
    }
    match wrong.first() {
        None => Ok(()),
        Some((at, _)) => {
            let texts: Vec<&str> = wrong.iter().map(|(_, text)| text.as_str()).collect();
            Err(Failure::new(texts.join("; "), *at))
        }
    }
}

/// Neighbours.
fn pairs<'s, 'e>(entries: &'s [&'e Entry<'e>]) -> impl Iterator<Item = (&'e Entry<'e>, &'e Entry<'e>)> + 's {
    entries.windows(2).map(|pair| (pair[0], pair[1]))
}

/// The time between the creation of two neighbours.
fn gap(before: &Entry<'_>, entry: &Entry<'_>) -> Duration {
    Duration::from_secs(entry.created_at.saturating_sub(before.created_at).unsigned_abs())
}

fn gap_in_words(before: &Entry<'_>, entry: &Entry<'_>) -> String {
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
fn first_gap(readings: &[&Entry<'_>], end: Instant) -> Option<String> {
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
fn contents_in_words(readings: &[&Entry<'_>], reports: &[&Entry<'_>]) -> String {
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
