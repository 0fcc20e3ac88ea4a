//! Who wants to know what happens in a run: sinks of the one record.
//!
//! A run hands each recorder everything in order while it goes on: events, and where a recorder asks for them the
//! frames that are sent and the changes of pins. A recorder writes, counts or keeps; it never feeds back.
//! Recording changes nothing in a run.

use std::io;
use std::time::Duration;

use crate::events::{DeviceId, Event, Level};
use crate::time::Instant;

/// A frame: an Ethernet frame where a station or a router hands it to the air, or an 802.11 frame on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'f> {
    /// When it was sent; of an 802.11 frame, when its last bit was.
    pub at: Instant,
    /// The link that it was sent on: the name of the sender's interface.
    pub link: &'f str,
    /// What it is.
    pub medium: Medium,
    /// The frame, without check sequence.
    pub bytes: &'f [u8],
}

/// What carries a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// It is an Ethernet frame.
    Ethernet,
    /// It is an 802.11 frame, encrypted as it is on the air. There are some where firmware drives its radio itself.
    Air {
        /// 2.4 GHz channel, 1 to 14.
        channel: u8,
        /// How fast it was sent.
        kilobits_per_second: u32,
        /// How strong it is for a device, in dBm.
        signal: i8,
    },
}

/// A pin that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When.
    pub at: Instant,
    /// Whose pin.
    pub device: DeviceId,
    /// Its GPIO number.
    pub pin: u8,
    /// Its level from now on.
    pub level: Level,
}

/// A byte that a device has sent on its serial port: one start bit, eight bits, one stop bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentByte {
    /// When its stop bit was over.
    pub at: Instant,
    /// Who sent it.
    pub device: DeviceId,
    /// The byte.
    pub byte: u8,
    /// How long each of its bits is.
    pub bit: Duration,
}

/// Something that is told what happens in a run.
pub trait Recorder {
    /// Something happened. Events come in their order.
    ///
    /// # Errors
    /// If it cannot be kept; the run is not judged then.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// Whether frames are wanted. They are many, so nothing is done for them unless somebody wants them.
    fn wants_frames(&self) -> bool {
        false
    }

    /// A frame was sent.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn frame(&mut self, _frame: Frame<'_>) -> io::Result<()> {
        Ok(())
    }

    /// A secret of a TLS connection whose frames come later: a line of `SSLKEYLOGFILE`, without its end. Told to whom
    /// frames are told.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn secret(&mut self, _line: &str) -> io::Result<()> {
        Ok(())
    }

    /// Whether bytes of serial ports are wanted. They are many, so nothing is done for them unless somebody wants them.
    fn wants_bytes(&self) -> bool {
        false
    }

    /// A byte was sent on a serial port. Those of a device come in their order.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn byte(&mut self, _sent: SentByte) -> io::Result<()> {
        Ok(())
    }

    /// A pin changed.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn edge(&mut self, _edge: Edge) -> io::Result<()> {
        Ok(())
    }

    /// The run is over, or was given up.
    ///
    /// # Errors
    /// If what was told cannot be kept.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In memory.
impl Recorder for Vec<Event> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.push(event.clone());
        Ok(())
    }
}

/// Several, each of which is told everything.
impl Recorder for Vec<Box<dyn Recorder>> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.iter_mut().try_for_each(|recorder| recorder.event(event))
    }

    fn wants_frames(&self) -> bool {
        self.iter().any(|recorder| recorder.wants_frames())
    }

    fn frame(&mut self, frame: Frame<'_>) -> io::Result<()> {
        let mut wanted = self.iter_mut().filter(|recorder| recorder.wants_frames());
        wanted.try_for_each(|recorder| recorder.frame(frame))
    }

    fn secret(&mut self, line: &str) -> io::Result<()> {
        let mut wanted = self.iter_mut().filter(|recorder| recorder.wants_frames());
        wanted.try_for_each(|recorder| recorder.secret(line))
    }

    fn wants_bytes(&self) -> bool {
        self.iter().any(|recorder| recorder.wants_bytes())
    }

    fn byte(&mut self, sent: SentByte) -> io::Result<()> {
        let mut wanted = self.iter_mut().filter(|recorder| recorder.wants_bytes());
        wanted.try_for_each(|recorder| recorder.byte(sent))
    }

    fn edge(&mut self, edge: Edge) -> io::Result<()> {
        self.iter_mut().try_for_each(|recorder| recorder.edge(edge))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.iter_mut().try_for_each(|recorder| recorder.finish())
    }
}
