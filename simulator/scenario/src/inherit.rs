//! Files that are like another, and parameters: what they stand for is put in place before anything is read.
//!
//! `like` names another scenario, which may be like a third. What a file says takes the place of what that one says:
//! tables of the file (`[settings]`, `[device]`, …) key by key, and everything else, lists of tables among it, whole. A
//! value that comes from the other file bears the place of `like`, since mistakes are told with places of one file; the
//! other file's own mistakes are told first, as its own.
//!
//! `[parameters]` gives names to values. A string `"${name}"` anywhere else in the file stands for that value, and
//! bears its place; in a longer string its text is put in. `$${` is `${`. A file without parameters is taken as it is.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::diagnostics::{Diagnostic, Diagnostics};
use super::resolve::ReadFile;
use super::shape::{Shape, alternatives, nearest};
use super::{Scenario, grammar, read, syntax_mistake};

/// How many files may be like one another in a row.
const MOST: usize = 8;
const LIKE: &str = "like";
const PARAMETERS: &str = "parameters";

type Raw<'i> = toml::Spanned<DeValue<'i>>;
type Span = std::ops::Range<usize>;
/// A text's table, and the mistakes in its syntax.
type Parsed<'i> = (toml::Spanned<DeTable<'i>>, Vec<toml::de::Error>);

/// A file of the chain: the scenario's own, the one that it is like, and so on.
struct File {
    /// What messages call it.
    name: String,
    /// Its folder as seen from the scenario's own.
    folder: PathBuf,
    text: String,
}

/// Reads a scenario's text with all that it is like, checks each of these files, and puts the scenario together.
///
/// # Errors
/// All mistakes of the first file that has some, the one that is like no other before the others.
pub(super) fn parse(file: &str, text: &str, read_file: ReadFile<'_>) -> Result<Scenario, Diagnostics> {
    let parsed = DeTable::parse_recoverable(text);
    let files = chain(file, text, &parsed, read_file)?;
    Ok(whole(&files, Some(parsed), read_file)?.scenario)
}

/// The scenario's text without `like` and parameters: everything that they stand for is in its place. Comments and the
/// order of keys are gone.
///
/// # Errors
/// All mistakes of the first file that has some.
pub(super) fn flat(file: &str, text: &str, read_file: ReadFile<'_>) -> Result<String, Diagnostics> {
    let parsed = DeTable::parse_recoverable(text);
    let files = chain(file, text, &parsed, read_file)?;
    let whole = whole(&files, Some(parsed), read_file)?;
    let mut document = whole.document;
    if let Some(parameters) = document.remove(PARAMETERS) {
        fill_in(&mut document, &parameters, &mut Vec::new());
    }
    let table: toml::Table = document.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value))).collect();
    Ok(toml::to_string(&table).expect("values that were TOML are TOML"))
}

/// A file with what it does not say itself.
struct Whole<'f> {
    /// Without `like`, and with its parameters by their names, which a file that is like it may give other values.
    document: DeTable<'f>,
    scenario: Scenario,
    /// Whether it names files, which are found from its own folder.
    names_files: bool,
}

/// Reads the first of these files, which is like the second, and so on. `parsed` is its text, if that is done already.
fn whole<'f>(files: &'f [File], parsed: Option<Parsed<'f>>, read_file: ReadFile<'_>) -> Result<Whole<'f>, Diagnostics> {
    let (file, others) = files.split_first().expect("a chain begins with the scenario's own file");
    let base = if others.is_empty() { None } else { Some(whole(others, None, read_file)?) };
    if let (Some(base), Some(other)) = (&base, others.first())
        && base.names_files
        && other.folder != file.folder
    {
        let message =
            format!("{} names files from its own folder, so only a file in that folder can be like it", other.name);
        return Err(at_like(file, message, "in another folder"));
    }
    let (document, errors) = parsed.unwrap_or_else(|| DeTable::parse_recoverable(&file.text));
    let mut mistakes: Vec<Diagnostic> = errors.iter().map(|error| syntax_mistake(&file.text, error)).collect();
    let mut document = document.into_inner();
    let like = document.remove(LIKE).map(|like| like.span());
    if let (Some(span), Some(base)) = (&like, base) {
        merge(&mut document, base.document, span, &mut mistakes);
    }
    let mut filled = None;
    if document.contains_key(PARAMETERS) {
        let mut copy = document.clone();
        if let Some(parameters) = copy.remove(PARAMETERS) {
            fill_in(&mut copy, &parameters, &mut mistakes);
        }
        filled = Some(copy);
    }
    let reads = Cell::new(false);
    let relative = |name: &str| {
        reads.set(true);
        read_file(&file.folder.join(name).to_string_lossy())
    };
    if mistakes.is_empty() {
        let root = read::document(&grammar::FILE, filled.as_ref().unwrap_or(&document), &mut mistakes);
        if let Some(scenario) = super::resolve::resolve(&file.name, &file.text, &root, &relative, &mut mistakes) {
            let names_files = reads.get() || scenario.images().next().is_some();
            return Ok(Whole { document, scenario, names_files });
        }
        if let (Some(span), Some(other)) = (&like, others.first()) {
            for mistake in mistakes.iter_mut().filter(|mistake| mistake.span == *span) {
                mistake.message = format!("with what this file says, {} is wrong: {}", other.name, mistake.message);
            }
        }
    }
    Err(Diagnostics::new(&file.name, &file.text, mistakes))
}

/// The scenario's file and those that it is like.
fn chain(file: &str, text: &str, parsed: &Parsed<'_>, read_file: ReadFile<'_>) -> Result<Vec<File>, Diagnostics> {
    let mut files = vec![File { name: file.to_owned(), folder: PathBuf::new(), text: text.to_owned() }];
    let mut like = like_of(parsed);
    while let (Some(value), Some(last)) = (like.take(), files.last()) {
        let Some(name) = value else {
            let message = "`like` names a scenario file: like = \"other.toml\"";
            return Err(at_like(last, message.to_owned(), "not a file's name"));
        };
        if files.len() > MOST {
            let message = format!("more than {MOST} files are each like the next, or one is like itself");
            return Err(at_like(last, message, "and so on"));
        }
        let seen = last.folder.join(&name);
        let text = read_file(&seen.to_string_lossy());
        let text = text.map_err(|why| at_like(last, format!("could not read {name}: {why}"), "this file"))?;
        let beside = Path::new(&last.name).parent().unwrap_or(Path::new("")).join(&name);
        let folder = seen.parent().unwrap_or(Path::new("")).to_owned();
        like = like_of(&DeTable::parse_recoverable(&text));
        files.push(File { name: beside.display().to_string(), folder, text });
    }
    Ok(files)
}

/// What a file without mistakes in its syntax says in `like`; `None` inside if that is no text.
fn like_of((document, errors): &Parsed<'_>) -> Option<Option<String>> {
    let like = document.get_ref().get(LIKE).filter(|_| errors.is_empty())?;
    Some(like.get_ref().as_str().map(str::to_owned))
}

/// A mistake of a file's `like`.
fn at_like(file: &File, message: String, label: &str) -> Diagnostics {
    let (document, _) = DeTable::parse_recoverable(&file.text);
    let span = document.get_ref().get(LIKE).map_or(0..0, |like| like.span());
    Diagnostics::new(&file.name, &file.text, vec![Diagnostic::new(message, span, label)])
}

/// Puts into a file's table what it does not say itself.
fn merge<'i>(own: &mut DeTable<'i>, base: DeTable<'i>, like: &Span, mistakes: &mut Vec<Diagnostic>) {
    if !own.contains_key("title") {
        mistakes.push(
            Diagnostic::new("a file that is like another needs a `title` of its own", like.clone(), "like this one")
                .help("say in one sentence what is different here"),
        );
    }
    for (key, value) in base {
        let name = key.get_ref().as_ref().to_owned();
        if rules_out(own, &name) {
            continue;
        }
        let is_merged = grammar::FILE
            .keys
            .iter()
            .any(|key| key.name == name && matches!(key.shape, Shape::Table(_) | Shape::Parameters));
        match own.get_mut(name.as_str()).map(toml::Spanned::get_mut) {
            Some(DeValue::Table(own)) if is_merged => {
                let DeValue::Table(theirs) = value.into_inner() else { continue };
                for (key, value) in theirs {
                    if !own.contains_key(key.get_ref().as_ref()) {
                        own.insert(toml::Spanned::new(like.clone(), key.into_inner()), moved(value, like));
                    }
                }
            }
            Some(_) => {}
            None => {
                own.insert(toml::Spanned::new(like.clone(), key.into_inner()), moved(value, like));
            }
        }
    }
}

/// Whether a file says something beside which a key of the other file cannot stand.
fn rules_out(own: &DeTable<'_>, key: &str) -> bool {
    let groups = grammar::FILE.at_most_one.iter().filter(|group| group.contains(&key));
    groups.flat_map(|group| group.iter()).any(|other| *other != key && own.contains_key(*other))
}

/// A value with all that is in it at another place.
fn moved<'i>(value: Raw<'i>, to: &Span) -> Raw<'i> {
    let value = match value.into_inner() {
        DeValue::Array(values) => DeValue::Array(values.into_iter().map(|value| moved(value, to)).collect()),
        DeValue::Table(table) => {
            let moved = |(key, value): (toml::Spanned<_>, _)| {
                (toml::Spanned::new(to.clone(), key.into_inner()), moved(value, to))
            };
            DeValue::Table(table.into_iter().map(moved).collect())
        }
        plain => plain,
    };
    toml::Spanned::new(to.clone(), value)
}

/// Puts the parameters' values where their names stand.
fn fill_in<'i>(document: &mut DeTable<'i>, parameters: &Raw<'i>, mistakes: &mut Vec<Diagnostic>) {
    let Some(table) = parameters.get_ref().as_table() else {
        mistakes.push(
            Diagnostic::new("`parameters` is a table", parameters.span(), "no table")
                .help("name each value: [parameters] with gap = \"10m\""),
        );
        return;
    };
    for (key, value) in table.iter() {
        if value.get_ref().is_table() || value.get_ref().is_array() {
            mistakes.push(
                Diagnostic::new(
                    format!("the parameter `{}` cannot be a table or a list", key.get_ref()),
                    value.span(),
                    "not a single value",
                )
                .help("a parameter is a string, a number, a boolean or a date"),
            );
        }
    }
    let mut filling = Filling { table, used: BTreeSet::new(), mistakes };
    for (_, value) in document.iter_mut() {
        filling.value(value);
    }
    let Filling { used, .. } = filling;
    for (key, _) in table.iter().filter(|(key, _)| !used.contains(key.get_ref().as_ref())) {
        let name = key.get_ref();
        let others = table.iter().map(|(other, _)| other.get_ref().as_ref()).filter(|other| *other != name.as_ref());
        let help = match nearest(name, others) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a string \"${{{name}}}\" stands for it"),
        };
        mistakes.push(Diagnostic::new(format!("nothing uses the parameter `{name}`"), key.span(), "unused").help(help));
    }
}

struct Filling<'p, 'i> {
    table: &'p DeTable<'i>,
    used: BTreeSet<String>,
    mistakes: &'p mut Vec<Diagnostic>,
}

impl<'i> Filling<'_, 'i> {
    fn value(&mut self, raw: &mut Raw<'i>) {
        let span = raw.span();
        let text = match raw.get_mut() {
            DeValue::Array(values) => return values.iter_mut().for_each(|value| self.value(value)),
            DeValue::Table(table) => return table.iter_mut().for_each(|(_, value)| self.value(value)),
            DeValue::String(text) if text.contains("${") => text.to_string(),
            _ => return,
        };
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
            && !name.contains("${")
        {
            if let Some(value) = self.parameter(name, &span) {
                *raw = value.clone();
            }
            return;
        }
        let mut filled = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                filled.extend([before, "${"]);
                rest = &from[2..];
                continue;
            }
            filled.push_str(before);
            let Some(end) = from.find('}') else {
                self.mistakes.push(
                    Diagnostic::new("`${` has no end", span.clone(), "no `}`")
                        .help("write `$${` for the two characters themselves"),
                );
                return;
            };
            match self.parameter(&from[2..end], &span) {
                Some(value) => filled.push_str(&text_of(value.get_ref())),
                None => return,
            }
            rest = &from[end + 1..];
        }
        filled.push_str(rest);
        *raw.get_mut() = DeValue::String(filled.into());
    }

    fn parameter(&mut self, name: &str, span: &Span) -> Option<&Raw<'i>> {
        self.used.insert(name.to_owned());
        let value = self.table.get(name);
        if value.is_none() {
            let names = || self.table.iter().map(|(key, _)| key.get_ref().as_ref());
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None => format!("[parameters] has {}", alternatives(names())),
            };
            self.mistakes.push(
                Diagnostic::new(format!("no parameter is called `{name}`"), span.clone(), "not defined").help(help),
            );
        }
        value
    }
}

/// A parameter's value inside a longer string.
fn text_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

/// A value without places.
fn plain(raw: &Raw<'_>) -> toml::Value {
    match raw.get_ref() {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            let value = i64::from_str_radix(integer.as_str(), integer.radix());
            toml::Value::Integer(value.expect("each integer of a scenario without mistakes has been read"))
        }
        DeValue::Float(float) => toml::Value::Float(float.as_str().parse().expect("TOML's floats are Rust's")),
        DeValue::Boolean(boolean) => toml::Value::Boolean(*boolean),
        DeValue::Datetime(moment) => toml::Value::Datetime(*moment),
        DeValue::Array(values) => toml::Value::Array(values.iter().map(plain).collect()),
        DeValue::Table(table) => {
            toml::Value::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests;
