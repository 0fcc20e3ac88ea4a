//! Connections that have to wait, because all slots are taken.
//!
//! The stack has no queue for them: it resets a connection for which no socket listens, and a browser tells its owner
//! at once that the page cannot be opened. A phone asks for several connections at the same time, as soon as it has
//! joined. So its question (SYN) is dropped instead, as a full queue does elsewhere, and the phone asks again after a
//! second (RFC 6298 §2).
//!
//! Which socket the stack gives a question to cannot be seen from here, so it is counted: each that is let through
//! takes a slot. One that was asked twice, or never completed, is counted too often, until no slot has been taken for
//! two seconds; and after eight in a row one is let through in any case.

use core::cell::Cell;

use embassy_time::{Duration, Instant};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

use super::server::{PORT, SLOTS};

/// How many are dropped in a row at most.
const MOST: u8 = 8;
/// After so long a question has become a connection, or never will.
const SETTLED: Duration = Duration::from_secs(2);

/// Counts the slots that are free.
pub struct Backlog {
    /// `None` where no server runs.
    free: Cell<Option<u8>>,
    serving: Cell<u8>,
    dropped: Cell<u8>,
    /// When one was let through last.
    admitted: Cell<Instant>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            free: Cell::new(None),
            serving: Cell::new(SLOTS as u8),
            dropped: Cell::new(0),
            admitted: Cell::new(Instant::MIN),
        }
    }
}

impl Backlog {
    /// A slot listens.
    pub(super) fn listens(&self) {
        self.serving.set(self.serving.get().saturating_sub(1));
        let is_quiet = self.serving.get() == 0 && self.admitted.get().elapsed() >= SETTLED;
        let free = if is_quiet { SLOTS as u8 } else { self.free.get().unwrap_or(0) + 1 };
        self.free.set(Some(free.min(SLOTS as u8)));
        self.dropped.set(0);
    }

    /// A slot has a client.
    pub(super) fn serves(&self) {
        self.serving.set(self.serving.get() + 1);
    }

    /// Whether the stack gets to see a frame.
    pub(crate) fn admits(&self, frame: &[u8]) -> bool {
        let Some(free) = self.free.get().filter(|_| asks_to_connect(frame)) else { return true };
        if free == 0 && self.dropped.get() < MOST {
            self.dropped.set(self.dropped.get() + 1);
            return false;
        }
        self.free.set(Some(free.saturating_sub(1)));
        self.dropped.set(0);
        self.admitted.set(Instant::now());
        true
    }
}

/// Whether a frame asks for a connection to the server.
fn asks_to_connect(frame: &[u8]) -> bool {
    let asks = || {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        if packet.next_header() != IpProtocol::Tcp {
            return None;
        }
        let segment = TcpPacket::new_checked(packet.payload()).ok()?;
        Some(segment.dst_port() == PORT && segment.syn() && !segment.ack())
    };
    asks() == Some(true)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn segment(port: u16, flags: u8) -> Vec<u8> {
        let mut frame = std::vec![0; 14 + 20 + 20];
        frame[12..14].copy_from_slice(&[8, 0]);
        frame[14..18].copy_from_slice(&[0x45, 0, 0, 40]);
        frame[23] = 6;
        frame[36..38].copy_from_slice(&port.to_be_bytes());
        frame[46..48].copy_from_slice(&[0x50, flags]);
        frame
    }

    const SYN: u8 = 0b10;
    const ACK: u8 = 0b1_0000;

    fn listening() -> Backlog {
        simulator_clock::set(0);
        let backlog = Backlog::default();
        (0..SLOTS).for_each(|_| backlog.listens());
        backlog
    }

    #[test]
    fn a_question_waits_while_all_slots_are_taken() {
        let (backlog, question) = (listening(), segment(PORT, SYN));
        for slot in 0..SLOTS {
            assert!(backlog.admits(&question), "{slot}");
        }
        assert!(!backlog.admits(&question));
        assert!(backlog.admits(&segment(PORT, SYN | ACK)) && backlog.admits(&segment(PORT, ACK)));
        assert!(backlog.admits(&segment(443, SYN)), "nobody will ever listen there");
        backlog.serves();
        backlog.serves();
        backlog.listens();
        assert!(backlog.admits(&question) && !backlog.admits(&question));
    }

    #[test]
    fn what_was_counted_too_often_is_forgotten() {
        let (backlog, question) = (listening(), segment(PORT, SYN));
        // The same one, three times; only one slot takes it.
        (0..3).for_each(|_| assert!(backlog.admits(&question)));
        backlog.serves();
        backlog.listens();
        assert!(backlog.admits(&question) && !backlog.admits(&question), "two may still become connections");
        backlog.serves();
        simulator_clock::set(2_000_000_000);
        backlog.listens();
        (0..3).for_each(|_| assert!(backlog.admits(&question)));
        let dropped = (0..100).take_while(|_| !backlog.admits(&question)).count();
        assert_eq!(dropped, usize::from(MOST));
    }

    #[test]
    fn without_a_server_all_is_seen() {
        let backlog = Backlog::default();
        (0..100).for_each(|_| assert!(backlog.admits(&segment(PORT, SYN))));
        assert!(backlog.admits(&[]) && backlog.admits(&[0xFF; 60]));
    }
}
