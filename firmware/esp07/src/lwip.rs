//! The names of lwIP 1.4 that the vendor's archives call, answered without lwIP.
//!
//! Linked without `liblwip.a`, the archives of the NONOS SDK 3.0 miss 23 names. Received frames come in through
//! [`ethernet_input`] and go to [`frames`]; buffers are those of [`buffers`]; interfaces are kept as far as the radio
//! looks at them; what belongs to the vendor's own DHCP, DNS and sockets does nothing, because the firmware has its
//! own.

use core::ffi::c_void;
use core::ptr::null_mut;

use crate::buffers;
use crate::frames;
use crate::sdk::{Netif, NetifInit, NetifInput, Pbuf};

/// `ERR_OK`.
const OK: i8 = 0;
/// `ERR_MEM`.
const NO_MEMORY: i8 = -1;
/// `ERR_ARG`, in Espressif's order of them.
const WRONG_ARGUMENT: i8 = -12;
/// `NETIF_FLAG_UP` and `NETIF_FLAG_LINK_UP`; without them the radio drops what it receives.
const FLAGS_UP: u8 = 0x01 | 0x10;

/// Makes a buffer: with memory for the payload, or (other kinds) with a payload that the caller points to.
#[unsafe(no_mangle)]
extern "C" fn pbuf_alloc(_layer: u32, length: u16, kind: u32) -> *mut Pbuf {
    buffers::lend(length, kind)
}

/// One owner less; without owners the buffer goes back to where it came from.
#[unsafe(no_mangle)]
unsafe extern "C" fn pbuf_free(pbuf: *mut Pbuf) -> u8 {
    // SAFETY: the SDK frees what it got from `pbuf_alloc` or `ieee80211_output_pbuf`.
    unsafe { buffers::give_back(pbuf) }.into()
}

/// One owner more.
#[unsafe(no_mangle)]
unsafe extern "C" fn pbuf_ref(pbuf: *mut Pbuf) {
    // SAFETY: the SDK owns it.
    unsafe { (*pbuf).references += 1 };
}

/// Copies one buffer's payload into another that is at least as long.
#[unsafe(no_mangle)]
unsafe extern "C" fn pbuf_copy(to: *mut Pbuf, from: *const Pbuf) -> i8 {
    // SAFETY: both are the SDK's, and one piece each.
    unsafe {
        if (*to).length < (*from).length {
            return WRONG_ARGUMENT;
        }
        core::ptr::copy_nonoverlapping((*from).payload, (*to).payload, (*from).length.into());
    }
    OK
}

/// A frame from the radio.
#[unsafe(no_mangle)]
unsafe extern "C" fn ethernet_input(frame: *mut Pbuf, _netif: *mut Netif) -> i8 {
    if frames::received(frame) {
        return OK;
    }
    // SAFETY: the radio has left the frame to us.
    unsafe { buffers::give_back(frame) };
    NO_MEMORY
}

/// Would send an IP packet; the SDK only stores its address.
#[unsafe(no_mangle)]
unsafe extern "C" fn etharp_output(_netif: *mut Netif, _packet: *mut Pbuf, _address: *const u32) -> i8 {
    NO_MEMORY
}

/// The broadcast address, for the SDK.
#[unsafe(no_mangle)]
static mut ethbroadcast: [u8; 6] = [0xFF; 6];

/// The interface that the SDK takes for the default.
#[unsafe(no_mangle)]
static mut netif_default: *mut Netif = null_mut();

/// The SDK brings an interface.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_add(
    netif: *mut Netif,
    address: *const u32,
    mask: *const u32,
    gateway: *const u32,
    state: *mut c_void,
    init: NetifInit,
    input: NetifInput,
) -> *mut Netif {
    // SAFETY: the interface is the SDK's, which calls us to fill it in.
    unsafe {
        (*netif).flags = 0;
        (*netif).unused = [null_mut(); 4];
        (*netif).igmp_filter = null_mut();
        (*netif).state = state;
        (*netif).input = Some(input);
        if init(netif) != OK {
            return null_mut();
        }
        netif_set_addr(netif, address, mask, gateway);
    }
    netif
}

/// The SDK takes an interface away.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_remove(netif: *mut Netif) {
    // SAFETY: the interface is the SDK's.
    unsafe { netif_set_down(netif) };
}

/// Addresses are the firmware's business; they are kept for the SDK's own eyes.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_set_addr(netif: *mut Netif, address: *const u32, mask: *const u32, gateway: *const u32) {
    // SAFETY: all four are the SDK's.
    unsafe { (*netif).addresses = [*address, *mask, *gateway] };
}

/// Lets frames through.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_set_up(netif: *mut Netif) {
    // SAFETY: the interface is the SDK's.
    unsafe { (*netif).flags |= FLAGS_UP };
}

/// Lets no frames through.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_set_down(netif: *mut Netif) {
    // SAFETY: the interface is the SDK's.
    unsafe { (*netif).flags &= !FLAGS_UP };
}

/// The SDK's choice of a default.
#[unsafe(no_mangle)]
unsafe extern "C" fn netif_set_default(netif: *mut Netif) {
    // SAFETY: one task at a time.
    unsafe { netif_default = netif };
}

/// The vendor's DHCP client would start: the link is up, and frames are to be let through.
#[unsafe(no_mangle)]
unsafe extern "C" fn dhcp_start(netif: *mut Netif) -> i8 {
    // SAFETY: the interface is the SDK's.
    unsafe { netif_set_up(netif) };
    OK
}

/// The vendor's DHCP client would stop.
#[unsafe(no_mangle)]
extern "C" fn dhcp_stop(_netif: *mut Netif) {}

/// The vendor's DHCP client would give its lease back.
#[unsafe(no_mangle)]
extern "C" fn dhcp_release(_netif: *mut Netif) -> i8 {
    OK
}

/// The vendor's DHCP client would forget all.
#[unsafe(no_mangle)]
extern "C" fn dhcp_cleanup(_netif: *mut Netif) {}

/// The vendor's DHCP server would start.
#[unsafe(no_mangle)]
extern "C" fn dhcps_start(_addresses: *const u32) {}

/// The vendor's DHCP server would stop.
#[unsafe(no_mangle)]
extern "C" fn dhcps_stop() {}

/// lwIP would start.
#[unsafe(no_mangle)]
extern "C" fn lwip_init() {}

/// The vendor's sockets would start.
#[unsafe(no_mangle)]
extern "C" fn espconn_init() {}

/// lwIP's timers would run.
#[unsafe(no_mangle)]
extern "C" fn sys_check_timeouts() {}
