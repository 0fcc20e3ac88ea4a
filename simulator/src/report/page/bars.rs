//! The timeline of a page: strips with their spans and marks, of which neighbours become one where there are too many.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::{Serialize, Serializer};
use simulator_record::events::Event;
use simulator_record::time::Instant;

use super::thinned::{Piece, Thinned};
use crate::report::lane::News;
use crate::report::strips::{Change, Draw, Head, Strips};

/// How many spans, and how many marks, a strip keeps apart.
const MOST_PIECES: usize = 3_000;
/// How many strips there are at most; what belongs to others is told in the events alone.
const MOST_STRIPS: usize = 80;

/// All strips of a run.
pub(super) struct Timeline {
    strips: Strips,
    bars: Bars,
}

/// What is drawn of them.
#[derive(Default)]
struct Bars(Vec<StripBars>);

struct StripBars {
    head: Head,
    spans: Thinned<Bar>,
    marks: Thinned<Bar>,
    /// Spans that have begun.
    open: BTreeMap<u32, (Instant, News, String)>,
}

/// A span or a mark; where it stands for several, how many.
#[derive(Clone, Debug)]
struct Bar {
    from: u64,
    to: u64,
    news: News,
    text: String,
    count: u64,
}

impl Piece for Bar {
    fn from(&self) -> u64 {
        self.from
    }

    fn length(&self) -> u64 {
        self.to - self.from
    }

    fn absorb(&mut self, next: Self) {
        self.to = self.to.max(next.to);
        self.count += next.count;
        if next.news > self.news {
            (self.news, self.text) = (next.news, next.text);
        }
    }
}

/// `[from, to, news, text, count]`, in microseconds; of a mark that stands for itself `[from, news]`.
impl Serialize for Bar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let news = self.news as u8;
        if self.from == self.to && self.count == 1 && self.text.is_empty() {
            return (self.from, news).serialize(serializer);
        }
        (self.from, self.to, news, &self.text, self.count).serialize(serializer)
    }
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { strips: Strips::new(MOST_STRIPS), bars: Bars::default() }
    }

    /// Takes in the next event, and gives the place of its strip, if there is room for one.
    pub(super) fn see(&mut self, event: &Event) -> Option<usize> {
        let Ok(place) = self.strips.see(event, &mut self.bars);
        place
    }

    /// How many events no strip shows.
    pub(super) fn left_out(&self) -> u64 {
        self.strips.left_out()
    }

    /// Ends what goes on to the end of the run.
    pub(super) fn finish(&mut self, end: Instant) {
        let Ok(()) = self.strips.finish(end, &mut self.bars);
    }
}

impl Draw for Bars {
    type Error = Infallible;

    fn strip(&mut self, head: &Head) -> Result<(), Infallible> {
        self.0.push(StripBars {
            head: head.clone(),
            spans: Thinned::new(MOST_PIECES),
            marks: Thinned::new(MOST_PIECES),
            open: BTreeMap::new(),
        });
        Ok(())
    }

    fn change(&mut self, strip: usize, at: Instant, change: Change, _: Option<&Event>) -> Result<(), Infallible> {
        let strip = &mut self.0[strip];
        match change {
            Change::Begins { span, news, text } => {
                strip.open.insert(span, (at, news, text));
            }
            Change::Ends { span } => {
                if let Some((from, news, text)) = strip.open.remove(&span) {
                    strip.spans.push(Bar { from: from.as_micros(), to: at.as_micros(), news, text, count: 1 });
                }
            }
            Change::Mark(news) => {
                let at = at.as_micros();
                strip.marks.push(Bar { from: at, to: at, news, text: String::new(), count: 1 });
            }
        }
        Ok(())
    }
}

/// A strip as the page has it.
#[derive(Serialize)]
struct StripData<'s> {
    lane: &'static str,
    label: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'s str>,
    spans: &'s [Bar],
    marks: &'s [Bar],
    /// The grid in which neighbours became one, in microseconds, if some did.
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<u64>,
}

impl<'s> StripData<'s> {
    fn of(strip: &'s StripBars) -> Self {
        let grid = strip.spans.grid().max(strip.marks.grid());
        Self {
            lane: strip.head.lane.word(),
            label: &strip.head.label,
            device: strip.head.device_name.as_deref(),
            spans: strip.spans.pieces(),
            marks: strip.marks.pieces(),
            grid: (grid > 0).then_some(grid),
        }
    }
}

/// All of them, in the order in which they came.
impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.bars.0.iter().map(StripData::of))
    }
}
