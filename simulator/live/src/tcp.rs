//! A serial line as a TCP connection: its bytes and nothing else, at whatever rate the device has.
//!
//! One at a time: whoever comes while another is there is turned away.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::line::{Event, Events, Output, read_all};

/// Bytes for a connection that does not take them; more are lost.
const MOST_WAITING: usize = 1 << 16;

/// How long a write may wait for room.
const PATIENCE: Duration = Duration::from_millis(1);

/// The connection, and what waits to be sent on it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    stream: Option<TcpStream>,
    waiting: Vec<u8>,
}

/// The connection, shared by whoever reads it and whoever writes to it.
pub(crate) type Shared = Arc<Mutex<Connection>>;

impl Connection {
    /// Sends bytes, as far as they can be sent now. What is left waits, up to a limit.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        if self.waiting.len() + bytes.len() <= MOST_WAITING {
            self.waiting.extend_from_slice(bytes);
        }
        while !self.waiting.is_empty() {
            match stream.write(&self.waiting) {
                Ok(count) if count > 0 => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return,
                // Whoever reads the connection notices its end.
                _ => return self.waiting.clear(),
            }
        }
    }
}

/// A lock that is held for a moment; whoever has panicked with it has left it in order.
pub(crate) fn lock(connection: &Shared) -> std::sync::MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens at a port of this computer alone; 0 takes a free one.
///
/// # Errors
/// If the port is taken.
pub(crate) fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves one connection after the other: `serve` reads it up to its end.
pub(crate) fn serve_each(
    listener: TcpListener,
    connection: &Shared,
    events: Events,
    serve: impl Fn(TcpStream, &Shared, &Events) + Send + Sync + 'static,
) -> io::Result<()> {
    let (connection, serve) = (Arc::clone(connection), Arc::new(serve));
    thread::Builder::new().name("serial line".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let mut current = lock(&connection);
            if current.stream.is_some() {
                // It is told so by the end of its connection.
                let _ = stream.shutdown(Shutdown::Both);
                continue;
            }
            // Without delay: replies to short requests are waited for.
            let prepared = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
            let prepared = prepared.and_then(|()| stream.try_clone());
            let Ok(writer) = prepared else { continue };
            *current = Connection { stream: Some(writer), waiting: Vec::new() };
            drop(current);
            let (connection, events, serve) = (Arc::clone(&connection), events.clone(), Arc::clone(&serve));
            let reader = move || {
                serve(stream, &connection, &events);
                *lock(&connection) = Connection::default();
                events.put(Event::Gone);
            };
            // Without a thread nobody serves it.
            let _ = thread::Builder::new().name("connection".to_owned()).spawn(reader);
        }
    })?;
    Ok(())
}

/// The device's side of the connection.
struct Plain(Shared);

impl Output for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        lock(&self.0).write(bytes);
        Ok(())
    }

    fn rate(&mut self) -> Option<u32> {
        None
    }
}

/// Listens at a port of this computer alone (0: a free one); what it is called, and what takes the device's bytes.
///
/// # Errors
/// If the port is taken.
pub fn open(port: u16, events: Events) -> io::Result<(SocketAddr, impl Output + 'static)> {
    let (listener, address) = listen(port)?;
    let connection = Shared::default();
    serve_each(listener, &connection, events, |stream, _, events| {
        // Its end is all there is to say of a broken one.
        let _ = read_all(stream, events);
    })?;
    Ok((address, Plain(connection)))
}
