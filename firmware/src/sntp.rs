//! Keeps the calendar: asks a time server once the device is on the network, and again every few hours.
//!
//! SNTP as of RFC 4330: one request to one server of `pool.ntp.org`, the reply checked as §5 asks (server mode, a
//! stratum of 1 to 15, synchronised, our own transmit timestamp echoed). That timestamp is a random number, so that
//! only who saw the request can answer it. A kiss-o'-death (§8) is obeyed: no question for an hour. When the servers
//! stay silent the uploader is told, which then asks the cloud for the time. Servers are not compared with each other.

use embassy_futures::select::select;
use embassy_net::dns::DnsQueryType;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{IpEndpoint, Stack};
use embassy_time::{Duration, Instant, Timer, with_deadline};
use log::{info, warn};
use rand_core::RngCore;

use crate::backoff::Backoff;
use crate::shared::{Online, Shared};
use crate::wall_clock::{Heard, Iso8601};

/// Where the time comes from.
pub const SERVER: &str = "pool.ntp.org";
const PORT: u16 = 123;
const LENGTH: usize = 48;
/// Between 1900 and 1970 (RFC 4330 §3).
const NTP_TO_UNIX: i64 = 2_208_988_800;

const REPLY_PATIENCE: Duration = Duration::from_secs(5);
const RESYNC: Duration = Duration::from_secs(4 * 3_600);
const AFTER_KISS: Duration = Duration::from_secs(3_600);
/// A clock in doubt is checked no sooner than this after the last question.
const DOUBT_SPACING: Duration = Duration::from_secs(300);
const LEAST_WAIT: Duration = Duration::from_secs(2);
const MOST_WAIT: Duration = Duration::from_secs(900);
/// Silent are the time servers after so many questions without an answer.
const SILENT_AFTER: u32 = 2;

/// Keeps the calendar for ever.
pub(crate) async fn run(shared: &Shared<'_>, stack: Stack<'_>, mut random: impl RngCore) -> ! {
    let mut backoff = Backoff::new(LEAST_WAIT, MOST_WAIT);
    let mut failures = 0;
    loop {
        shared.until(|shared| shared.online().up).await;
        let online = shared.online();
        let asked = Instant::now();
        // Whatever is doubted now, the answer decides it.
        shared.take_doubt();
        match ask(stack, failures, &mut random).await {
            Ok(answer) => {
                let heard = shared.tell_clock(|clock| clock.hear_sntp(answer.unix_micros, answer.at));
                log_heard(heard, answer.unix_micros.div_euclid(1_000_000));
                // A server that tells nonsense is as good as a silent one.
                let useful = !matches!(heard, Heard::Absurd);
                shared.set_sntp_silent(!useful);
                failures = 0;
                backoff.reset();
                let doubted = async {
                    Timer::at(asked + DOUBT_SPACING).await;
                    shared.until(Shared::clock_in_doubt).await;
                };
                select(Timer::after(if useful { RESYNC } else { MOST_WAIT }), doubted).await;
            }
            Err(Failure::Kiss(code)) => {
                let code = core::str::from_utf8(&code).unwrap_or("?");
                warn!(target: "time", "{SERVER} asks not to be asked ({code}); again in {} min", AFTER_KISS.as_secs() / 60);
                shared.set_sntp_silent(true);
                Timer::after(AFTER_KISS).await;
            }
            Err(failure) => {
                failures += 1;
                let wait = backoff.after_failure(&mut random);
                warn!(target: "time", "{failure}; again in {} s", wait.as_secs());
                if failures >= SILENT_AFTER {
                    shared.set_sntp_silent(true);
                }
                if select(Timer::after(wait), shared.until(|shared| newly(online, shared.online()))).await.is_second() {
                    backoff.reset();
                }
            }
        }
    }
}

/// Whether the device has come back to the network since `before`.
fn newly(before: Online, now: Online) -> bool {
    now.up && now.episode != before.episode
}

fn log_heard(heard: Heard, unix: i64) {
    match heard {
        Heard::Set => info!(target: "time", "it is {} ({SERVER})", Iso8601(unix)),
        Heard::Agreed => info!(target: "time", "the clock is right ({SERVER})"),
        Heard::Moved(millis) => info!(target: "time", "the clock is moved by {millis} ms ({SERVER})"),
        Heard::Absurd | Heard::OutsideCertificate => {
            warn!(target: "time", "{SERVER} says {}, which cannot be; not believed", Iso8601(unix))
        }
        Heard::Contradicted(secs) => {
            warn!(target: "time", "{SERVER} is {secs} s away from what the cloud said; not believed");
        }
    }
}

/// The time, and when it was that time.
struct Answer {
    unix_micros: i64,
    at: Instant,
}

/// Why there is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("{SERVER} could not be resolved")]
    Unresolved,
    #[error("the network does not take the question")]
    NotSent,
    #[error("no answer from {SERVER}")]
    Silent,
    #[error("{SERVER} does not know the time itself")]
    Unsynchronised,
    #[error("{SERVER} asks not to be asked")]
    Kiss([u8; 4]),
}

async fn ask(stack: Stack<'_>, failures: u32, random: &mut impl RngCore) -> Result<Answer, Failure> {
    let addresses = stack.dns_query(SERVER, DnsQueryType::A).await.map_err(|_| Failure::Unresolved)?;
    // Another server of the pool after each failure, if the resolver named several.
    let turn = usize::try_from(failures).unwrap_or(0) % addresses.len().max(1);
    let server = IpEndpoint::new(*addresses.get(turn).ok_or(Failure::Unresolved)?, PORT);

    let mut receive_metadata = [PacketMetadata::EMPTY; 2];
    let mut receive_buffer = [0; 2 * LENGTH];
    let mut send_metadata = [PacketMetadata::EMPTY; 1];
    let mut send_buffer = [0; LENGTH];
    let mut socket =
        UdpSocket::new(stack, &mut receive_metadata, &mut receive_buffer, &mut send_metadata, &mut send_buffer);
    socket.bind(0).map_err(|_| Failure::NotSent)?;

    let nonce = random.next_u64().to_be_bytes();
    let sent = Instant::now();
    let deadline = sent + REPLY_PATIENCE;
    socket.send_to(&request(nonce), server).await.map_err(|_| Failure::NotSent)?;
    let mut packet = [0; LENGTH];
    loop {
        let received = with_deadline(deadline, socket.recv_from(&mut packet)).await.map_err(|_| Failure::Silent)?;
        let at = Instant::now();
        // What is too long for the buffer or comes from elsewhere is not the answer; the answer may still come.
        let Ok((length, metadata)) = received else { continue };
        if metadata.endpoint != server {
            continue;
        }
        match parse(&packet[..length], nonce) {
            Ok(times) => return Ok(Answer { unix_micros: times.at_arrival(at - sent), at }),
            Err(Refusal::NotOurs) => {}
            Err(Refusal::Unsynchronised) => return Err(Failure::Unsynchronised),
            Err(Refusal::Kiss(code)) => return Err(Failure::Kiss(code)),
        }
    }
}

/// Version 4, mode 3 (client), and the nonce as transmit timestamp; all else zero (RFC 4330 §5).
fn request(nonce: [u8; 8]) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = 4 << 3 | 3;
    packet[40..].copy_from_slice(&nonce);
    packet
}

/// The server's two timestamps, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    received: i64,
    transmitted: i64,
}

impl Times {
    /// The time when the reply arrived, `round_trip` after the request was sent.
    fn at_arrival(self, round_trip: Duration) -> i64 {
        let round_trip = i64::try_from(round_trip.as_micros()).unwrap_or(0);
        let inside_server = self.transmitted.saturating_sub(self.received).clamp(0, round_trip);
        self.transmitted.saturating_add((round_trip - inside_server) / 2)
    }
}

/// Why a packet does not tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It does not answer our question.
    NotOurs,
    /// The server is not synchronised.
    Unsynchronised,
    /// Kiss-o'-death, with its code.
    Kiss([u8; 4]),
}

fn parse(packet: &[u8], nonce: [u8; 8]) -> Result<Times, Refusal> {
    let packet: &[u8; LENGTH] = packet.first_chunk().ok_or(Refusal::NotOurs)?;
    let field = |at: usize| -> [u8; 8] { core::array::from_fn(|i| packet[at + i]) };
    let (leap, mode, stratum) = (packet[0] >> 6, packet[0] & 7, packet[1]);
    if mode != 4 || field(24) != nonce {
        return Err(Refusal::NotOurs);
    }
    match stratum {
        0 => return Err(Refusal::Kiss([packet[12], packet[13], packet[14], packet[15]])),
        1..=15 if leap != 3 && field(40) != [0; 8] => {}
        _ => return Err(Refusal::Unsynchronised),
    }
    Ok(Times { received: unix_micros(field(32)), transmitted: unix_micros(field(40)) })
}

/// Seconds since 1900 and a fraction; without the top bit it is the era that begins in 2036 (RFC 4330 §3).
fn unix_micros(timestamp: [u8; 8]) -> i64 {
    let bits = u64::from_be_bytes(timestamp);
    let (secs, fraction) = ((bits >> 32) as i64, bits & 0xFFFF_FFFF);
    let era = if secs & 0x8000_0000 == 0 { 1 << 32 } else { 0 };
    let micros = (fraction * 1_000_000) >> 32;
    (secs + era - NTP_TO_UNIX) * 1_000_000 + micros as i64
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const NONCE: [u8; 8] = *b"the-one!";
    const START: u32 = 1_767_225_600;

    fn reply(change: impl FnOnce(&mut [u8; LENGTH])) -> [u8; LENGTH] {
        let mut packet = [0; LENGTH];
        packet[0] = 4 << 3 | 4;
        packet[1] = 2;
        packet[24..32].copy_from_slice(&NONCE);
        let secs = START.wrapping_add(NTP_TO_UNIX as u32).to_be_bytes();
        packet[32..36].copy_from_slice(&secs);
        packet[40..44].copy_from_slice(&secs);
        packet[44] = 0x40;
        change(&mut packet);
        packet
    }

    #[test]
    fn a_good_reply_tells_the_time_at_its_arrival() {
        let times = parse(&reply(|_| {}), NONCE).expect("good");
        assert_eq!(times.received, i64::from(START) * 1_000_000);
        assert_eq!(times.transmitted, i64::from(START) * 1_000_000 + 250_000);
        // 650 ms under way, 250 ms of it in the server: 200 ms for the way back.
        assert_eq!(times.at_arrival(Duration::from_millis(650)), i64::from(START) * 1_000_000 + 450_000);
    }

    #[test]
    fn replies_that_must_not_be_believed_are_not() {
        let parsed = |change: fn(&mut [u8; LENGTH])| parse(&reply(change), NONCE);
        assert_eq!(parsed(|p| p[24] ^= 1), Err(Refusal::NotOurs));
        assert_eq!(parsed(|p| p[0] = 4 << 3 | 3), Err(Refusal::NotOurs));
        assert_eq!(parsed(|p| p[0] = 4 << 3 | 5), Err(Refusal::NotOurs));
        assert_eq!(parsed(|p| p[0] |= 3 << 6), Err(Refusal::Unsynchronised));
        assert_eq!(parsed(|p| p[1] = 16), Err(Refusal::Unsynchronised));
        assert_eq!(parsed(|p| p[40..].fill(0)), Err(Refusal::Unsynchronised));
        assert_eq!(
            parsed(|p| {
                p[1] = 0;
                p[12..16].copy_from_slice(b"RATE");
            }),
            Err(Refusal::Kiss(*b"RATE"))
        );
        for length in 0..LENGTH {
            assert_eq!(parse(&reply(|_| {})[..length], NONCE), Err(Refusal::NotOurs));
        }
    }

    proptest! {
        #[test]
        fn no_packet_is_too_odd(packet: Vec<u8>, head: [u8; 4], secs: u64) {
            let _whatever = parse(&packet, NONCE);
            let whole = reply(|p| {
                p[..4].copy_from_slice(&head);
                p[32..40].copy_from_slice(&secs.to_be_bytes());
            });
            if let Ok(times) = parse(&whole, NONCE) {
                let (low, high) = (times.transmitted, times.transmitted + 2_500_000);
                prop_assert!((low..=high).contains(&times.at_arrival(Duration::from_secs(5))));
            }
        }
    }

    #[test]
    fn the_era_after_2036_is_understood() {
        assert_eq!(unix_micros([0; 8]), ((1 << 32) - NTP_TO_UNIX) * 1_000_000);
    }

    #[test]
    fn the_question_is_a_client_s_and_carries_the_nonce() {
        let packet = request(NONCE);
        assert_eq!(packet[0], 0x23);
        assert_eq!(packet[1..40], [0; 39]);
        assert_eq!(packet[40..], NONCE);
    }
}
