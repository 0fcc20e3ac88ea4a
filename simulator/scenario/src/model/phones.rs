//! People with phones, who set the device up in configuration mode or try to.

use std::collections::BTreeMap;
use std::time::Duration;

use simulator_record::events::DeviceId;

use super::{Begin, Place};

pub use simulator_world::phone::{Charset, Habits, PhoneKind};

/// A person with a phone.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its name; no two phones have the same.
    pub name: String,
    /// The device that it sets up: whose label it reads, and whose channel's key it knows.
    pub device: DeviceId,
    /// What it is, and how it is used.
    pub habits: Habits,
    /// When it begins.
    pub arrives: Begin,
    /// What it does, one after the other; each begins when the one before has ended or failed.
    pub does: Vec<PhoneAction>,
    /// Whether a run fails in which it never had an effect.
    pub require_effect: bool,
    /// Where it stands in the file.
    pub place: Place,
}

/// One thing that a phone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneAction {
    /// Joins a network and asks for an address.
    Join {
        /// The network's name.
        network: String,
        /// As typed; empty for an open network. `None`: as the device's label says.
        passphrase: Option<String>,
    },
    /// Opens a page and follows redirects.
    Open {
        /// `http://…`
        url: String,
    },
    /// Waits until it has found a login page by itself, and opens it.
    SignIn,
    /// Gets a page, fills in its form and sends it as a browser does.
    Submit(Form),
    /// Sends a request to 192.168.4.1, port 80.
    Request(Request),
    /// Sends these bytes one at a time and then no more.
    Dribble {
        /// What to send.
        bytes: String,
        /// Between two bytes.
        every: Duration,
    },
    /// Connects to port 80 and says nothing for so long.
    ConnectAndSayNothing(Duration),
    /// Does nothing for so long.
    Wait(Duration),
    /// Leaves the network.
    Leave,
}

/// What a person types into the form; `None` leaves a field as the page shows it. As typed: wrong input is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Field `network`.
    pub network: Option<String>,
    /// Field `passphrase`.
    pub passphrase: Option<String>,
    /// Field `write-key`.
    pub write_key: Option<Typed>,
    /// Field `host`.
    pub host: Option<String>,
    /// Field `port`.
    pub port: Option<String>,
    /// Field `tls`.
    pub tls: Option<bool>,
    /// Field `trusted-issuer`.
    pub trusted_issuer: Option<Typed>,
    /// Field `interval`, in seconds.
    pub interval: Option<String>,
    /// Field `sensor`.
    pub sensor: Option<String>,
    /// The page that has the form (`http://…`); default that of the device that is joined.
    pub page: Option<String>,
    /// In which encoding it is sent; `None` for UTF-8, and for a phone of a kind that of the page.
    pub charset: Option<Charset>,
    /// Fields of other names.
    pub fields: BTreeMap<String, String>,
}

/// What is typed into a field whose right value only the run knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The simulated cloud's: its channel's write key, or the SHA-256 of its authority's certificate in hexadecimal
    /// digits (file: `channel`, `cloud`).
    OfTheCloud,
    /// This.
    Text(String),
}

/// An HTTP request to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Sent besides `Host` and `Content-Length`.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: RequestBody,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// None.
    None,
    /// This text.
    Text(String),
    /// So many letters.
    Bytes(u32),
}
