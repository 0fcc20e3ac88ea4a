//! The far end of a device's serial line: where bytes come from and go to.
//!
//! A thread of its own reads what comes in, and waits while nobody takes it: so nothing is kept without bound.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How many events wait to be taken.
const EVENTS: usize = 16;
/// Bytes that are read at once.
pub(crate) const CHUNK: usize = 1_024;

/// What happens at the far end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes come in.
    Bytes(Vec<u8>),
    /// The far end sends and receives at this rate, in baud.
    Rate(u32),
    /// Its lines DTR and RTS; asserted is `true`, which is a low level.
    Lines {
        /// Data terminal ready.
        dtr: bool,
        /// Request to send.
        rts: bool,
    },
    /// What is said to the session itself.
    Say(Command),
    /// Whoever was there has gone, and with them what had been set.
    Gone,
}

/// What is said to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Press the reset button.
    Reset,
    /// Press it while GPIO0 is held low.
    Download,
    /// End.
    Quit,
}

/// What takes bytes that the device sends.
pub trait Output {
    /// Puts out bytes. Those that nobody takes are lost, as on a line.
    ///
    /// # Errors
    /// If nobody will ever take any more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The rate at which the far end reads and writes now, in baud; `None` if at any.
    fn rate(&mut self) -> Option<u32>;
}

/// A serial line's far end.
pub struct Line {
    events: Receiver<Event>,
    sender: SyncSender<Event>,
    output: Box<dyn Output>,
    /// What has been taken and does not fit in yet.
    first: Option<Event>,
}

/// Where a thread puts what happens.
#[derive(Clone)]
pub struct Events(SyncSender<Event>);

impl Events {
    /// Puts an event, when there is room for it; `false` if nobody wants any more.
    pub fn put(&self, event: Event) -> bool {
        self.0.send(event).is_ok()
    }
}

impl Line {
    /// A far end: `open` gets where to put events, and gives what takes bytes.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn open<O: Output + 'static>(open: impl FnOnce(Events) -> io::Result<O>) -> io::Result<Self> {
        let (sender, events) = sync_channel(EVENTS);
        let output = Box::new(open(Events(sender.clone()))?);
        Ok(Self { events, sender, output, first: None })
    }

    /// Where others put events, too.
    pub fn events(&self) -> Events {
        Events(self.sender.clone())
    }

    /// The next event, for which this waits for so long.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Event> {
        if let Some(event) = self.first.take() {
            return Some(event);
        }
        self.events.recv_timeout(patience).ok()
    }

    /// Gives an event back; the next one is this.
    pub(crate) fn give_back(&mut self, event: Event) {
        self.first = Some(event);
    }

    pub(crate) fn output(&mut self) -> &mut dyn Output {
        &mut *self.output
    }
}

/// Reads up to the end, and puts what it reads as bytes; then gives the reason for the end.
pub(crate) fn read_all(mut from: impl io::Read, events: &Events) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) if !events.put(Event::Bytes(chunk[..count].to_vec())) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
