//! When the cloud is asked for the time, and for which moment its certificate is judged.
//!
//! A certificate is judged for a moment, and until an authenticated reply has told the time the device may be mistaken
//! about it. Two mistakes would keep it silent for ever, and a question for the time, which carries neither key nor
//! reading, ends both:
//!
//! * The time is unknown, and the server has got a new certificate since the clock's floor (the newest authenticated
//!   time, or the firmware's release), for which certificates are judged. Such a certificate says from when on it is
//!   valid, and the next question is judged for exactly that moment. It holds for one judgement: whatever comes of it,
//!   the next one is for the floor again unless another certificate has named its beginning meanwhile. So a forged
//!   certificate, whose dates are read before its signature, moves nothing for longer than an attempt.
//! * The time is known from SNTP alone, or from a cloud whose clock SNTP contradicts, and the certificate does not fit
//!   it: then that time may be wrong, and the next request is such a question, for the floor or the certificate's
//!   beginning. Its reply's `Date` overrules the clock. A certificate that really is of another time is refused again
//!   afterwards, under the authenticated clock, and now without a question.
//!
//! Names, chain and proof are checked as ever. What this lets through is a certificate of the trusted issuer, for the
//! right name, in the hand of who has its key, that expired after the floor: no more than SNTP does, which is not
//! authenticated and which anybody on the way can forge or silence. On a device that has had an authenticated time that
//! is a week at most; one that never had any believes what was valid at its firmware's release or later.

use embassy_time::Instant;

use super::exchange::Failure;
use super::policy::Plan;
use crate::tls::TlsError;
use crate::wall_clock::{WallClock, plausible};

/// What is doubted about the time, and what the server's certificate says of it.
#[derive(Debug, Default)]
pub(super) struct TimeQuestion {
    /// The certificate does not fit the time.
    doubted: bool,
    /// From when on a certificate that was not valid yet is, in seconds since 1970.
    beginning: Option<i64>,
}

impl TimeQuestion {
    /// Whether the next request has to ask for the time.
    pub fn is_due(&self, clock: WallClock) -> bool {
        !clock.is_known() || self.doubted && !clock.is_authenticated()
    }

    /// The moment, in seconds since 1970, for which the certificate is judged when `plan` is carried out at `now`.
    pub fn judgement(&self, plan: Plan, clock: WallClock, now: Instant) -> i64 {
        match clock.unix_time(now) {
            Some(now) if plan != Plan::AskTime => now,
            _ => self.beginning.map_or(clock.floor(), |beginning| beginning.max(clock.floor())),
        }
    }

    /// There was a reply; `clock` has heard its `Date`.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// There was none to `plan`. A failure that says nothing of the certificate changes nothing.
    pub fn failed(&mut self, plan: Plan, failure: Failure) {
        *self = match failure {
            Failure::Tls(TlsError::NotYetValid(from)) => {
                let from = i64::try_from(from).ok().filter(|from| plausible(*from));
                Self { doubted: plan != Plan::AskTime || from.is_some(), beginning: from }
            }
            // A question that meets an expired certificate has been judged too late, and no later moment helps.
            Failure::Tls(TlsError::Expired(_)) => Self { doubted: plan != Plan::AskTime, beginning: None },
            Failure::Tls(_) => Self::default(),
            _ => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Validity;
    use crate::wall_clock::RELEASE_DATE;

    const DAY: i64 = 86_400;
    const RENEWED: i64 = RELEASE_DATE + 150 * DAY;
    const NOW: Instant = Instant::from_secs(100);

    fn not_yet_valid(from: i64) -> Failure {
        Failure::Tls(TlsError::NotYetValid(from as u64))
    }

    const EXPIRED: Failure = Failure::Tls(TlsError::Expired(RELEASE_DATE as u64 + 3_600));

    fn sntp(days: i64) -> WallClock {
        let mut clock = WallClock::unknown(None);
        clock.hear_sntp((RELEASE_DATE + days * DAY) * 1_000_000, NOW);
        clock
    }

    #[test]
    fn a_certificate_s_beginning_holds_for_one_judgement() {
        let clock = WallClock::unknown(None);
        let mut question = TimeQuestion::default();
        let judged = |question: &TimeQuestion| question.judgement(Plan::AskTime, clock, NOW);
        assert!(question.is_due(clock));
        assert_eq!(judged(&question), RELEASE_DATE);
        question.failed(Plan::AskTime, not_yet_valid(RENEWED));
        assert_eq!(judged(&question), RENEWED);
        // An issuer that is younger still.
        question.failed(Plan::AskTime, not_yet_valid(RENEWED + DAY));
        assert_eq!(judged(&question), RENEWED + DAY);
        for failure in [EXPIRED, Failure::Tls(TlsError::ForgedCertificate), Failure::Tls(TlsError::Closed)] {
            let mut question = TimeQuestion { doubted: false, beginning: Some(RENEWED) };
            question.failed(Plan::AskTime, failure);
            assert_eq!(judged(&question), RELEASE_DATE, "{failure}");
            assert!(question.is_due(clock));
        }
        question.answered();
        assert_eq!(judged(&question), RELEASE_DATE);
    }

    #[test]
    fn a_beginning_waits_for_a_server_that_does_not_come_so_far() {
        let mut question = TimeQuestion { doubted: true, beginning: Some(RENEWED) };
        for failure in [Failure::Offline, Failure::Unresolved, Failure::NoConnection, Failure::HandshakeTimeout] {
            question.failed(Plan::AskTime, failure);
            assert_eq!(question.judgement(Plan::AskTime, WallClock::unknown(None), NOW), RENEWED);
        }
        assert!(question.is_due(sntp(3_600)));
    }

    #[test]
    fn no_certificate_leads_before_the_release_or_beyond_the_calendar() {
        for from in [0, RELEASE_DATE - 2 * DAY, 5_000_000_000, i64::MAX] {
            let mut question = TimeQuestion::default();
            question.failed(Plan::AskTime, not_yet_valid(from));
            assert_eq!(question.judgement(Plan::AskTime, WallClock::unknown(None), NOW), RELEASE_DATE, "{from}");
        }
    }

    #[test]
    fn a_certificate_that_does_not_fit_sntp_leads_to_one_question() {
        let clock = sntp(3_600);
        let mut question = TimeQuestion::default();
        assert!(!question.is_due(clock));
        assert_eq!(question.judgement(Plan::Single, clock, NOW), RELEASE_DATE + 3_600 * DAY);
        question.failed(Plan::Single, EXPIRED);
        assert!(question.is_due(clock));
        assert_eq!(question.judgement(Plan::AskTime, clock, NOW), RELEASE_DATE);
        // The release is too late, too: SNTP gets its chance again.
        question.failed(Plan::AskTime, EXPIRED);
        assert!(!question.is_due(clock));

        question.failed(Plan::Single, not_yet_valid(RENEWED));
        assert!(question.is_due(clock));
        assert_eq!(question.judgement(Plan::AskTime, clock, NOW), RENEWED);
        assert_eq!(question.judgement(Plan::Single, clock, NOW), RELEASE_DATE + 3_600 * DAY);
    }

    const ALWAYS: Option<Validity> = Some(Validity { from: 0, until: u64::MAX });

    #[test]
    fn an_authenticated_clock_is_not_doubted_while_sntp_says_the_same_or_nothing() {
        let mut clock = sntp(3_600);
        clock.hear_server(RELEASE_DATE + 5 * DAY, NOW, ALWAYS);
        clock.hear_sntp((RELEASE_DATE + 5 * DAY) * 1_000_000, NOW);
        let mut question = TimeQuestion::default();
        for failure in [EXPIRED, not_yet_valid(RENEWED)] {
            question.failed(Plan::Single, failure);
            assert!(!clock.doubt());
            assert!(!question.is_due(clock));
        }
        assert_eq!(question.judgement(Plan::Single, clock, NOW), RELEASE_DATE + 5 * DAY);
    }

    #[test]
    fn an_authenticated_clock_that_sntp_and_certificate_contradict_leads_to_a_question_judged_by_the_floor() {
        let floor = RELEASE_DATE + 40 * DAY;
        let mut clock = WallClock::unknown(Some(floor));
        clock.hear_server(RELEASE_DATE + 300 * DAY, NOW, ALWAYS);
        clock.hear_sntp((floor + DAY) * 1_000_000, NOW);
        let mut question = TimeQuestion::default();
        question.failed(Plan::Single, EXPIRED);
        assert!(clock.doubt());
        assert!(question.is_due(clock));
        assert_eq!(question.judgement(Plan::AskTime, clock, NOW), floor);
        question.failed(Plan::AskTime, not_yet_valid(RELEASE_DATE + DAY));
        assert_eq!(question.judgement(Plan::AskTime, clock, NOW), floor, "no certificate leads before it");
    }
}
