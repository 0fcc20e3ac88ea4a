//! Faults that a host can have a cloud answer a request with: as a host names them, with the words and sentences that
//! files, orders and pages have for them ([`Fault::WORDS`]), and as a connection carries them out (`Plan`).

use std::sync::Arc;
use std::time::Duration;

use super::written::WrittenReply;
use crate::cloud::Refusal;

/// A fault as files, orders and pages have it.
#[derive(Clone, Copy, Debug)]
pub struct FaultWord {
    /// The word, such as `drop-before-storing`.
    pub word: &'static str,
    /// What the cloud does, in a sentence with a full stop. What stands between backticks is code.
    pub about: &'static str,
    /// What has to be said with it.
    pub needs: FaultNeeds,
}

/// What has to be said with a fault, and the fault that comes of it.
#[derive(Clone, Copy, Debug)]
pub enum FaultNeeds {
    /// Nothing.
    Nothing(Fault),
    /// A status of a reply.
    Status(fn(u16) -> Fault),
    /// How long something takes.
    Delay(fn(Duration) -> Fault),
    /// By how much a time is wrong; positive is fast.
    Error(fn(time::Duration) -> Fault),
}

/// Declares [`Fault`] and [`Fault::WORDS`] together, so that no fault lacks its row: each variant with what it needs,
/// its word and its sentence.
macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident $(($needs:ident: $value:ty))?, $word:literal, $about:literal;)+) => {
        /// One thing that goes wrong with an exchange.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $variant $(($value))?,)+
        }

        impl Fault {
            /// A row for each fault, in the order in which the scenario language lists them.
            pub const WORDS: &[FaultWord] = &[
                $(FaultWord { word: $word, about: $about, needs: faults!(@needs $variant $($needs)?) },)+
            ];
        }
    };
    (@needs $variant:ident) => { FaultNeeds::Nothing(Self::$variant) };
    (@needs $variant:ident $needs:ident) => { FaultNeeds::$needs(Self::$variant) };
}

faults! {
    /// The reply has this status and says so in ThingSpeak's manner; nothing is stored. A number that is no final HTTP
    /// status (200–999) counts as 500.
    Status(Status: u16), "status",
        "Stores nothing and answers with this status.";
    /// The reply has status 429 and asks to wait so long, in seconds (`Retry-After`, RFC 9110 §10.2.3); nothing is
    /// stored.
    RetryAfter(Delay: Duration), "retry-after",
        "Stores nothing and answers 429, with `Retry-After` in seconds (RFC 9110, section 10.2.3).";
    /// The same with status 503, and the wait ends at a date.
    RetryAfterDate(Delay: Duration), "retry-after-date",
        "Stores nothing and answers 503, with `Retry-After` as a date that is so far away.";
    /// Nothing happens for so long; then the request is handled.
    DelayBeforeStoring(Delay: Duration), "delay-before-storing",
        "Waits, then stores and answers.";
    /// The request is handled, and the reply comes so much later.
    DelayAfterStoring(Delay: Duration), "delay-after-storing",
        "Stores, then waits and answers.";
    /// The reply's `Date` is wrong by so much; positive is fast. All else is as it should be.
    DateWrongBy(Error: time::Duration), "date-wrong-by",
        "Stores and answers, with a Date that is wrong by this much.";
    /// The connection is closed (close_notify, FIN); the request was never handled.
    DropBeforeStoring, "drop-before-storing",
        "Closes the connection without storing.";
    /// The request is handled, and the connection closed (close_notify, FIN) without a reply.
    DropAfterStoring, "drop-after-storing",
        "Stores, then closes the connection without an answer.";
    /// The connection is torn (neither close_notify nor FIN); the request was never handled.
    Reset, "reset",
        "Resets the connection without storing.";
    /// The reply comes in chunks (RFC 9112 §7.1) instead of with its length.
    Chunked, "chunked",
        "Answers in chunks.";
    /// The reply announces more than it has, and the connection is closed after what it has.
    Truncated, "truncated",
        "Stores, and closes in the middle of the answer.";
    /// The request is handled as always; the connection is closed once nothing has come on it for so long after the
    /// reply, which did not say so.
    CloseWhenIdle(Delay: Duration), "close-when-idle",
        "Stores and answers, and closes the connection when nothing has come for so long, without having said so.";
    /// The reply says that the last write was less than 15 s ago; nothing is stored.
    TooSoon, "too-soon",
        "Answers 0, as if the last entry were too young.";
    /// The reply says that the key is wrong; nothing is stored.
    RefuseKey, "refuse-key",
        "Refuses the write key.";
}

/// What is to happen to a request. Delays add up; of faults that exclude each other the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What goes wrong; nothing by default.
    pub faults: Vec<Fault>,
    /// What is answered in the place of the cloud.
    pub reply: Option<Arc<WrittenReply>>,
    /// The name of the rule that says so, for the record.
    pub rule: Option<String>,
}

impl Verdict {
    /// The request is handled as it deserves.
    pub fn honest() -> Self {
        Self::default()
    }

    /// `fault` happens to it because of `rule`.
    pub fn fault(rule: impl Into<String>, fault: Fault) -> Self {
        Self { faults: vec![fault], rule: Some(rule.into()), ..Self::default() }
    }

    /// `reply` is what it is answered with because of `rule`.
    pub fn reply(rule: impl Into<String>, reply: Arc<WrittenReply>) -> Self {
        Self { reply: Some(reply), rule: Some(rule.into()), ..Self::default() }
    }
}

/// Faults in the order in which a connection meets them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) delay_before: Duration,
    pub(super) before: Option<Before>,
    pub(super) refusal: Option<Refusal>,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) delay_after: Duration,
    pub(super) delivery: Delivery,
    pub(super) date_error: time::Duration,
    pub(super) close_when_idle: Option<Duration>,
}

/// How long a refusal asks to wait.
#[derive(Debug, PartialEq)]
pub(super) enum RetryAfter {
    Seconds(u64),
    Date(Duration),
}

/// How the connection ends instead of the request being handled.
#[derive(Debug, PartialEq)]
pub(super) enum Before {
    Drop,
    Reset,
}

/// How the reply is sent.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Delivery {
    #[default]
    Whole,
    Chunked,
    Truncated,
    None,
}

impl Plan {
    pub(super) fn of(faults: &[Fault]) -> Self {
        let mut plan = Self::default();
        for fault in faults {
            match fault {
                Fault::DelayBeforeStoring(delay) => plan.delay_before = plan.delay_before.saturating_add(*delay),
                Fault::DelayAfterStoring(delay) => plan.delay_after = plan.delay_after.saturating_add(*delay),
                Fault::DropBeforeStoring => plan.before = Some(Before::Drop),
                Fault::Reset => plan.before = Some(Before::Reset),
                Fault::DropAfterStoring => plan.delivery = Delivery::None,
                Fault::Chunked => plan.delivery = Delivery::Chunked,
                Fault::Truncated => plan.delivery = Delivery::Truncated,
                Fault::Status(status) => plan.refuse(Refusal::Status(*status), None),
                Fault::RetryAfter(wait) => {
                    // Rounded up, so that no client comes too early.
                    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                    plan.refuse(Refusal::Status(429), Some(RetryAfter::Seconds(seconds)));
                }
                Fault::RetryAfterDate(wait) => plan.refuse(Refusal::Status(503), Some(RetryAfter::Date(*wait))),
                Fault::TooSoon => plan.refuse(Refusal::TooSoon, None),
                Fault::RefuseKey => plan.refuse(Refusal::Key, None),
                Fault::DateWrongBy(error) => plan.date_error = *error,
                Fault::CloseWhenIdle(idle) => plan.close_when_idle = Some(*idle),
            }
        }
        plan
    }

    fn refuse(&mut self, refusal: Refusal, retry_after: Option<RetryAfter>) {
        (self.refusal, self.retry_after) = (Some(refusal), retry_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_add_up_and_the_last_of_excluding_faults_counts() {
        let second = Duration::from_secs(1);
        let plan = Plan::of(&[
            Fault::DelayBeforeStoring(second),
            Fault::Status(503),
            Fault::DelayBeforeStoring(second),
            Fault::RefuseKey,
            Fault::Chunked,
            Fault::DateWrongBy(time::Duration::days(-3)),
        ]);
        let expected = Plan {
            delay_before: 2 * second,
            refusal: Some(Refusal::Key),
            delivery: Delivery::Chunked,
            date_error: time::Duration::days(-3),
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }
}
