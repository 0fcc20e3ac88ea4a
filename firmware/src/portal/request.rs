//! Requests: from the bytes of a head to what is to be done about it.
//!
//! `httparse` reads the head (RFC 9112); this module decides. A host that is not ours, or a path that an operating
//! system probes for a captive portal, is led to the form; everything else has to be the form itself.
//!
//! A form is taken only from the page that this device has served. A page from elsewhere, still open in the browser of
//! who has joined the set-up network, could post one of its own: browsers say where a post comes from (`Origin`, RFC
//! 6454 §7; `Sec-Fetch-Site`, W3C Fetch Metadata §2.4). And a name of elsewhere that was made to lead to this device
//! (DNS rebinding) shows in `Host`.

use super::ADDRESS;

/// Largest head, in bytes.
pub(super) const HEAD: usize = 1024;
/// Largest body, in bytes.
pub(super) const BODY: usize = 2048;
/// Most header fields; browsers send some twenty.
const FIELDS: usize = 32;

/// Where phones and computers look for a captive portal: Android, Chrome OS, Apple, Windows, Firefox, Amazon.
const PROBES: [&str; 10] = [
    "/generate_204",
    "/gen_204",
    "/hotspot-detect.html",
    "/library/test/success.html",
    "/connecttest.txt",
    "/ncsi.txt",
    "/success.txt",
    "/canonical.html",
    "/redirect",
    "/fwlink",
];

/// A head, read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the head, after which the body begins.
    pub(super) length: usize,
    /// What to do.
    pub(super) route: Route,
    /// Whether the reply's body is left out.
    pub(super) is_head: bool,
}

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Show the form.
    Form,
    /// Take the form, a body of so many bytes.
    Submit(usize),
    /// Lead to the form.
    Redirect,
    /// Refuse.
    Refuse(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400
    Malformed,
    /// 400, in another encoding than the page says.
    NotUtf8,
    /// 403
    Foreign,
    /// 404
    NotFound,
    /// 405
    Method,
    /// 408
    Timeout,
    /// 411
    LengthRequired,
    /// 413
    BodyTooLarge,
    /// 415
    NotAForm,
    /// 431
    HeadTooLarge,
    /// 500
    NotSaved,
}

impl Refusal {
    /// The status line's code and reason (RFC 9110 §15).
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Malformed | Self::NotUtf8 => "400 Bad Request",
            Self::Foreign => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::Timeout => "408 Request Timeout",
            Self::LengthRequired => "411 Length Required",
            Self::BodyTooLarge => "413 Content Too Large",
            Self::NotAForm => "415 Unsupported Media Type",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::NotSaved => "500 Internal Server Error",
        }
    }
}

/// Reads a head from the beginning of what came in. `None` if it has not ended yet.
///
/// # Errors
/// What is no head, or too large a one.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(&bytes[..bytes.len().min(HEAD)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(_) => return Err(Refusal::Malformed),
    };
    let route = route(&request).unwrap_or_else(Route::Refuse);
    Ok(Some(Head { length, route, is_head: request.method == Some("HEAD") }))
}

fn route(request: &httparse::Request<'_, '_>) -> Result<Route, Refusal> {
    let target = request.path.ok_or(Refusal::Malformed)?;
    let (host, target) = match target.strip_prefix("http://") {
        // The absolute form of a proxy's client (RFC 9112 §3.2.2).
        Some(absolute) => match absolute.find('/') {
            Some(slash) => (Some(&absolute[..slash]), &absolute[slash..]),
            None => (Some(absolute), "/"),
        },
        None => (field(request, "Host")?, target),
    };
    if request.method == Some("POST") && !comes_from_our_page(request, host)? {
        return Err(Refusal::Foreign);
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let is_probe = path != "/" && PROBES.contains(&path.trim_end_matches('/'));
    if is_probe || host.is_some_and(|host| !is_ours(host)) {
        return Ok(Route::Redirect);
    }
    if path != "/" {
        return Err(Refusal::NotFound);
    }
    match request.method {
        Some("GET" | "HEAD") => Ok(Route::Form),
        Some("POST") => body(request).map(Route::Submit),
        _ => Err(Refusal::Method),
    }
}

/// Whether a post is addressed to this device by its own address, and comes from its own page or no page at all.
fn comes_from_our_page(request: &httparse::Request<'_, '_>, host: Option<&str>) -> Result<bool, Refusal> {
    let named = [host, field(request, "Host")?];
    let is_addressed = named.iter().flatten().next().is_some() && named.iter().flatten().all(|host| is_ours(host));
    // `null` is the origin of pages that hide theirs, such as a foreign page's sandboxed frame.
    let origin = field(request, "Origin")?.map(|origin| origin.strip_prefix("http://").is_some_and(is_ours));
    let site = field(request, "Sec-Fetch-Site")?.map(|site| matches!(site, "same-origin" | "none"));
    Ok(is_addressed && origin.unwrap_or(true) && site.unwrap_or(true))
}

/// Length of the body of a post.
fn body(request: &httparse::Request<'_, '_>) -> Result<usize, Refusal> {
    if field(request, "Transfer-Encoding")?.is_some() {
        return Err(Refusal::LengthRequired);
    }
    let length = field(request, "Content-Length")?.ok_or(Refusal::LengthRequired)?;
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::Malformed);
    }
    let length = length.parse().ok().filter(|&length| length <= BODY).ok_or(Refusal::BodyTooLarge)?;
    let media_type = field(request, "Content-Type")?.map(|value| value.split(';').next().unwrap_or_default().trim());
    if media_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(Refusal::NotAForm);
    }
    Ok(length)
}

/// The value of a header field; `None` if it is not there.
///
/// # Errors
/// [`Refusal::Malformed`] if it comes twice with different values (RFC 9112 §3.2, §6.3) or is not text.
fn field<'b>(request: &httparse::Request<'_, 'b>, name: &str) -> Result<Option<&'b str>, Refusal> {
    let mut values = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other.value != first.value) {
        return Err(Refusal::Malformed);
    }
    core::str::from_utf8(first.value).map(|value| Some(value.trim())).map_err(|_| Refusal::Malformed)
}

fn is_ours(host: &str) -> bool {
    host.strip_suffix(":80").unwrap_or(host).parse() == Ok(ADDRESS)
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    fn routed(head: &str) -> Route {
        match parse(head.as_bytes()) {
            Ok(Some(parsed)) => {
                assert_eq!(parsed.length, head.len());
                parsed.route
            }
            Ok(None) => panic!("{head:?} is not complete"),
            Err(refusal) => Route::Refuse(refusal),
        }
    }

    fn get(path: &str) -> Route {
        routed(&format!("GET {path} HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n"))
    }

    fn post(fields: &str) -> Route {
        routed(&format!("POST / HTTP/1.1\r\nHost: 192.168.4.1:80\r\n{fields}\r\n"))
    }

    #[test]
    fn the_form_is_at_the_root_and_nothing_else_is_anywhere() {
        assert_eq!(get("/"), Route::Form);
        assert_eq!(get("/?from=probe"), Route::Form);
        assert_eq!(get("http://192.168.4.1/"), Route::Form);
        assert_eq!(routed("GET / HTTP/1.0\r\n\r\n"), Route::Form);
        assert_eq!(routed("GET / HTTP/1.0\n\n"), Route::Form);
        assert_eq!(get("/favicon.ico"), Route::Refuse(Refusal::NotFound));
        assert_eq!(get("/../etc/passwd"), Route::Refuse(Refusal::NotFound));
        assert_eq!(routed("DELETE / HTTP/1.1\r\n\r\n"), Route::Refuse(Refusal::Method));
    }

    #[test]
    fn head_asks_for_the_head_only() {
        let parsed = parse(b"HEAD / HTTP/1.1\r\n\r\n").unwrap().unwrap();
        assert!(parsed.is_head && parsed.route == Route::Form);
    }

    #[test]
    fn probes_and_foreign_hosts_lead_to_the_form() {
        for probe in PROBES {
            assert_eq!(get(probe), Route::Redirect, "{probe}");
        }
        assert_eq!(get("/fwlink/?LinkID=219472&clcid=0x409"), Route::Redirect);
        assert_eq!(get("http://example.org"), Route::Redirect);
        for host in ["example.org", "192.168.4.10", "192.168.4.1:8080", "192.168.4.1.nip.io", ""] {
            assert_eq!(routed(&format!("GET /x HTTP/1.1\r\nhost: {host}\r\n\r\n")), Route::Redirect, "{host}");
        }
    }

    #[test]
    fn a_post_says_how_long_it_is() {
        assert_eq!(post("Content-Length: 17\r\n"), Route::Submit(17));
        assert_eq!(post("content-length:2048\r\nContent-Length: 2048\r\n"), Route::Submit(2048));
        let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
        assert_eq!(post(&format!("{form}Content-Length: 0\r\n")), Route::Submit(0));
        for (fields, refusal) in [
            ("", Refusal::LengthRequired),
            ("Transfer-Encoding: chunked\r\n", Refusal::LengthRequired),
            ("Content-Length: 2049\r\n", Refusal::BodyTooLarge),
            ("Content-Length: 99999999999999999999999\r\n", Refusal::BodyTooLarge),
            ("Content-Length: -1\r\n", Refusal::Malformed),
            ("Content-Length: \r\n", Refusal::Malformed),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", Refusal::Malformed),
            ("Content-Length: 1\r\nContent-Type: text/plain\r\n", Refusal::NotAForm),
        ] {
            assert_eq!(post(fields), Route::Refuse(refusal), "{fields:?}");
        }
    }

    #[test]
    fn a_form_is_taken_from_our_own_page_only() {
        let length = "Content-Length: 17\r\n";
        let with = |fields: &str| post(&format!("{fields}{length}"));
        for ours in [
            "Origin: http://192.168.4.1\r\n",
            "origin: http://192.168.4.1:80\r\nSec-Fetch-Site: same-origin\r\n",
            "Sec-Fetch-Site: none\r\n",
        ] {
            assert_eq!(with(ours), Route::Submit(17), "{ours:?}");
        }
        for foreign in [
            "Origin: http://example.org\r\n",
            "Origin: https://192.168.4.1\r\n",
            "Origin: http://192.168.4.1:8080\r\n",
            "Origin: http://192.168.4.1.example.org\r\n",
            "Origin: http://192.168.4.10\r\n",
            "Origin: null\r\n",
            "Origin: \r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
            "Origin: http://192.168.4.1\r\nSec-Fetch-Site: cross-site\r\n",
        ] {
            assert_eq!(with(foreign), Route::Refuse(Refusal::Foreign), "{foreign:?}");
        }
        let twice = "Origin: http://192.168.4.1\r\nOrigin: http://example.org\r\n";
        assert_eq!(with(twice), Route::Refuse(Refusal::Malformed));
    }

    #[test]
    fn a_form_is_taken_under_our_own_address_only() {
        for (target, host) in [
            ("/", "Host: example.org\r\n"),
            ("/", "Host: 192.168.4.1.nip.io\r\n"),
            ("/", "Host: 192.168.4.1:8080\r\n"),
            ("/", ""),
            ("http://example.org/", "Host: 192.168.4.1\r\n"),
            ("http://192.168.4.1/", "Host: example.org\r\n"),
            ("/generate_204", "Host: connectivitycheck.gstatic.com\r\n"),
        ] {
            let head = format!("POST {target} HTTP/1.1\r\n{host}Content-Length: 17\r\n\r\n");
            assert_eq!(routed(&head), Route::Refuse(Refusal::Foreign), "{target} {host:?}");
            // A question for the same leads to the form.
            let head = format!("GET {target} HTTP/1.1\r\n{host}\r\n");
            assert!(matches!(routed(&head), Route::Form | Route::Redirect), "{target} {host:?}");
        }
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        for wrong in ["\u{16}\u{3}\u{1}\u{2}\0\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"]
        {
            assert_eq!(routed(wrong), Route::Refuse(Refusal::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn a_head_has_an_end() {
        let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(2 * HEAD));
        assert_eq!(parse(&endless.as_bytes()[..HEAD - 1]), Ok(None));
        assert_eq!(parse(&endless.as_bytes()[..HEAD]), Err(Refusal::HeadTooLarge));
        assert_eq!(parse(endless.as_bytes()), Err(Refusal::HeadTooLarge));
        let many: String = (0..=FIELDS).map(|number| format!("{number}: x\r\n")).collect();
        assert_eq!(routed(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Route::Refuse(Refusal::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn no_head_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_target_is_too_strange(target in "[ -~]{0,40}", host in "[ -~]{0,40}", length in "[ -~]{0,10}") {
            let _ = parse(format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n").as_bytes());
        }
    }
}
