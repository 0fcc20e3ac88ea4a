//! The radio's controls over the SDK, and what it reports.
//!
//! The SDK keeps nothing of this in flash (the `_current` functions), and joins only when told to: the firmware has its
//! own patience. What a former program left in the SDK's parameters is not followed: a mode, and a network to join at
//! once ([`begin`]). Each report wakes the firmware, whose futures look here.

use core::cell::Cell;
use core::future::poll_fn;
use core::task::Poll;

use firmware::board::{AccessPoint, JoinError, LinkLoss, Network, Radio, RadioError, Security};

use crate::sdk::{self, AccessPointConfig, BssInfo, RadioEvent, ScanConfig, StationConfig};
use crate::task_level::TaskLevel;
use crate::wake::wake;

/// Phones that may use the portal at a time.
pub const STATIONS: u8 = 4;
const BEACON_INTERVAL: u16 = 100;
/// The SDK's answer if there is no signal to measure.
const NO_SIGNAL: i8 = 31;
/// `REASON_ASSOC_LEAVE`: the station has left, as it was told to.
const REASON_LEFT: u8 = 8;

/// What the radio last reported.
struct State {
    interface: Cell<u8>,
    link: Cell<Link>,
    /// The radio has been told to leave, and has not reported it yet.
    leaving: Cell<bool>,
    scan: Cell<Scan>,
    /// The name that a scan looks for: the SDK reads it until the scan has ended.
    wanted: Cell<[u8; 33]>,
    /// How the network to join is protected: `AUTH_OPEN` or `AUTH_WPA2_PSK`.
    auth: Cell<u32>,
}

/// A look for access points of the network's name.
#[derive(Clone, Copy)]
enum Scan {
    Looking,
    /// It has ended. Whether there were any, and all protected in another way than the settings say.
    Ended {
        differs: bool,
    },
}

#[derive(Clone, Copy)]
enum Link {
    /// Nothing is going on, and this is why.
    Down(LinkLoss),
    Joining,
    /// Joining failed.
    Failed(JoinError),
    Up,
}

static STATE: TaskLevel<State> = TaskLevel::new(State {
    interface: Cell::new(sdk::INTERFACE_STATION),
    link: Cell::new(Link::Down(LinkLoss::Left)),
    leaving: Cell::new(false),
    scan: Cell::new(Scan::Ended { differs: false }),
    wanted: Cell::new([0; 33]),
    auth: Cell::new(sdk::AUTH_OPEN),
});

/// Begins to listen to the radio, and keeps it off until it is asked for something: after `user_init` the SDK would
/// open the access point or join the network of its parameters.
pub fn begin() {
    // SAFETY: the handler is a function; nothing else is handed over.
    unsafe {
        sdk::wifi_set_event_handler_cb(on_event);
        sdk::wifi_set_opmode_current(sdk::MODE_NONE);
        // It is a parameter in flash, which is written only if it changes.
        if sdk::wifi_station_get_auto_connect() != 0 {
            sdk::wifi_station_set_auto_connect(0);
        }
        // The random numbers are noise of the radio, which must be awake for them.
        sdk::wifi_set_sleep_type(sdk::SLEEP_NONE);
    }
}

/// Tells the radio to leave, or to stop joining.
fn leave() {
    STATE.link.set(Link::Down(LinkLoss::Left));
    STATE.leaving.set(true);
    // SAFETY: a call without arguments.
    unsafe { sdk::wifi_station_disconnect() };
}

/// Whether frames can pass.
pub fn link_is_up() -> bool {
    matches!(STATE.link.get(), Link::Up)
}

/// The interface in use.
pub fn interface() -> u8 {
    STATE.interface.get()
}

unsafe extern "C" fn on_event(event: *const RadioEvent) {
    // SAFETY: the SDK lends the event for the length of this call. A disconnection is long enough for its reason; of
    // others nothing but the number is read.
    let (kind, reason) = unsafe {
        let kind = (*event).event;
        let disconnected = kind == sdk::EVENT_STATION_DISCONNECTED;
        (kind, if disconnected { (&raw const (*event).information[sdk::EVENT_REASON]).read() } else { 0 })
    };
    let link = STATE.link.get();
    let is_stations = matches!(kind, sdk::EVENT_STATION_CONNECTED | sdk::EVENT_STATION_DISCONNECTED);
    let was_leaving = is_stations && STATE.leaving.replace(false);
    match (kind, link) {
        // Of the network before, although the next join has begun meanwhile.
        (sdk::EVENT_STATION_DISCONNECTED, Link::Joining) if reason == REASON_LEFT && was_leaving => return,
        (sdk::EVENT_STATION_CONNECTED, Link::Joining) => STATE.link.set(Link::Up),
        (sdk::EVENT_STATION_DISCONNECTED, Link::Joining) => STATE.link.set(Link::Failed(join_error(reason))),
        (sdk::EVENT_STATION_DISCONNECTED, Link::Up) => STATE.link.set(Link::Down(link_loss(reason))),
        _ => return,
    }
    wake();
}

/// A scan has ended; the settings' own protection is that of the last join.
unsafe extern "C" fn on_scanned(mut heard: *const BssInfo, _status: u32) {
    let mut differs = false;
    // SAFETY: the SDK lends the list for the length of this call.
    while let Some(access_point) = unsafe { heard.as_ref() } {
        differs = true;
        let wanted = STATE.auth.get();
        let is_mixed = access_point.auth == sdk::AUTH_WPA_WPA2_PSK && wanted == sdk::AUTH_WPA2_PSK;
        if access_point.auth == wanted || is_mixed {
            differs = false;
            break;
        }
        heard = access_point.next;
    }
    STATE.scan.set(Scan::Ended { differs });
    wake();
}

/// Whether the network is there, and not protected as the settings say.
async fn security_differs(name: &str) -> bool {
    if !matches!(STATE.scan.get(), Scan::Looking) {
        STATE.wanted.set(padded(name));
        STATE.scan.set(Scan::Looking);
        let config = ScanConfig {
            name: STATE.wanted.as_ptr().cast(),
            bssid: core::ptr::null(),
            channel: 0,
            show_hidden: 1,
            kind: 0,
            time: [0; 2],
        };
        // SAFETY: the SDK copies the settings, and the name is a static's.
        if !unsafe { sdk::wifi_station_scan(&raw const config, on_scanned) } {
            STATE.scan.set(Scan::Ended { differs: false });
        }
    }
    poll_fn(|_| match STATE.scan.get() {
        Scan::Looking => Poll::Pending,
        Scan::Ended { differs } => Poll::Ready(differs),
    })
    .await
}

/// The SDK's reasons (802.11's up to 199, its own from 200), as far as the firmware tells them apart.
fn join_error(reason: u8) -> JoinError {
    match reason {
        201 => JoinError::NotFound,
        // How a wrong passphrase shows: the access point does not answer a bad proof, so that the handshake times out,
        // or it ends the authentication.
        15 | 202 | 204 => JoinError::WrongPassphrase,
        13 | 17..=24 => JoinError::SecurityMismatch,
        2 | 4 | 200 => JoinError::Timeout,
        _ => JoinError::Refused,
    }
}

fn link_loss(reason: u8) -> LinkLoss {
    if reason == 200 { LinkLoss::BeaconTimeout } else { LinkLoss::Deauthenticated }
}

/// `text`, padded with zeros; what does not fit is cut off.
fn padded<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    for (byte, from) in bytes.iter_mut().zip(text.bytes()) {
        *byte = from;
    }
    bytes
}

/// The radio's controls.
pub struct SdkRadio(());

impl SdkRadio {
    /// The controls.
    pub fn new() -> Self {
        Self(())
    }
}

/// A join under way; if it is dropped, the radio stops trying.
struct Joining;

impl Drop for Joining {
    fn drop(&mut self) {
        if !link_is_up() {
            leave();
        }
    }
}

impl Radio for SdkRadio {
    async fn start_access_point(&mut self, access_point: &AccessPoint<'_>) -> Result<(), RadioError> {
        let config = AccessPointConfig {
            name: padded(access_point.name),
            passphrase: padded(access_point.passphrase),
            name_length: access_point.name.len().min(32) as u8,
            channel: access_point.channel,
            auth: sdk::AUTH_WPA2_PSK,
            hidden: 0,
            max_stations: STATIONS,
            beacon_interval: BEACON_INTERVAL,
        };
        STATE.interface.set(sdk::INTERFACE_ACCESS_POINT);
        // SAFETY: the SDK copies the settings.
        let opened = unsafe {
            sdk::wifi_set_opmode_current(sdk::MODE_ACCESS_POINT)
                && sdk::wifi_softap_set_config_current(&raw const config)
        };
        STATE.link.set(if opened { Link::Up } else { Link::Down(LinkLoss::Left) });
        if opened { Ok(()) } else { Err(RadioError) }
    }

    async fn join(&mut self, network: &Network<'_>) -> Result<(), JoinError> {
        let (passphrase, auth) = match network.security {
            Security::Open => ("", sdk::AUTH_OPEN),
            Security::Wpa2(passphrase) => (passphrase, sdk::AUTH_WPA2_PSK),
        };
        let config = StationConfig {
            name: padded(network.name),
            passphrase: padded(passphrase),
            channel: 0,
            bssid_set: 0,
            bssid: [0; 6],
            threshold_rssi: 0,
            threshold_auth: auth,
            open_and_wep_disabled: auth != sdk::AUTH_OPEN,
            all_channel_scan: true,
        };
        STATE.interface.set(sdk::INTERFACE_STATION);
        STATE.auth.set(auth);
        // A join ends a scan, and its callback may not come.
        STATE.scan.set(Scan::Ended { differs: false });
        STATE.link.set(Link::Joining);
        let _joining = Joining;
        // SAFETY: the SDK copies the settings.
        let begun = unsafe {
            sdk::wifi_set_opmode_current(sdk::MODE_STATION)
                && sdk::wifi_station_set_reconnect_policy(false)
                && sdk::wifi_station_set_config_current(&raw const config)
                && sdk::wifi_station_connect()
        };
        if !begun {
            return Err(JoinError::Refused);
        }
        poll_fn(|_| match STATE.link.get() {
            Link::Joining => Poll::Pending,
            Link::Up => Poll::Ready(Ok(())),
            Link::Failed(error) => Poll::Ready(Err(error)),
            Link::Down(_) => Poll::Ready(Err(JoinError::Refused)),
        })
        .await
    }

    /// The SDK says "not found", too, of a network that is there and not protected as the settings say.
    async fn look_closer(&mut self, network: &Network<'_>, error: JoinError) -> JoinError {
        match error {
            JoinError::NotFound if security_differs(network.name).await => JoinError::SecurityMismatch,
            error => error,
        }
    }

    async fn leave(&mut self) {
        if link_is_up() {
            leave();
        }
    }

    async fn link_lost(&mut self) -> LinkLoss {
        poll_fn(|_| match STATE.link.get() {
            Link::Up => Poll::Pending,
            Link::Down(loss) => Poll::Ready(loss),
            Link::Joining | Link::Failed(_) => Poll::Ready(LinkLoss::Left),
        })
        .await
    }

    fn signal_strength(&self) -> Option<i8> {
        // SAFETY: a call without arguments.
        let signal = unsafe { sdk::wifi_station_get_rssi() };
        (link_is_up() && signal != NO_SIGNAL).then_some(signal)
    }
}
