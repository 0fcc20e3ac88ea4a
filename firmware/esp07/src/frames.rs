//! Ethernet frames between the firmware's network stack and the radio.
//!
//! A received frame stays in the radio's own buffer until the firmware has looked at it; a sent one lies in ours
//! until the radio has given it back. Frames for which there is no room are dropped, as a radio drops them.

use core::cell::{Cell, UnsafeCell};
use core::ptr::null_mut;
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};

use crate::sdk::{self, Pbuf};
use crate::task_level::TaskLevel;
use crate::wake::wake;
use crate::{buffers, radio};

/// The longest Ethernet frame, with its header and without its checksum.
const FRAME_SIZE: usize = 1_514;
/// Room that the radio wants in front of a frame, for its own header (`EP_OFFSET`).
pub const HEADROOM: usize = 36;
/// Received frames that may wait. The radio has seven buffers and needs some for itself.
const WAITING: usize = 5;
/// Frames on their way out. What is for a sleeping phone stays until it wakes up, and the others must not wait for it.
const LEAVING: usize = 2;
/// Our mark on a [`Pbuf`] that is [`OUT`]'s.
pub const KIND_OUT: u8 = 0x42;

static IN: TaskLevel<Waiting> = TaskLevel::new(Waiting {
    frames: [const { Cell::new(null_mut()) }; WAITING],
    first: Cell::new(0),
    count: Cell::new(0),
});
static OUT: TaskLevel<[Leaving; LEAVING]> = TaskLevel::new([const { Leaving::new() }; LEAVING]);

/// Received frames, oldest first.
struct Waiting {
    frames: [Cell<*mut Pbuf>; WAITING],
    first: Cell<usize>,
    count: Cell<usize>,
}

impl Waiting {
    fn push(&self, frame: *mut Pbuf) -> bool {
        let count = self.count.get();
        if count == WAITING {
            return false;
        }
        self.frames[(self.first.get() + count) % WAITING].set(frame);
        self.count.set(count + 1);
        true
    }

    fn pop(&self) -> Option<*mut Pbuf> {
        let count = self.count.get();
        if count == 0 {
            return None;
        }
        let first = self.first.get();
        self.first.set((first + 1) % WAITING);
        self.count.set(count - 1);
        Some(self.frames[first].get())
    }
}

/// Room for a frame on its way out.
struct Leaving {
    /// Unused exactly if nobody owns it.
    pbuf: UnsafeCell<Pbuf>,
    bytes: UnsafeCell<[u8; HEADROOM + FRAME_SIZE]>,
}

impl Leaving {
    const fn new() -> Self {
        Self { pbuf: UnsafeCell::new(Pbuf::unused()), bytes: UnsafeCell::new([0; HEADROOM + FRAME_SIZE]) }
    }

    fn is_free(&self) -> bool {
        // SAFETY: the SDK changes it only in calls that have returned.
        unsafe { (*self.pbuf.get()).references == 0 }
    }
}

/// Takes a frame from the radio; false if there is no room for it.
pub fn received(frame: *mut Pbuf) -> bool {
    let taken = IN.push(frame);
    wake();
    taken
}

/// The radio has sent a frame and given its buffer back.
pub fn sent() {
    wake();
}

/// The radio's frames, for the network stack.
pub struct Frames {
    /// The station's and the access point's.
    hardware_addresses: [[u8; 6]; 2],
}

impl Frames {
    /// The frames of this chip. Its addresses are the SDK's to tell: what stands in the chip's fuses is not always what
    /// it uses.
    pub fn new() -> Self {
        let address = |interface| {
            let mut address = [0; 6];
            // SAFETY: the SDK writes six bytes.
            unsafe { sdk::wifi_get_macaddr(interface, address.as_mut_ptr()) };
            address
        };
        Self { hardware_addresses: [sdk::INTERFACE_STATION, sdk::INTERFACE_ACCESS_POINT].map(address) }
    }
}

impl Driver for Frames {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received, ToSend)> {
        let to_send = self.transmit(context)?;
        Some((Received(IN.pop()?), to_send))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<ToSend> {
        OUT.iter().find(|leaving| leaving.is_free()).map(ToSend)
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        if radio::link_is_up() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_SIZE;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.hardware_addresses[usize::from(radio::interface())])
    }
}

/// A received frame.
pub struct Received(*mut Pbuf);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        // SAFETY: the radio has left the frame to us until it is freed, which dropping does afterwards.
        let frame = unsafe { core::slice::from_raw_parts_mut((*self.0).payload, (*self.0).length.into()) };
        f(frame)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // SAFETY: the frame is ours, and this is its end.
        unsafe { buffers::give_back(self.0) };
    }
}

/// Room for a frame to send.
pub struct ToSend(&'static Leaving);

impl TxToken for ToSend {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        // SAFETY: the room is free, so the radio knows nothing of it, and this token is the only one in use.
        let bytes = unsafe { &mut *self.0.bytes.get() };
        let frame = &mut bytes[HEADROOM..HEADROOM + length];
        let result = f(frame);
        let payload = frame.as_mut_ptr();
        // SAFETY: the interface is the SDK's or null; frame and room live as long as the program.
        unsafe {
            let pbuf = self.0.pbuf.get();
            (*pbuf).kind = KIND_OUT;
            (*pbuf).payload = payload;
            (*pbuf).length = length as u16;
            (*pbuf).total_length = length as u16;
            (*pbuf).radio_buffer = null_mut();
            (*pbuf).references = 1;
            let netif = sdk::eagle_lwip_getif(radio::interface());
            if !netif.is_null() && radio::link_is_up() {
                // A frame that the radio does not take is lost, as on the air.
                sdk::ieee80211_output_pbuf(netif, pbuf);
            }
            buffers::give_back(pbuf);
        }
        result
    }
}
