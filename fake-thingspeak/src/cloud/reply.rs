//! An answer as a reply of HTTP: the headers that the service sends with every one, and those of its time. What keeps a
//! browser from running what others wrote is not the service's, and comes later (`serve::guard`).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use md5::{Digest, Md5};

use super::keys::RequestId;
use super::profile::Behaviour;
use super::render::Answer;

/// What lets pages from elsewhere use the service; recorded in 2014 and 2019.
static CROSS_ORIGIN: [(HeaderName, HeaderValue); 4] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, OPTIONS, DELETE, PATCH")),
    (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("origin, content-type, X-Requested-With")),
    (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("1800")),
];

static NOT_KEPT: HeaderValue = HeaderValue::from_static("no-cache");
/// What Rails says of a good reply.
static KEPT: HeaderValue = HeaderValue::from_static("max-age=0, private, must-revalidate");

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Room for the headers of a reply, so that the map need not grow.
const HEADERS: usize = 12;

/// A reply that may have to wait before it goes out, in the little room that it takes until then: its headers take ten
/// times as much, and among many that wait each line of a cache counts.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) answer: Answer,
    /// Whether it has headers of its own; an Arduino may ask for none.
    pub(super) headers: bool,
    pub(super) id: RequestId,
    pub(super) behaviour: &'static Behaviour,
}

impl Draft {
    /// The reply to `request`, which is the one that the draft was made for, without `Date` and `Content-Length`. If it
    /// names a `Transfer-Encoding`, it is to be sent in chunks.
    pub fn response(self, request: &Request<Bytes>) -> Response<Bytes> {
        response(self, Some(request))
    }
}

/// The reply to `request` (`None`: to what was none).
pub(super) fn response(draft: Draft, request: Option<&Request<Bytes>>) -> Response<Bytes> {
    let Draft { answer, headers, id, behaviour } = draft;
    let Answer { mut status, content_type, cacheable, body } = answer;
    let mut body = Bytes::from(body);
    let mut map = HeaderMap::with_capacity(HEADERS);
    map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let cache = if cacheable { &KEPT } else { &NOT_KEPT };
    map.insert(CACHE_CONTROL, cache.clone());
    for (name, value) in &CROSS_ORIGIN {
        map.insert(name, value.clone());
    }
    for (name, value) in behaviour.headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if behaviour.etag && cacheable && status.is_success() {
        // Rack's: of the body and nothing else.
        let etag: String = Md5::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = format!("\"{etag}\"");
        if request.is_some_and(|request| has_it_already(request, &etag)) {
            status = StatusCode::NOT_MODIFIED;
            body = Bytes::new();
        }
        insert(&mut map, ETAG, etag);
    }
    if behaviour.cookie && request.is_some_and(|request| request.method() == Method::POST) {
        map.insert(SET_COOKIE, HeaderValue::from_static("request_method=POST; path=/"));
    }
    if behaviour.status_header {
        insert(&mut map, HeaderName::from_static("status"), status.to_string());
    }
    insert(&mut map, REQUEST_ID.clone(), id.text(behaviour.request_id_is_a_uuid));
    if !headers {
        map.clear();
    }
    if behaviour.chunked && status != StatusCode::NOT_MODIFIED {
        // It is not the service's but that of the proxy in front of it, so `headers=false` does not drop it.
        map.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = map;
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Whether the client has what has this tag (RFC 9110 §13.1.2).
fn has_it_already(request: &Request<Bytes>, etag: &str) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut known = request.headers().get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    reads && known.any(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}
