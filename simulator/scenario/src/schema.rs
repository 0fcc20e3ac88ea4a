//! The JSON Schema of a scenario file, made from the grammar, for editors that complete and check while one types.
//!
//! It describes TOML's values as JSON: dates and times are strings. What takes two places of a file to judge is not in
//! it; `preflash check` says that.

use serde_json::{Map, Value, json};

use super::grammar;
use super::shape::{AnyChoice, Key, Scalar, Shape, Table};

/// The schema (JSON Schema draft 2020-12).
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = table(&grammar::FILE, &mut definitions);
    // What must be there may be there in the file that this one is like; its title is always its own.
    let needed = [json!({ "required": ["like"] }), json!({ "required": root["required"] })];
    root["required"] = json!(["title"]);
    root["anyOf"] = json!(needed);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "preflash scenario",
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, &mut root) {
        schema.append(root);
        let parameter = "The value of the parameter of that name.";
        let parameter = json!({ "type": "string", "pattern": "^\\$\\{[^{}]+\\}$", "description": parameter });
        definitions.insert("parameter".to_owned(), parameter);
        definitions.sort_keys();
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// The schema as it is printed and checked in: indented, with a line end behind it.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

fn shape(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Scalar(kind) => match scalar(*kind) {
            Value::Object(plain) if plain.get("type") == Some(&json!("string")) && !plain.contains_key("pattern") => {
                Value::Object(plain)
            }
            narrow => or_parameter(narrow),
        },
        Shape::Words(words) => {
            let words: Vec<Value> =
                words.iter().map(|word| json!({ "const": word.text, "description": word.doc })).collect();
            or_parameter(json!({ "type": "string", "oneOf": words }))
        }
        Shape::List(element) => json!({ "type": "array", "items": self::shape(element, definitions) }),
        Shape::Pair(element) => {
            json!({ "type": "array", "items": self::shape(element, definitions), "minItems": 2, "maxItems": 2 })
        }
        Shape::Parameters => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
        }
        Shape::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Shape::Table(keys) => table(keys, definitions),
        Shape::Choice(keys) => choice(*keys, definitions),
        Shape::Either { plain, table } => {
            json!({ "anyOf": [self::shape(plain, definitions), self::shape(table, definitions)] })
        }
        Shape::Named(name, inner) => {
            if !definitions.contains_key(*name) {
                let inner = self::shape(inner, definitions);
                definitions.insert((*name).to_owned(), inner);
            }
            json!({ "$ref": format!("#/$defs/{name}") })
        }
    }
}

/// A value, or the name of a parameter that stands for one.
fn or_parameter(value: Value) -> Value {
    json!({ "anyOf": [value, { "$ref": "#/$defs/parameter" }] })
}

/// A quantity: a number, perhaps with decimals, and a unit.
fn quantity(number: &str, unit: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^\\s*{number}\\s*{unit}\\s*$") })
}

fn scalar(kind: Scalar) -> Value {
    const DECIMAL: &str = "[-+−]?[0-9]+(\\.[0-9]+)?";
    const DURATION: &str = "(0|([0-9]+(\\.[0-9]+)?\\s*[A-Za-zµμ]+\\s*)+)";
    match kind {
        Scalar::Text => json!({ "type": "string" }),
        Scalar::Typed => json!({ "type": ["string", "integer"] }),
        Scalar::Integer { least, most } => match most {
            i64::MAX => json!({ "type": "integer", "minimum": least }),
            most => json!({ "type": "integer", "minimum": least, "maximum": most }),
        },
        Scalar::Boolean => json!({ "type": "boolean" }),
        Scalar::DateTime => json!({ "type": "string", "format": "date-time" }),
        Scalar::Duration => quantity("", DURATION),
        Scalar::SignedDuration => quantity("[-+−]?", DURATION),
        Scalar::TimeOfDay => quantity("", "[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?"),
        Scalar::Temperature => quantity(DECIMAL, "(°C|C|℃)"),
        Scalar::Humidity => quantity(DECIMAL, "%( ?RH)?"),
        Scalar::Probability => quantity(DECIMAL, "%"),
        Scalar::Signal => quantity(DECIMAL, "dBm"),
        Scalar::Voltage => quantity(DECIMAL, "V"),
        Scalar::Resistance => quantity(DECIMAL, "(Ohm|ohm|Ω|Ω)"),
        Scalar::Capacitance => quantity(DECIMAL, "(u|µ|μ)F"),
        Scalar::FieldValue => quantity(DECIMAL, "(|°C|C|℃|%)"),
        Scalar::HardwareAddress => quantity("", "[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}"),
        Scalar::Ipv4Address => json!({ "type": "string", "format": "ipv4" }),
        Scalar::Regex => json!({ "type": "string", "format": "regex" }),
    }
}

/// A key's value with the key's meaning.
fn property(key: &Key, definitions: &mut Map<String, Value>) -> Value {
    let mut value = shape(&key.shape, definitions);
    if let Value::Object(object) = &mut value {
        object.insert("description".to_owned(), json!(key.doc));
    }
    value
}

fn properties<'a>(keys: impl IntoIterator<Item = &'a Key>, definitions: &mut Map<String, Value>) -> Value {
    Value::Object(keys.into_iter().map(|key| (key.name.to_owned(), property(key, definitions))).collect())
}

fn table(shape: &Table, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties(shape.keys, definitions),
    });
    let required: Vec<&str> = shape.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let has = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    let mut rules: Vec<Value> = shape.exactly_one.iter().map(|group| json!({ "oneOf": has(group) })).collect();
    for group in shape.at_most_one {
        let mut alternatives = has(group);
        alternatives.push(json!({ "not": { "anyOf": has(group) } }));
        rules.push(json!({ "oneOf": alternatives }));
    }
    if !shape.at_least_one.is_empty() {
        rules.push(json!({ "anyOf": has(shape.at_least_one) }));
    }
    if !rules.is_empty() {
        schema["allOf"] = json!(rules);
    }
    schema
}

fn choice(shape: &'static dyn AnyChoice, definitions: &mut Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties(shape.keys(), definitions),
        "minProperties": 1,
        "maxProperties": 1,
    })
}
