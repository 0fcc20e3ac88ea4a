//! The time server behind `pool.ntp.org` (SNTP version 4, RFC 4330 §4): tells the world's calendar time.
//!
//! It is a stratum 2 server that is always right unless a fault says otherwise. Not modelled: authentication, other
//! modes than client and server.

use time::OffsetDateTime;

use super::fault::NtpFault;
use simulator_record::events::NtpOutcome;

/// Bytes of a message without authenticator.
const LENGTH: usize = 48;
/// Mode 3, a client; mode 4, a server (RFC 4330 §4, "Mode").
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// What a clock tells that was never set: a week after the beginning of NTP's second era, where all bits are zero and
/// it began.
const UNSET: OffsetDateTime = time::macros::datetime!(2036-02-14 06:28:16 UTC);
/// Seconds from 1900, where NTP counts from, to 1970.
const UNIX_EPOCH: i128 = 2_208_988_800;

/// What the time server did with a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// In the record's words.
    pub outcome: NtpOutcome,
    /// The time told, in seconds since 1970.
    pub unix_time: Option<i64>,
    /// The reply's UDP payload; `None` if there is none.
    pub message: Option<Vec<u8>>,
}

/// Answers a question that arrived at `received` and is answered at `sent`, with a fault if there is one (a slow answer
/// is the caller's to delay). `None` if it is no question.
pub(super) fn answer(
    message: &[u8],
    received: OffsetDateTime,
    sent: OffsetDateTime,
    fault: Option<NtpFault>,
) -> Option<Answer> {
    let request = message.first_chunk::<LENGTH>()?;
    let (version, mode) = (request[0] >> 3 & 7, request[0] & 7);
    if mode != CLIENT || !(1..=4).contains(&version) {
        return None;
    }
    if fault == Some(NtpFault::Silent) {
        return Some(Answer { outcome: NtpOutcome::Ignored, unix_time: None, message: None });
    }
    let mut reply = vec![0; LENGTH];
    reply[0] = version << 3 | SERVER;
    // The client's own time, returned so that it can measure the round trip.
    reply[24..32].copy_from_slice(&request[40..48]);
    if fault == Some(NtpFault::KissOfDeath) {
        reply[0] |= 3 << 6;
        reply[12..16].copy_from_slice(b"RATE");
        return Some(Answer { outcome: NtpOutcome::KissOfDeath, unix_time: None, message: Some(reply) });
    }
    let error = match fault {
        Some(NtpFault::WrongBy(error)) => error,
        Some(NtpFault::Unsynchronised | NtpFault::StratumZero) => UNSET - sent,
        _ => time::Duration::ZERO,
    };
    let told = |at: OffsetDateTime| at.saturating_add(error);
    reply[1] = 2;
    reply[2] = request[2].clamp(4, 10);
    // A precision of 2^-20 s, about a microsecond.
    reply[3] = (-20_i8).cast_unsigned();
    // Root delay and dispersion of about 15 ms (16.16 fixed point), and the stratum 1 server's address.
    reply[6..8].copy_from_slice(&1_000_u16.to_be_bytes());
    reply[10..12].copy_from_slice(&1_000_u16.to_be_bytes());
    reply[12..16].copy_from_slice(&[203, 0, 113, 1]);
    reply[16..24].copy_from_slice(&timestamp(told(received - time::Duration::seconds(16))));
    reply[32..40].copy_from_slice(&timestamp(told(received)));
    reply[40..48].copy_from_slice(&timestamp(told(sent)));
    match fault {
        Some(NtpFault::ZeroTime) => {
            reply[16..24].fill(0);
            reply[32..48].fill(0);
            return Some(Answer { outcome: NtpOutcome::Answered, unix_time: None, message: Some(reply) });
        }
        Some(NtpFault::Unsynchronised) => {
            reply[0] |= 3 << 6;
            reply[1] = 16;
        }
        Some(NtpFault::StratumZero) => {
            reply[1] = 0;
            reply[12..16].fill(0);
        }
        Some(NtpFault::LeapSecond) => reply[0] |= 1 << 6,
        _ => {}
    }
    Some(Answer { outcome: NtpOutcome::Answered, unix_time: Some(told(sent).unix_timestamp()), message: Some(reply) })
}

/// Seconds since 1900 modulo 2^32 (eras, RFC 4330 §3) and a binary fraction.
fn timestamp(at: OffsetDateTime) -> [u8; 8] {
    let fixed = ((at.unix_timestamp_nanos() + UNIX_EPOCH * 1_000_000_000) << 32).div_euclid(1_000_000_000);
    (fixed as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-01 00:00:00.5 UTC);

    fn question() -> [u8; LENGTH] {
        let mut message = [0; LENGTH];
        message[0] = 4 << 3 | CLIENT;
        message[40..48].copy_from_slice(b"origin!!");
        message
    }

    #[test]
    fn tells_the_time_with_its_fraction_and_returns_the_origin() {
        let answer = answer(&question(), NOW, NOW, None).unwrap();
        let message = answer.message.unwrap();
        assert_eq!(message[24..32], *b"origin!!");
        assert_eq!(u32::from_be_bytes(*message[40..].first_chunk().unwrap()), 1_767_225_600 + 2_208_988_800_u32);
        assert_eq!(message[44..48], [0x80, 0, 0, 0]);
        assert_eq!((message[0], message[1]), (4 << 3 | SERVER, 2));
        assert_eq!(answer.unix_time, Some(1_767_225_600));
    }

    #[test]
    fn is_wrong_by_as_much_as_told() {
        let answer = answer(&question(), NOW, NOW, Some(NtpFault::WrongBy(time::Duration::days(-400)))).unwrap();
        assert_eq!(answer.unix_time, Some(1_767_225_600 - 400 * 86_400));
    }

    #[test]
    fn a_kiss_of_death_has_stratum_0_and_its_code() {
        let answer = answer(&question(), NOW, NOW, Some(NtpFault::KissOfDeath)).unwrap();
        let message = answer.message.unwrap();
        assert_eq!((message[0] >> 6, message[1], &message[12..16]), (3, 0, &b"RATE"[..]));
    }

    #[test]
    fn a_server_that_does_not_know_the_time_says_so_in_one_way_at_a_time() {
        const YEAR_2036: u32 = 7 * 86_400;
        const YEAR_2026: u32 = 1_767_225_600 + 2_208_988_800;
        let told = |fault| {
            let message = answer(&question(), NOW, NOW, Some(fault)).unwrap().message.unwrap();
            (message[0] >> 6, message[1], u32::from_be_bytes(*message[40..].first_chunk().unwrap()))
        };
        assert_eq!(told(NtpFault::ZeroTime), (0, 2, 0));
        assert_eq!(told(NtpFault::StratumZero), (0, 0, YEAR_2036));
        assert_eq!(told(NtpFault::Unsynchronised), (3, 16, YEAR_2036));
        assert_eq!(told(NtpFault::LeapSecond), (1, 2, YEAR_2026));
    }

    #[test]
    fn only_questions_are_answered() {
        assert_eq!(answer(&[0; LENGTH], NOW, NOW, None), None);
        assert_eq!(answer(&question()[..47], NOW, NOW, None), None);
    }
}
