//! When the device asks for an address: the delays of RFC 2131 around `embassy-net`'s DHCP client.
//!
//! The client speaks the protocol, and its pace is not the standard's: it repeats a question every so many seconds, and
//! begins anew at once when a router refuses (DHCPNAK) or when a lease is over, so that router and device may keep each
//! other busy with a hundred messages a second. Here it is told to ignore refusals and never to repeat DHCPDISCOVER.
//! [`Listener`](crate::listener::Listener) stands between the stack and the radio and hears what passes ([`Heard`]);
//! [`obtain`] begins the client anew, no sooner than 4, 8, 16, 32 and then 64 s (each ±1 s) after the last time,
//! whatever came of it (RFC 2131 §4.1).
//!
//! Within an attempt the client repeats DHCPREQUEST by itself, after 4, 4, 8, 8, 16 and 16 s (±25 %, drawn once). A
//! lease that would have to be renewed every second or faster is taken for a refusal.
//!
//! Not done: the random wait before the very first question (§4.4.1), which would delay each start; asking for the
//! former address (INIT-REBOOT, §4.4.2).

mod conflict;

use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::{ConfigV4, DhcpConfig, Stack};
use embassy_sync::waitqueue::WakerRegistration;
use embassy_time::{Duration, Instant, Timer};
use log::warn;
use rand_core::RngCore;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame,
    EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use crate::backoff::jitter;
use conflict::{Given, Own};

/// The first delay, before its second of jitter; each further one is twice as long (RFC 2131 §4.1).
const FIRST_DELAY: u64 = 4;
/// How often the delay doubles: up to 64 s.
const DOUBLINGS: u8 = 4;
/// For the answer to DHCPREQUEST, repetitions included (RFC 2131 §3.1.5 gives an example of a minute).
const REQUEST_PATIENCE: Duration = Duration::from_secs(60);
/// Longer than anything is waited for.
const NEVER: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(86_400);
/// A lease that is shorter, in seconds, would have to be renewed every second or faster.
const SHORTEST_LEASE: u32 = 4;
/// Nor may a router ask for its renewal sooner than after so many seconds (T1, T2: RFC 2132 §9.11, §9.12).
const SOONEST_RENEWAL: u32 = 2;

/// When the next attempt to get an address may begin.
#[derive(Debug)]
pub(crate) struct Pace {
    doublings: u8,
    earliest: Instant,
}

impl Pace {
    /// At once.
    pub const fn new() -> Self {
        Self { doublings: 0, earliest: Instant::MIN }
    }

    /// An attempt begins at `now`; draws when the next one may.
    fn begin(&mut self, now: Instant, random: &mut impl RngCore) {
        let middle = FIRST_DELAY << self.doublings;
        let delay = Duration::from_secs(middle - 1) + jitter(Duration::from_secs(2), random);
        self.doublings = (self.doublings + 1).min(DOUBLINGS);
        self.earliest = now + delay;
    }
}

/// Gets an address: returns when the stack has one. The link must be up or come up.
pub(crate) async fn obtain(stack: Stack<'_>, heard: &Heard, pace: &mut Pace, random: &mut impl RngCore) {
    stack.wait_link_up().await;
    loop {
        Timer::at(pace.earliest).await;
        pace.begin(Instant::now(), random);
        heard.forget();
        stack.set_config_v4(ConfigV4::Dhcp(client(random)));
        let given_up = async {
            Timer::at(pace.earliest).await;
            // An offer is there, and the address is requested.
            select(heard.until(|heard| heard.asked() != Some(DhcpMessageType::Request)), Timer::after(REQUEST_PATIENCE))
                .await
        };
        match select3(heard.refused(), stack.wait_config_up(), pin!(given_up)).await {
            Either3::First(refusal) => {
                stack.set_config_v4(ConfigV4::None);
                let wait = pace.earliest.saturating_duration_since(Instant::now()).as_secs();
                warn!(target: "wifi", "{refusal}; asking for an address again in {wait} s");
            }
            Either3::Second(()) => return,
            Either3::Third(Either::First(()) | Either::Second(())) => {}
        }
    }
}

/// The stack's client as [`obtain`] wants it.
fn client(random: &mut impl RngCore) -> DhcpConfig {
    let mut config = DhcpConfig::default();
    config.ignore_naks = true;
    config.retry_config.discover_timeout = NEVER;
    let repeated = Duration::from_secs(FIRST_DELAY - 1) + jitter(Duration::from_secs(2), random);
    config.retry_config.initial_request_timeout = smoltcp::time::Duration::from_micros(repeated.as_micros());
    // `obtain` gives up sooner.
    config.retry_config.request_retries = 16;
    config
}

/// Why there is no address, or none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the router refuses the address (DHCPNAK)")]
    Refused,
    #[error("the router's lease is too short to be of use")]
    TooShort,
    #[error("another device has it")]
    Taken,
}

/// What the device has last asked a DHCP server, and whether that was refused.
#[derive(Default)]
pub(crate) struct Heard {
    asked: Cell<Option<Asked>>,
    refusal: Cell<Option<Refusal>>,
    /// The address in use.
    given: Cell<Option<Given>>,
    /// The announcement of the address in use.
    own: Cell<Option<Own>>,
    changed: RefCell<WakerRegistration>,
}

#[derive(Clone, Copy)]
struct Asked {
    kind: DhcpMessageType,
    transaction: u32,
    client: EthernetAddress,
}

impl Heard {
    /// Waits for a refusal, and takes it.
    pub async fn refused(&self) -> Refusal {
        poll_fn(|context| match self.refusal.take() {
            Some(refusal) => Poll::Ready(refusal),
            None => {
                self.changed.borrow_mut().register(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    fn until(&self, condition: impl Fn(&Self) -> bool) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            if condition(self) {
                return Poll::Ready(());
            }
            self.changed.borrow_mut().register(context.waker());
            Poll::Pending
        })
    }

    fn asked(&self) -> Option<DhcpMessageType> {
        self.asked.get().map(|asked| asked.kind)
    }

    fn forget(&self) {
        self.asked.set(None);
        self.refusal.set(None);
        self.given.set(None);
        // What is declined is declined all the same.
        if let Some(Own::Announcement(_)) = self.own.get() {
            self.own.set(None);
        }
    }

    /// The device sends `frame`.
    pub fn outgoing(&self, frame: &[u8]) {
        message(frame, DHCP_SERVER_PORT, |message| {
            self.asked.set(Some(Asked {
                kind: message.message_type,
                transaction: message.transaction_id,
                client: message.client_hardware_address,
            }));
            self.changed.borrow_mut().wake();
        });
    }

    /// The device receives `frame`.
    pub fn incoming(&self, frame: &[u8]) {
        if let (Some(given), Some((station, address))) = (self.given.get(), conflict::claim(frame))
            && address == given.address
            && station != given.client
        {
            self.given.set(None);
            self.own.set(Some(Own::Decline(given)));
            self.refuse(Refusal::Taken);
            return;
        }
        message(frame, DHCP_CLIENT_PORT, |message| {
            let Some(Asked { kind: DhcpMessageType::Request, transaction, client }) = self.asked.get() else { return };
            // A reply must name its server (RFC 2131 §4.3.1), and the stack ignores it otherwise.
            let is_ours = message.transaction_id == transaction
                && message.client_hardware_address == client
                && message.server_identifier.is_some();
            if let Some(refusal) = refusal(message).filter(|_| is_ours) {
                self.refuse(refusal);
            } else if let (true, DhcpMessageType::Ack, Some(server)) =
                (is_ours, message.message_type, message.server_identifier)
            {
                let given = Given { address: message.your_ip, server, client };
                // A renewal is nothing new.
                let before = self.given.replace(Some(given));
                if before.is_none_or(|before| before.address != given.address) {
                    self.own.set(Some(Own::Announcement(given)));
                }
            }
        });
    }

    /// What is to go out before the stack's next frame.
    pub fn own(&self) -> Option<Own> {
        self.own.get()
    }

    /// That has gone out.
    pub fn own_sent(&self) {
        self.own.set(None);
    }

    fn refuse(&self, refusal: Refusal) {
        self.refusal.set(Some(refusal));
        self.changed.borrow_mut().wake();
    }
}

/// Whether a reply to DHCPREQUEST says no.
fn refusal(message: &DhcpRepr<'_>) -> Option<Refusal> {
    match message.message_type {
        DhcpMessageType::Nak => Some(Refusal::Refused),
        DhcpMessageType::Ack => {
            let below = |seconds: Option<u32>, least| seconds.is_some_and(|seconds| seconds < least);
            let too_short = below(message.lease_duration, SHORTEST_LEASE)
                || below(message.renew_duration, SOONEST_RENEWAL)
                || below(message.rebind_duration, SOONEST_RENEWAL);
            too_short.then_some(Refusal::TooShort)
        }
        _ => None,
    }
}

/// Lets `look` see the DHCP message in `frame`, if it is one to `port` and whole.
fn message(frame: &[u8], port: u16, look: impl FnOnce(&DhcpRepr<'_>)) {
    let parsed = || {
        let checksums = ChecksumCapabilities::default();
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        if packet.next_header() != IpProtocol::Udp || packet.more_frags() || packet.frag_offset() != 0 {
            return None;
        }
        let ip = Ipv4Repr::parse(&packet, &checksums).ok()?;
        let udp = UdpPacket::new_checked(packet.payload()).ok()?;
        if udp.dst_port() != port {
            return None;
        }
        let (source, destination) = (IpAddress::Ipv4(ip.src_addr), IpAddress::Ipv4(ip.dst_addr));
        UdpRepr::parse(&udp, &source, &destination, &checksums).ok()?;
        look(&DhcpRepr::parse(&DhcpPacket::new_checked(udp.payload()).ok()?).ok()?);
        Some(())
    };
    // What is no such message concerns nobody here.
    let _seen = parsed();
}

#[cfg(test)]
mod tests;
