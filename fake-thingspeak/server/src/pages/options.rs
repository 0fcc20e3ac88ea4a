//! The parameters of a chart, and what becomes of a value that makes no sense, in one table.
//!
//! | parameter | value | otherwise |
//! |---|---|---|
//! | `title` | a text, cut where the chart ends; an empty one is none | the channel's name |
//! | `xaxis`, `yaxis` | a text, cut where the chart ends; empty for none | `Date` with the zone, the field's name |
//! | `color`, `bgcolor` | `d62020`, `#d62020`, `#d20`, a colour name of HTML | red; white, or dark in a dark theme |
//! | `type` | `line`, `bar`, `column`, `spline`, `step` | `line` |
//! | `step` | `true`: the same as `type=step` | nothing |
//! | `width`, `height` | pixels, brought to 120–2000 and 80–2000; `auto` | `auto`: as large as the frame |
//! | `dynamic` | `true`: the chart keeps itself current | it stays as it is |
//! | `update` | seconds between two looks, brought to 1–3600; counts with `dynamic` only | 15 |
//! | `yaxismin`, `yaxismax` | numbers, the first smaller than the second | from the values |
//! | `results`, `days`, `minutes`, `start`, `end`, `timezone`, `offset` | as in a feed | as in a feed |
//! | `timescale`, `sum`, `average`, `median`, `round`, `min`, `max` | as in a feed | as in a feed |
//! | `api_key` (`key`, `apikey`) | the read or write key of a private channel | the channel stays closed |
//! | `export`, `callback` and all others | nothing | |
//!
//! Follows MathWorks' "Create Chart", and for the colour of a line what its website writes into the code for embedding.
//! The size follows the frame as in "Embed a Chart".

use form_urlencoded::Serializer;

use super::formatting::Color;
use fake_thingspeak::cloud::Zone;

/// The parameters that the feed understands.
const FEED: [&str; 14] = [
    "results",
    "days",
    "minutes",
    "start",
    "end",
    "timescale",
    "sum",
    "average",
    "median",
    "round",
    "min",
    "max",
    "timezone",
    "offset",
];

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Line,
    /// Time runs down, values to the right.
    Bar,
    Column,
    Spline,
    Step,
}

/// What a chart is to be like.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) title: Option<String>,
    pub(super) x_label: Option<String>,
    pub(super) y_label: Option<String>,
    pub(super) color: Option<Color>,
    pub(super) background: Option<Color>,
    pub(super) kind: Kind,
    /// In pixels; `None`: as the frame has it.
    pub(super) width: Option<u32>,
    /// In pixels; `None`: as the frame has it.
    pub(super) height: Option<u32>,
    /// Seconds between two looks for news.
    pub(super) every: u32,
    /// Whether a chart on its own looks for news.
    pub(super) dynamic: bool,
    pub(super) y_min: Option<f64>,
    pub(super) y_max: Option<f64>,
    /// The parameters of the feed as a query.
    pub(super) feed: String,
    pub(super) zone: Zone,
    /// What the zone is called.
    pub(super) zone_name: String,
    /// The parameters that say so.
    placing: Vec<(&'static str, String)>,
    pub(super) key: Option<String>,
}

impl Options {
    /// Reads a query. Whatever it says, there are options.
    pub(super) fn of(query: &str) -> Self {
        let any = |name| value(query, name);
        let text = |name| any(name).filter(|value| !value.trim().is_empty());
        let is_true = |name| text(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
        let whole = |name| text(name)?.trim().parse::<u32>().ok();
        let number = |name| text(name).and_then(|value| finite(&value));
        let kind = match text("type").as_deref() {
            Some("bar") => Kind::Bar,
            Some("column") => Kind::Column,
            Some("spline") => Kind::Spline,
            Some("step") => Kind::Step,
            _ if is_true("step") => Kind::Step,
            _ => Kind::Line,
        };
        let (mut y_min, mut y_max) = (number("yaxismin"), number("yaxismax"));
        if y_min.zip(y_max).is_some_and(|(min, max)| min >= max) {
            (y_min, y_max) = (None, None);
        }
        let every = whole("update").unwrap_or(15).clamp(1, 3_600);
        let mut feed = Serializer::new(String::new());
        feed.extend_pairs(FEED.into_iter().filter_map(|name| Some((name, text(name)?))));
        let (timezone, offset) = (text("timezone"), text("offset"));
        let zone = Zone::of(timezone.as_deref(), offset.as_deref());
        Self {
            title: any("title"),
            x_label: any("xaxis"),
            y_label: any("yaxis"),
            color: text("color").and_then(|color| Color::named(&color)),
            background: text("bgcolor").and_then(|color| Color::named(&color)),
            kind,
            width: whole("width").map(|width| width.clamp(120, 2_000)),
            height: whole("height").map(|height| height.clamp(80, 2_000)),
            every,
            dynamic: is_true("dynamic"),
            y_min,
            y_max,
            feed: feed.finish(),
            zone_name: zone.to_string(),
            placing: ["timezone", "offset"].into_iter().filter_map(|name| Some((name, text(name)?))).collect(),
            zone,
            key: key(query),
        }
    }

    /// A query with `parameters`, the zone, and the key.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(parameters).extend_pairs(&self.placing);
        query.extend_pairs(self.key.as_ref().map(|key| ("api_key", key)));
        query.finish()
    }
}

/// The key of the request.
pub(super) fn key(query: &str) -> Option<String> {
    let key = ["key", "api_key", "apikey"].into_iter().find_map(|name| value(query, name))?;
    let plain = |key: &String| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(key.trim().to_owned()).filter(plain)
}

/// The last value called `name`.
fn value(query: &str, name: &str) -> Option<String> {
    let found = form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name).last();
    found.map(|(_, value)| value.into_owned())
}

/// The number that a text is, with a decimal point or comma.
pub(super) fn finite(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte));
    let number: f64 = text.replacen(',', ".", 1).parse().ok().filter(|_| plain)?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_articles_chart_is_understood() {
        let options = Options::of("bgcolor=%23ffffff&color=%23d62020&dynamic=true&results=60&type=line&update=15");
        assert_eq!((options.background, options.color), (Color::named("#fff"), Color::named("d62020")));
        assert_eq!((options.kind, options.dynamic, options.every), (Kind::Line, true, 15));
        assert_eq!(options.feed, "results=60");
        assert_eq!((options.width, options.height), (None, None));
    }

    #[test]
    fn what_makes_no_sense_is_as_if_it_were_not_there() {
        let options = Options::of(
            "color=%22onload%3D&bgcolor=%23ggg&type=pie&width=-5&height=auto&update=3&yaxismin=2&yaxismax=1&\
             key=a%0d%0ab&timezone=Mars%2FOlympus",
        );
        assert_eq!((options.title, options.color, options.background), (None, None, None));
        assert_eq!((options.kind, options.width, options.height), (Kind::Line, None, None));
        assert_eq!((options.dynamic, options.y_min, options.y_max, options.key), (false, None, None, None));
        assert_eq!(options.zone_name, "UTC");
        let options = Options::of("width=1&height=99999&dynamic=TRUE&update=0&yaxismin=-1,5&yaxismax=1e3&step=1");
        assert_eq!((options.width, options.height, options.every), (Some(120), Some(2_000), 1));
        assert_eq!((options.y_min, options.y_max, options.kind), (Some(-1.5), Some(1_000.0), Kind::Step));
    }

    #[test]
    fn the_feeds_parameters_go_on_to_the_feed_and_no_others() {
        let options = Options::of("days=2&start=2026-01-01+10%3A00%3A00&callback=x&status=true&api_key=AB12&%FF=%FF");
        assert_eq!(options.feed, "days=2&start=2026-01-01+10%3A00%3A00");
        assert_eq!(options.key.as_deref(), Some("AB12"));
        assert_eq!(options.with(&[("title", "a&b")]), "title=a%26b&api_key=AB12");
        let options = Options::of("title=&offset=2");
        assert_eq!((options.title.as_deref(), options.zone_name.as_str()), (Some(""), "UTC+02:00"));
        assert_eq!(options.with(&[]), "offset=2");
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(["1", " -2,5 ", "1e3", ".5"].map(finite), [Some(1.0), Some(-2.5), Some(1_000.0), Some(0.5)]);
        assert_eq!(["", "NaN", "inf", "1e999", "21.5 C", "1,2,3", "-"].map(finite), [None; 7]);
    }
}
