//! Reads a file's values by their shapes, collecting every mistake on the way.
//!
//! A value that is wrong is left out and the reading goes on, so that one pass tells all that is wrong with single
//! values: unknown and missing keys, types, units, words, regular expressions, keys that exclude each other.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use regex::Regex;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};
use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset};

use super::diagnostics::Diagnostic;
use super::shape::{AnyChoice, AnyWords, Key, Scalar, Shape, Table, Word, alternatives, nearest};
use super::tree::{Fields, Node, Value};
use super::units::{self, UnitError};

/// A TOML value with its bytes.
type Raw<'i> = toml::Spanned<DeValue<'i>>;

/// Reads a whole document as a table of this shape.
pub(super) fn document(shape: &Table, raw: &DeTable<'_>, mistakes: &mut Vec<Diagnostic>) -> Fields {
    Reader { mistakes }.table(shape, raw, 0..0)
}

struct Reader<'m> {
    mistakes: &'m mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// Reads one value; `key` is what it is called in messages.
    fn value(&mut self, shape: &Shape, raw: &Raw<'_>, key: &str) -> Option<Node> {
        let span = raw.span();
        let value = match shape {
            Shape::Named(_, shape) => return self.value(shape, raw, key),
            Shape::Either { plain, table } => {
                if !raw.get_ref().is_table() && !plain_takes(plain, raw.get_ref()) {
                    let expected = format!("{} or {}", expected(plain), expected(table));
                    self.wrong_type(raw, key, &expected);
                    return None;
                }
                if let (Shape::Choice(choice), Some(word)) = (table, raw.get_ref().as_str())
                    && let Some(key) = choice.keys().find(|key| key.name == word)
                    && matches!(plain, Shape::Words(_))
                {
                    self.report(
                        Diagnostic::new(format!("`{word}` needs a value"), span, "without a value")
                            .help(format!("write {{ {word} = … }} with {}", expected(&key.shape))),
                    );
                    return None;
                }
                if let Shape::Words(words) = plain
                    && !raw.get_ref().is_table()
                {
                    let word = self.word(*words, Some(table), raw, key)?;
                    return Some(Node { span, value: Value::Word(word.value) });
                }
                if let (Shape::Choice(choice), Shape::Words(words), Some(raw_table)) =
                    (table, plain, raw.get_ref().as_table())
                {
                    let words: Vec<&str> = words.texts().collect();
                    let value = self.choice(*choice, raw_table, span.clone(), key, &words)?;
                    return Some(Node { span, value });
                }
                return self.value(if raw.get_ref().is_table() { table } else { plain }, raw, key);
            }
            Shape::Scalar(scalar) => self.scalar(*scalar, raw, key)?,
            Shape::Words(words) => Value::Word(self.word(*words, None, raw, key)?.value),
            Shape::List(element) => Value::List(self.list(element, raw, key)?),
            Shape::Pair(element) => {
                let whole = raw.get_ref().as_array().map(|array| array.iter().count());
                let list = self.list(element, raw, key)?;
                if whole != Some(2) {
                    self.report(
                        Diagnostic::new(format!("`{key}` needs exactly two values"), span, "not two values")
                            .help("the lowest and the highest: [\"20 °C\", \"22 °C\"]"),
                    );
                    return None;
                }
                Value::List(list)
            }
            Shape::TextMap => Value::TextMap(self.text_map(raw, key)?),
            Shape::Parameters => return None,
            Shape::Table(table) => {
                let Some(raw_table) = raw.get_ref().as_table() else {
                    self.wrong_type(raw, key, &expected(shape));
                    return None;
                };
                Value::Table(self.table(table, raw_table, span.clone()))
            }
            Shape::Choice(choice) => {
                let Some(raw_table) = raw.get_ref().as_table() else {
                    self.wrong_type(raw, key, &expected(shape));
                    return None;
                };
                self.choice(*choice, raw_table, span.clone(), key, &[])?
            }
        };
        Some(Node { span, value })
    }

    fn wrong_type(&mut self, raw: &Raw<'_>, key: &str, expected: &str) {
        let found = type_name(raw.get_ref());
        self.report(
            Diagnostic::new(format!("`{key}` cannot be {found}"), raw.span(), found)
                .help(format!("expected {expected}")),
        );
    }

    fn scalar(&mut self, scalar: Scalar, raw: &Raw<'_>, key: &str) -> Option<Value> {
        let span = raw.span();
        match (scalar, raw.get_ref()) {
            (Scalar::Text | Scalar::Typed, DeValue::String(text)) => Some(Value::Text(text.to_string())),
            (Scalar::Typed, DeValue::Integer(number)) => Some(Value::Text(number.to_string())),
            (Scalar::Boolean, DeValue::Boolean(value)) => Some(Value::Boolean(*value)),
            (Scalar::Integer { least, most }, DeValue::Integer(number)) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(value) if (least..=most).contains(&value) => Some(Value::Integer(value)),
                    _ => {
                        self.report(
                            Diagnostic::new(
                                format!("`{key}` is out of range: {}", range(least, most)),
                                span,
                                "out of range",
                            )
                            .help(format!("expected {}", scalar.expected())),
                        );
                        None
                    }
                }
            }
            (Scalar::DateTime, DeValue::Datetime(value)) => self.date_time(value, span, key),
            (Scalar::DateTime, DeValue::String(text)) => match text.trim().parse::<Datetime>() {
                Ok(value) => self.date_time(&value, span, key),
                Err(_) => {
                    let message = format!("`{text}` is not a date and time");
                    self.report(
                        Diagnostic::new(format!("`{key}`: {message}"), span, "not a date and time")
                            .help(format!("expected {}", scalar.expected())),
                    );
                    None
                }
            },
            (_, DeValue::String(text)) => match quantity(scalar, text) {
                Some(Ok(value)) => Some(value),
                Some(Err(error)) => {
                    let message = error.message.clone();
                    self.report(Diagnostic::new(format!("`{key}`: {message}"), span, message).help(error.hint));
                    None
                }
                None => {
                    self.wrong_type(raw, key, &scalar.expected());
                    None
                }
            },
            _ => {
                self.wrong_type(raw, key, &scalar.expected());
                None
            }
        }
    }

    fn date_time(&mut self, value: &Datetime, span: Range<usize>, key: &str) -> Option<Value> {
        match date_time(value) {
            Ok(value) => Some(Value::DateTime(value)),
            Err(message) => {
                self.report(
                    Diagnostic::new(format!("`{key}`: {message}"), span, message)
                        .help(format!("expected {}", Scalar::DateTime.expected())),
                );
                None
            }
        }
    }

    /// Reads one of some words; `table` is what may stand instead of a word.
    fn word(&mut self, words: &'static dyn AnyWords, table: Option<&Shape>, raw: &Raw<'_>, key: &str) -> Option<Word> {
        let Some(text) = raw.get_ref().as_str() else {
            self.wrong_type(raw, key, &quoted(words));
            return None;
        };
        let found = words.iter().find(|word| word.text == text);
        if found.is_none() {
            let quoted = words.texts().map(|name| format!("`{name}`"));
            let possible: Vec<String> = quoted.chain(table.into_iter().flat_map(forms)).collect();
            let list = either(&possible);
            let help = match nearest(text, words.texts()) {
                Some(near) if possible.len() > 1 => format!("did you mean `{near}`? {list} are possible"),
                _ => format!("expected {list}"),
            };
            self.report(
                Diagnostic::new(format!("`{key}` cannot be `{text}`"), raw.span(), "not a word for this").help(help),
            );
        }
        found
    }

    fn list(&mut self, element: &Shape, raw: &Raw<'_>, key: &str) -> Option<Vec<Node>> {
        let Some(array) = raw.get_ref().as_array() else {
            let expected = match element {
                Shape::Table(_) => format!("a list of tables: each begins with [[{key}]]"),
                _ => "a list: [ … ]".to_owned(),
            };
            self.wrong_type(raw, key, &expected);
            return None;
        };
        Some(array.iter().filter_map(|raw| self.value(element, raw, key)).collect())
    }

    fn text_map(&mut self, raw: &Raw<'_>, key: &str) -> Option<BTreeMap<String, (Range<usize>, String)>> {
        let Some(table) = raw.get_ref().as_table() else {
            self.wrong_type(raw, key, "a table of strings");
            return None;
        };
        let mut texts = BTreeMap::new();
        for (name, value) in table {
            match value.get_ref().as_str() {
                Some(text) => {
                    texts.insert(name.get_ref().to_string(), (name.span(), text.to_owned()));
                }
                None => self.wrong_type(value, name.get_ref(), "a string"),
            }
        }
        Some(texts)
    }

    /// Reports a key that means something only beside this word of another key.
    fn beside(&mut self, raw: &DeTable<'_>, name: &'static str, (key, word): (&'static str, &'static str)) {
        let said = raw.get(key).and_then(|raw| raw.get_ref().as_str());
        if let (Some((name, _)), true) = (raw.get_key_value(name), said.is_some_and(|said| said != word)) {
            let mistake = format!("`{}` goes with `{key} = \"{word}\"` only", name.get_ref());
            self.report(Diagnostic::new(mistake, name.span(), "means nothing here"));
        }
    }

    fn table(&mut self, shape: &Table, raw: &DeTable<'_>, span: Range<usize>) -> Fields {
        let mut fields = Fields::default();
        let mut misspelt: BTreeSet<&str> = BTreeSet::new();
        for (name, value) in raw {
            match shape.keys.iter().find(|key| key.name == name.get_ref().as_ref()) {
                Some(key) => match self.value(&key.shape, value, key.name) {
                    Some(node) => fields.insert(key.name, name.span(), node),
                    None => fields.mark_broken(key.name),
                },
                None => {
                    let names: Vec<&'static str> = shape.keys.iter().map(|key| key.name).collect();
                    misspelt.extend(self.unknown_key(name.get_ref(), name.span(), shape.what, &names, &[]));
                }
            }
        }
        // A key that is misspelt is there: that it is missing under its right name is no news.
        let missing = |key: &&Key| key.required && !raw.contains_key(key.name) && !misspelt.contains(key.name);
        for key in shape.keys.iter().filter(missing) {
            self.report(
                Diagnostic::new(
                    format!("`{}` is missing in {}", key.name, shape.what),
                    span.clone(),
                    format!("`{}` is missing", key.name),
                )
                .help(format!("`{}`: {}. {}", key.name, expected(&key.shape), key.doc)),
            );
        }
        // Of a word that is wrong nothing follows.
        let goes_with = |key: &Key| Some((key.name, key.goes_with.filter(|(key, _)| !fields.is_broken(key))?));
        for (name, goes_with) in shape.keys.iter().filter_map(goes_with) {
            self.beside(raw, name, goes_with);
        }
        let present = |group: &[&'static str]| {
            let mut present: Vec<(Range<usize>, &'static str)> =
                group.iter().filter_map(|name| raw.get_key_value(*name).map(|(key, _)| (key.span(), *name))).collect();
            present.sort_by_key(|(span, _)| span.start);
            present
        };
        let mut clashes: Vec<(Range<usize>, &str, Range<usize>, &str)> = Vec::new();
        for group in shape.exactly_one.iter().chain(shape.at_most_one) {
            if let [(first_span, first), rest @ ..] = present(group).as_slice() {
                for (span, name) in rest {
                    if !clashes.iter().any(|(known, ..)| known == span) {
                        clashes.push((span.clone(), name, first_span.clone(), first));
                    }
                }
            }
        }
        for (span, name, first_span, first) in clashes {
            self.report(
                Diagnostic::new(format!("`{name}` and `{first}` exclude each other"), span, "the second of them")
                    .related(first_span, "the first")
                    .help("keep one of them"),
            );
        }
        for group in shape.exactly_one {
            if present(group).is_empty() && !group.iter().any(|name| misspelt.contains(name)) {
                self.report(
                    Diagnostic::new(
                        format!("{} needs one of {}", shape.what, alternatives(group.iter().copied())),
                        span.clone(),
                        "none of them is here",
                    )
                    .help("exactly one of them says what it is"),
                );
            }
        }
        if !shape.at_least_one.is_empty()
            && present(shape.at_least_one).is_empty()
            && !shape.at_least_one.iter().any(|name| misspelt.contains(name))
        {
            self.report(
                Diagnostic::new(format!("{} says nothing", shape.what), span, "empty")
                    .help(format!("give {}", alternatives(shape.at_least_one.iter().copied()))),
            );
        }
        fields
    }

    fn choice(
        &mut self,
        shape: &'static dyn AnyChoice,
        raw: &DeTable<'_>,
        span: Range<usize>,
        called: &str,
        words: &[&str],
    ) -> Option<Value> {
        let names: Vec<&'static str> = shape.names().collect();
        let mut known: Vec<(Range<usize>, &Key, &'static dyn Any, &Raw<'_>)> = Vec::new();
        for (name, value) in raw {
            match shape.cases().find(|(key, _)| key.name == name.get_ref().as_ref()) {
                Some((key, kind)) => known.push((name.span(), key, kind, value)),
                None => _ = self.unknown_key(name.get_ref(), name.span(), shape.what(), &names, words),
            }
        }
        known.sort_by_key(|(span, ..)| span.start);
        if raw.is_empty() {
            let names = alternatives(names.iter().copied());
            self.report(Diagnostic::new(format!("`{called}` is empty"), span, "empty").help(format!(
                "{} is one of {names}{}",
                shape.what(),
                or_word(words)
            )));
        }
        let mut nodes = Vec::new();
        for (index, (span, key, kind, value)) in known.iter().enumerate() {
            if index > 0 {
                let (first_span, first, ..) = &known[0];
                self.report(
                    Diagnostic::new(
                        format!("`{}` and `{}` exclude each other", key.name, first.name),
                        span.clone(),
                        "the second of them",
                    )
                    .related(first_span.clone(), "the first")
                    .help(format!("{} is one thing: keep one of them", shape.what())),
                );
            }
            nodes.push((key.name, *kind, self.value(&key.shape, value, key.name)));
        }
        let (name, kind, node) = nodes.into_iter().next()?;
        Some(Value::Choice(name, kind, Box::new(node?)))
    }

    /// Reports a key that is none of `keys`; gives the one that is probably meant. `words` may stand in the table's
    /// place.
    fn unknown_key(
        &mut self,
        name: &str,
        span: Range<usize>,
        what: &str,
        keys: &[&'static str],
        words: &[&str],
    ) -> Option<&'static str> {
        let near = nearest(name, keys.iter().copied());
        let word = nearest(name, words.iter().copied());
        let help = match (near, word) {
            (_, Some(word)) if word == name || near.is_none() => {
                format!("did you mean the word \"{word}\"? it stands alone, without braces and a value")
            }
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, _) if keys.is_empty() => "nothing stands in it".to_owned(),
            (None, _) => {
                let names = alternatives(keys.iter().copied()).replace(" or ", " and ");
                format!("the keys of {what} are {names}{}", or_word(words))
            }
        };
        self.report(Diagnostic::new(format!("unknown key `{name}`"), span, format!("not a key of {what}")).help(help));
        near
    }
}

/// What else may be written, behind the keys of a table: "; or one of the words …".
fn or_word(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => format!("; or write {only} alone"),
        several => format!("; or write one of the words {} alone", either(several)),
    }
}

/// Whether a plain shape could take a value of this TOML type.
fn plain_takes(shape: &Shape, value: &DeValue<'_>) -> bool {
    match shape {
        Shape::Scalar(Scalar::Integer { .. }) => value.is_integer(),
        Shape::Scalar(Scalar::Boolean) => value.is_bool(),
        _ => value.is_str(),
    }
}

/// What a shape is, for "expected …".
fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar.expected(),
        Shape::Words(words) => quoted(*words),
        Shape::List(_) => "a list".to_owned(),
        Shape::Pair(_) => "a list of two".to_owned(),
        Shape::TextMap => "a table of strings".to_owned(),
        Shape::Parameters => "a table of single values".to_owned(),
        Shape::Table(table) => format!("{}: {}", table.what, either(&forms(shape))),
        Shape::Choice(choice) if choice.keys().count() > MANY => {
            format!("a table with one of {}", alternatives(choice.names()))
        }
        Shape::Choice(_) => either(&forms(shape)),
        Shape::Either { plain, table } => format!("{} or {}", expected(plain), expected(table)),
        Shape::Named(_, shape) => expected(shape),
    }
}

/// Words in quotation marks, for "expected …".
fn quoted(words: &'static dyn AnyWords) -> String {
    words.texts().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
}

/// How many keys are shown with braces around them.
const MANY: usize = 4;

/// How a table is written: `{ file = …, column = … }`; one of several tables for a choice.
fn forms(shape: &Shape) -> Vec<String> {
    let form = |keys: &[&str], rest: &str| {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key} = …")).collect();
        format!("{{ {}{rest} }}", keys.join(", "))
    };
    match shape {
        Shape::Table(table) if table.keys.is_empty() => vec!["{}".to_owned()],
        Shape::Table(table) => {
            let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
            let all: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            vec![match (required.as_slice(), all.as_slice()) {
                ([], all) if all.len() > MANY => form(&all[..MANY], ", …"),
                ([], all) => form(all, ""),
                (required, _) => form(required, ""),
            }]
        }
        Shape::Choice(choice) => choice.names().map(|name| form(&[name], "")).collect(),
        Shape::Named(_, shape) => forms(shape),
        _ => Vec::new(),
    }
}

/// Things in a sentence: "a, b or c".
fn either(things: &[String]) -> String {
    match things.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A range of integers in words.
fn range(least: i64, most: i64) -> String {
    if most == i64::MAX { format!("{least} or more") } else { format!("{least} to {most}") }
}

/// A TOML type with its article.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a floating-point number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Reads a string as a quantity; `None` if the scalar is not written as a string.
fn quantity(scalar: Scalar, text: &str) -> Option<Result<Value, UnitError>> {
    Some(match scalar {
        Scalar::Duration => units::duration(text).map(Value::Duration),
        Scalar::SignedDuration => units::signed_duration(text).map(Value::SignedDuration),
        Scalar::TimeOfDay => units::time_of_day(text).map(Value::Duration),
        Scalar::Temperature => text.parse().map(Value::Temperature),
        Scalar::Humidity => text.parse().map(Value::Humidity),
        Scalar::Probability => text.parse().map(Value::Probability),
        Scalar::Signal => text.parse().map(Value::Signal),
        Scalar::Voltage => text.parse().map(Value::Voltage),
        Scalar::Resistance => text.parse().map(Value::Resistance),
        Scalar::Capacitance => text.parse().map(Value::Capacitance),
        Scalar::FieldValue => units::field_value(text).map(|(tenths, unit)| Value::Tenths(tenths, unit)),
        Scalar::HardwareAddress => units::hardware_address(text).map(Value::HardwareAddress),
        Scalar::Ipv4Address => text.parse().map(Value::Ipv4Address).map_err(|_| UnitError {
            message: format!("`{text}` is not an IPv4 address"),
            hint: "an address is written \"203.0.113.66\"".to_owned(),
        }),
        Scalar::Regex => Regex::new(text)
            .map(Value::Regex)
            .map_err(|error| UnitError { message: "not a regular expression".to_owned(), hint: regex_problem(&error) }),
        Scalar::Text | Scalar::Typed | Scalar::Integer { .. } | Scalar::Boolean | Scalar::DateTime => return None,
    })
}

/// The last line of a regular expression's error, which says what is wrong without drawing it.
fn regex_problem(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The years that a date may lie in.
pub(super) const YEARS: RangeInclusive<u16> = 1970..=2100;

/// A TOML date and time as a moment.
fn date_time(value: &Datetime) -> Result<OffsetDateTime, &'static str> {
    let (Some(date), Some(time)) = (value.date, value.time) else { return Err("not both a date and a time") };
    let Some(offset) = value.offset else { return Err("the offset from UTC is missing") };
    if !YEARS.contains(&date.year) {
        return Err("years lie between 1970 and 2100");
    }
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    let moment = || {
        let date = Date::from_calendar_date(date.year.into(), Month::try_from(date.month).ok()?, date.day).ok()?;
        let time =
            Time::from_hms_nano(time.hour, time.minute, time.second.unwrap_or(0), time.nanosecond.unwrap_or(0)).ok()?;
        let offset = UtcOffset::from_whole_seconds(minutes * 60).ok()?;
        Some(date.with_time(time).assume_offset(offset).to_offset(UtcOffset::UTC))
    };
    moment().ok_or("no such moment")
}
