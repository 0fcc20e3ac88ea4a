//! The readings and reports that travel in one request, and what becomes of them.

use core::fmt::{self, Write as _};

use heapless::String;

use super::exchange::Outgoing;
use super::policy::{Plan, Verdict};
use super::request::{self, Text};
use crate::readings::{Reading, Readings};
use crate::settings::Settings;
use crate::wall_clock::{Iso8601, WallClock};

/// `/channels/4294967295/bulk_update.json`, and room.
type Path = String<48>;

/// The readings that travel in one request; the oldest ones of the queue.
pub(super) struct Batch {
    pub plan: Plan,
    /// How many readings; none if the time is asked.
    pub rows: usize,
    first: u32,
    last: u32,
    created_at: i64,
    is_report: bool,
    path: Path,
    body: usize,
}

/// What a reply has done to the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// They are stored and have left the queue.
    Gone,
    /// They are still there.
    Kept,
    /// The reading is still there, as of a second later.
    Moved,
}

impl Batch {
    /// Packs what `plan` says, the body into `body`. `None` if nothing can be packed: no readings, or no time. In a
    /// frame of its own, which is gone while the exchange runs.
    #[inline(never)]
    pub fn pack(
        plan: Plan,
        settings: &Settings,
        clock: WallClock,
        readings: &mut Readings,
        body: &mut [u8],
    ) -> Option<Self> {
        let mut text = Text::new(body);
        let mut path = Path::new();
        let rows = match plan {
            Plan::AskTime => {
                path.push('/').ok()?;
                return Some(Self { plan, rows: 0, first: 0, last: 0, created_at: 0, is_report: false, path, body: 0 });
            }
            Plan::Single | Plan::SingleForChannel => {
                let reading = readings.oldest()?;
                request::write_form(&mut text, reading, created_at(reading, clock)?).ok()?;
                path.push_str(if plan == Plan::Single { "/update" } else { "/update.json" }).ok()?;
                1
            }
            Plan::Bulk { channel } => {
                write!(path, "/channels/{channel}/bulk_update.json").ok()?;
                let rows = readings.iter().map_while(|reading| Some((reading, created_at(reading, clock)?)));
                request::write_bulk(&mut text, settings.write_key(), rows).ok()?
            }
        };
        let body = text.into_bytes().len();
        let is_report = readings.oldest()?.measurement.is_none();
        let (mut first, mut last, mut oldest) = (None, 0, 0);
        for reading in readings.iter_mut().take(rows) {
            // Those that were sent already keep theirs.
            reading.created_at = created_at(reading, clock);
            oldest = if first.is_none() { reading.created_at? } else { oldest };
            first.get_or_insert(reading.number);
            last = reading.number;
        }
        Some(Self { plan, rows, first: first?, last, created_at: oldest, is_report, path, body })
    }

    /// The request, whose body [`pack`](Self::pack) has put into `body`.
    pub fn outgoing<'a>(&'a self, settings: &'a Settings, body: &'a [u8]) -> Outgoing<'a> {
        let bulk = matches!(self.plan, Plan::Bulk { .. });
        Outgoing {
            path: &self.path,
            // In bulk the key travels in the body; the time is told to everybody.
            write_key: (self.rows > 0 && !bulk).then(|| settings.write_key()),
            content_type: if bulk { "application/json" } else { "application/x-www-form-urlencoded" },
            body: body.get(..self.body).unwrap_or_default(),
        }
    }

    /// The request may have arrived: what it said of its readings stays so.
    pub fn sent(&self, readings: &mut Readings) {
        self.each(readings, |reading| reading.sent = true);
    }

    /// There was no clear answer: the readings may be stored or not.
    pub fn doubt(&self, readings: &mut Readings) {
        self.each(readings, |reading| reading.in_doubt = true);
    }

    /// Does to the readings what `verdict` says.
    pub fn settle(&self, verdict: Verdict, readings: &mut Readings) -> Settled {
        if self.rows == 0 {
            return Settled::Kept;
        }
        match verdict {
            Verdict::Stored { .. } => {
                readings.stored_through(self.last);
                Settled::Gone
            }
            Verdict::Conflict => {
                let mut certain = false;
                self.each(readings, |reading| {
                    if !reading.in_doubt {
                        certain = true;
                        reading.created_at = reading.created_at.map(|at| at + 1);
                    }
                });
                if certain {
                    return Settled::Moved;
                }
                readings.stored_through(self.last);
                Settled::Gone
            }
            Verdict::Trouble => {
                self.doubt(readings);
                Settled::Kept
            }
            Verdict::TooSoon | Verdict::KeyRefused | Verdict::BulkRefused => Settled::Kept,
        }
    }

    /// The readings in the words of the log.
    pub fn what(&self) -> impl fmt::Display {
        What { rows: self.rows, is_report: self.is_report, created_at: self.created_at }
    }

    fn each(&self, readings: &mut Readings, mut change: impl FnMut(&mut Reading)) {
        if self.rows > 0 {
            readings.between(self.first, self.last).for_each(&mut change);
        }
    }
}

/// A reading's calendar time: the one it was sent with, or what the clock makes of it.
fn created_at(reading: &Reading, clock: WallClock) -> Option<i64> {
    if reading.sent { reading.created_at } else { clock.unix_time(reading.taken) }
}

struct What {
    rows: usize,
    /// If it is only one: whether it has no values.
    is_report: bool,
    created_at: i64,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, is_report, created_at } = *self;
        if rows == 1 {
            let what = if is_report { "report" } else { "reading" };
            write!(f, "{what} of {}", Iso8601(created_at))
        } else {
            write!(f, "{rows} readings from {} on", Iso8601(created_at))
        }
    }
}

#[cfg(test)]
mod tests;
