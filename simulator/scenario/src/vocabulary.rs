//! Every fault that the language has words for, in the words of a scenario file. It is made from the grammar, so that a
//! fault with a new word is among them at once; one with a new kind of value does not compile until it is said here
//! what to try.

use super::grammar;
use super::shape::{Key, Scalar, Shape, Table};

/// The network that faults of one network concern; a file that uses them must have it.
pub const NETWORK: &str = "home";
/// Its access point's hardware address.
pub const BSSID: &str = "02:00:00:00:01:00";

/// Values of `inject`: each word once, and each quantity with several values, one thing varied at a time.
pub fn injections() -> Vec<String> {
    let faults = key(grammar::FILE.keys, "faults");
    let Shape::List(Shape::Table(fault)) = faults.shape else { panic!("faults are a list of tables") };
    values(&key(fault.keys, "inject").shape, "inject")
}

fn key<'a>(keys: &'a [Key], name: &str) -> &'a Key {
    keys.iter().find(|key| key.name == name).expect("the grammar has it")
}

fn values(shape: &Shape, name: &str) -> Vec<String> {
    match shape {
        Shape::Scalar(kind) => samples(*kind, name),
        Shape::Words(words) => words.texts().map(|word| format!("'{word}'")).collect(),
        Shape::Either { plain, table } => [plain, table].into_iter().flat_map(|shape| values(shape, name)).collect(),
        Shape::Choice(choice) => {
            let each = |key: &Key| {
                let kind = key.name;
                values(&key.shape, kind).into_iter().map(move |value| format!("{{ {kind} = {value} }}"))
            };
            choice.keys().flat_map(each).collect()
        }
        Shape::Table(table) => tables(table),
        Shape::Named(_, inner) => values(inner, name),
        Shape::List(element) => values(element, name).into_iter().map(|value| format!("[{value}]")).collect(),
        Shape::Pair(element) => values(element, name).into_iter().map(|value| format!("[{value}, {value}]")).collect(),
        Shape::Parameters => vec!["{ gap = '1m' }".to_owned()],
        Shape::TextMap => vec!["{ name = 'text' }".to_owned()],
    }
}

/// What must be there with its first value, and one key after the other with each of its values.
fn tables(table: &Table) -> Vec<String> {
    if table.keys.is_empty() {
        return vec!["{}".to_owned()];
    }
    let assign = |key: &Key| -> Vec<String> {
        values(&key.shape, key.name).into_iter().map(|value| format!("{} = {value}", key.name)).collect()
    };
    let first: Vec<(&str, String)> =
        table.keys.iter().filter(|key| key.required).map(|key| (key.name, assign(key)[0].clone())).collect();
    let mut tables = Vec::new();
    for key in table.keys {
        // What means nothing alone is said beside the first key that does.
        let beside = table.at_least_one.first().filter(|_| !table.at_least_one.contains(&key.name));
        let beside = beside.and_then(|name| table.keys.iter().find(|key| key.name == *name));
        let beside = beside.map(|key| assign(key)[0].clone());
        for assignment in assign(key) {
            let others =
                first.iter().filter(|(name, _)| *name != key.name).map(|(name, assignment)| match key.goes_with {
                    Some((with, word)) if with == *name => format!("{with} = '{word}'"),
                    _ => assignment.clone(),
                });
            let mut all: Vec<String> = others.chain([assignment]).chain(beside.clone()).collect();
            all.sort();
            tables.push(format!("{{ {} }}", all.join(", ")));
        }
    }
    tables.sort();
    tables.dedup();
    tables
}

fn samples(kind: Scalar, name: &str) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| format!("'{text}'")).collect();
    match kind {
        Scalar::Text if name == "network" => texts(&[NETWORK]),
        // Of a name server's answer, and of any part that has one.
        Scalar::Text if name == "name" => texts(&["api.thingspeak.com"]),
        Scalar::Boolean => vec!["false".to_owned(), "true".to_owned()],
        Scalar::Integer { least, most } => {
            // What a server may say, of each kind.
            let said = [202, 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503];
            let mut said: Vec<i64> =
                said.into_iter().chain([least, most]).filter(|n| (least..=most).contains(n)).collect();
            said.sort_unstable();
            said.dedup();
            said.iter().map(i64::to_string).collect()
        }
        // Of a range, which may not end before it begins.
        Scalar::Duration if name == "from" => texts(&["1ms"]),
        Scalar::Duration if name == "to" => texts(&["20ms", "1s"]),
        // Of a line's rise, which is shorter than a bit.
        Scalar::Duration if name == "slow-edges" => texts(&["10us", "99us"]),
        Scalar::Duration => texts(&["1ms", "1s", "20s", "10m"]),
        Scalar::SignedDuration => texts(&["-400d", "-1h", "400d"]),
        Scalar::Probability => texts(&["10 %", "50 %", "100 %"]),
        Scalar::HardwareAddress => texts(&[BSSID]),
        // Where nobody is, and where somebody is who has no such service.
        Scalar::Ipv4Address => texts(&["203.0.113.66", "203.0.113.123"]),
        Scalar::Text | Scalar::Typed | Scalar::FieldValue | Scalar::Regex => texts(&["12345678"]),
        Scalar::DateTime => vec!["2026-01-01T00:00:00Z".to_owned()],
        Scalar::TimeOfDay => texts(&["15:00"]),
        Scalar::Temperature => texts(&["21.5 °C"]),
        Scalar::Humidity => texts(&["45.6 %"]),
        Scalar::Signal => texts(&["-70 dBm"]),
        Scalar::Voltage => texts(&["3.3 V"]),
        Scalar::Resistance => texts(&["6 Ohm"]),
        Scalar::Capacitance => texts(&["10 uF", "100 uF"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    /// All words of a shape, and the names of the keys whose value makes it another fault.
    fn words(shape: &Shape) -> Vec<&'static str> {
        match shape {
            Shape::Words(words) => words.texts().collect(),
            Shape::Either { plain, table } => [plain, table].into_iter().flat_map(|shape| words(shape)).collect(),
            Shape::Choice(choice) => keys(choice.keys()),
            Shape::Table(table) => keys(table.keys),
            Shape::Named(_, inner) | Shape::List(inner) | Shape::Pair(inner) => words(inner),
            Shape::Scalar(_) | Shape::TextMap | Shape::Parameters => Vec::new(),
        }
    }

    fn keys(keys: impl IntoIterator<Item = &'static Key>) -> Vec<&'static str> {
        keys.into_iter().flat_map(|key| [key.name].into_iter().chain(words(&key.shape))).collect()
    }

    /// A word that `resolve` reads as another type than the grammar gives it ends the program.
    #[test]
    fn every_word_of_the_grammar_is_read_as_what_it_means() {
        let mut tried = String::new();
        let mut good = 0;
        for key in grammar::FILE.keys {
            for value in values(&key.shape, key.name) {
                let given = format!("{} = {value}\n", key.name);
                let rest = [
                    ("title", "'a'"),
                    ("duration", "'1h'"),
                    ("networks", "[{ name = 'home', bssid = '02:00:00:00:01:00' }]"),
                    ("expect", "[{ event = { power = 'on' } }]"),
                ];
                let rest = rest.iter().filter(|(name, _)| *name != key.name);
                let text: String = rest.map(|(name, value)| format!("{name} = {value}\n")).chain([given]).collect();
                // Some fit to nothing else in the file and are refused, but not before they have been read.
                let read = Scenario::parse("a.toml", &text, &|_| Ok("time,12345678\n0,1\n".to_owned()));
                good += usize::from(read.is_ok());
                tried += &text;
            }
        }
        assert!(good > 200, "{good}");
        for word in keys(grammar::FILE.keys) {
            assert!(tried.contains(&format!("'{word}'")) || tried.contains(&format!("{word} = ")), "{word}");
        }
    }

    #[test]
    fn every_word_of_the_grammar_is_in_some_injection() {
        let Shape::List(Shape::Table(fault)) = key(grammar::FILE.keys, "faults").shape else { panic!() };
        let injections = injections();
        let all = words(&key(fault.keys, "inject").shape);
        assert!(all.len() > 50, "{all:?}");
        for word in all {
            let spelt = [format!("'{word}'"), format!(" {word} = ")];
            let said = injections.iter().any(|injection| spelt.iter().any(|spelt| injection.contains(spelt)));
            assert!(said, "{word}");
        }
    }
}
