//! A listening socket that is shut for as long as a fault says so: the operating system then refuses connections itself,
//! which nobody who accepts them can do. Connections that exist stay. Afterwards it is at the same address again, also
//! where the port was chosen by the operating system.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep_until;

use super::desk::Desk;
use super::reason;

/// How long to wait for a port that somebody else took meanwhile.
const RETRY: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(super) struct Door {
    address: SocketAddr,
    /// `None`: it is shut.
    listener: Option<TcpListener>,
}

impl Door {
    /// The door that `listener` is.
    pub(super) fn new(listener: TcpListener) -> io::Result<Self> {
        Ok(Self { address: listener.local_addr()?, listener: Some(listener) })
    }

    /// The next connection.
    pub(super) async fn accept(&mut self, desk: &Desk) -> io::Result<(TcpStream, SocketAddr)> {
        let mut missed = false;
        loop {
            // Made before the faults are looked at, so that none is missed that is set afterwards.
            let faults_changed = desk.faults_changed.notified();
            match (desk.refuses_connections(), self.listener.take()) {
                (Some((rule, end)), open) => {
                    if open.is_some() {
                        desk.log.say(format_args!("{}: refuses connections ({rule})", self.address));
                        drop(open);
                    }
                    tokio::select! {
                        () = faults_changed => {}
                        () = sleep_until(end) => {}
                    }
                }
                (None, Some(listener)) => {
                    let listener = self.listener.insert(listener);
                    tokio::select! {
                        accepted = listener.accept() => return accepted,
                        () = faults_changed => {}
                    }
                }
                (None, None) => match TcpListener::bind(self.address).await {
                    Ok(listener) => {
                        desk.log.say(format_args!("{}: takes connections again", self.address));
                        self.listener = Some(listener);
                    }
                    Err(error) => {
                        // Once, however long it takes.
                        if !std::mem::replace(&mut missed, true) {
                            let (address, reason) = (self.address, reason(&error));
                            desk.log.say(format_args!("{address}: cannot be listened on again yet: {reason}"));
                        }
                        tokio::time::sleep(RETRY).await;
                    }
                },
            }
        }
    }
}
