//! Connections on real sockets, of HTTP and MQTT alike, from accepting them to what is spoken on them. Each is a task
//! of its own, and faults that strike before anything is said come first.
//!
//! What only few connections need is boxed (`Box::pin`), so that the task of each connection is small.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::injection::ConnectionFault;
use fake_thingspeak::serve::{Ending, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::client::{Client, TlsPeer};
use crate::gated_listener::GatedListener;
use crate::http_host::HttpHost;
use crate::socket::Socket;
use crate::state::{CONNECTIONS, ServerState};
use crate::{man_in_the_middle, mqtt};

/// How long a connection that a fault keeps silent lasts at most.
const IDLE: Duration = Duration::from_secs(600);

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Protocol {
    Http,
    /// Without WebSockets; with them it begins as HTTP.
    Mqtt,
}

/// Accepts connections for ever, with or without TLS, in a task of its own.
pub(crate) fn accept(listener: TcpListener, protocol: Protocol, tls: bool, state: &Rc<ServerState>) -> io::Result<()> {
    let (mut listener, state) = (GatedListener::new(listener)?, Rc::clone(state));
    tokio::task::spawn_local(async move {
        loop {
            match listener.accept(&state).await {
                Ok((stream, client)) if state.connections.take(client.ip(), 1) => {
                    tokio::task::spawn_local(connection(stream, protocol, tls, Client::new(&state, client)));
                }
                Ok((_, client)) => {
                    let ((all, own), client) = (state.connections.taken(client.ip()), client.ip());
                    tracing::warn!(
                        target: "connection",
                        %client,
                        "turned away: it has {own} of {all} connections, and there are {CONNECTIONS} for all"
                    );
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for connections to end.
                    tracing::error!(target: "connection", "could not take a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

async fn connection(stream: TcpStream, protocol: Protocol, tls: bool, client: Client) {
    serve_connection(stream, protocol, tls, &client).await;
    client.state.connections.give(client.address.ip(), 1);
}

async fn serve_connection(mut stream: TcpStream, protocol: Protocol, tls: bool, client: &Client) {
    // A reply is written at once and small: waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    if client.state.has_connection_faults() {
        // The request to clear them has to get through.
        let is_control = protocol == Protocol::Http && !tls && Box::pin(is_control(&stream)).await;
        if !is_control {
            match Box::pin(apply_connection_fault(stream, client)).await {
                Some(unharmed) => stream = unharmed,
                None => return,
            }
        }
    }
    let mut config = None;
    if tls {
        config = match client.tls_peer() {
            Some(TlsPeer::Cloud(config)) => Some(config),
            Some(TlsPeer::ManInTheMiddle(attack)) => {
                return Box::pin(man_in_the_middle::attack(attack, Socket::new(stream), client)).await;
            }
            // No service is better than one without the encryption that was promised.
            None => return,
        };
    }
    let socket = Socket::new(stream);
    match protocol {
        Protocol::Mqtt => Box::pin(mqtt::serve(socket, config, client)).await,
        Protocol::Http => {
            if serve(socket, config, client.address.ip(), &HttpHost(client)).await == Ending::Failed {
                let name = &client.name;
                tracing::info!(target: "http", client = name, "connection ended: it broke, or what came could not be read as HTTP");
            }
        }
    }
}

/// The connection, unless a fault ends it before anything is said.
async fn apply_connection_fault(mut stream: TcpStream, client: &Client) -> Option<TcpStream> {
    match client.connection_fault() {
        None => return Some(stream),
        Some(ConnectionFault::Silent) => {
            // Until the client gives up.
            let _ = timeout(IDLE, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
        }
        // Refused: accepted before the listener was closed.
        Some(ConnectionFault::Reset | ConnectionFault::Refused) => drop(Socket::new(stream)),
    }
    None
}

/// Whether the connection begins with a request to set or clear faults, which no fault may keep away.
async fn is_control(stream: &TcpStream) -> bool {
    let mut start = [0; 256];
    let looked = timeout(IDLE, stream.peek(&mut start)).await;
    let length = looked.ok().and_then(Result::ok).unwrap_or_default();
    start[..length].split(|byte| *byte == b' ').nth(1).is_some_and(|path| path.starts_with(b"/_preflash/"))
}
