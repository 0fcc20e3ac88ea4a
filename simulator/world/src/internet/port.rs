//! The network card under a smoltcp interface of the world: frames go in one at a time and come out in a list.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant as StackInstant;

use simulator_record::time::Instant;

/// Bytes of the largest frame: 1500 and the Ethernet header.
const MAX_FRAME: usize = 1514;

/// Frames waiting to be read by an interface, and those it has sent.
#[derive(Debug, Default)]
pub(crate) struct Port {
    /// Received and not yet processed.
    pub inbound: VecDeque<Vec<u8>>,
    /// Sent and not yet taken.
    pub outbound: Vec<Vec<u8>>,
}

/// Virtual time as smoltcp counts it: microseconds, rounded down.
pub(crate) fn stack_time(at: Instant) -> StackInstant {
    StackInstant::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))
}

/// When an interface that has just been polled at `now` wants to be polled again. Later than `now`: what an interface
/// could do at once it has done.
pub(crate) fn next_poll(now: Instant, wanted: Option<StackInstant>) -> Option<Instant> {
    let wanted = Instant::from_micros(u64::try_from(wanted?.total_micros()).unwrap_or(0));
    Some(wanted.max(now + std::time::Duration::from_millis(1)))
}

impl Device for Port {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, _timestamp: StackInstant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let frame = self.inbound.pop_front()?;
        Some((Received(frame), Transmit(&mut self.outbound)))
    }

    fn transmit(&mut self, _timestamp: StackInstant) -> Option<Self::TxToken<'_>> {
        Some(Transmit(&mut self.outbound))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME;
        capabilities
    }
}

/// A frame being read.
pub(crate) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for a frame being sent.
pub(crate) struct Transmit<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.push(frame);
        result
    }
}
