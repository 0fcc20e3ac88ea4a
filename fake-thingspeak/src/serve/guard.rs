//! What keeps a browser from taking a reply for a page of this server that its author may have scripts in.
//!
//! Replies hold text from elsewhere: values that devices store, and what a request has in its parameters. A page of
//! this server may see keys and set faults. So no such text may become a page, however the request wants its reply
//! (`headers=false` drops what the service sends along). [`guarded`] is the last thing that is done to each reply, the
//! cloud's and the host's own alike, so that none can be forgotten:
//!
//! * A reply that is more than a word or a number has a `Content-Type` (plain text, if it came without one) and
//!   `X-Content-Type-Options: nosniff`, so that no browser guesses another type (WHATWG, MIME Sniffing §7).
//! * A reply with markup in it and without a policy of its own has one under which it loads nothing and runs no script
//!   (CSP3 §6.3.2 `sandbox`).
//!
//! Words and numbers stay as they are: they are for devices, many of which ask for no headers, and no browser makes a
//! page of them.

use http::Response;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::body::Bytes;

/// The type of a reply that came without one.
static PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
static NO_GUESSING: HeaderValue = HeaderValue::from_static("nosniff");
static NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// `response` with what it lacks.
pub(super) fn guarded(mut response: Response<Bytes>) -> Response<Bytes> {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    if response.body().iter().all(harmless) {
        return response;
    }
    let has_markup = response.body().contains(&b'<');
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, PLAIN.clone());
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_GUESSING.clone());
    if has_markup && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, NO_PAGE.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(body: &'static str, content_type: Option<&'static str>) -> [Option<String>; 3] {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let response = guarded(response);
        [CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS, CONTENT_SECURITY_POLICY]
            .map(|name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn words_and_numbers_stay_bare() {
        for body in ["", "18", "0", "-1", "21.5", "error_auth_required"] {
            assert_eq!(headers(body, None), [None, None, None], "{body}");
        }
    }

    #[test]
    fn whatever_else_has_a_type_and_markup_a_policy() {
        let expect = |body, given, expected: [Option<&str>; 3]| {
            assert_eq!(headers(body, given), expected.map(|value| value.map(str::to_owned)), "{body}");
        };
        let (plain, nosniff, sandbox) =
            (Some("text/plain; charset=utf-8"), Some("nosniff"), Some("default-src 'none'; sandbox"));
        for body in ["<b>", "21 <", "\u{1b}$B<"] {
            expect(body, None, [plain, nosniff, sandbox]);
        }
        for body in ["{}", "21,5", "%PDF-1.7", "a b", "\u{fc}"] {
            expect(body, None, [plain, nosniff, None]);
        }
        expect("<b>", Some("text/html"), [Some("text/html"), nosniff, sandbox]);
        expect("{}", Some("application/json"), [Some("application/json"), nosniff, None]);
    }

    #[test]
    fn a_policy_of_the_replys_own_stays() {
        let mut response = Response::new(Bytes::from_static(b"<p>"));
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("script-src 'self'"));
        assert_eq!(guarded(response).headers()[CONTENT_SECURITY_POLICY], "script-src 'self'");
    }
}
