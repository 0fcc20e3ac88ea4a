//! Where a request comes from: the machine that the server runs on, or elsewhere.
//!
//! Keys and the page that injects faults are only for requests from the server's own machine. That the connection comes
//! from there is not enough:
//!
//! * A page from elsewhere can let its name point here and have a browser on this machine ask (DNS rebinding). So the
//!   request has to name the server by an address or as `localhost`; where others may ask too, by a name that is the
//!   server's own.
//! * A proxy on this machine asks for others. So a request does not count as local if a proxy has marked it (RFC 7239
//!   `Forwarded`, RFC 9110 §7.6.3 `Via`, and what was in use before), nor if it is HTTP/1.0, which nginx speaks with
//!   what is behind it unless it is told otherwise, without a mark.
//!
//! Not noticed: what hands on bytes without a look at them, such as a tunnel of SSH. Requests through it count as
//! local.

use std::net::IpAddr;

use http::header::{FORWARDED, HOST, HeaderName, VIA};
use http::uri::Authority;
use http::{Request, Version};

/// What proxies add to a request, of which one is enough.
static MARKS: [HeaderName; 9] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    is_local: bool,
    is_proxied: bool,
    /// The server's name or address in the request, in small letters and without a port; `None` if it names none.
    calls_it: Option<String>,
}

impl Visitor {
    /// Where `request` comes from, on a connection from the address `client`.
    pub fn of<B>(request: &Request<B>, client: IpAddr) -> Self {
        let headers = request.headers();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
        // What the target says counts before the header (RFC 9112 §3.2.2).
        let authority = request.uri().authority().cloned().or(host);
        Self {
            is_local: client.to_canonical().is_loopback(),
            is_proxied: request.version() < Version::HTTP_11 || MARKS.iter().any(|mark| headers.contains_key(mark)),
            calls_it: authority.map(|authority| authority.host().to_ascii_lowercase()),
        }
    }

    /// The connection comes from the machine that the server runs on.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// A proxy passed the request on, from a client that may be anywhere.
    pub fn is_proxied(&self) -> bool {
        self.is_proxied
    }

    /// The request comes from the machine that the server runs on, not through a proxy, and names the server as one
    /// that a page from elsewhere cannot.
    pub fn is_on_this_machine(&self) -> bool {
        self.is_local && !self.is_proxied && self.means_one_of(&[])
    }

    /// The request calls the server by an address, as `localhost`, or by one of these names. No page from elsewhere has
    /// such a name.
    pub fn means_one_of(&self, names: &[String]) -> bool {
        self.calls_it.as_deref().is_some_and(|host| {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            let plain = host.trim_end_matches('.');
            address.is_ok()
                || plain == "localhost"
                || plain.ends_with(".localhost")
                || names.iter().any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(plain))
        })
    }
}

/// Which requests may inject faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'n> {
    /// Those from the machine that the server runs on.
    ThisMachine,
    /// Those that call the server by an address or by one of these names.
    Anywhere(&'n [String]),
}

impl Control<'_> {
    /// Whether a request from there may.
    pub fn is_for(self, visitor: &Visitor) -> bool {
        match self {
            Self::ThisMachine => visitor.is_on_this_machine(),
            Self::Anywhere(names) => visitor.means_one_of(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(client: &str, uri: &str, version: Version, headers: &[(&str, &str)]) -> Visitor {
        let mut request = Request::builder().uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Visitor::of(&request.body(()).unwrap(), client.parse().unwrap())
    }

    #[test]
    fn a_request_through_a_proxy_is_not_from_this_machine() {
        let host = ("host", "localhost:8080");
        assert!(visitor("127.0.0.1", "/", Version::HTTP_11, &[host]).is_on_this_machine());
        for mark in &MARKS {
            let visitor = visitor("127.0.0.1", "/", Version::HTTP_11, &[host, (mark.as_str(), "127.0.0.1")]);
            assert!(visitor.is_proxied() && !visitor.is_on_this_machine(), "{mark}");
        }
        assert!(!visitor("127.0.0.1", "/", Version::HTTP_10, &[host]).is_on_this_machine());
    }

    #[test]
    fn the_server_has_names_of_its_own() {
        let names = ["pond.local".to_owned(), "api.thingspeak.com".to_owned()];
        let calls = |host| visitor("192.0.2.7", "/", Version::HTTP_11, &[("host", host)]);
        for host in ["pond.local", "POND.local.:80", "192.0.2.1", "[2001:db8::1]:8080", "localhost", "a.localhost"] {
            assert!(calls(host).means_one_of(&names), "{host}");
            assert!(!calls(host).is_on_this_machine(), "{host}");
        }
        for host in ["", "evil.example", "pond.local.evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
        {
            assert!(!calls(host).means_one_of(&names), "{host}");
        }
        assert!(!visitor("192.0.2.7", "/", Version::HTTP_11, &[]).means_one_of(&names));
    }

    #[test]
    fn the_target_counts_before_the_header() {
        let local = ("host", "localhost");
        assert!(!visitor("127.0.0.1", "http://evil.example/", Version::HTTP_11, &[local]).is_on_this_machine());
        assert!(visitor("127.0.0.1", "http://127.0.0.1:8080/", Version::HTTP_11, &[local]).is_on_this_machine());
    }
}
