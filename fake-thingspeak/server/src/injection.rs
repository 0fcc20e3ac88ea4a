//! What a person can make go wrong on a server that runs: one vocabulary for the command line, for `/_preflash/faults`
//! and for the page that injects faults.
//!
//! A fault strikes a request ([`Fault`]), a new connection ([`ConnectionFault`]), or a new connection over TLS
//! ([`TlsFault`]). The words are those of a scenario's `inject.cloud`, `inject.man-in-the-middle`, `[cloud]` and
//! `route`, where a server on real sockets can do what they say.

use std::time::Duration;

use fake_thingspeak::attack::Attack;
use fake_thingspeak::certificates::Kind;
use fake_thingspeak::serve::{Fault, FaultNeeds, WrittenReply};
use fake_thingspeak::vocabulary;

vocabulary! {
    /// What happens to a new connection.
    pub enum ConnectionFault {
        /// It is accepted, and nothing comes of it.
        Silent: "silent-connection", "Accepts a connection, and does nothing.";
        /// It is accepted, and then reset.
        Reset: "reset-connection", "Accepts a connection, and resets it.";
        /// The server does not listen.
        Refused: "refused-connection", "Refuses connections.";
    }
}

vocabulary! {
    /// How a new connection over TLS goes wrong.
    pub enum TlsFaultKind {
        /// The server shows a bad certificate.
        Certificate: "certificate", "Shows a bad certificate over TLS.";
        /// An attacker answers in the server's place.
        Attack: "man-in-the-middle", "Lets an attacker answer over TLS.";
    }
}

/// What happens to a new connection over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The server shows this bad certificate.
    Certificate(Kind),
    /// An attacker answers in the server's place.
    Attack(Attack),
}

/// A fault that can be injected.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    /// The word, such as `drop-before-storing`.
    pub word: &'static str,
    /// What the server does then, in a sentence with a full stop. What stands between backticks is code.
    pub about: &'static str,
    /// What it concerns, and what has to be said with it.
    pub effect: InjectedEffect,
}

/// What an injected fault concerns, and what has to be said with it.
#[derive(Clone, Copy, Debug)]
pub enum InjectedEffect {
    /// A request, and nothing has to be said.
    Request(Fault),
    /// A request; a status from 200 to 599 has to be said.
    RequestWithStatus(fn(u16) -> Fault),
    /// A request, which is answered as it has to be written: status, headers, body.
    Reply,
    /// A request; a time has to be said.
    RequestWithDelay(fn(Duration) -> Fault),
    /// A new connection.
    Connection(ConnectionFault),
    /// A new connection over TLS; a bad certificate or an attack has to be said.
    Tls(TlsFaultKind),
}

/// All that can be injected, in the order in which it is listed.
pub fn injections() -> impl Iterator<Item = Injection> {
    let requests = Fault::WORDS.iter().filter_map(|fault| {
        let effect = match fault.needs {
            FaultNeeds::Nothing(fault) => InjectedEffect::Request(fault),
            FaultNeeds::Status(make) => InjectedEffect::RequestWithStatus(make),
            FaultNeeds::Delay(make) => InjectedEffect::RequestWithDelay(make),
            // A server on real sockets tells the machine's time; a wrong one is for simulated worlds.
            FaultNeeds::Error(_) => return None,
        };
        Some(Injection { word: fault.word, about: fault.about, effect })
    });
    let reply = Injection { word: WrittenReply::WORD, about: WrittenReply::ABOUT, effect: InjectedEffect::Reply };
    let connections = ConnectionFault::ALL.iter().map(|fault| {
        let effect = InjectedEffect::Connection(*fault);
        Injection { word: fault.word(), about: fault.about(), effect }
    });
    let tls = TlsFaultKind::ALL.iter().map(|kind| {
        let effect = InjectedEffect::Tls(*kind);
        Injection { word: kind.word(), about: kind.about(), effect }
    });
    requests.chain([reply]).chain(connections).chain(tls)
}

impl TlsFaultKind {
    /// The parameter that says which certificate or attack.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Attack => "attack",
        }
    }

    /// What the parameter may say, with what comes of it.
    pub fn choices(self) -> Vec<(&'static str, TlsFault)> {
        match self {
            Self::Certificate => Kind::BAD.iter().map(|kind| (kind.word(), TlsFault::Certificate(*kind))).collect(),
            Self::Attack => Attack::ALL.iter().map(|attack| (attack.word(), TlsFault::Attack(*attack))).collect(),
        }
    }
}
