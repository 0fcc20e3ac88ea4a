//! The scenario language on one page, in Markdown, made from the grammar like the JSON Schema: it is checked in as
//! `docs/scenario-language.md`, and a test says when it is not up to date.
//!
//! Each table of the file has a section with its keys; tables inside it are indented lists. What is used in several
//! places (triggers, events, courses of values) has a section of its own, to which the others link. What takes two
//! places of a file to judge is not in it; `preflash check` says that.

use std::fmt::Write;

use humantime::format_duration;

use super::shape::{Key, Scalar, Shape, Table, alternatives};
use super::{grammar, read, resolve, units};

/// What stands above the keys.
const INTRODUCTION: &str = r#"# The scenario language

A scenario is a [TOML](https://toml.io) file: what the world is, what goes wrong in it, and what must come of it.
`preflash check FILE` says all that is wrong with one, and `preflash schema` prints a JSON Schema for editors.

```toml
title = "The access point is away for half a minute, and no reading is lost"
duration = "20m"

[settings]                      # what the duck's flash holds
network = "home"
passphrase = "correct horse"
interval = "1m"

[[faults]]                      # what goes wrong, and when
name = "router restarts"
from = "10m"
for = "30s"
inject.access-point = { network = "home", state = "off" }

[[expect]]                      # what must come of it
event.link-lost = { network = "home" }
from = "10m"
within = "10s"
```

* Keys are in lower case with hyphens; an unknown key is a mistake. `event.link-lost = {}` is short for
  `event = { link-lost = {} }`.
* Quantities are strings with their unit: durations `"500ms"`, `"5m"`, `"1h 30m"`, `"2d"`; temperatures `"21.5 °C"`;
  humidities and probabilities `"45.6 %"`; signals `"-70 dBm"`. Times are counted from the beginning of the run.
* A table "with one of these keys" is one of several things: `do.power = "off"`, `do.reset-button = "press"`.
* A crash, a reset by the watchdog, a livelock and a storm of requests fail any scenario that does not `allow` them. So does anything in the
  timeline that waits with `after` for an event that never comes.
* A device that crashes again and again, each time in the same way, ends the run before its time (`equal-crashes`). What
  the scenario expected and was not shown by then is not met, and says so.
* With `--on both` a scenario is run on the host and on the emulated chip, must pass on both, and both must show the
  same: the channel's entries, the attempts to join, the starts of the device, and what LD1 showed. The chip computes and
  the host does not, so times may be 10 s apart; `[targets]` says where more may differ, and why.
* A file that is `like` another says only what is different, and `[parameters]` names the values that differ, so that
  many cases are not many copies:

  ```toml
  like = "router.toml"          # there: [parameters] gap = "10m", and in a fault: for = "${gap}"
  title = "The same for an hour"
  parameters.gap = "1h"
  ```

  What is expected there is told with the line of `like` here. Each of the files is a scenario by itself.
* The device opens the network `yellow-duck` in configuration mode. Its passphrase is the device's own: the firmware makes
  it at its first start and tells it on the serial port. A phone that joins without `passphrase` types what it told.

This page is made from the language's grammar; `(required)` marks what must be there.
"#;

/// The reference as it is checked in.
pub fn reference() -> String {
    let mut page = Page { text: INTRODUCTION.to_owned(), named: Vec::new() };
    page.heading("The file");
    let (tables, plain): (Vec<&Key>, Vec<&Key>) = grammar::FILE.keys.iter().partition(|key| section(key).is_some());
    for key in plain {
        page.key(key, 0);
    }
    for key in tables {
        page.heading(&section(key).unwrap_or_default());
        let _ = writeln!(page.text, "{}\n", key.doc);
        page.inside(inner(&key.shape), 0);
    }
    let mut next = 0;
    while let Some((name, shape)) = page.named.get(next).copied() {
        page.heading(&title(name));
        let _ = writeln!(page.text, "{}.\n", capital(&page_value(shape)));
        page.inside(shape, 0);
        next += 1;
    }
    page.limits();
    page.text
}

/// The heading of a key that has a section: `[settings]`, `[[faults]]`.
fn section(key: &Key) -> Option<String> {
    match key.shape {
        Shape::Table(_) | Shape::Choice(_) => Some(format!("`[{}]`", key.name)),
        Shape::List(Shape::Table(_)) => Some(format!("`[[{}]]`", key.name)),
        _ => None,
    }
}

/// The table that a list consists of.
fn inner(shape: &'static Shape) -> &'static Shape {
    match shape {
        Shape::List(element) => element,
        shape => shape,
    }
}

struct Page {
    text: String,
    /// The shapes with a section of their own, in the order in which they were met.
    named: Vec<(&'static str, &'static Shape)>,
}

impl Page {
    fn heading(&mut self, title: &str) {
        let _ = write!(self.text, "\n## {title}\n\n");
    }

    /// What is refused because it is too much, wherever it stands.
    fn limits(&mut self) {
        self.heading("Limits");
        let days = units::LONGEST.as_secs() / (24 * 60 * 60);
        let (first, last) = (read::YEARS.start(), read::YEARS.end());
        let period = format_duration(resolve::SHORTEST_PERIOD);
        let times = resolve::MOST_TIMES;
        let _ = write!(
            self.text,
            "* A duration is ten years of 365 days at most ({days} days), and so is a run.\n\
             * A date lies in the years {first} to {last}.\n\
             * What happens `every` so often does so every {period} at the fastest, and {times} times in a run at most.\n\
             * A `temperature` lies between -100 °C and 200 °C, a `humidity` between 0 % and 100 %; in a recording, too.\n"
        );
        let tables = resolve::MOST.map(|(list, most)| format!("{most} of `{list}`")).join(", ");
        let (scenario, recording) = (super::SCENARIO.0, super::RECORDING.0);
        let _ = write!(
            self.text,
            "* A file has at most {tables}; all that repeats in it happens {} times together.\n\
             * A scenario has {scenario} MiB at most, and a recording {recording} MiB.\n",
            resolve::MOST_TIMES_TOGETHER
        );
    }

    /// One key with all that is in it.
    fn key(&mut self, key: &'static Key, depth: usize) {
        let required = if key.required && depth == 0 { " (required)" } else { "" };
        self.item(depth, key.name, required, &key.shape, key.doc);
    }

    fn item(&mut self, depth: usize, name: &str, required: &str, shape: &'static Shape, doc: &str) {
        let indent = "  ".repeat(depth);
        let _ = writeln!(self.text, "{indent}* `{name}`{required}: {}. {doc}", page_value(shape));
        self.inside(shape, depth + 1);
    }

    /// What a shape is made of.
    fn inside(&mut self, shape: &'static Shape, depth: usize) {
        let indent = "  ".repeat(depth);
        match shape {
            Shape::Scalar(_) | Shape::TextMap | Shape::Parameters => {}
            Shape::Words(words) => {
                for word in words.iter() {
                    let _ = writeln!(self.text, "{indent}* `\"{}\"`: {}", word.text, word.doc);
                }
            }
            Shape::List(element) | Shape::Pair(element) => self.inside(element, depth),
            Shape::Table(table) => self.table(table, depth),
            Shape::Choice(choice) => {
                for key in choice.keys() {
                    self.item(depth, key.name, "", &key.shape, key.doc);
                }
            }
            Shape::Either { plain, table } => {
                self.inside(plain, depth);
                self.inside(table, depth);
            }
            Shape::Named(name, shape) => {
                if !self.named.iter().any(|(known, _)| known == name) {
                    self.named.push((name, shape));
                }
            }
        }
    }

    fn table(&mut self, table: &'static Table, depth: usize) {
        for key in table.keys {
            let required = if key.required { " (required)" } else { "" };
            self.item(depth, key.name, required, &key.shape, key.doc);
        }
        let indent = "  ".repeat(depth);
        let mut rules = Vec::new();
        for group in table.exactly_one {
            rules.push(format!("exactly one of {}", alternatives(group.iter().copied())));
        }
        for group in table.at_most_one {
            rules.push(format!("at most one of {}", alternatives(group.iter().copied())));
        }
        if !table.at_least_one.is_empty() {
            rules.push(format!("at least one of {}", alternatives(table.at_least_one.iter().copied())));
        }
        for rule in rules {
            let _ = writeln!(self.text, "{indent}* Together: {rule}.");
        }
    }
}

/// What a value looks like, in few words.
fn page_value(shape: &Shape) -> String {
    match shape {
        // Some of what it may be is told at the key.
        Shape::Scalar(Scalar::FieldValue) => "a number, with or without its unit".to_owned(),
        Shape::Scalar(scalar) => scalar.expected(),
        Shape::Words(_) => "one of these words".to_owned(),
        Shape::List(element) => match element {
            Shape::Table(_) | Shape::Choice(_) => "a list of tables".to_owned(),
            _ => "a list".to_owned(),
        },
        Shape::Pair(element) => format!("a list of two, lowest and highest, each {}", page_value(element)),
        Shape::TextMap => "a table of strings".to_owned(),
        Shape::Parameters => "a table of single values".to_owned(),
        Shape::Table(table) if table.keys.is_empty() => "an empty table, `{}`".to_owned(),
        Shape::Table(_) => "a table".to_owned(),
        Shape::Choice(_) => "a table with one of these keys".to_owned(),
        Shape::Either { plain, table } => format!("{}, or {}", page_value(plain), page_value(table)),
        Shape::Named(name, _) => {
            format!("[{}](#{})", title(name).to_lowercase(), title(name).to_lowercase().replace(' ', "-"))
        }
    }
}

/// The heading of a shape with a section of its own.
fn title(name: &str) -> String {
    match name {
        "trigger" => "A trigger".to_owned(),
        "event" => "An event".to_owned(),
        "text" => "A text".to_owned(),
        "field" => "A field".to_owned(),
        "temperature" => "A temperature over time".to_owned(),
        "humidity" => "A humidity over time".to_owned(),
        other => capital(other),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
