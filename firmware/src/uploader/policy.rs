//! What to send next and when, and what a reply means: decisions only, no input or output.
//!
//! The cloud takes one request in 15 s (thingspeak: `/update` answers `0` otherwise, `bulk_update` 429). A single
//! reading goes to `/update`. Several go in one request to `/channels/ID/bulk_update.json`, for which the channel's
//! number is needed; `/update.json` tells it, so with several waiting and the number not known yet the oldest goes
//! there. Where the bulk request is refused, its readings go one by one, which shows whose fault it was.
//!
//! What goes wrong is tried ever more rarely: after a failure to get there until the network returns, and after a reply
//! that leaves the readings where they are until another one takes some. A server that says how long to wait
//! (`Retry-After`, RFC 9110 §10.2.3) gets so long, within a bound.

use embassy_time::{Duration, Instant};
use rand_core::RngCore;

use crate::backoff::Backoff;

/// The cloud's rate limit and a second more, for clocks that count whole seconds.
pub const RATE_LIMIT: Duration = Duration::from_secs(16);
/// How rarely a refused key is tried again.
pub const KEY_REFUSED: Duration = Duration::from_secs(30 * 60);
const MOST_WAIT: Duration = Duration::from_secs(600);
/// The longest wait that a server may ask for: whatever it says, the duck shows the same day that it is alive.
pub const LONGEST_ASKED: Duration = Duration::from_secs(6 * 3_600);

/// What to ask of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The time, of which any reply tells.
    AskTime,
    /// The oldest reading to `/update`.
    Single,
    /// The oldest reading to `/update.json`, whose reply names the channel.
    SingleForChannel,
    /// Several readings to the channel's `bulk_update.json`.
    Bulk {
        /// The channel's number.
        channel: u32,
    },
}

/// What a reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored.
    Stored {
        /// As which entry, if the reply says so.
        entry: Option<u32>,
        /// In which channel, if the reply says so.
        channel: Option<u32>,
    },
    /// An entry of that `created_at` exists.
    Conflict,
    /// Refused because the last request was too short ago.
    TooSoon,
    /// The write key is refused.
    KeyRefused,
    /// The server does not take these readings in bulk.
    BulkRefused,
    /// The server has trouble of its own, or says something that makes no sense; the readings may be stored or not.
    Trouble,
}

/// What `status` and `body` mean as the reply to `plan`. Of [`Plan::AskTime`] only the `Date` matters, so nothing is
/// wrong with any reply to it.
pub fn judge(plan: Plan, status: u16, body: &[u8]) -> Verdict {
    let bulk = matches!(plan, Plan::Bulk { .. });
    match status {
        _ if plan == Plan::AskTime => Verdict::Stored { entry: None, channel: None },
        202 if bulk && !says_zero(body) => Verdict::Stored { entry: None, channel: None },
        200 if bulk && says_success(body) => Verdict::Stored { entry: None, channel: None },
        200 if says_zero(body) => Verdict::TooSoon,
        // Anybody says 200: a hotel's login page does.
        200 if bulk => Verdict::Trouble,
        200 => {
            let (entry, channel) = match plan {
                Plan::SingleForChannel => (number_after(body, "\"entry_id\":"), number_after(body, "\"channel_id\":")),
                _ => (core::str::from_utf8(body).ok().and_then(|text| text.trim().parse().ok()), None),
            };
            if entry.is_some() { Verdict::Stored { entry, channel } } else { Verdict::Trouble }
        }
        429 => Verdict::TooSoon,
        // A quota that is used up, a request that came too slowly or too early: the same request is right another time.
        402 | 408 | 425 => Verdict::Trouble,
        400..=499 if bulk => Verdict::BulkRefused,
        409 => Verdict::Conflict,
        400 | 401 | 403 => Verdict::KeyRefused,
        _ => Verdict::Trouble,
    }
}

fn says_zero(body: &[u8]) -> bool {
    body.trim_ascii() == b"0"
}

/// `{"success":true}`, the cloud's word for a bulk request that is stored.
fn says_success(body: &[u8]) -> bool {
    let text = core::str::from_utf8(body).unwrap_or_default();
    text.split_once("\"success\":").is_some_and(|(_, value)| value.trim_start().starts_with("true"))
}

/// The number that follows `name` in a JSON object without white space, as the cloud writes it.
fn number_after(body: &[u8], name: &str) -> Option<u32> {
    let text = core::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(name)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// When the next request may go, and in which form.
#[derive(Debug)]
pub struct Pace {
    /// Not before this, whatever happens: the rate limit, a refused key, what the server asked for.
    allowed: Instant,
    /// Not before this, unless the network comes back: after failures.
    retry: Instant,
    /// After failures to get a reply.
    unreached: Backoff,
    /// After replies that took no reading.
    refused: Backoff,
    channel: Option<u32>,
    /// So many readings are to go one by one before the next bulk request.
    singles: usize,
}

impl Pace {
    /// Free to send at once.
    pub const fn new() -> Self {
        Self {
            allowed: Instant::MIN,
            retry: Instant::MIN,
            unreached: Backoff::new(RATE_LIMIT, MOST_WAIT),
            refused: Backoff::new(RATE_LIMIT, MOST_WAIT),
            channel: None,
            singles: 0,
        }
    }

    /// When the next request may go.
    pub fn earliest(&self) -> Instant {
        self.allowed.max(self.retry)
    }

    /// What to send when `waiting` readings wait; at least one must. `ask_time` if the time comes first.
    pub fn plan(&self, ask_time: bool, waiting: usize) -> Plan {
        match self.channel {
            _ if ask_time => Plan::AskTime,
            _ if waiting <= 1 || self.singles > 0 => Plan::Single,
            None => Plan::SingleForChannel,
            Some(channel) => Plan::Bulk { channel },
        }
    }

    /// The device is back on the network: what failed for want of it may be tried at once.
    pub fn network_returned(&mut self) {
        self.retry = Instant::MIN;
        self.unreached.reset();
    }

    /// There was no reply. If the request `may_have_arrived`, the cloud may count its rate limit from it, and not even
    /// the network's return makes the next one go sooner. Says when the next try is.
    pub fn failed(&mut self, may_have_arrived: bool, now: Instant, random: &mut impl RngCore) -> Duration {
        if may_have_arrived {
            self.wait(now, RATE_LIMIT);
        }
        let wait = self.unreached.after_failure(random);
        self.retry = now + wait;
        wait
    }

    /// The server asks not to be asked for `wait`. Says how long it is obeyed.
    pub fn asked_to_wait(&mut self, wait: Duration, now: Instant) -> Duration {
        self.wait(now, wait.min(LONGEST_ASKED))
    }

    /// The reply to `plan`, which carried `rows` readings, means `verdict`; some of them are `gone` from the queue, or
    /// none. Says how long to wait.
    pub fn answered(
        &mut self,
        plan: Plan,
        rows: usize,
        verdict: Verdict,
        gone: bool,
        now: Instant,
        random: &mut impl RngCore,
    ) -> Duration {
        // That the time was told says nothing of the readings' fate.
        if plan == Plan::AskTime {
            return Duration::MIN;
        }
        self.unreached.reset();
        if let Verdict::Stored { channel: Some(channel), .. } = verdict {
            self.channel = Some(channel);
        }
        if gone {
            self.singles = self.singles.saturating_sub(1);
            self.refused.reset();
            return self.wait(now, RATE_LIMIT);
        }
        if verdict == Verdict::BulkRefused {
            self.singles = rows;
        }
        match verdict {
            Verdict::KeyRefused => self.wait(now, KEY_REFUSED),
            // The limit is the server's, and no other network lifts it.
            Verdict::TooSoon => {
                let wait = self.refused.after_failure(random);
                self.wait(now, wait)
            }
            Verdict::Stored { .. } | Verdict::Conflict | Verdict::BulkRefused | Verdict::Trouble => {
                self.wait(now, RATE_LIMIT);
                let wait = self.refused.after_failure(random);
                self.retry = now + wait;
                wait
            }
        }
    }

    fn wait(&mut self, now: Instant, wait: Duration) -> Duration {
        self.allowed = self.allowed.max(now + wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::Numbers;

    const NOW: Instant = Instant::from_secs(1_000);

    #[test]
    fn replies_mean_what_the_cloud_documents() {
        let stored = |entry, channel| Verdict::Stored { entry, channel };
        let bulk = Plan::Bulk { channel: 7 };
        let json =
            br#"{"channel_id":86945,"field1":"1","created_at":"2017-02-11T21:40:41Z","entry_id":13,"status":null}"#;
        for (plan, status, body, verdict) in [
            (Plan::Single, 200, &b"18"[..], stored(Some(18), None)),
            (Plan::Single, 200, b" 18\r\n", stored(Some(18), None)),
            (Plan::Single, 200, b"0", Verdict::TooSoon),
            (Plan::Single, 200, b"", Verdict::Trouble),
            (Plan::Single, 200, b"<html>log in to the hotel</html>", Verdict::Trouble),
            (Plan::Single, 400, b"0", Verdict::KeyRefused),
            (Plan::Single, 401, b"error_auth_required", Verdict::KeyRefused),
            (Plan::Single, 404, b"error_resource_not_found", Verdict::Trouble),
            (Plan::Single, 409, b"error_conflict", Verdict::Conflict),
            (Plan::Single, 402, b"error_payment_required", Verdict::Trouble),
            (Plan::Single, 408, b"", Verdict::Trouble),
            (Plan::Single, 413, b"", Verdict::Trouble),
            (Plan::Single, 429, b"error_too_many_requests", Verdict::TooSoon),
            (Plan::Single, 503, b"", Verdict::Trouble),
            (Plan::Single, 302, b"", Verdict::Trouble),
            (Plan::SingleForChannel, 200, json, stored(Some(13), Some(86945))),
            (Plan::SingleForChannel, 200, b"0", Verdict::TooSoon),
            (Plan::SingleForChannel, 200, b"{}", Verdict::Trouble),
            (Plan::SingleForChannel, 200, b"{\"entry_id\":99999999999}", Verdict::Trouble),
            (bulk, 202, b"{\"success\":true}", stored(None, None)),
            (bulk, 200, b"{\"success\": true}", stored(None, None)),
            (bulk, 200, b"{\"success\":false}", Verdict::Trouble),
            (bulk, 200, b"<html>log in to the hotel</html>", Verdict::Trouble),
            (bulk, 200, b"18", Verdict::Trouble),
            (bulk, 200, b"0", Verdict::TooSoon),
            (bulk, 409, b"", Verdict::BulkRefused),
            (bulk, 401, b"", Verdict::BulkRefused),
            (bulk, 413, b"", Verdict::BulkRefused),
            (bulk, 402, b"", Verdict::Trouble),
            (bulk, 408, b"", Verdict::Trouble),
            (bulk, 425, b"", Verdict::Trouble),
            (bulk, 429, b"", Verdict::TooSoon),
            (bulk, 500, b"", Verdict::Trouble),
            (Plan::AskTime, 404, b"", stored(None, None)),
        ] {
            assert_eq!(judge(plan, status, body), verdict, "{plan:?} {status}");
        }
    }

    proptest! {
        #[test]
        fn only_a_plain_success_makes_readings_leave(status in 100_u16..1_000, body: Vec<u8>, words in "[0-9{}\":a-z_ ,]*") {
            for body in [&body[..], words.as_bytes()] {
                for plan in [Plan::Single, Plan::SingleForChannel, Plan::Bulk { channel: 1 }] {
                    let stored = matches!(judge(plan, status, body), Verdict::Stored { .. });
                    let is_success = status == 200 || status == 202 && matches!(plan, Plan::Bulk { .. });
                    prop_assert!(is_success || !stored);
                }
            }
        }
    }

    #[test]
    fn the_channel_is_learned_before_the_first_bulk_request() {
        let mut pace = Pace::new();
        let mut random = Numbers(1);
        assert_eq!(pace.plan(true, 5), Plan::AskTime);
        assert_eq!(pace.plan(false, 1), Plan::Single);
        assert_eq!(pace.plan(false, 5), Plan::SingleForChannel);
        let stored = Verdict::Stored { entry: Some(1), channel: Some(9) };
        pace.answered(Plan::SingleForChannel, 1, stored, true, NOW, &mut random);
        assert_eq!(pace.plan(false, 4), Plan::Bulk { channel: 9 });
        assert_eq!(pace.plan(false, 1), Plan::Single);
    }

    #[test]
    fn a_refused_bulk_request_goes_one_by_one() {
        let mut pace = Pace::new();
        let mut random = Numbers(1);
        pace.channel = Some(9);
        let bulk = pace.plan(false, 4);
        pace.answered(bulk, 2, Verdict::BulkRefused, false, NOW, &mut random);
        assert_eq!(pace.plan(false, 4), Plan::Single);
        pace.answered(Plan::Single, 1, Verdict::Conflict, true, NOW, &mut random);
        assert_eq!(pace.plan(false, 3), Plan::Single);
        pace.answered(Plan::Single, 1, Verdict::Stored { entry: Some(2), channel: None }, true, NOW, &mut random);
        assert_eq!(pace.plan(false, 2), Plan::Bulk { channel: 9 });
    }

    #[test]
    fn nothing_goes_sooner_than_the_rate_limit_and_a_refused_key_rarely() {
        let mut random = Numbers(1);
        let stored = Verdict::Stored { entry: Some(1), channel: None };
        for (verdict, gone) in [
            (stored, true),
            (Verdict::Conflict, true),
            (Verdict::Conflict, false),
            (Verdict::TooSoon, false),
            (Verdict::BulkRefused, false),
            (Verdict::Trouble, false),
        ] {
            let mut pace = Pace::new();
            pace.answered(Plan::Single, 1, verdict, gone, NOW, &mut random);
            let wait = pace.earliest() - NOW;
            assert!(wait >= Duration::from_secs(15) && wait <= Duration::from_secs(40), "{verdict:?}: {wait}");
        }
        let mut pace = Pace::new();
        pace.answered(Plan::Single, 1, Verdict::KeyRefused, false, NOW, &mut random);
        pace.network_returned();
        assert_eq!(pace.earliest(), NOW + KEY_REFUSED);
    }

    #[test]
    fn failures_back_off_until_the_network_returns() {
        let mut pace = Pace::new();
        let mut random = Numbers(1);
        let mut last = Duration::MIN;
        for _ in 0..6 {
            let wait = pace.failed(false, NOW, &mut random);
            assert!(wait >= last || wait >= Duration::from_secs(300));
            last = wait;
        }
        assert!(last >= Duration::from_secs(256) && last <= Duration::from_secs(600));
        pace.network_returned();
        assert!(pace.earliest() <= NOW);
        assert!(pace.failed(false, NOW, &mut random) <= Duration::from_secs(32));
    }

    #[test]
    fn replies_that_take_nothing_are_asked_for_ever_more_rarely_until_one_does() {
        let mut random = Numbers(1);
        let stored = Verdict::Stored { entry: Some(1), channel: None };
        for verdict in [Verdict::TooSoon, Verdict::Conflict, Verdict::BulkRefused, Verdict::Trouble] {
            let mut pace = Pace::new();
            let mut now = NOW;
            let mut requests = 0;
            while now < NOW + Duration::from_secs(6 * 3_600) {
                pace.answered(Plan::Single, 1, verdict, false, now, &mut random);
                // A network that comes and goes is no reason to ask a server that was reached and said no.
                pace.unreached.reset();
                now = pace.earliest();
                requests += 1;
            }
            assert!(requests <= 6 * 12 + 6, "{verdict:?}: {requests} requests in six hours");
            pace.answered(Plan::Single, 1, stored, true, now, &mut random);
            assert_eq!(pace.earliest(), now + RATE_LIMIT);
            pace.answered(Plan::Single, 1, verdict, false, now, &mut random);
            assert!(pace.earliest() - now <= Duration::from_secs(32), "{verdict:?}");
        }
    }

    #[test]
    fn too_many_requests_are_too_many_on_any_network() {
        let mut random = Numbers(1);
        let mut pace = Pace::new();
        let (mut now, mut last) = (NOW, Duration::MIN);
        for _ in 0..8 {
            last = pace.answered(Plan::Single, 1, Verdict::TooSoon, false, now, &mut random);
            pace.network_returned();
            assert_eq!(pace.earliest(), now + last);
            now += last;
        }
        assert!(last >= Duration::from_secs(300));
    }

    #[test]
    fn a_server_gets_the_time_that_it_asks_for_within_a_bound() {
        let mut random = Numbers(1);
        let hour = Duration::from_secs(3_600);
        for (asked, obeyed) in [(hour, hour), (hour * 24 * 365, LONGEST_ASKED)] {
            let mut pace = Pace::new();
            pace.answered(Plan::Single, 1, Verdict::Trouble, false, NOW, &mut random);
            assert_eq!(pace.asked_to_wait(asked, NOW), obeyed);
            pace.network_returned();
            assert_eq!(pace.earliest(), NOW + obeyed);
        }
        // What is shorter than the rate limit or a backoff shortens neither.
        let mut pace = Pace::new();
        let wait = pace.answered(Plan::Single, 1, Verdict::TooSoon, false, NOW, &mut random);
        pace.asked_to_wait(Duration::from_secs(1), NOW);
        assert_eq!(pace.earliest(), NOW + wait);
    }

    #[test]
    fn what_may_have_arrived_counts_for_the_rate_limit_even_if_the_network_returns() {
        let mut pace = Pace::new();
        pace.failed(true, NOW, &mut Numbers(1));
        pace.network_returned();
        assert_eq!(pace.earliest(), NOW + RATE_LIMIT);
    }
}
