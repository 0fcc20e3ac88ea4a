//! From power-up to restart: looks at the switch and the settings, and runs configuration mode or station mode.

use core::cell::RefCell;
use core::net::Ipv4Addr;
use core::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_net::{Config, Ipv4Cidr, StaticConfigV4};
use embassy_time::{Duration, Timer};
use embedded_hal::digital::{InputPin, OutputPin};
use log::{error, info};
use rand_core::RngCore;

use crate::board::{AccessPoint, Board, Parts, Radio, RadioError};
use crate::dhcp::Heard;
use crate::listener::Listener;
use crate::network::drive;
use crate::own_frame::in_own_frame;
use crate::passphrase::Passphrase;
use crate::random::Random;
use crate::resources::{self, Resources};
use crate::settings::{Settings, TrustedIssuer};
use crate::station::{self, Hardware};
use crate::store::{Own, SECRET};
use crate::{boot, portal, store};

/// The network that the device opens in configuration mode; its passphrase is each device's own.
pub const SETUP_NETWORK: &str = "yellow-duck";
const SETUP_CHANNEL: u8 = 1;
/// The device's address in configuration mode; the network is a /24.
pub const ACCESS_POINT_ADDRESS: Ipv4Addr = portal::ADDRESS;

/// What the future of [`run`] may take, in bytes: 8 KiB on the chip, and some more on a 64-bit host, where the pointers
/// and lengths in it are twice as wide.
pub const FUTURE_BUDGET: usize = if cfg!(target_pointer_width = "64") { 8 * 1_024 + 512 } else { 8 * 1_024 };

/// A radio that refuses its access point is asked again after a restart, this long after it refused.
const BEFORE_TRYING_AGAIN: Duration = Duration::from_secs(10);

/// Why the firmware asks to be restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// New settings were saved and are to be used.
    SettingsSaved,
    /// The radio did not open the access point.
    AccessPointRefused,
}

impl Restart {
    /// The reason in the words of the serial log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SettingsSaved => "settings saved",
            Self::AccessPointRefused => "the radio refused the access point",
        }
    }
}

/// Runs the yellow duck on `board` until it wants to be restarted. The target then restarts the device as a software
/// reset does and calls this again; a panic is the target's business, too.
///
/// The target polls this future when a deadline of the time driver passes, when a frame or a change of the link
/// arrives, and when its waker is woken; all its jobs run under that one waker.
pub async fn run<B: Board>(board: B, resources: &mut Resources) -> Restart {
    let Parts {
        mut data_pin,
        mut config_switch,
        mut wifi_led,
        mut delay,
        mut flash,
        random,
        frames,
        mut radio,
        watchdog,
        reset_cause,
    } = board.into_parts();
    boot::banner(reset_cause);
    // Pins that do not obey must not keep the device from starting; the sensor reports its own trouble later.
    let _unlit = wifi_led.set_low();
    let _released = data_pin.set_high();
    let random = RefCell::new(Random::new(random));
    let watchdog = RefCell::new(watchdog);

    let mode = in_own_frame(pin!(choose_mode::<B>(&mut config_switch, &mut flash))).await;
    let Identity { own, is_new } = in_own_frame(pin!(identity::<B>(&mut flash, &random))).await;
    if is_new || matches!(mode, Mode::Configuration(_)) {
        tell_passphrase(&own);
    }
    let seed = random.borrow_mut().next_u64();
    let Resources { stack: stack_resources, readings, arena } = resources;
    let (heard, backlog) = (Heard::default(), portal::Backlog::default());
    // In both modes, so that there is one function that makes a stack: two would each have a frame of some kilobytes
    // here.
    let frames = Listener::new(frames, &heard, &backlog);
    // By reference, because a binding by value would hold the settings a second time.
    match &mode {
        Mode::Station(settings) => {
            log_settings(settings);
            readings.clear();
            // No address, and no question for one: `connection` asks once a network is joined.
            let config = Config::default();
            let (stack, mut runner) = embassy_net::new(frames, config, stack_resources, seed);
            let hardware: Hardware<'_, B> = Hardware {
                data_pin: &mut data_pin,
                wifi_led: &mut wifi_led,
                delay: &mut delay,
                flash: &mut flash,
                radio: &mut radio,
                random: &random,
                watchdog: &watchdog,
                heard: &heard,
                reset_cause,
            };
            let buffers = resources::for_station(arena);
            let station = pin!(station::run(hardware, stack, settings, own, readings, buffers));
            drive(station, pin!(runner.run())).await
        }
        Mode::Configuration(stored) => {
            let config = Config::ipv4_static(StaticConfigV4 {
                address: Ipv4Cidr::new(ACCESS_POINT_ADDRESS, portal::PREFIX),
                gateway: None,
                dns_servers: heapless::Vec::new(),
            });
            let (stack, mut runner) = embassy_net::new(frames, config, stack_resources, seed);
            let switch_is_on = || config_switch.is_high().unwrap_or(false);
            let configuration = async {
                let passphrase = Passphrase::new(own.secret);
                let access_point =
                    AccessPoint { name: SETUP_NETWORK, passphrase: passphrase.as_str(), channel: SETUP_CHANNEL };
                if let Err(RadioError) = radio.start_access_point(&access_point).await {
                    error!(target: "config", "the radio refused to open the access point {SETUP_NETWORK}");
                    Timer::after(BEFORE_TRYING_AGAIN).await;
                    return Restart::AccessPointRefused;
                }
                let arena = resources::for_portal(arena);
                portal::run(stack, &mut flash, arena, stored.as_ref(), switch_is_on, &backlog).await;
                Restart::SettingsSaved
            };
            let application = pin!(select(configuration, station::feed(&watchdog)));
            let restart = match drive(application, pin!(runner.run())).await {
                Either::First(restart) => restart,
                Either::Second(never) => never,
            };
            info!(target: "boot", "restarting: {}", restart.reason());
            restart
        }
    }
}

enum Mode {
    Station(Settings),
    /// With the settings so far, which the form shows.
    Configuration(Option<Settings>),
}

async fn choose_mode<B: Board>(switch: &mut B::ConfigSwitch, flash: &mut B::Flash) -> Mode {
    let asked = boot::configuration_asked(switch).await;
    let loaded = store::load(flash).await;
    let reason = match &loaded {
        _ if asked => "the switch is on",
        Err(_) => "the settings could not be loaded",
        Ok(None) => "there are no settings yet",
        Ok(Some(_)) => "",
    };
    if let Err(failure) = &loaded {
        error!(target: "config", "could not load the settings: {failure}");
    }
    match loaded {
        Ok(Some(settings)) if !asked => Mode::Station(settings),
        loaded => {
            info!(target: "boot", "configuration mode: {reason}");
            Mode::Configuration(loaded.unwrap_or(None))
        }
    }
}

/// What the device keeps of itself.
struct Identity {
    own: Own,
    /// Whether it was made just now.
    is_new: bool,
}

/// Loads what the device keeps of itself, or makes it: at the first start, or if the flash has lost it.
async fn identity<B: Board>(flash: &mut B::Flash, random: &RefCell<Random<B::Random>>) -> Identity {
    let loaded = store::load_own(flash).await;
    if let Ok(Some(own)) = loaded {
        return Identity { own, is_new: false };
    }
    let mut secret = [0; SECRET];
    random.borrow_mut().fill_bytes(&mut secret);
    let own = Own { secret, newest_time: None };
    // What could not be read may still be there, and is not overwritten.
    let kept = match loaded {
        Ok(_) => store::save_own(flash, &own).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = kept {
        error!(target: "config", "the passphrase below is good until the next start only: {failure}");
    }
    Identity { own, is_new: true }
}

/// Tells whoever reads the serial port what to write on the device's label.
#[inline(never)]
fn tell_passphrase(own: &Own) {
    let passphrase = Passphrase::new(own.secret);
    info!(target: "config", "set-up network {SETUP_NETWORK}, passphrase {}", passphrase.as_str());
}

/// Everything but the secrets.
#[inline(never)]
fn log_settings(settings: &Settings) {
    let security = if settings.passphrase().is_empty() { "open" } else { "WPA2" };
    info!(target: "config", "network {} ({security})", settings.network());
    let (host, port) = (settings.host(), settings.port());
    match (settings.tls(), settings.trusted_issuer()) {
        (false, _) => info!(target: "config", "server {host}:{port}, without TLS"),
        (true, TrustedIssuer::DigiCert) => info!(target: "config", "server {host}:{port}, trusting DigiCert"),
        (true, TrustedIssuer::Fingerprint([a, b, c, d, ..])) => {
            info!(target: "config", "server {host}:{port}, trusting the issuer {a:02X}{b:02X}{c:02X}{d:02X}…");
        }
    }
    info!(target: "config", "{} every {} s", settings.sensor().name(), settings.interval());
}

#[cfg(test)]
mod tests {
    use std::println;

    use super::*;
    use crate::testing::{BareBoard, block_on};

    /// The chip's 80 KiB less what its radio needs.
    const BUDGET: usize = 48 * 1_024;
    /// What checking an RSA signature of 2048 bits may take at its peak, and nothing else takes any: `tests/memory.rs`
    /// measures it.
    const HEAP: usize = 12 * 1_024;

    #[test]
    fn all_memory_stays_within_the_budget() {
        let mut resources = Resources::new();
        let future = size_of_val(&run(BareBoard, &mut resources));
        let total = future + size_of::<Resources>() + HEAP;
        println!(
            "future {future} + resources {} (stack {}, readings {}) + heap {HEAP} = {total} bytes",
            size_of::<Resources>(),
            size_of_val(&resources.stack),
            size_of_val(&resources.readings)
        );
        assert!(future <= FUTURE_BUDGET, "the future has {future} bytes");
        assert!(total <= BUDGET, "{total} bytes");
    }

    #[test]
    fn a_radio_that_refuses_its_access_point_restarts_the_device_later() {
        simulator_clock::set(0);
        let mut resources = Resources::new();
        assert_eq!(block_on(run(BareBoard, &mut resources)), Restart::AccessPointRefused);
        assert!(simulator_clock::now() >= 10_000_000_000);
    }
}
