//! Replies in JSON of what the server adds to the service, in the form of the service's own.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

/// An error like the service's.
pub(crate) fn error(status: StatusCode, code: &str, message: &str, details: &str) -> Response<Bytes> {
    let error = json!({ "error_code": code, "message": message, "details": details });
    json_reply(status, &json!({ "status": status.as_str(), "error": error }))
}

/// A reply in JSON that is not to be kept.
pub(crate) fn json_reply(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
