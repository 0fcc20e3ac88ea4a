//! What a cloud does to a request on a bad day: faults as a host names them, the words that files, orders and pages
//! have for them ([`Fault::WORDS`]), and faults as a connection carries them out.

use std::time::Duration;

use crate::cloud::Refusal;

/// One thing that goes wrong with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens for so long; then the request is handled.
    DelayBeforeStoring(Duration),
    /// The request is handled, and the reply comes so much later.
    DelayAfterStoring(Duration),
    /// The connection is closed (close_notify, FIN); the request was never handled.
    DropBeforeStoring,
    /// The request is handled, and the connection closed (close_notify, FIN) without a reply.
    DropAfterStoring,
    /// The connection is torn (neither close_notify nor FIN); the request was never handled.
    Reset,
    /// The reply has this status and says so in ThingSpeak's manner; nothing is stored. A number that is no final HTTP
    /// status (200–999) counts as 500.
    Status(u16),
    /// The reply has status 429 and asks to wait so long, in seconds (`Retry-After`, RFC 9110 §10.2.3); nothing is stored.
    RetryAfter(Duration),
    /// The same with status 503, and the wait ends at a date.
    RetryAfterDate(Duration),
    /// The reply comes in chunks (RFC 9112 §7.1) instead of with its length.
    Chunked,
    /// The reply announces more than it has, and the connection is closed after what it has.
    Truncated,
    /// The reply says that the last write was less than 15 s ago; nothing is stored.
    TooSoon,
    /// The reply says that the key is wrong; nothing is stored.
    RefuseKey,
    /// The reply's `Date` is wrong by so much; positive is fast. All else is as it should be.
    DateWrongBy(time::Duration),
}

/// A fault as files, orders and pages have it.
#[derive(Clone, Copy, Debug)]
pub struct FaultWord {
    /// The word.
    pub word: &'static str,
    /// What the cloud does, in a sentence.
    pub about: &'static str,
    /// What a person is offered who sets it by hand; `None` where it is for simulated worlds alone.
    pub offer: Option<&'static str>,
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

impl Fault {
    /// All of them. A server on real sockets tells the machine's time, so a wrong one is for simulated worlds.
    pub const WORDS: &[FaultWord] = &[
        FaultWord {
            word: "status",
            about: "Stores nothing and answers with this status.",
            offer: Some("Store nothing, and answer with a status"),
            needs: FaultNeeds::Status(Self::Status),
        },
        FaultWord {
            word: "retry-after",
            about: "Stores nothing and answers 429, with `Retry-After` in seconds (RFC 9110, section 10.2.3).",
            offer: Some("Answer 429, with the seconds to wait"),
            needs: FaultNeeds::Delay(Self::RetryAfter),
        },
        FaultWord {
            word: "retry-after-date",
            about: "Stores nothing and answers 503, with `Retry-After` as a date that is so far away.",
            offer: Some("Answer 503, with a date to wait for"),
            needs: FaultNeeds::Delay(Self::RetryAfterDate),
        },
        FaultWord {
            word: "delay-before-storing",
            about: "Waits, then stores and answers.",
            offer: Some("Wait, then store and answer"),
            needs: FaultNeeds::Delay(Self::DelayBeforeStoring),
        },
        FaultWord {
            word: "delay-after-storing",
            about: "Stores, then waits and answers.",
            offer: Some("Store, then wait and answer"),
            needs: FaultNeeds::Delay(Self::DelayAfterStoring),
        },
        FaultWord {
            word: "date-wrong-by",
            about: "Stores and answers, with a Date that is wrong by this much.",
            offer: None,
            needs: FaultNeeds::Error(Self::DateWrongBy),
        },
        FaultWord {
            word: "drop-before-storing",
            about: "Closes the connection without storing.",
            offer: Some("Close the connection without storing"),
            needs: FaultNeeds::Nothing(Self::DropBeforeStoring),
        },
        FaultWord {
            word: "drop-after-storing",
            about: "Stores, then closes the connection without an answer.",
            offer: Some("Store, then close the connection without an answer"),
            needs: FaultNeeds::Nothing(Self::DropAfterStoring),
        },
        FaultWord {
            word: "reset",
            about: "Resets the connection without storing.",
            offer: Some("Reset the connection without storing"),
            needs: FaultNeeds::Nothing(Self::Reset),
        },
        FaultWord {
            word: "chunked",
            about: "Answers in chunks.",
            offer: Some("Answer in chunks"),
            needs: FaultNeeds::Nothing(Self::Chunked),
        },
        FaultWord {
            word: "truncated",
            about: "Stores, and closes in the middle of the answer.",
            offer: Some("Store, and close in the middle of the answer"),
            needs: FaultNeeds::Nothing(Self::Truncated),
        },
        FaultWord {
            word: "too-soon",
            about: "Answers 0, as if the last entry were too young.",
            offer: Some("Answer 0, as if the last entry were too young"),
            needs: FaultNeeds::Nothing(Self::TooSoon),
        },
        FaultWord {
            word: "refuse-key",
            about: "Refuses the write key.",
            offer: Some("Refuse the key"),
            needs: FaultNeeds::Nothing(Self::RefuseKey),
        },
    ];
}

/// What is to happen to a request. Delays add up; of faults that exclude each other the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What goes wrong; nothing by default.
    pub faults: Vec<Fault>,
    /// Who says so, for the record.
    pub rule: Option<String>,
}

impl Verdict {
    /// The request is handled as it deserves.
    pub fn honest() -> Self {
        Self::default()
    }

    /// `fault` happens to it because of `rule`.
    pub fn fault(rule: impl Into<String>, fault: Fault) -> Self {
        Self { faults: vec![fault], rule: Some(rule.into()) }
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
                    // Rounded up, so that nobody comes too early.
                    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                    plan.refuse(Refusal::Status(429), Some(RetryAfter::Seconds(seconds)));
                }
                Fault::RetryAfterDate(wait) => plan.refuse(Refusal::Status(503), Some(RetryAfter::Date(*wait))),
                Fault::TooSoon => plan.refuse(Refusal::TooSoon, None),
                Fault::RefuseKey => plan.refuse(Refusal::Key, None),
                Fault::DateWrongBy(error) => plan.date_error = *error,
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
