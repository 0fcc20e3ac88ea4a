//! An answer as a reply of HTTP: the headers that the service sends with every one, and those of its time.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, SET_COOKIE,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use md5::{Digest, Md5};

use super::profile::Manners;
use super::render::Answer;

/// What lets pages from elsewhere use the service; recorded in 2014 and 2019.
const CROSS_ORIGIN: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, OPTIONS, DELETE, PATCH"),
    ("access-control-allow-headers", "origin, content-type, X-Requested-With"),
    ("access-control-max-age", "1800"),
];

/// The reply to `request` (`None`: to what was none). Without `headers`, as an Arduino asks for it, it has none of its
/// own.
pub(super) fn response(
    answer: Answer,
    request: Option<&Request<Bytes>>,
    headers: bool,
    id: &str,
    manners: &Manners,
) -> Response<Bytes> {
    let Answer { mut status, content_type, cacheable, body } = answer;
    let mut body = Bytes::from(body);
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let cache = if cacheable { "max-age=0, private, must-revalidate" } else { "no-cache" };
    map.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    for (name, value) in CROSS_ORIGIN.iter().chain(manners.headers) {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if content_type.starts_with("text/html") && body.contains(&b'<') {
        // A value that is shown bare may be anyone's markup. Ours: it must not run as a page of this server.
        map.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    }
    if manners.etag && cacheable && status.is_success() {
        // Rack's: of the body and nothing else.
        let etag: String = Md5::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = format!("\"{etag}\"");
        if request.is_some_and(|request| has_it_already(request, &etag)) {
            status = StatusCode::NOT_MODIFIED;
            body = Bytes::new();
        }
        insert(&mut map, ETAG, &etag);
    }
    if manners.cookie && request.is_some_and(|request| request.method() == Method::POST) {
        map.insert(SET_COOKIE, HeaderValue::from_static("request_method=POST; path=/"));
    }
    if manners.status_header {
        insert(&mut map, HeaderName::from_static("status"), &status.to_string());
    }
    insert(&mut map, HeaderName::from_static("x-request-id"), id);
    if !headers {
        map.clear();
    }
    if manners.chunked && status != StatusCode::NOT_MODIFIED {
        // Not the service's but that of the proxy in front of it, which nobody can ask to leave it out.
        map.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = map;
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether the client has what has this tag (RFC 9110 §13.1.2).
fn has_it_already(request: &Request<Bytes>, etag: &str) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut known = request.headers().get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    reads && known.any(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}
