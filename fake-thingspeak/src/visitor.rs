//! Who asks: whoever sits at the machine that the server runs on, or somebody from elsewhere.
//!
//! Some things are for the desk alone: keys, and making the cloud fail. A connection from this machine is not enough, as a
//! page from elsewhere lets its name point here and have a browser at the desk ask (DNS rebinding); so the request has to
//! name the server by an address or as `localhost`, too.

use std::net::IpAddr;

use http::header::HOST;
use http::{Request, Uri};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    is_here: bool,
    means_here: bool,
}

impl Visitor {
    /// Whose request that is, which came from the address `client`.
    pub fn of<B>(request: &Request<B>, client: IpAddr) -> Self {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.parse::<Uri>().ok()?.host().map(str::to_ascii_lowercase));
        let names_here = |host: String| {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            address.is_ok() || host == "localhost" || host.ends_with(".localhost")
        };
        Self { is_here: client.to_canonical().is_loopback(), means_here: host.is_some_and(names_here) }
    }

    /// The connection comes from the machine that the server runs on.
    pub fn is_here(self) -> bool {
        self.is_here
    }

    /// It does, and the request names this machine.
    pub fn is_at_desk(self) -> bool {
        self.is_here && self.means_here
    }
}
