//! HTTP/1.1 (RFC 9112) as a phone's browser speaks it: requests put together, replies taken apart.
//!
//! Not modelled: TLS, caching, cookies, compression, reuse of a connection.

use std::fmt;

use http::Uri;

/// The port of `http:` addresses.
const HTTP: u16 = 80;
/// The version of HTTP that browsers speak.
pub(super) const VERSION: &str = "HTTP/1.1";

/// What a browser says of itself with each request for a page; devices have to have room for it.
pub(super) type Browser = &'static [(&'static str, &'static str)];

/// An `http:` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub host: String,
    pub port: u16,
    /// Path and query.
    pub path: String,
}

impl Url {
    /// Parses an absolute `http:` address; `None` for others.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.split('#').next()?.parse().ok()?;
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let authority = uri.authority()?;
        // What stands behind the colon may be no port: 70000.
        let names_port = authority.as_str().rsplit(['@', ']']).next()?.contains(':');
        let port = authority.port_u16().or((!names_port).then_some(HTTP))?;
        Some(Self { host: uri.host()?.to_owned(), port, path })
    }

    /// Where a link on this page leads (RFC 3986 §5.2, without dot segments).
    pub fn join(&self, reference: &str) -> Option<Self> {
        let path = match reference {
            "" => self.path.clone(),
            _ if reference.contains("://") => return Self::parse(reference),
            _ if reference.starts_with("//") => return Self::parse(&format!("http:{reference}")),
            _ if reference.starts_with('/') => reference.to_owned(),
            _ if reference.starts_with('?') => format!("{}{reference}", self.path.split('?').next()?),
            _ => {
                let path = self.path.split('?').next()?;
                let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
                format!("{directory}/{reference}")
            }
        };
        Self::parse(&Self { path, ..self.clone() }.to_string())
    }

    fn authority(&self) -> String {
        if self.port == HTTP { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub method: String,
    /// `HTTP/1.1`
    pub version: &'static str,
    pub url: Url,
    /// Besides `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A request for a page, from a browser that says this of itself.
    pub fn page(url: Url, browser: Browser) -> Self {
        let headers = browser_headers(browser);
        Self { method: "GET".to_owned(), version: VERSION, url, headers, body: Vec::new() }
    }

    /// The sending of a form from the page at `from`.
    pub fn form(url: Url, from: &Url, encoded: String, browser: Browser) -> Self {
        let mut headers = browser_headers(browser);
        headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        headers.push(("Origin".to_owned(), format!("http://{}", from.authority())));
        headers.push(("Referer".to_owned(), from.to_string()));
        Self { method: "POST".to_owned(), version: VERSION, url, headers, body: encoded.into_bytes() }
    }

    /// The request as it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let has = |name: &str| self.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        let mut head = format!("{} {} {}\r\n", self.method, self.url.path, self.version);
        if !has("host") {
            head += &format!("Host: {}\r\n", self.url.authority());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let announces = !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if announces && !has("content-length") && !has("transfer-encoding") {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        [head.as_bytes(), &self.body].concat()
    }
}

/// `GET http://192.168.4.1/`
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

fn browser_headers(browser: Browser) -> Vec<(String, String)> {
    browser.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub status: u16,
    pub location: Option<String>,
    /// The encoding that `Content-Type` says the body has.
    pub charset: Option<String>,
    pub body: String,
}

/// What was received is no HTTP reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoReply;

/// The reply in `received`; `None` if it has not arrived completely. `ended` tells that nothing more will come.
pub(super) fn parse_reply(received: &[u8], method: &str, ended: bool) -> Result<Option<Reply>, NoReply> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(received).map_err(|_| NoReply)? else { return Ok(None) };
    let header = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
    };
    let status = head.code.ok_or(NoReply)?;
    let rest = &received[length..];
    let body = if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
        Some(Vec::new())
    } else if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        dechunk(rest)?
    } else if let Some(announced) = header("content-length") {
        let announced: usize = announced.parse().map_err(|_| NoReply)?;
        rest.get(..announced).map(<[u8]>::to_vec)
    } else {
        ended.then(|| rest.to_vec())
    };
    let charset = || {
        let kind = header("content-type")?;
        let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
        Some(charset.trim().trim_matches('"').to_owned())
    };
    let reply = |body: Vec<u8>| Reply {
        status,
        location: header("location"),
        charset: charset(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    Ok(body.map(reply))
}

/// A chunked body (RFC 9112 §7.1); `None` if its end has not arrived.
fn dechunk(mut rest: &[u8]) -> Result<Option<Vec<u8>>, NoReply> {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((start, size))) => (start, usize::try_from(size).map_err(|_| NoReply)?),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoReply),
        };
        if size == 0 {
            return Ok(Some(body));
        }
        let end = start.checked_add(size).ok_or(NoReply)?;
        let Some(after) = end.checked_add(2).and_then(|after| rest.get(after..)) else { return Ok(None) };
        body.extend_from_slice(&rest[start..end]);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_joined() {
        let url = Url::parse("http://connectivitycheck.gstatic.com/generate_204").unwrap();
        assert_eq!(
            (url.host.as_str(), url.port, url.path.as_str()),
            ("connectivitycheck.gstatic.com", 80, "/generate_204")
        );
        let join = |reference| url.join(reference).map(|url| url.to_string());
        assert_eq!(join("http://192.168.4.1/").as_deref(), Some("http://192.168.4.1/"));
        assert_eq!(join("/save").as_deref(), Some("http://connectivitycheck.gstatic.com/save"));
        assert_eq!(join("save?a=1").as_deref(), Some("http://connectivitycheck.gstatic.com/save?a=1"));
        assert_eq!(join("").as_deref(), Some("http://connectivitycheck.gstatic.com/generate_204"));
        assert_eq!(join("https://192.168.4.1/"), None);
        assert_eq!(Url::parse("http://duck:8080").unwrap().to_string(), "http://duck:8080/");
        assert_eq!(Url::parse("http://192.168.4.1:70000/"), None);
    }

    #[test]
    fn a_reply_may_say_its_encoding() {
        let charset = |kind: &str| {
            let received = format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: 0\r\n\r\n");
            parse_reply(received.as_bytes(), "GET", false).unwrap().unwrap().charset
        };
        assert_eq!(charset(""), None);
        assert_eq!(charset("Content-Type: text/html\r\n"), None);
        assert_eq!(charset("Content-Type: text/html; x=1; Charset=\"utf-8\"\r\n").as_deref(), Some("utf-8"));
    }

    #[test]
    fn a_reply_is_complete_at_its_length_its_last_chunk_or_its_end() {
        let body =
            |received: &str, ended| parse_reply(received.as_bytes(), "GET", ended).map(|reply| reply.map(|r| r.body));
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false), Ok(Some("ok".to_owned())));
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", true), Ok(None));
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nok", false), Ok(None));
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nok", true), Ok(Some("ok".to_owned())));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(body(chunked, false), Ok(Some("abcd".to_owned())));
        assert_eq!(body(&chunked[..chunked.len() - 9], false), Ok(None));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n", false), Ok(Some(String::new())));
        assert_eq!(body("SSH-2.0-dropbear\r\n", false), Err(NoReply));
    }

    proptest::proptest! {
        #[test]
        fn no_reply_is_too_strange(head in "HTTP/1.1 200 OK\r\n(Transfer-Encoding: chunked|Content-Length: [0-9]{1,25})\r\n\r\n", rest: Vec<u8>) {
            let received = [head.as_bytes(), &rest].concat();
            let _ = parse_reply(&received, "GET", true);
        }
    }
}
