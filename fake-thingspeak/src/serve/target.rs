//! Which host a request is for: exactly one `Host`, and a sound one (RFC 9112 §3.2, RFC 3986 §3.2.2).
//!
//! A proxy in front of a server may look at another of two hosts than the server does, or read more into a malformed
//! one. So HTTP/1.1 has such requests refused with 400, and those without a host. An empty host is that of a target
//! that has none, and is sound. HTTP/1.0 does not know the header.

use std::net::Ipv6Addr;

use http::header::HOST;
use http::{Request, Version};

/// Whether the request names one host.
pub(super) fn names_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => is_sound(host.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// Whether this is a host, or a host and a port.
fn is_sound(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let (address, port) = (&rest[..end], &rest[end + 1..]);
            let address = str::from_utf8(address).ok().and_then(|address| address.parse::<Ipv6Addr>().ok());
            if address.is_none() {
                return false;
            }
            (&b"v6"[..], port)
        }
        _ => host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len())),
    };
    let in_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => !name.is_empty() && digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port && name.iter().all(in_a_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn one_host_is_one_host() {
        for host in [
            "",
            "x",
            "api.thingspeak.com",
            "localhost:8080",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::7]:443",
            "pond.local.:80",
            "x:",
            "a%20b",
            "duck_1.lan",
        ] {
            assert!(names_one_host(&request(Version::HTTP_11, &[host])), "{host}");
        }
        for host in [
            ":80",
            "x:y",
            "x:80:81",
            "x:123456",
            "a b",
            "user@x",
            "x/y",
            "x?y",
            "[::1",
            "[x]",
            "[::1]y",
            "::1",
            "<x>",
            "x\\y",
            "x, y",
            "\u{fc}.de",
        ] {
            assert!(!names_one_host(&request(Version::HTTP_11, &[host])), "{host}");
        }
    }

    #[test]
    fn no_host_is_for_the_old_and_two_are_for_nobody() {
        assert!(names_one_host(&request(Version::HTTP_10, &[])));
        assert!(!names_one_host(&request(Version::HTTP_11, &[])));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert!(!names_one_host(&request(version, &["x", "x"])));
            assert!(!names_one_host(&request(version, &["x", "y"])));
        }
    }
}
