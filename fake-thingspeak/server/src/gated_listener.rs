//! A listening socket that a fault can close for a while. The operating system then refuses connections itself, which a
//! server that accepts them cannot do. Connections that exist stay. Afterwards the socket is at the same address again,
//! also where the operating system chose the port.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep_until;

use crate::error::reason;
use crate::state::ServerState;

/// How long to wait before another try for a port that another program took meanwhile.
const RETRY: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(crate) struct GatedListener {
    address: SocketAddr,
    /// `None` while it is closed.
    listener: Option<TcpListener>,
}

impl GatedListener {
    /// Gates `listener`.
    pub(crate) fn new(listener: TcpListener) -> io::Result<Self> {
        Ok(Self { address: listener.local_addr()?, listener: Some(listener) })
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self, state: &ServerState) -> io::Result<(TcpStream, SocketAddr)> {
        let mut missed = false;
        loop {
            // Before the faults are read: a fault that is set afterwards is not missed.
            let faults_changed = state.faults_changed.notified();
            match (state.refuses_connections(), self.listener.take()) {
                (Some((rule, end)), open) => {
                    if open.is_some() {
                        tracing::info!(target: "connection", rule, "{}: refuses connections ({rule})", self.address);
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
                        tracing::info!(target: "connection", "{}: takes connections again", self.address);
                        self.listener = Some(listener);
                    }
                    Err(error) => {
                        // Logged once, however long it takes.
                        if !std::mem::replace(&mut missed, true) {
                            let (address, reason) = (self.address, reason(&error));
                            tracing::warn!(target: "connection", "{address}: cannot be listened on again yet: {reason}");
                        }
                        tokio::time::sleep(RETRY).await;
                    }
                },
            }
        }
    }
}
