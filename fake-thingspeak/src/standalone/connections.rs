//! Connections on real sockets, HTTP's and MQTT's alike, from the door to what is spoken on them: each is a task of its own,
//! and faults that strike before anything is said have it first.
//!
//! What few connections need is in places of its own (`Box::pin`), so that the many are small.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use fake_thingspeak::serve::{Ending, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::desk::{CONNECTIONS, Desk, Guest, Meeting};
use super::door::Door;
use super::faults::ConnectionFault;
use super::{man_in_the_middle, mqtt};
use crate::socket::Socket;

/// How long a connection lasts of which nothing comes.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Protocol {
    Http,
    /// Without WebSockets; with them it begins as HTTP.
    Mqtt,
}

/// Takes connections for ever, with or without TLS, in a task of its own.
pub(super) fn take(listener: TcpListener, protocol: Protocol, tls: bool, desk: &Rc<Desk>) -> io::Result<()> {
    let (mut door, desk) = (Door::new(listener)?, Rc::clone(desk));
    tokio::task::spawn_local(async move {
        loop {
            match door.accept(&desk).await {
                Ok((stream, client)) if desk.connections.take(client.ip(), 1) => {
                    tokio::task::spawn_local(connection(stream, protocol, tls, Guest::new(&desk, client)));
                }
                Ok((_, client)) => {
                    let ((all, own), client) = (desk.connections.taken(client.ip()), client.ip());
                    desk.log.say(format_args!(
                        "turned {client} away: it has {own} of {all} connections, and there are {CONNECTIONS} for all"
                    ));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for connections to end.
                    desk.log.say(format_args!("could not take a connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

async fn connection(stream: TcpStream, protocol: Protocol, tls: bool, guest: Guest) {
    attend(stream, protocol, tls, &guest).await;
    guest.desk.connections.give(guest.client.ip(), 1);
}

async fn attend(mut stream: TcpStream, protocol: Protocol, tls: bool, guest: &Guest) {
    // A reply is written at once and small: waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    if guest.desk.has_connection_faults() {
        // The request to clear them has to get through.
        let is_control = protocol == Protocol::Http && !tls && Box::pin(is_control(&stream)).await;
        if !is_control {
            match Box::pin(admitted(stream, guest)).await {
                Some(admitted) => stream = admitted,
                None => return,
            }
        }
    }
    let mut config = None;
    if tls {
        config = match guest.meeting() {
            Some(Meeting::Cloud(config)) => Some(config),
            Some(Meeting::ManInTheMiddle(attack)) => {
                return Box::pin(man_in_the_middle::attack(attack, Socket::new(stream), guest)).await;
            }
            // Better no service than one without the encryption that was promised.
            None => return,
        };
    }
    let socket = Socket::new(stream);
    match protocol {
        Protocol::Mqtt => Box::pin(mqtt::serve(socket, config, guest)).await,
        Protocol::Http => {
            if serve(socket, config, guest.client.ip(), guest).await == Ending::Failed {
                guest.tell(format_args!("connection ended: it broke, or what came could not be read as HTTP"));
            }
        }
    }
}

/// The connection, unless a fault has it end before anything is said.
async fn admitted(mut stream: TcpStream, guest: &Guest) -> Option<TcpStream> {
    match guest.connection_fault() {
        None => return Some(stream),
        Some(ConnectionFault::Silent) => {
            // Until the client gives up, or has been patient enough.
            let _ = timeout(PATIENCE, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
        }
        // Refused: taken before the door was shut.
        Some(ConnectionFault::Reset | ConnectionFault::Refused) => drop(Socket::new(stream)),
    }
    None
}

/// Whether the first thing that comes is a request to set or clear faults, which no fault may keep away.
async fn is_control(stream: &TcpStream) -> bool {
    let mut start = [0; 256];
    let looked = timeout(PATIENCE, stream.peek(&mut start)).await;
    let length = looked.ok().and_then(Result::ok).unwrap_or_default();
    start[..length].split(|byte| *byte == b' ').nth(1).is_some_and(|path| path.starts_with(b"/_preflash/"))
}
