//! A request's parameters: from the query, from a form or from JSON, and the key from wherever it may stand.
//!
//! Values are whatever the client sent; what they mean is for the operation that asks for them.

use std::borrow::Cow;

use http::Request;
use http::header::CONTENT_TYPE;
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::error::Failure;
use super::{multipart, nested};

/// Parameters in the order of the request, parts of it where nothing had to be decoded. What the body says counts over
/// the query, and a later value over an earlier one. A list, because a request has few, and for each of them a map
/// would cost more than it saves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters<'r>(Vec<(Cow<'r, str>, Cow<'r, str>)>);

impl<'r> Parameters<'r> {
    /// Gathers the parameters of a request's query.
    pub(super) fn of_query(request: &'r Request<Bytes>) -> Result<Self, Failure> {
        let mut parameters = Self::default();
        parameters.add_form(request.uri().query().unwrap_or_default())?;
        parameters.checked()
    }

    /// Gathers the parameters of a request.
    pub(super) fn of(request: &'r Request<Bytes>) -> Result<Self, Failure> {
        let mut parameters = Self::of_query(request)?;
        match body_type(request) {
            BodyType::Form => {
                let body = str::from_utf8(request.body()).map_err(|_| Failure::InvalidByteSequence)?;
                // A line feed after the body that the length counts is no part of the last value.
                parameters.add_form(body.trim_end_matches(['\r', '\n']))?;
            }
            BodyType::Json if request.body().is_empty() => {}
            BodyType::Json => parameters.add_object(&json_body(request)?)?,
            BodyType::Multipart if request.body().is_empty() => {}
            BodyType::Multipart => {
                let fields = multipart::fields(request)?;
                parameters.0.extend(fields.into_iter().map(|(name, value)| (name.into(), value.into())));
            }
            BodyType::Other => return Ok(parameters),
        }
        parameters.checked()
    }

    /// The same with those of a JSON object, which count over these.
    pub(super) fn with_object(mut self, object: &Value) -> Result<Self, Failure> {
        self.add_object(object)?;
        self.checked()
    }

    /// The same, if the names of those inside of others are sound.
    fn checked(self) -> Result<Self, Failure> {
        let names = self.0.iter().map(|(name, _)| name.as_ref());
        if names.clone().any(nested::is_nested) {
            nested::check(names)?;
        }
        Ok(self)
    }

    /// Gives a parameter a value.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned().into(), value.to_owned().into()));
    }

    fn add_form(&mut self, text: &'r str) -> Result<(), Failure> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.0.push((decoded(name)?, decoded(value)?));
        }
        Ok(())
    }

    /// Texts, numbers and truth values, also those of objects inside; `null` is no value, and lists and what lies
    /// deeper mean nothing here.
    fn add_object(&mut self, object: &Value) -> Result<(), Failure> {
        for (name, value) in object.as_object().ok_or(Failure::BadRequest)? {
            if let Value::Object(inside) = value {
                let inside = inside.iter().filter_map(|(inner, value)| Some((nested::name(name, inner), text(value)?)));
                self.0.extend(inside.map(|(name, value)| (name.into(), value.into())));
            } else if let Some(value) = text(value) {
                self.0.push((name.clone().into(), value.into()));
            }
        }
        Ok(())
    }

    /// All names and values, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The value of the first of `names` that there is.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.last(name))
    }

    /// The value of the first of `names` that there is in the parameter `outer`.
    pub(super) fn first_in(&self, outer: &str, names: &[&str]) -> Option<&str> {
        let last = |name: &&str| self.0.iter().rev().find(|(there, _)| nested::is(there, outer, name));
        names.iter().find_map(last).map(|(_, value)| value.as_ref())
    }

    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(there, _)| there == name).map(|(_, value)| value.as_ref())
    }

    /// The value called `name`, unless it is empty.
    pub(super) fn present(&self, name: &str) -> Option<&str> {
        self.first(&[name]).filter(|value| !value.trim().is_empty())
    }

    /// Whether the switch `name` is on.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.first(&[name]).is_some_and(is_true)
    }

    /// The number called `name`, if there is one and it is one; a number beyond all bounds is the largest.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let digits = self.first(&[name])?.trim();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(u32::MAX))
    }
}

/// Whether a switch with this value is on.
pub(super) fn is_true(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

/// A value in JSON as a form would have it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The key of a request: any header whose name contains `THINGSPEAKAPIKEY`, then the parameters that may hold it.
pub(super) fn key<'r>(request: &'r Request<Bytes>, parameters: &'r Parameters<'_>) -> Option<&'r str> {
    let header = request.headers().iter().find(|(name, _)| name.as_str().contains("thingspeakapikey"));
    match header {
        Some((_, value)) => value.to_str().ok().map(str::trim),
        None => parameters.first(&["key", "api_key", "apikey"]),
    }
}

/// The body as JSON.
pub(super) fn json_body(request: &Request<Bytes>) -> Result<Value, Failure> {
    let body = str::from_utf8(request.body()).map_err(|_| Failure::InvalidByteSequence)?;
    serde_json::from_str(body).map_err(|_| Failure::BadRequest)
}

enum BodyType {
    Form,
    Json,
    Multipart,
    Other,
}

/// A body without a type is a form, as for Rack.
fn body_type(request: &Request<Bytes>) -> BodyType {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return BodyType::Form };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    match value.split(';').next().unwrap_or_default().trim() {
        "" | "application/x-www-form-urlencoded" => BodyType::Form,
        "application/json" => BodyType::Json,
        "multipart/form-data" => BodyType::Multipart,
        _ => BodyType::Other,
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Failure> {
    if !text.bytes().any(|byte| byte == b'+' || byte == b'%') {
        return Ok(text.into());
    }
    let text = text.replace('+', " ");
    let text = percent_decode_str(&text).decode_utf8().map_err(|_| Failure::InvalidByteSequence)?;
    Ok(text.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str, content_type: &str, body: &'static [u8]) -> Result<Parameters<'static>, Failure> {
        let request = Request::post(format!("/update?{query}"))
            .header(CONTENT_TYPE, content_type)
            .body(Bytes::from_static(body))
            .unwrap();
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let Parameters(all) = Parameters::of(&request)?;
        Ok(Parameters(all.into_iter().map(|(name, value)| (owned(name), owned(value))).collect()))
    }

    #[test]
    fn the_body_counts_over_the_query_and_the_last_value_over_the_first() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let parameters = parameters("field1=1&field2=2&field3", form, b"field1=a%20b+c%26&field1=last%2B\n").unwrap();
        assert_eq!(parameters.first(&["field1"]), Some("last+"));
        assert_eq!(parameters.first(&["field2"]), Some("2"));
        assert_eq!(parameters.first(&["field3"]), Some(""));
        assert_eq!(parameters.first(&["field4"]), None);
    }

    #[test]
    fn json_values_become_text() {
        let body = br#"{"field1": 23.40, "field2": "x", "field3": null, "field4": true, "field5": [1]}"#;
        let parameters = parameters("", "application/json", body).unwrap();
        let values = ["field1", "field2", "field3", "field4", "field5"].map(|name| parameters.first(&[name]));
        assert_eq!(values, [Some("23.4"), Some("x"), None, Some("true"), None]);
    }

    #[test]
    fn a_form_and_json_say_the_same_of_what_is_inside() {
        let form = parameters("channel%5Bname%5D=a&channel[name]=b", "", b"channel[field1]=1&name=c").unwrap();
        let body = br#"{"channel": {"name": "b", "field1": 1, "field2": null, "tags": ["x"]}, "name": "c"}"#;
        for parameters in [form, parameters("", "application/json", body).unwrap()] {
            let inside = ["name", "field1", "field2", "tags"].map(|name| parameters.first_in("channel", &[name]));
            assert_eq!(inside, [Some("b"), Some("1"), None, None]);
            assert_eq!(parameters.first(&["name"]), Some("c"));
        }
        assert_eq!(parameters("channel=1", "", b"channel[name]=x"), Err(Failure::BadRequest));
        assert_eq!(parameters("channel=1", "application/json", body), Err(Failure::BadRequest));
        assert_eq!(parameters("channel%5B=1", "", b""), Err(Failure::BadRequest));
    }

    #[test]
    fn a_number_may_be_huge_but_not_negative() {
        let parameters = parameters("a=7&b=99999999999999999999&c=-1&d=&e=1.5&f=TRUE&g=1&h=yes", "", b"").unwrap();
        let numbers = ["a", "b", "c", "d", "e", "none"].map(|name| parameters.number(name));
        assert_eq!(numbers, [Some(7), Some(u32::MAX), None, None, None, None]);
        assert_eq!(["f", "g", "h"].map(|name| parameters.is_true(name)), [true, true, false]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(parameters("field1=%FF", "", b""), Err(Failure::InvalidByteSequence));
        assert_eq!(parameters("", "", b"field1=\xff"), Err(Failure::InvalidByteSequence));
        assert_eq!(parameters("", "application/json", b"{"), Err(Failure::BadRequest));
        assert_eq!(parameters("", "application/json", b"[]"), Err(Failure::BadRequest));
        assert!(parameters("", "image/png", b"\xff").is_ok());
    }
}
