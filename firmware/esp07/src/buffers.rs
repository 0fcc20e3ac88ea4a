//! Buffers that the radio asks for, all of them in data memory set aside for it: it does not look whether it gets one.
//!
//! NONOS SDK 3.0 asks for three kinds, and checks the answer only of the third. From a null of the others it goes on to
//! write to address 4:
//!
//! - records for received frames, whose payload lies in the radio's own buffers (`PBUF_REF`, a record alone): at most
//!   one for each of its seven ([`RECORDS`]);
//! - room for the frames of a handshake with a station, always asked for with [`HANDSHAKE`] bytes. Two stations can be
//!   in the midst of theirs ([`ROOMS`]). If both rooms are on their way the last is lent once more, and overwrites a
//!   frame that the access point repeats after a second;
//! - copies of what one station sends to all, to be repeated to the others. There is no room for these, and no need:
//!   the portal's visitors have nothing to say to each other.

use core::cell::UnsafeCell;
use core::ptr::null_mut;

use crate::frames::{self, HEADROOM};
use crate::sdk::{self, Pbuf};
use crate::task_level::TaskLevel;

/// `PBUF_RAM`: the payload follows the record.
const KIND_RAM: u8 = 0;
/// Received frames at a time: the radio has seven buffers for them.
const RECORDS: usize = 8;
/// What the SDK asks for to send a frame of a WPA handshake (`__wpa_send_eapol`, `wpa_sm_alloc_eapol`).
const HANDSHAKE: u16 = 256;
/// Rooms for such frames.
const ROOMS: usize = 2;

static RECEIVED: TaskLevel<[Record; RECORDS]> = TaskLevel::new([const { Record::new() }; RECORDS]);
static HANDSHAKES: TaskLevel<[Room; ROOMS]> = TaskLevel::new([const { Room::new() }; ROOMS]);

/// A record that is unused exactly while nobody owns it.
struct Record(UnsafeCell<Pbuf>);

impl Record {
    const fn new() -> Self {
        Self(UnsafeCell::new(Pbuf::unused()))
    }

    fn is_free(&self) -> bool {
        // SAFETY: the SDK changes it only in calls that have returned.
        unsafe { (*self.0.get()).references == 0 }
    }

    /// Makes it a buffer of that kind and length, with one owner more than it has.
    fn lend(&self, kind: u8, payload: *mut u8, length: u16) -> *mut Pbuf {
        let pbuf = self.0.get();
        // SAFETY: it lives as long as the program, and nobody looks at it during this call.
        unsafe {
            let references = (*pbuf).references + 1;
            pbuf.write(Pbuf { payload, total_length: length, length, kind, references, ..Pbuf::unused() });
        }
        pbuf
    }
}

/// A record with room for a frame of a handshake.
struct Room {
    record: Record,
    bytes: UnsafeCell<[u32; (HEADROOM + HANDSHAKE as usize) / 4]>,
}

impl Room {
    const fn new() -> Self {
        Self { record: Record::new(), bytes: UnsafeCell::new([0; (HEADROOM + HANDSHAKE as usize) / 4]) }
    }

    fn lend(&self) -> *mut Pbuf {
        // SAFETY: the headroom is smaller than the room.
        let payload = unsafe { self.bytes.get().cast::<u8>().add(HEADROOM) };
        self.record.lend(KIND_RAM, payload, HANDSHAKE)
    }
}

/// A buffer as the SDK asks for it (`pbuf_alloc`); null only for copies, whose answer it checks.
pub fn lend(length: u16, kind: u32) -> *mut Pbuf {
    if kind == u32::from(KIND_RAM) {
        if length != HANDSHAKE {
            return null_mut();
        }
        let rooms = &*HANDSHAKES;
        let room = rooms.iter().find(|room| room.record.is_free()).or(rooms.last());
        return room.map_or(null_mut(), Room::lend);
    }
    RECEIVED
        .iter()
        .find(|record| record.is_free())
        .map_or(null_mut(), |record| record.lend(kind as u8, null_mut(), length))
}

/// One owner less; without owners the buffer is free, and says so to whom it belongs. Returns whether it is free.
///
/// # Safety
/// `pbuf` is null, or alive and the caller one of its owners.
pub unsafe fn give_back(pbuf: *mut Pbuf) -> bool {
    if pbuf.is_null() {
        return false;
    }
    // SAFETY: the caller's promise.
    unsafe {
        (*pbuf).references -= 1;
        if (*pbuf).references > 0 {
            return false;
        }
        match (*pbuf).kind {
            frames::KIND_OUT => frames::sent(),
            // There the record has the radio's buffer for sending, which is the SDK's own business.
            KIND_RAM => {}
            _ if (*pbuf).radio_buffer.is_null() => {}
            _ => sdk::system_pp_recycle_rx_pkt((*pbuf).radio_buffer),
        }
    }
    true
}
