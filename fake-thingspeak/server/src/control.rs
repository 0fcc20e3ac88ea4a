//! `/_preflash/faults`: faults are set, listed and cleared while the server runs.
//!
//! `GET` lists them, `POST` sets one (JSON or a form; [`Order::parse`] says with what), `DELETE` clears all of them or,
//! with its number behind the path, one. Every good reply is the list as it is then. Errors look like the service's.
//!
//! Requests from this machine may do that. A page from elsewhere in a browser on this machine may not: neither by a
//! request across origins (its `Origin` is another one, and the browser says so in `Sec-Fetch-Site`) nor by letting its
//! own name point here (`Host` is neither an address nor `localhost`). With `--control-from-anywhere` requests from
//! other machines may, but not those of such pages: they have to call the server by an address or by a name of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::visitor::{Control, Visitor};

use crate::fault_rules::{Faults, Order};
use crate::service_error::{error, json_reply};

/// The path under which faults are set, listed and cleared.
pub(crate) const PATH: &str = "/_preflash/faults";

/// Why a request is refused.
enum Refusal {
    Forbidden(&'static str),
    BadRequest(String),
    NotFound,
    MethodInvalid,
    InvalidByteSequence,
}

/// The reply to a request for [`PATH`] and what is below it; `None` for any other. Faults of TLS are for a server that
/// speaks `tls`.
pub(crate) fn reply(
    faults: &mut Faults,
    tls: bool,
    request: &Request<Bytes>,
    client: IpAddr,
    control: Control<'_>,
) -> Option<Response<Bytes>> {
    let below = request.uri().path().strip_prefix(PATH)?;
    let id = match below.strip_prefix('/') {
        None if !below.is_empty() => return None,
        None | Some("") => None,
        Some(id) => Some(id),
    };
    let now = Instant::now();
    let done = may(request, client, control).and_then(|()| carry_out(faults, tls, request, id, now));
    Some(match done {
        Ok(()) => json_reply(StatusCode::OK, &json!({ "faults": faults.list(now) })),
        Err(refusal) => refusal.reply(),
    })
}

/// The header in which a browser says what page a request comes from (W3C Fetch Metadata Request Headers, §2.4).
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn may(request: &Request<Bytes>, client: IpAddr, control: Control<'_>) -> Result<(), Refusal> {
    let header = |name: &HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let host = header(&HOST).unwrap_or_default();
    let is_foreign = |origin: &str| origin.split_once("://").is_none_or(|(_, place)| !place.eq_ignore_ascii_case(host));
    let comes_from_elsewhere = |site: &str| !matches!(site, "same-origin" | "none");
    if header(&ORIGIN).is_some_and(is_foreign) || header(&SEC_FETCH_SITE).is_some_and(comes_from_elsewhere) {
        return Err(Refusal::Forbidden("A page of another server may not do this."));
    }
    let visitor = Visitor::of(request, client);
    if control.is_for(&visitor) {
        return Ok(());
    }
    Err(Refusal::Forbidden(match control {
        Control::Anywhere(_) => "Please call the server by its address, or by a name that it was given with --host.",
        Control::ThisMachine if visitor.is_local() && visitor.is_proxied() => {
            "This came through a proxy, from whom is not known. Please ask the server itself, in HTTP/1.1."
        }
        Control::ThisMachine if visitor.is_local() => "Please call the server localhost, or by its address.",
        Control::ThisMachine => "This is for the machine that the server runs on, without --control-from-anywhere.",
    }))
}

fn carry_out(
    faults: &mut Faults,
    tls: bool,
    request: &Request<Bytes>,
    id: Option<&str>,
    now: Instant,
) -> Result<(), Refusal> {
    match (request.method(), id) {
        (&Method::GET | &Method::HEAD, None) => Ok(()),
        (&Method::POST, None) => {
            let order = Order::parse(given(request)?, now).map_err(Refusal::BadRequest)?;
            if order.is_of_tls() && !tls {
                let how = "This server speaks no TLS. Please start it with --tls-listen or --mqtt-tls-listen.";
                return Err(Refusal::BadRequest(how.to_owned()));
            }
            faults.set(order);
            Ok(())
        }
        (&Method::DELETE, None) => {
            faults.clear_all();
            Ok(())
        }
        (&Method::DELETE, Some(id)) => {
            let id = id.parse().map_err(|_| Refusal::NotFound)?;
            if faults.clear(id) { Ok(()) } else { Err(Refusal::NotFound) }
        }
        _ => Err(Refusal::MethodInvalid),
    }
}

/// The parameters in the body, which is JSON or a form.
fn given(request: &Request<Bytes>) -> Result<BTreeMap<String, String>, Refusal> {
    let body = str::from_utf8(request.body()).map_err(|_| Refusal::InvalidByteSequence)?;
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut given = BTreeMap::new();
    if content_type.to_ascii_lowercase().starts_with("application/json") {
        let object: serde_json::Map<String, Value> = serde_json::from_str(body)
            .map_err(|error| Refusal::BadRequest(format!("the body is no JSON object: {error}")))?;
        for (name, value) in object {
            match value {
                Value::String(text) => given.insert(name, text),
                Value::Number(number) => given.insert(name, number.to_string()),
                Value::Null => None,
                _ => return Err(Refusal::BadRequest(format!("`{name}` is neither a text nor a number"))),
            };
        }
    } else {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            let text = percent_decode_str(&text).decode_utf8().map_err(|_| Refusal::InvalidByteSequence)?;
            Ok(text.into_owned())
        };
        for pair in body.trim_end().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            given.insert(decoded(name)?, decoded(value)?);
        }
    }
    Ok(given)
}

impl Refusal {
    fn reply(self) -> Response<Bytes> {
        let (status, code, message, details) = match self {
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, "error_forbidden", "Forbidden", why.to_owned()),
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, "error_bad_request", "Bad Request", why),
            Self::NotFound => {
                let details = "There is no fault of this number.".to_owned();
                (StatusCode::NOT_FOUND, "error_resource_not_found", "Resource Not Found", details)
            }
            Self::MethodInvalid => {
                let details = "Please use GET, POST or DELETE.".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, "error_method_invalid", "Method Not Allowed", details)
            }
            Self::InvalidByteSequence => {
                let details = "Please send valid UTF-8.".to_owned();
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                (status, "error_invalid_byte_sequence", "Invalid Byte Sequence", details)
            }
        };
        error(status, code, message, &details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1";

    /// Status and body of the reply to a request with headers, from a server that speaks TLS.
    fn ask(faults: &mut Faults, client: &str, request: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let (method, path) = request.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let reply = reply(faults, true, &request, client.parse().unwrap(), Control::ThisMachine).unwrap();
        assert!(!reply.headers().contains_key("access-control-allow-origin"));
        (reply.status().as_u16(), String::from_utf8(reply.into_body().to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn faults_are_set_listed_and_cleared() {
        let faults = &mut Faults::default();
        let json = [("content-type", "application/json"), ("host", "localhost:8080")];
        let (status, list) =
            ask(faults, HERE, "POST /_preflash/faults", &json, r#"{"fault":"status","status":503,"count":3}"#);
        let first = r#"{"id":1,"fault":"status","status":503,"remaining":{"count":3}}"#;
        // serde_json's maps are in alphabetical order.
        let same = |text: &str, expected: &str| {
            let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parse(text), parse(expected));
        };
        assert_eq!(status, 200);
        same(&list, &format!(r#"{{"faults":[{first}]}}"#));
        let form = [("content-type", "application/x-www-form-urlencoded")];
        ask(faults, "::1", "POST /_preflash/faults/", &form, "fault=too-soon&seconds=2.5&path=%2Fupdate");
        let second = r#"{"id":2,"fault":"too-soon","path":"/update","remaining":{"seconds":3}}"#;
        same(&ask(faults, HERE, "GET /_preflash/faults", &[], "").1, &format!(r#"{{"faults":[{first},{second}]}}"#));
        same(&ask(faults, HERE, "DELETE /_preflash/faults/1", &[], "").1, &format!(r#"{{"faults":[{second}]}}"#));
        assert_eq!(ask(faults, HERE, "DELETE /_preflash/faults/1", &[], "").0, 404);
        same(&ask(faults, HERE, "DELETE /_preflash/faults", &[], "").1, r#"{"faults":[]}"#);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_in_the_services_manner() {
        let faults = &mut Faults::default();
        let json = [("content-type", "application/json")];
        for (request, body, expected) in [
            ("POST /_preflash/faults", "{", 400),
            ("POST /_preflash/faults", "[]", 400),
            ("POST /_preflash/faults", r#"{"fault":["reset"]}"#, 400),
            ("POST /_preflash/faults", r#"{"fault":"nap"}"#, 400),
            ("PUT /_preflash/faults", "{}", 405),
            ("POST /_preflash/faults/1", "{}", 405),
            ("DELETE /_preflash/faults/x", "", 404),
        ] {
            let (status, body) = ask(faults, HERE, request, &json, body);
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status, body["status"].as_str()), (expected, Some(expected.to_string().as_str())), "{request}");
            assert!(body["error"]["details"].is_string(), "{body}");
        }
        assert_eq!(ask(faults, HERE, "POST /_preflash/faults", &[], "fault=%FF").0, 422);
        let other = Request::get("/_preflash/faultsx").body(Bytes::new()).unwrap();
        assert!(reply(faults, true, &other, HERE.parse().unwrap(), Control::ThisMachine).is_none());
        assert!(faults.list(Instant::now()).is_empty());
    }

    #[tokio::test]
    async fn faults_of_tls_are_for_a_server_that_speaks_it() {
        let faults = &mut Faults::default();
        let mut set = |fault: &'static str, tls| {
            let request = Request::post(PATH).header("host", "localhost").body(Bytes::from_static(fault.as_bytes()));
            let reply = reply(faults, tls, &request.unwrap(), HERE.parse().unwrap(), Control::ThisMachine).unwrap();
            (reply.status().as_u16(), String::from_utf8(reply.into_body().to_vec()).unwrap())
        };
        for fault in ["fault=certificate&certificate=expired", "fault=man-in-the-middle&attack=empty-record"] {
            let (status, refused) = set(fault, false);
            assert!(status == 400 && refused.contains("--tls-listen"), "{refused}");
            assert_eq!(set(fault, true).0, 200, "{fault}");
        }
        assert_eq!(set("fault=reset", false).0, 200);
        assert_eq!(faults.list(Instant::now()).len(), 3);
    }

    #[tokio::test]
    async fn only_deliberate_requests_from_this_machine_may() {
        let faults = &mut Faults::default();
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&str, Headers<'_>, u16); 14] = [
            (HERE, &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], 200),
            ("::ffff:127.0.0.1", &[("host", "[::1]:8080")], 200),
            ("::1", &[("host", "LocalHost")], 200),
            ("192.0.2.7", &[("host", "127.0.0.1")], 403),
            (HERE, &[("host", "evil.example:8080")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("origin", "http://evil.example")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:81")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("origin", "null")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-origin")], 200),
            (HERE, &[("host", "127.0.0.1:8080"), ("sec-fetch-site", "none")], 200),
            (HERE, &[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-site")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("x-forwarded-for", "127.0.0.1")], 403),
            (HERE, &[("host", "127.0.0.1:8080"), ("forwarded", "for=192.0.2.7")], 403),
        ];
        for (client, headers, expected) in cases {
            assert_eq!(
                ask(faults, client, "POST /_preflash/faults", headers, "fault=reset").0,
                expected,
                "{headers:?}"
            );
        }
        let names = ["pond.local".to_owned()];
        let mut from_afar = |headers: Headers<'_>| {
            let mut far = Request::get(PATH);
            for (name, value) in headers {
                far = far.header(*name, *value);
            }
            let far = far.body(Bytes::new()).unwrap();
            reply(faults, true, &far, [192, 0, 2, 7].into(), Control::Anywhere(&names)).unwrap().status().as_u16()
        };
        assert_eq!(from_afar(&[("host", "pond.local:8080"), ("origin", "http://pond.local:8080")]), 200);
        assert_eq!(from_afar(&[("host", "192.0.2.1"), ("x-forwarded-for", "192.0.2.9")]), 200);
        // Its name points here, and the origin is its own.
        assert_eq!(from_afar(&[("host", "evil.example"), ("origin", "http://evil.example")]), 403);
        assert_eq!(from_afar(&[("host", "pond.local"), ("sec-fetch-site", "cross-site")]), 403);
    }
}
