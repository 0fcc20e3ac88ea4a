//! The vendor's functions that the yellow duck calls, all of them: the boundary that an emulator answers at.
//!
//! Names, signatures and layouts are those of the ESP8266 NONOS SDK 3.0 (`user_interface.h`, `osapi.h`, `ets_sys.h`,
//! `spi_flash.h`, `lwip/netif.h`, `lwip/pbuf.h`). The linker driver reads the block below: it makes one trap stub for
//! each function, and refuses an image that calls another one or that does not call one of these. What the SDK calls of
//! ours is in [`main`](crate) (`user_pre_init`, `user_init`) and [`lwip`](crate::lwip).
//!
//! All of it runs at task level, one call at a time: the SDK has no threads, and none of our code runs in an interrupt.

use core::ffi::c_void;

/// A region of the flash that the SDK is told about.
#[repr(C)]
pub struct Partition {
    /// One of the `PARTITION_` numbers.
    pub kind: u32,
    /// Where it begins, in bytes from the start of the flash.
    pub address: u32,
    /// Bytes.
    pub size: u32,
}

/// Radio calibration data.
pub const PARTITION_RF_CAL: u32 = 4;
/// The radio's initial data.
pub const PARTITION_PHY_DATA: u32 = 5;
/// The SDK's own parameters.
pub const PARTITION_SYSTEM_PARAMETER: u32 = 6;
/// The first number that a program may use for itself.
pub const PARTITION_CUSTOMER_BEGIN: u32 = 100;
/// `FLASH_SIZE_8M_MAP_512_512`: 1 MiB.
pub const FLASH_MAP_1_MIB: u32 = 2;

/// What a task gets.
#[repr(C)]
pub struct Event {
    /// As posted.
    pub signal: u32,
    /// As posted.
    pub parameter: u32,
}

/// A task: a function that the SDK calls once for each event posted to its priority.
pub type Task = unsafe extern "C" fn(event: *mut Event);

/// A timer, in the caller's memory.
#[repr(C)]
pub struct OsTimer {
    next: *mut OsTimer,
    expire: u32,
    period: u32,
    function: Option<TimerFunction>,
    argument: *mut c_void,
}

/// What a timer calls, at task level.
pub type TimerFunction = unsafe extern "C" fn(argument: *mut c_void);

impl OsTimer {
    /// A timer that is not armed.
    pub const fn new() -> Self {
        Self { next: core::ptr::null_mut(), expire: 0, period: 0, function: None, argument: core::ptr::null_mut() }
    }
}

/// Why the chip started.
#[repr(C)]
pub struct ResetInfo {
    /// 0 power on, 1 hardware watchdog, 2 exception, 3 software watchdog, 4 restart, 5 deep sleep, 6 reset pin.
    pub reason: u32,
    /// EXCCAUSE, for reason 2.
    pub exccause: u32,
    /// EPC1, for reasons 2 and 3.
    pub epc1: u32,
    /// EPC2.
    pub epc2: u32,
    /// EPC3.
    pub epc3: u32,
    /// EXCVADDR.
    pub excvaddr: u32,
    /// DEPC.
    pub depc: u32,
}

/// `NULL_MODE`: the radio is off.
pub const MODE_NONE: u8 = 0;
/// `STATION_MODE`.
pub const MODE_STATION: u8 = 1;
/// `SOFTAP_MODE`.
pub const MODE_ACCESS_POINT: u8 = 2;
/// `STATION_IF`.
pub const INTERFACE_STATION: u8 = 0;
/// `SOFTAP_IF`.
pub const INTERFACE_ACCESS_POINT: u8 = 1;
/// `NONE_SLEEP_T`: the radio stays awake between beacons.
pub const SLEEP_NONE: u32 = 0;
/// `AUTH_OPEN`.
pub const AUTH_OPEN: u32 = 0;
/// `AUTH_WPA2_PSK`.
pub const AUTH_WPA2_PSK: u32 = 3;
/// WPA and WPA2 with a passphrase.
pub const AUTH_WPA_WPA2_PSK: u32 = 4;

/// `struct station_config`, 116 bytes.
#[repr(C)]
pub struct StationConfig {
    /// The network's name, padded with zeros.
    pub name: [u8; 32],
    /// The passphrase, padded with zeros, or 64 hexadecimal digits.
    pub passphrase: [u8; 64],
    /// 0: all channels.
    pub channel: u8,
    /// Whether `bssid` counts.
    pub bssid_set: u8,
    /// The one access point to join.
    pub bssid: [u8; 6],
    /// The weakest signal to join at, dBm; 0: any.
    pub threshold_rssi: i8,
    /// The weakest protection to join at (`AUTH_MODE`).
    pub threshold_auth: u32,
    /// Do not join open and WEP networks.
    pub open_and_wep_disabled: bool,
    /// Scan all channels before choosing.
    pub all_channel_scan: bool,
}

/// `struct softap_config`, 108 bytes.
#[repr(C)]
pub struct AccessPointConfig {
    /// The network's name.
    pub name: [u8; 32],
    /// The passphrase, padded with zeros.
    pub passphrase: [u8; 64],
    /// Bytes of the name.
    pub name_length: u8,
    /// 1 to 13.
    pub channel: u8,
    /// `AUTH_MODE`.
    pub auth: u32,
    /// 1: not in beacons.
    pub hidden: u8,
    /// Stations at the same time, 1 to 4.
    pub max_stations: u8,
    /// Milliseconds, 100 to 60,000.
    pub beacon_interval: u16,
}

/// `struct scan_config`, 24 bytes.
#[repr(C)]
pub struct ScanConfig {
    /// The only name that is looked for, with a zero behind it; null: any.
    pub name: *const u8,
    /// The only access point that is looked for; null: any.
    pub bssid: *const u8,
    /// 0: all channels.
    pub channel: u8,
    /// Whether those that do not tell their name are told of, too.
    pub show_hidden: u8,
    /// 0: active.
    pub kind: u32,
    /// Milliseconds a channel, least and most; 0: the SDK's own.
    pub time: [u32; 2],
}

/// `struct bss_info`: an access point that was heard; what comes behind is not looked at.
#[repr(C)]
pub struct BssInfo {
    /// The next one.
    pub next: *const BssInfo,
    /// Its hardware address.
    pub bssid: [u8; 6],
    /// Its name.
    pub name: [u8; 32],
    /// Bytes of it.
    pub name_length: u8,
    /// Its channel.
    pub channel: u8,
    /// Its signal, dBm.
    pub signal: i8,
    /// `AUTH_MODE`.
    pub auth: u32,
}

/// What is told of a scan: the first that was heard, or null, and 0 if all is well.
pub type ScanDone = unsafe extern "C" fn(heard: *const BssInfo, status: u32);

/// `System_Event_t`: what happened to the radio.
#[repr(C)]
pub struct RadioEvent {
    /// One of the `EVENT_` numbers.
    pub event: u32,
    /// The start of the union; `EVENT_STATION_DISCONNECTED` has name (32), its length (1), BSSID (6), reason (1).
    pub information: [u8; 40],
}

/// The station is joined, keys included.
pub const EVENT_STATION_CONNECTED: u32 = 0;
/// The station is not, or no longer, joined.
pub const EVENT_STATION_DISCONNECTED: u32 = 1;
/// Where [`RadioEvent::information`] has the reason of a disconnection.
pub const EVENT_REASON: usize = 39;

/// What is told of the radio.
pub type RadioEventHandler = unsafe extern "C" fn(event: *const RadioEvent);

/// `struct pbuf`: a piece of a frame, 20 bytes.
#[repr(C)]
pub struct Pbuf {
    /// The next piece; none.
    pub next: *mut Pbuf,
    /// The Ethernet frame.
    pub payload: *mut u8,
    /// Bytes of the whole frame.
    pub total_length: u16,
    /// Bytes of this piece.
    pub length: u16,
    /// Whose memory the payload is.
    pub kind: u8,
    /// Unused.
    pub flags: u8,
    /// Owners.
    pub references: u16,
    /// The radio's own buffer behind a received frame, or null.
    pub radio_buffer: *mut c_void,
}

impl Pbuf {
    /// A record that nobody owns.
    pub const fn unused() -> Self {
        Self {
            next: core::ptr::null_mut(),
            payload: core::ptr::null_mut(),
            total_length: 0,
            length: 0,
            kind: 0,
            flags: 0,
            references: 0,
            radio_buffer: core::ptr::null_mut(),
        }
    }
}

/// `struct netif`, 68 bytes: an interface as the SDK knows it.
#[repr(C)]
pub struct Netif {
    /// The next interface.
    pub next: *mut Netif,
    /// Address, mask and gateway, in network order.
    pub addresses: [u32; 3],
    /// Where the radio gives its frames.
    pub input: Option<NetifInput>,
    /// IP packets out: the SDK's.
    pub output: *mut c_void,
    /// Ethernet frames out: the SDK's.
    pub link_output: *mut c_void,
    /// The SDK's.
    pub state: *mut c_void,
    /// DHCP client, DHCP server, its callback, host name: unused.
    pub unused: [*mut c_void; 4],
    /// Largest IP packet.
    pub mtu: u16,
    /// 6.
    pub hardware_address_length: u8,
    /// MAC address.
    pub hardware_address: [u8; 6],
    /// `NETIF_FLAG_` bits.
    pub flags: u8,
    /// Two letters.
    pub name: [u8; 2],
    /// 0 station, 1 access point.
    pub number: u8,
    /// Multicast filter: unused.
    pub igmp_filter: *mut c_void,
}

/// Where the radio gives its frames.
pub type NetifInput = unsafe extern "C" fn(frame: *mut Pbuf, netif: *mut Netif) -> i8;
/// Fills in an interface.
pub type NetifInit = unsafe extern "C" fn(netif: *mut Netif) -> i8;

// The chip's layouts; clippy looks at this for a 64-bit host.
#[cfg(target_pointer_width = "32")]
const _: () = assert!(
    size_of::<StationConfig>() == 116
        && size_of::<AccessPointConfig>() == 108
        && size_of::<ScanConfig>() == 24
        && core::mem::offset_of!(BssInfo, auth) == 48
        && size_of::<Pbuf>() == 20
        && size_of::<Netif>() == 68
        && size_of::<OsTimer>() == 20
);

unsafe extern "C" {
    /// Tells where the SDK's flash regions lie; only in `user_pre_init`.
    pub fn system_partition_table_regist(table: *const Partition, count: u32, map: u32) -> bool;
    /// Makes the task of `priority` 0 to 2, with room for `length` events.
    pub fn system_os_task(task: Task, priority: u8, queue: *mut Event, length: u8) -> bool;
    /// Has the task of `priority` called with this event, after what runs now has returned; false if its queue is full.
    pub fn system_os_post(priority: u8, signal: u32, parameter: u32) -> bool;
    /// Microseconds since the chip started, wrapping.
    pub fn system_get_time() -> u32;
    /// Why the chip started.
    pub fn system_get_rst_info() -> *const ResetInfo;
    /// Restarts the chip, after what runs now has returned to the SDK.
    pub fn system_restart();
    /// Feeds the software watchdog, which resets a program that does not return to the SDK for 3 to 6 s, and the
    /// hardware watchdog, which bites after 8.4 s.
    pub fn system_soft_wdt_feed();
    /// Runs the core at 80 or 160 MHz.
    pub fn system_update_cpu_freq(megahertz: u8) -> bool;
    /// Whether the SDK itself writes to the serial port.
    pub fn system_set_os_print(print: u8);
    /// Bytes that are left of the SDK's heap, which its radio lives on.
    pub fn system_get_free_heap_size() -> u32;
    /// Says what a timer calls.
    pub fn ets_timer_setfn(timer: *mut OsTimer, function: TimerFunction, argument: *mut c_void);
    /// Starts a timer; `time` in milliseconds (at most 6,870,947) if `milliseconds` is set.
    pub fn ets_timer_arm_new(timer: *mut OsTimer, time: u32, repeat: bool, milliseconds: bool);
    /// Stops a timer.
    pub fn ets_timer_disarm(timer: *mut OsTimer);
    /// Erases one sector of 4 KiB; 0 is success.
    pub fn spi_flash_erase_sector(sector: u16) -> u32;
    /// Programs words; address and size are multiples of 4. 0 is success.
    pub fn spi_flash_write(address: u32, from: *const u32, size: u32) -> u32;
    /// Reads words; address and size are multiples of 4. 0 is success.
    pub fn spi_flash_read(address: u32, to: *mut u32, size: u32) -> u32;
    /// Says who is told of the radio.
    pub fn wifi_set_event_handler_cb(handler: RadioEventHandler);
    /// Makes the radio a station or an access point until the next restart.
    pub fn wifi_set_opmode_current(mode: u8) -> bool;
    /// How far the radio sleeps while nothing is sent.
    pub fn wifi_set_sleep_type(sleep: u32) -> bool;
    /// The hardware address of an interface, whether it is on or not.
    pub fn wifi_get_macaddr(interface: u8, address: *mut u8) -> bool;
    /// Whether the SDK joins the network in its parameters by itself after a start.
    pub fn wifi_station_get_auto_connect() -> u8;
    /// Says so, in the SDK's parameters.
    pub fn wifi_station_set_auto_connect(connect: u8) -> bool;
    /// Says which network to join, until the next restart.
    pub fn wifi_station_set_config_current(config: *const StationConfig) -> bool;
    /// Whether the SDK joins again by itself.
    pub fn wifi_station_set_reconnect_policy(reconnect: bool) -> bool;
    /// Begins to join.
    pub fn wifi_station_connect() -> bool;
    /// Leaves, or stops joining.
    pub fn wifi_station_disconnect() -> bool;
    /// The joined access point's signal in dBm; 31 if there is none.
    pub fn wifi_station_get_rssi() -> i8;
    /// Looks for access points and calls `done` with what it has heard; false if it cannot now.
    pub fn wifi_station_scan(config: *const ScanConfig, done: ScanDone) -> bool;
    /// Opens the access point with these settings, until the next restart.
    pub fn wifi_softap_set_config_current(config: *const AccessPointConfig) -> bool;
    /// The interface of that number, or null while it is off.
    pub fn eagle_lwip_getif(number: u8) -> *mut Netif;
    /// Sends one Ethernet frame, with 36 bytes of room in front of it; 0 is success. May keep the frame with
    /// `pbuf_ref`.
    pub fn ieee80211_output_pbuf(netif: *mut Netif, frame: *mut Pbuf) -> i8;
    /// Gives a received frame's buffer back to the radio.
    pub fn system_pp_recycle_rx_pkt(buffer: *mut c_void);
}
