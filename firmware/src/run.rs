//! From power-up to restart: looks at the switch and the settings, and runs configuration mode or station mode.

use core::cell::RefCell;

use embassy_futures::select::{Either, select};
use embassy_net::{Config, DhcpConfig, Ipv4Address, Ipv4Cidr, StaticConfigV4};
use embassy_time::{Duration, Timer};
use embedded_hal::digital::OutputPin;
use log::{error, info};
use rand_core::RngCore;

use crate::board::{AccessPoint, Board, Parts, Radio, RadioError};
use crate::network::drive;
use crate::resources::Resources;
use crate::settings::{Settings, TrustedIssuer};
use crate::station::{self, Hardware};
use crate::{boot, store};

/// The access point of configuration mode.
pub const ACCESS_POINT: AccessPoint<'static> = AccessPoint { name: "yellow-duck", passphrase: "helloduck", channel: 1 };
/// The device's address in configuration mode; the network is a /24.
pub const ACCESS_POINT_ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 4, 1);

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
/// The target polls this future when a deadline of the time driver passes, when a frame or a change of the link arrives,
/// and when its waker is woken; all its jobs run under that one waker.
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
    let random = RefCell::new(random);
    let watchdog = RefCell::new(watchdog);

    let settings = settings_for_station::<B>(&mut config_switch, &mut flash).await;
    let seed = random.borrow_mut().next_u64();
    let Resources { stack: stack_resources, readings } = resources;
    match settings {
        Some(settings) => {
            log_settings(&settings);
            readings.clear();
            let (stack, mut runner) =
                embassy_net::new(frames, Config::dhcpv4(DhcpConfig::default()), stack_resources, seed);
            let hardware: Hardware<'_, B> = Hardware {
                data_pin: &mut data_pin,
                wifi_led: &mut wifi_led,
                delay: &mut delay,
                radio: &mut radio,
                random: &random,
                watchdog: &watchdog,
            };
            drive(station::run(hardware, stack, &settings, readings), runner.run()).await
        }
        None => {
            let config = Config::ipv4_static(StaticConfigV4 {
                address: Ipv4Cidr::new(ACCESS_POINT_ADDRESS, 24),
                gateway: None,
                dns_servers: heapless::Vec::new(),
            });
            let (_stack, mut runner) = embassy_net::new(frames, config, stack_resources, seed);
            let configuration = async {
                if let Err(RadioError) = radio.start_access_point(&ACCESS_POINT).await {
                    error!(target: "config", "the radio refused to open the access point {}", ACCESS_POINT.name);
                    Timer::after(BEFORE_TRYING_AGAIN).await;
                    return Restart::AccessPointRefused;
                }
                core::future::pending().await
            };
            let restart = match drive(select(configuration, station::feed(&watchdog)), runner.run()).await {
                Either::First(restart) => restart,
                Either::Second(never) => never,
            };
            info!(target: "boot", "restarting: {}", restart.reason());
            restart
        }
    }
}

/// The settings to run station mode with; `None` asks for configuration mode.
async fn settings_for_station<B: Board>(switch: &mut B::ConfigSwitch, flash: &mut B::Flash) -> Option<Settings> {
    if boot::configuration_asked(switch).await {
        info!(target: "boot", "configuration mode: the switch is on");
        return None;
    }
    match store::load(flash).await {
        Ok(Some(settings)) => Some(settings),
        Ok(None) => {
            info!(target: "boot", "configuration mode: there are no settings yet");
            None
        }
        Err(failure) => {
            error!(target: "boot", "configuration mode: could not load the settings: {failure}");
            None
        }
    }
}

/// Everything but the secrets.
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
