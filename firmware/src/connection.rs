//! Keeps the device on its network: joins, waits for an address, notices when either is lost, and begins again.
//!
//! Retries never end; they wait 1 s to 60 s (see [`Backoff`]), and from the beginning once an address has held for a
//! while: a network that lets the device in only to send it away again is joined ever more rarely, too. LD1 is on
//! exactly while there is an address and the link is up. How often a router is asked for an address is [`dhcp`]'s;
//! where nothing is reached any more, it is asked before the lease is half over, for the way out may be another one
//! since.

use core::pin::pin;

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::{ConfigV4, Stack};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_hal::digital::OutputPin;
use log::{info, warn};
use rand_core::RngCore;

use crate::backoff::Backoff;
use crate::board::{JoinError, LinkLoss, Network, Radio};
use crate::dhcp::{self, Heard};
use crate::settings::Settings;
use crate::shared::Shared;

const LEAST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAIT: Duration = Duration::from_secs(60);
/// A join that takes longer than this is given up; a scan and four-way handshake take a few seconds.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);
/// After so many joins in a row that were not answered to the end, the log says what may be behind it.
const SILENCE_MEANS: u32 = 3;
/// After so long without an address the log says so.
const ADDRESS_EXPECTED: Duration = Duration::from_secs(15);
/// After so long without an address the network is joined anew: some routers serve only those who come in freshly.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(120);
/// Once an address has held for so long, what went wrong before is over.
const STEADY: Duration = Duration::from_secs(60);

/// Keeps the device connected for ever.
pub(crate) async fn run<L: OutputPin>(
    shared: &Shared<'_>,
    stack: Stack<'_>,
    heard: &Heard,
    settings: &Settings,
    radio: &mut impl Radio,
    led: &mut L,
    mut random: impl RngCore,
) -> ! {
    let name = || settings.network();
    let mut backoff = Backoff::new(LEAST_WAIT, MOST_WAIT);
    let mut unanswered = 0;
    loop {
        info!(target: "wifi", "joining {}", name());
        let joined = with_timeout(JOIN_PATIENCE, radio.join(&network(settings))).await;
        unanswered = if joined == Ok(Err(JoinError::Timeout)) { unanswered + 1 } else { 0 };
        if joined == Ok(Ok(())) {
            log_joined(name(), radio.signal_strength());
            let address = Address { shared, stack, heard };
            stay(&address, settings, radio, led, &mut backoff, &mut random).await;
        }
        let again = Instant::now() + backoff.after_failure(&mut random);
        let refusal = match joined {
            Ok(Ok(())) => None,
            // Some access points show a wrong passphrase by silence.
            Ok(Err(JoinError::Timeout)) if unanswered >= SILENCE_MEANS => {
                Some("the access point stops answering each time: a wrong passphrase, or out of reach")
            }
            // To look closer is a part of the wait.
            Ok(Err(error)) => {
                let closer = with_timeout(JOIN_PATIENCE, radio.look_closer(&network(settings), error)).await;
                Some(closer.unwrap_or(error).reason())
            }
            Err(_) => Some("the radio did not finish"),
        };
        let wait = again.saturating_duration_since(Instant::now());
        let (secs, tenths) = (wait.as_secs(), wait.as_millis() / 100 % 10);
        match refusal {
            Some(reason) => {
                warn!(target: "wifi", "could not join {}: {reason}; again in {secs}.{tenths} s", name());
            }
            None => info!(target: "wifi", "joining again in {secs}.{tenths} s"),
        }
        Timer::at(again).await;
    }
}

fn network(settings: &Settings) -> Network<'_> {
    Network { name: settings.network(), security: settings.security() }
}

fn log_joined(name: &str, signal: Option<i8>) {
    match signal {
        Some(dbm) => info!(target: "wifi", "joined {name}, {dbm} dBm"),
        None => info!(target: "wifi", "joined {name}"),
    }
}

/// Joined: returns when the link is lost, or given up because no address comes.
async fn stay<L: OutputPin>(
    address: &Address<'_, '_, '_>,
    settings: &Settings,
    radio: &mut impl Radio,
    led: &mut L,
    backoff: &mut Backoff,
    random: &mut impl RngCore,
) {
    let end = select(radio.link_lost(), address.keep(led, backoff, random)).await;
    // A LED that cannot be driven must not keep the device from its work.
    let _unlit = led.set_low();
    address.shared.set_online(false);
    // No question for an address goes out before the network is joined again.
    address.stack.set_config_v4(ConfigV4::None);
    let name = settings.network();
    match end {
        Either::First(loss) => warn!(target: "wifi", "lost {name}: {}", loss.reason()),
        Either::Second(NoAddress) => {
            warn!(target: "wifi", "no address from DHCP in {} s, leaving {name}", ADDRESS_PATIENCE.as_secs());
            radio.leave().await;
            // The stack must see the link go down, or it would keep on asking as if nothing had happened.
            let _left: LinkLoss = radio.link_lost().await;
        }
    }
}

/// None came in time.
struct NoAddress;

/// What the device's address concerns.
struct Address<'a, 'q, 'd> {
    shared: &'a Shared<'q>,
    stack: Stack<'d>,
    heard: &'a Heard,
}

impl Address<'_, '_, '_> {
    /// Waits for an address, shows it, and waits for it to go away; returns when none comes.
    async fn keep<L: OutputPin>(&self, led: &mut L, backoff: &mut Backoff, random: &mut impl RngCore) -> NoAddress {
        let Self { shared, stack, heard } = *self;
        let mut pace = dhcp::Pace::new();
        loop {
            {
                let mut obtaining = pin!(dhcp::obtain(stack, heard, &mut pace, random));
                if with_timeout(ADDRESS_EXPECTED, obtaining.as_mut()).await.is_err() {
                    warn!(target: "wifi", "no address from DHCP yet, still asking");
                    let rest = ADDRESS_PATIENCE - ADDRESS_EXPECTED;
                    if with_timeout(rest, obtaining).await.is_err() {
                        return NoAddress;
                    }
                }
            }
            log_address(stack);
            let _lit = led.set_high();
            shared.set_online(true);
            let steady = async {
                Timer::after(STEADY).await;
                backoff.reset();
                pace = dhcp::Pace::new();
                shared.cut_off().await;
            };
            let refusal = match select3(heard.refused(), stack.wait_config_down(), steady).await {
                Either3::First(refusal) => {
                    // The address must not be used any longer (RFC 2131 §4.4.5).
                    stack.set_config_v4(ConfigV4::None);
                    Some(refusal)
                }
                Either3::Second(()) => None,
                Either3::Third(()) => {
                    warn!(target: "wifi", "nothing is reached any more, asking for an address anew");
                    stack.set_config_v4(ConfigV4::None);
                    None
                }
            };
            let _unlit = led.set_low();
            shared.set_online(false);
            match refusal {
                Some(refusal) => warn!(target: "wifi", "the address is gone: {refusal}"),
                // Also when the link goes down; then the radio tells why a moment later.
                None => warn!(target: "wifi", "the address is gone"),
            }
        }
    }
}

fn log_address(stack: Stack<'_>) {
    let Some(config) = stack.config_v4() else { return };
    let address = config.address;
    match (config.gateway, config.dns_servers.first()) {
        (Some(gateway), Some(dns)) => info!(target: "wifi", "address {address}, gateway {gateway}, name server {dns}"),
        (Some(gateway), None) => warn!(target: "wifi", "address {address}, gateway {gateway}, no name server"),
        (None, _) => warn!(target: "wifi", "address {address}, no gateway"),
    }
}
