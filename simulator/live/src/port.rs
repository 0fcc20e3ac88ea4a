//! A serial port at whose other end a board is: one of this computer (`/dev/ttyUSB0`, `COM3`), one that another program
//! offers by RFC 2217 (`rfc2217://HOST:PORT`), or the bytes alone on a TCP connection (`socket://HOST:PORT`).
//!
//! A thread of its own reads, and says of what it reads when it did. Eight data bits, no parity, one stop bit, no flow
//! control. DTR and RTS are released when the port is opened, so that the board runs.
//!
//! ```
//! use std::io::Write;
//! use std::net::TcpListener;
//! use std::time::Duration;
//!
//! use simulator_live::port::SerialPort;
//!
//! let board = TcpListener::bind("127.0.0.1:0")?;
//! let port = SerialPort::open(&format!("socket://{}", board.local_addr()?), 115_200)?;
//! assert!(!port.has_lines());
//!
//! board.accept()?.0.write_all(b"ready")?;
//! let received = port.receive(Duration::from_secs(10)).expect("the board has said something");
//! assert_eq!(received.bytes, Ok(b"ready".to_vec()));
//! # Ok::<(), std::io::Error>(())
//! ```

#![expect(clippy::disallowed_methods, reason = "what a real board sends comes by the clock on the wall")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::line::CHUNK;
use crate::rfc2217::client::{self, Dialogue};
use crate::rfc2217::escaped;

/// How long a connection is waited for.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a read waits for bytes.
const READ: Duration = Duration::from_millis(50);
/// How long the reset pin is pulled.
const PRESSED: Duration = Duration::from_millis(100);

/// What comes in.
#[derive(Debug)]
pub struct Received {
    /// When it was read.
    pub at: Instant,
    /// The bytes; or why there will be no more.
    pub bytes: Result<Vec<u8>, String>,
}

/// A serial port.
#[derive(Debug)]
pub struct SerialPort {
    way: Way,
    received: Receiver<Received>,
    has_lines: bool,
}

/// What sends.
#[derive(Debug)]
enum Way {
    Local(Box<dyn serialport::SerialPort>),
    Rfc2217(Arc<Mutex<TcpStream>>),
    Socket(TcpStream),
}

impl SerialPort {
    /// Opens a port by its name, at this rate.
    ///
    /// # Errors
    /// If it is not there, is in use, or may not be opened.
    pub fn open(name: &str, baud: u32) -> io::Result<Self> {
        let (sender, received) = channel();
        let way = if let Some(address) = name.strip_prefix("rfc2217://") {
            open_rfc2217(address, baud, sender)?
        } else if let Some(address) = name.strip_prefix("socket://") {
            let stream = connect(address)?;
            let reader = stream.try_clone()?;
            read_in_thread(sender, reader, |bytes| bytes)?;
            Way::Socket(stream)
        } else {
            let port = serialport::new(name, baud).timeout(READ).open()?;
            let reader = port.try_clone()?;
            read_in_thread(sender, reader, |bytes| bytes)?;
            Way::Local(port)
        };
        let mut port = Self { way, received, has_lines: false };
        // A port without these lines is one all the same.
        port.has_lines = port.set_lines(false, false).is_ok();
        Ok(port)
    }

    /// Whether it has DTR and RTS: a pseudo-terminal and a socket have not.
    pub fn has_lines(&self) -> bool {
        self.has_lines
    }

    /// The next that comes in, for which this waits for so long; `None` if nothing does.
    pub fn receive(&self, patience: Duration) -> Option<Received> {
        match self.received.recv_timeout(patience) {
            Ok(received) => Some(received),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Received { at: Instant::now(), bytes: Err("nobody reads it any more".to_owned()) })
            }
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If they cannot be sent.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Local(port) => port.write_all(bytes),
            Way::Rfc2217(stream) => lock(stream).write_all(&escaped(bytes)),
            Way::Socket(stream) => stream.write_all(bytes),
        }
    }

    /// Asserts or releases DTR and RTS.
    ///
    /// # Errors
    /// If the port has no such lines.
    pub fn set_lines(&mut self, dtr: bool, rts: bool) -> io::Result<()> {
        match &mut self.way {
            Way::Local(port) => {
                // In this order both released are reached without a reset, see `client::lines`.
                port.write_request_to_send(rts)?;
                Ok(port.write_data_terminal_ready(dtr)?)
            }
            Way::Rfc2217(stream) => lock(stream).write_all(&client::lines(dtr, rts)),
            Way::Socket(_) => Err(io::Error::other("a socket has no DTR and RTS")),
        }
    }

    /// Resets the board by RTS, as `esptool` and the usual boards do: RTS pulls the reset pin, DTR would pull GPIO0.
    /// `held` is called while the board does nothing.
    ///
    /// # Errors
    /// If the port has no such lines.
    pub fn reset(&mut self, held: impl FnOnce(&Self)) -> io::Result<()> {
        self.set_lines(false, true)?;
        thread::sleep(PRESSED);
        held(self);
        self.set_lines(false, false)
    }
}

/// The names of the serial ports of this computer, in order.
pub fn names() -> Vec<String> {
    let ports = serialport::available_ports().unwrap_or_default();
    let mut names: Vec<String> = ports.into_iter().map(|port| port.port_name).collect();
    names.sort();
    names
}

fn lock(stream: &Mutex<TcpStream>) -> std::sync::MutexGuard<'_, TcpStream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(address: &str) -> io::Result<TcpStream> {
    use std::net::ToSocketAddrs;

    let mut last = io::Error::other("that is no address, which is HOST:PORT");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open_rfc2217(address: &str, baud: u32, sender: Sender<Received>) -> io::Result<Way> {
    let mut stream = connect(address)?;
    let (mut dialogue, said) = Dialogue::begin(baud);
    stream.write_all(&said)?;
    let reader = stream.try_clone()?;
    let stream = Arc::new(Mutex::new(stream));
    let answers = Arc::clone(&stream);
    read_in_thread(sender, reader, move |bytes| {
        let (bytes, answer) = dialogue.take(&bytes);
        // A connection that takes no answer is read to its end.
        let _ = lock(&answers).write_all(&answer);
        bytes
    })?;
    Ok(Way::Rfc2217(stream))
}

/// Reads for as long as somebody wants to know.
fn read_in_thread(
    sender: Sender<Received>,
    mut from: impl Read + Send + 'static,
    mut meant: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static,
) -> io::Result<()> {
    let mut read = move || {
        let mut chunk = [0; CHUNK];
        match from.read(&mut chunk) {
            Ok(0) => Some(Err("the other end has gone".to_owned())),
            Ok(count) => Some(Ok(meant(chunk[..count].to_vec()))),
            Err(error) if is_patience(&error) => None,
            Err(error) => Some(Err(error.to_string())),
        }
    };
    let work = move || {
        loop {
            let Some(bytes) = read() else { continue };
            let over = bytes.is_err();
            if sender.send(Received { at: Instant::now(), bytes }).is_err() || over {
                return;
            }
        }
    };
    thread::Builder::new().name("serial port".to_owned()).spawn(work).map(|_| ())
}

/// Whether a read has only found nothing yet.
fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
