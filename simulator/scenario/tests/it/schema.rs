//! The JSON Schema against files: it takes every good one, and refuses what is wrong by itself.
//!
//! The validator here knows exactly the keywords that the schema uses and fails on any other, so that none is taken for
//! checked that is not. Formats (dates, addresses, expressions) are for editors and not judged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};
use simulator_scenario::files::scenario_files;
use simulator_scenario::schema;

/// TOML as JSON: dates as strings.
fn json_of(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(moment) => json!(moment.to_string()),
            toml::Value::Array(values) => values.into_iter().map(convert).collect(),
            toml::Value::Table(table) => {
                Value::Object(table.into_iter().map(|(key, value)| (key, convert(value))).collect())
            }
            plain => serde_json::to_value(plain).unwrap(),
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

struct Validator {
    schema: Value,
}

impl Validator {
    fn accepts(&self, value: &Value) -> bool {
        self.valid(&self.schema, value)
    }

    fn valid(&self, schema: &Value, value: &Value) -> bool {
        schema.as_object().unwrap().iter().all(|(keyword, rule)| self.rule(schema, keyword, rule, value))
    }

    /// Whether a value obeys one keyword of a schema.
    fn rule(&self, schema: &Value, keyword: &str, rule: &Value, value: &Value) -> bool {
        let all =
            |rules: &Value| rules.as_array().unwrap().iter().map(|rule| self.valid(rule, value)).collect::<Vec<_>>();
        match keyword {
            "$schema" | "title" | "description" | "$defs" | "format" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                self.valid(self.schema.pointer(pointer).unwrap(), value)
            }
            "type" => match rule {
                Value::Array(names) => names.iter().any(|name| has_type(value, name.as_str().unwrap())),
                name => has_type(value, name.as_str().unwrap()),
            },
            "const" => rule == value,
            "oneOf" => all(rule).into_iter().filter(|valid| *valid).count() == 1,
            "anyOf" => all(rule).contains(&true),
            "allOf" => !all(rule).contains(&false),
            "not" => !self.valid(rule, value),
            "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => value.as_object().is_none_or(|object| {
                object.iter().all(|(key, value)| rule.get(key).is_none_or(|rule| self.valid(rule, value)))
            }),
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let known =
                    |key: &str| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
                object.iter().filter(|(key, _)| !known(key)).all(|(_, value)| match rule {
                    Value::Bool(allowed) => *allowed,
                    rule => self.valid(rule, value),
                })
            }),
            "items" => value.as_array().is_none_or(|items| items.iter().all(|item| self.valid(rule, item))),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "minProperties" => value.as_object().is_none_or(|object| object.len() as u64 >= rule.as_u64().unwrap()),
            "maxProperties" => value.as_object().is_none_or(|object| object.len() as u64 <= rule.as_u64().unwrap()),
            "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
            unknown => panic!("the schema uses `{unknown}`, which is not checked here"),
        }
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        unknown => panic!("unknown type `{unknown}`"),
    }
}

/// Every file of a folder with what the schema says of it.
fn judge(folder: &Path) -> Vec<(String, bool)> {
    let validator = Validator { schema: schema() };
    scenario_files(&[folder.to_owned()])
        .unwrap()
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), validator.accepts(&json_of(&text)))
        })
        .collect()
}

#[test]
fn good_files_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [root.join("tests/good"), root.join("../../scenarios")].into_iter().filter(|folder| folder.exists()) {
        for (file, valid) in judge(&folder) {
            assert!(valid, "the schema refuses {file}");
        }
    }
}

#[test]
fn what_is_wrong_by_itself_is_refused_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    for (file, valid) in judge(&root.join("shape")) {
        assert!(!valid, "the schema takes {file}");
    }
    for (file, valid) in judge(&root.join("together")) {
        assert!(valid, "the schema refuses {file}");
    }
}
