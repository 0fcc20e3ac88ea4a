//! A field's values over time as SVG (SVG 2), drawn for a size in pixels.
//!
//! Data runs feed → [`Sample`]s (`series`) → the two axes (`axis`: which values and times carry a label) → marks in the
//! plot. Marks and labels know only places from 0 to 1 along time and along the values; `Plot` says where on the
//! picture that is, also for bars, where time runs down.
//!
//! Colours are attributes for a light page; style.css puts its own over them by the classes, for dark ones too. A chart
//! with a background of its own keeps its colours everywhere and has text that can be read on it.

use maud::{Markup, html};

use super::feed::Feed;
use super::formatting::{Color, clean, cut, date_and_time};
use super::options::{Kind, Options};
use axis::{Axis, Tick};
use sample::Sample;

mod axis;
mod sample;
mod series;
mod times;

/// The size of a chart that is to fit its frame, until a script has measured the frame.
const SIZE: (u32, u32) = (450, 250);
/// The colour of a line, as ThingSpeak has it.
const RED: &str = "#d62020";
/// How wide a character is, as a part of the size of its font; on the safe side.
const CHARACTER: f64 = 0.58;
const TITLE_SIZE: f64 = 14.0;
const LABEL_SIZE: f64 = 11.0;
/// With more samples than one every so many pixels, single ones are not marked.
const PIXELS_A_DOT: f64 = 9.0;
/// With more samples than that, not even the pointer finds single ones: each costs an element.
const MOST_MARKS: usize = 1_000;

/// The part of the picture in which the values are drawn.
#[derive(Clone, Copy, Debug)]
struct Plot {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// Time runs down.
    turned: bool,
}

impl Plot {
    /// How long the axis of time is, and that of values.
    fn extent(&self) -> (f64, f64) {
        if self.turned { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// The place of a time and a value, both from 0 to 1.
    fn place(&self, time: f64, value: f64) -> (f64, f64) {
        if self.turned {
            (self.left + value * self.width, self.top + time * self.height)
        } else {
            (self.left + time * self.width, self.top + (1.0 - value) * self.height)
        }
    }
}

/// The chart in a page: `source` is where `live.js` gets it anew, in the frame's size if it has none of its own.
pub(super) fn figure(feed: &Feed, options: &Options, source: &str) -> Markup {
    let fits = options.width.is_none() || options.height.is_none();
    html! {
        figure.chart-frame.fits[fits] data-chart=(source) data-fits[fits] {
            (draw(feed, options))
        }
    }
}

/// The chart.
pub(super) fn draw(feed: &Feed, options: &Options) -> Markup {
    let width = f64::from(options.width.unwrap_or(SIZE.0));
    let height = f64::from(options.height.unwrap_or(SIZE.1));
    let samples = series::of(feed);
    let from_zero = matches!(options.kind, Kind::Bar | Kind::Column);
    let title = clean(&feed.title(options));
    // What takes room beside the plot goes first where there is little.
    let titled = height >= 130.0 && !title.is_empty();
    let labelled = height >= 170.0 && width >= 240.0;
    let turned = options.kind == Kind::Bar;
    let room = (width - 70.0, height - if labelled { 84.0 } else { 44.0 });
    let (time_room, value_room) = if turned { (room.1, room.0) } else { room };
    let values = Axis::of_values(&samples, options, from_zero, value_room / if turned { 70.0 } else { 36.0 });
    let times = Axis::of_times(&samples, options, from_zero, time_room / if turned { 30.0 } else { 84.0 });
    let (across, up) = if turned { (&values, &times) } else { (&times, &values) };
    let time_label = options.x_label.clone().unwrap_or_else(|| format!("Date ({})", options.zone_name));
    let value_label = options.y_label.clone().unwrap_or_else(|| feed.field.clone());
    let (x_label, y_label) = if turned { (value_label, time_label) } else { (time_label, value_label) };
    let beside = |label: &str, room: f64| if labelled && !label.is_empty() { room } else { 0.0 };
    let widest = up.ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or_default();
    let left = 12.0 + widest as f64 * LABEL_SIZE * CHARACTER + beside(&y_label, 18.0);
    let top = if titled { 34.0 } else { 12.0 };
    let bottom = 26.0 + beside(&x_label, 20.0);
    let plot =
        Plot { left, top, width: (width - left - 16.0).max(20.0), height: (height - top - bottom).max(20.0), turned };
    let ink = Ink::of(options);
    let fitting = |text: &str, room: f64, size: f64| cut(&clean(text), (room / (size * CHARACTER)) as usize);
    html! {
        svg.chart.themed[options.background.is_none()] xmlns="http://www.w3.org/2000/svg" role="img"
            viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height)
            font-family="system-ui, sans-serif" aria-label=(format!("{title}: {}", said(feed, &samples)))
        {
            rect.back width=(width) height=(height) fill=(ink.back) {}
            @if titled {
                text.title x=(width / 2.0) y="22" text-anchor="middle" font-size=(TITLE_SIZE) font-weight="600"
                    fill=(ink.text) { (fitting(&title, width - 16.0, TITLE_SIZE)) }
            }
            (ticks_across(&plot, &across.ticks, &ink, !turned))
            (ticks_up(&plot, &up.ticks, &ink, turned))
            @if labelled && !x_label.is_empty() {
                text.label x=(px(plot.left + plot.width / 2.0)) y=(height - 8.0) text-anchor="middle"
                    font-size=(LABEL_SIZE) fill=(ink.muted) { (fitting(&x_label, plot.width, LABEL_SIZE)) }
            }
            @if labelled && !y_label.is_empty() {
                @let middle = px(plot.top + plot.height / 2.0);
                text.label x="14" y=(middle) text-anchor="middle" font-size=(LABEL_SIZE) fill=(ink.muted)
                    transform=(format!("rotate(-90 14 {middle})")) { (fitting(&y_label, plot.height, LABEL_SIZE)) }
            }
            @if samples.iter().any(|sample| sample.value.is_some()) {
                // The plot is a picture of its own, which cuts off what lies beyond the bounds that were asked for.
                svg x=(px(plot.left - 5.0)) y=(px(plot.top - 5.0)) width=(px(plot.width + 10.0)) height=(px(plot.height + 10.0)) {
                    @let inner = Plot { left: 5.0, top: 5.0, ..plot };
                    (marks(&inner, &samples, &times, &values, options.kind, &ink))
                }
            } @else {
                text.label x=(px(plot.left + plot.width / 2.0)) y=(px(plot.top + plot.height / 2.0))
                    text-anchor="middle" font-size="12" fill=(ink.muted) { (said(feed, &samples)) }
            }
        }
    }
}

/// What the chart shows, in words.
fn said(feed: &Feed, samples: &[Sample]) -> String {
    let numbers = samples.iter().filter(|sample| sample.value.is_some()).count();
    let values = feed.entries.iter().filter(|entry| entry.value.is_some()).count();
    match (numbers, values) {
        (0, 0) => "no values in this time".to_owned(),
        (0, 1) => "the value is no number".to_owned(),
        (0, values) => format!("none of the {values} values is a number"),
        (numbers, values) if numbers == values => format!("{values} values"),
        (numbers, values) => format!("{numbers} of {values} values; the others are no numbers"),
    }
}

/// The colours of a chart on a light page, or on the background that it has.
struct Ink {
    back: String,
    text: &'static str,
    muted: &'static str,
    grid: &'static str,
    series: String,
    /// Whether the style sheet has a say in the colour of the values.
    own_series: bool,
}

impl Ink {
    fn of(options: &Options) -> Self {
        let light = options.background.is_none_or(Color::is_light);
        let (text, muted, grid) =
            if light { ("#1d2430", "#59636f", "#e3e7ec") } else { ("#f2f4f7", "#c3cad3", "#5b6470") };
        let own_series = options.color.is_some() || options.background.is_some();
        Self {
            back: options.background.map_or_else(|| "#ffffff".to_owned(), |color| color.to_string()),
            text,
            muted,
            grid,
            series: options.color.map_or_else(|| RED.to_owned(), |color| color.to_string()),
            own_series,
        }
    }

    fn class(&self) -> &'static str {
        if self.own_series { "own" } else { "series" }
    }
}

/// A number of pixels, to a hundredth.
fn px(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The axis at the bottom; `slim`: of times, which have ticks and no lines through the plot.
fn ticks_across(plot: &Plot, ticks: &[Tick], ink: &Ink, slim: bool) -> Markup {
    let bottom = plot.top + plot.height;
    let end = plot.left + plot.width;
    html! {
        @for tick in ticks {
            @let x = px(plot.left + tick.at * plot.width);
            // At the edges a label moves inwards, so that nothing of it is cut off.
            @let half = tick.label.chars().count() as f64 * LABEL_SIZE * CHARACTER / 2.0;
            @let at = px(x.min(end + 14.0 - half).max(half + 2.0));
            line.grid x1=(x) x2=(x) y1=(if slim { bottom } else { plot.top }) y2=(px(bottom + 5.0)) stroke=(ink.grid) {}
            text.tick x=(at) y=(px(bottom + 18.0)) text-anchor="middle" font-size=(LABEL_SIZE) fill=(ink.muted) {
                (tick.label)
            }
        }
        line.axis x1=(plot.left) x2=(end) y1=(bottom) y2=(bottom) stroke=(ink.muted) {}
    }
}

/// The axis at the left.
fn ticks_up(plot: &Plot, ticks: &[Tick], ink: &Ink, slim: bool) -> Markup {
    html! {
        @for tick in ticks {
            @let up = if plot.turned { tick.at } else { 1.0 - tick.at };
            @let y = px(plot.top + up * plot.height);
            @let right = if slim { plot.left } else { plot.left + plot.width };
            line.grid x1=(px(plot.left - 5.0)) x2=(right) y1=(y) y2=(y) stroke=(ink.grid) {}
            text.tick x=(px(plot.left - 9.0)) y=(px(y + 4.0)) text-anchor="end" font-size=(LABEL_SIZE) fill=(ink.muted) {
                (tick.label)
            }
        }
    }
}

/// The values.
fn marks(plot: &Plot, samples: &[Sample], times: &Axis, values: &Axis, kind: Kind, ink: &Ink) -> Markup {
    let numbers: Vec<(&Sample, f64, f64)> = samples
        .iter()
        .filter_map(|sample| Some((sample, times.place(sample.seconds()), values.place(sample.value?))))
        .collect();
    let (along, _) = plot.extent();
    let titled = numbers.len() <= MOST_MARKS;
    let dotted = (numbers.len() as f64) * PIXELS_A_DOT <= along;
    match kind {
        Kind::Bar | Kind::Column => {
            let thickness = (along * series::spacing(&numbers) * 0.7).clamp(1.0, 40.0);
            let base = values.place(0.0).clamp(0.0, 1.0);
            html! {
                g class=(ink.class()) fill=(ink.series) {
                    @for (sample, time, value) in &numbers {
                        @let (x1, y1) = plot.place(*time, base);
                        @let (x2, y2) = plot.place(*time, *value);
                        @let (width, height) = ((x2 - x1).abs(), (y2 - y1).abs());
                        @let (left, top) = (x1.min(x2), y1.min(y2));
                        @let half = thickness / 2.0;
                        @let (left, top, width, height) = if plot.turned {
                            (left, top - half, width, thickness)
                        } else {
                            (left - half, top, thickness, height)
                        };
                        rect x=(px(left)) y=(px(top)) width=(px(width)) height=(px(height)) {
                            @if titled { title { (told(sample)) } }
                        }
                    }
                }
            }
        }
        Kind::Line | Kind::Spline | Kind::Step => html! {
            path class=(ink.class()) d=(series::path(plot, samples, times, values, kind)) fill="none"
                stroke=(ink.series) stroke-width="2" stroke-linejoin="round" stroke-linecap="round" {}
            @if titled {
                g class=(ink.class()) fill=(ink.series) {
                    @for (index, (sample, time, value)) in numbers.iter().enumerate() {
                        @let (x, y) = plot.place(*time, *value);
                        @let last = index + 1 == numbers.len();
                        // The pointer finds a value that it comes near to.
                        circle.dot.quiet[!dotted && !last] cx=(px(x)) cy=(px(y)) r=(if last { "4" } else { "2.5" })
                            fill-opacity=[(!dotted && !last).then_some("0")] stroke="transparent" stroke-width="9"
                            pointer-events="all" { title { (told(sample)) } }
                    }
                }
            }
        },
    }
}

/// What the pointer finds at a value.
fn told(sample: &Sample) -> String {
    format!("{} · {}", clean(sample.text), date_and_time(sample.at))
}
