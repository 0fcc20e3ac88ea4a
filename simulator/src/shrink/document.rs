//! A scenario's TOML as it is made smaller: what may go, and which values may change. Comments stay with what they
//! stand above.

use std::fmt;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::round::Quantity;

/// Lists whose elements may go.
const LISTS: [&str; 4] = ["faults", "steps", "phones", "networks"];
/// Tables that may go as a whole.
const TABLES: [&str; 4] = ["sensor", "internet", "cloud", "sweep"];
/// Where values may become round, and keys may go.
const VARIED: [&str; 6] = ["faults", "steps", "phones", "internet", "sensor", "duration"];

/// A part that may go: an element of a list, or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    key: String,
    index: Option<usize>,
    /// What a person calls it.
    pub(super) name: String,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    path: Vec<Step>,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The parts of a document that may go. Of the networks the one that the settings name stays while others are there:
/// without it the device would fail for want of a network.
pub(super) fn parts(document: &DocumentMut) -> Vec<Part> {
    let mut parts = Vec::new();
    let joined = document.get("settings").and_then(|settings| settings.get("network")).and_then(Item::as_str);
    for key in LISTS {
        let elements = elements(document, key);
        for (index, element) in elements.iter().enumerate() {
            let named = element.get("name").and_then(Item::as_str);
            if key == "networks" && named == joined && elements.len() > 1 {
                continue;
            }
            parts.push(Part { key: key.to_owned(), index: Some(index), name: name_of(key, index, *element) });
        }
    }
    for key in TABLES.into_iter().filter(|key| document.contains_key(key)) {
        parts.push(Part { key: key.to_owned(), index: None, name: format!("[{key}]") });
    }
    parts
}

/// The expectations.
pub(super) fn expectations(document: &DocumentMut) -> Vec<Part> {
    let all = elements(document, "expect");
    let part = |(index, element): (usize, &&dyn TableLike)| Part {
        key: "expect".to_owned(),
        index: Some(index),
        name: name_of("expect", index, *element),
    };
    all.iter().enumerate().map(part).collect()
}

fn name_of(key: &str, index: usize, element: &dyn TableLike) -> String {
    let one = match key {
        "faults" => "fault",
        "steps" => "step",
        "phones" => "phone",
        "networks" => "network",
        _ => "expectation",
    };
    let at = ["name", "at", "every"].iter().find_map(|key| Some((*key, element.get(key)?.as_str()?)));
    match at {
        Some(("name", name)) => format!("{one} `{name}`"),
        Some((key, time)) => format!("{one} {key} {time}"),
        None => format!("{one} {}", index + 1),
    }
}

fn elements<'d>(document: &'d DocumentMut, key: &str) -> Vec<&'d dyn TableLike> {
    match document.get(key) {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|table| table as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(array))) => {
            array.iter().filter_map(Value::as_inline_table).map(|table| table as &dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

/// The document without those of `all` that are not among `kept`.
pub(super) fn without(document: &DocumentMut, all: &[Part], kept: &[Part]) -> DocumentMut {
    let mut smaller = document.clone();
    for part in all.iter().rev().filter(|part| !kept.contains(part)) {
        let empty = match (smaller.get_mut(&part.key), part.index) {
            (Some(Item::ArrayOfTables(tables)), Some(index)) => {
                tables.remove(index);
                tables.is_empty()
            }
            (Some(Item::Value(Value::Array(array))), Some(index)) => {
                array.remove(index);
                array.is_empty()
            }
            (_, None) => true,
            _ => false,
        };
        if empty {
            smaller.remove(&part.key);
        }
    }
    smaller
}

/// Calls `found` with each value below, and where it stands.
fn walk(item: &Item, path: &mut Vec<Step>, name: &str, found: &mut dyn FnMut(&[Step], &str, &Value)) {
    match item {
        Item::Table(table) => walk_table(table, path, name, found),
        Item::ArrayOfTables(tables) => {
            for (index, table) in tables.iter().enumerate() {
                path.push(Step::Index(index));
                walk_table(table, path, &element(name, index, table), found);
                path.pop();
            }
        }
        Item::Value(value) => walk_value(value, path, name, found),
        Item::None => {}
    }
}

fn walk_table(table: &dyn TableLike, path: &mut Vec<Step>, name: &str, found: &mut dyn FnMut(&[Step], &str, &Value)) {
    for (key, item) in table.iter() {
        path.push(Step::Key(key.to_owned()));
        walk(item, path, &format!("{name}, {key}"), found);
        path.pop();
    }
}

fn walk_value(value: &Value, path: &mut Vec<Step>, name: &str, found: &mut dyn FnMut(&[Step], &str, &Value)) {
    found(path, name, value);
    match value {
        Value::InlineTable(table) => walk_table(table, path, name, found),
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                path.push(Step::Index(index));
                let name = value.as_inline_table().map_or_else(|| name.to_owned(), |table| element(name, index, table));
                walk_value(value, path, &name, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn element(name: &str, index: usize, table: &dyn TableLike) -> String {
    if LISTS.contains(&name) { name_of(name, index, table) } else { name.to_owned() }
}

fn spots(document: &DocumentMut, wanted: &dyn Fn(&[Step], &Value) -> bool) -> Vec<Spot> {
    let mut spots = Vec::new();
    for key in VARIED {
        let Some(item) = document.get(key) else { continue };
        let mut path = vec![Step::Key(key.to_owned())];
        walk(item, &mut path, key, &mut |path, name, value| {
            if wanted(path, value) {
                spots.push(Spot { path: path.to_vec(), name: name.to_owned() });
            }
        });
    }
    spots
}

/// Keys that may have a default: of an element of a list, or of a table of values in one. The last ones come first, so
/// that what is removed moves nothing that is still to be tried.
pub(super) fn optional_keys(document: &DocumentMut) -> Vec<Spot> {
    let mut keys = spots(
        document,
        &|path, _| matches!(path, [.., Step::Key(key)] if path.len() > 2 && !["name", "network", "passphrase", "part", "device"].contains(&key.as_str())),
    );
    keys.reverse();
    keys
}

/// Values that may vary: durations, probabilities, counts.
pub(super) fn values(document: &DocumentMut) -> Vec<Spot> {
    spots(document, &|path, value| {
        let named =
            matches!(path.last(), Some(Step::Key(key)) if ["name", "passphrase", "seed"].contains(&key.as_str()));
        !named && quantity(value).is_some()
    })
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text.value()),
        Value::Integer(number) => u64::try_from(*number.value()).ok().map(Quantity::Count),
        _ => None,
    }
}

fn find<'d>(document: &'d mut DocumentMut, path: &[Step]) -> Option<&'d mut Item> {
    let (first, rest) = path.split_first()?;
    let Step::Key(key) = first else { return None };
    let mut item = document.get_mut(key)?;
    for step in rest {
        item = match step {
            Step::Key(key) => item.get_mut(key.as_str())?,
            Step::Index(index) => item.get_mut(*index)?,
        };
    }
    Some(item)
}

/// The value at a spot.
pub(super) fn value(document: &DocumentMut, spot: &Spot) -> Option<Quantity> {
    let mut document = document.clone();
    quantity(find(&mut document, &spot.path)?.as_value()?)
}

/// Puts another value there; what stands around it stays.
pub(super) fn set(document: &mut DocumentMut, spot: &Spot, quantity: &Quantity) {
    let Some(value) = find(document, &spot.path).and_then(Item::as_value_mut) else { return };
    let decor = value.decor().clone();
    *value = match quantity {
        Quantity::Count(count) => Value::from(i64::try_from(*count).unwrap_or(i64::MAX)),
        other => Value::from(other.to_string()),
    };
    *value.decor_mut() = decor;
}

/// Removes a key; `false` if it is not there any more.
pub(super) fn remove(document: &mut DocumentMut, spot: &Spot) -> bool {
    let Some((Step::Key(key), above)) = spot.path.split_last() else { return false };
    let Some(table) = find(document, above).and_then(Item::as_table_like_mut) else { return false };
    table.remove(key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# All of it.\ntitle = 'x'\n\n# The router.\n[[faults]]\nname = 'a'\nfor = '7m 13s' # long\n\
                        inject.link = { network = 'home', loss = '13 %' }\n\n# The power.\n[[steps]]\nat = '3m'\ndo.power = 'off'\n";

    #[test]
    fn parts_go_with_their_comments_and_values_change_in_their_place() {
        let document: DocumentMut = TEXT.parse().unwrap();
        let all = parts(&document);
        assert_eq!(all.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["fault `a`", "step at 3m"]);
        let smaller = without(&document, &all, &all[..1]).to_string();
        assert!(smaller.contains("# The router.") && !smaller.contains("The power"), "{smaller}");
        assert_eq!(without(&document, &all, &[]).to_string(), "# All of it.\ntitle = 'x'\n");
        let spots = values(&document);
        let names: Vec<String> = spots.iter().map(Spot::to_string).collect();
        assert_eq!(names, ["fault `a`, for", "fault `a`, inject, link, loss", "step at 3m, at"]);
        let mut changed = document.clone();
        set(&mut changed, &spots[0], &Quantity::parse("7m").unwrap());
        assert!(changed.to_string().contains("for = \"7m\" # long\n"), "{changed}");
        assert!(remove(&mut changed, &spots[0]) && !remove(&mut changed, &spots[0]));
    }
}
