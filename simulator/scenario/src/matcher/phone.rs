//! What a phone is meant to do or see.

use simulator_record::events::{JoinOutcome, PhoneEvent};

use super::TextMatch;

/// What a phone is meant to do or see.
#[derive(Clone, Debug)]
pub enum PhoneMatch {
    /// Anything.
    Anything,
    /// It joined, or failed to.
    Joined(bool),
    /// It was given an address.
    Lease,
    /// It got a reply.
    Reply {
        /// The status.
        status: Option<u16>,
        /// A part of the body.
        contains: Option<String>,
        /// Where a redirect leads.
        location: Option<TextMatch>,
    },
    /// It got no reply.
    Failed {
        /// What happened instead.
        reason: Option<TextMatch>,
    },
    /// It left, or its network went away.
    Left,
}

impl PhoneMatch {
    /// Whether this is meant.
    pub fn matches(&self, event: &PhoneEvent) -> bool {
        match (self, event) {
            (Self::Anything, _) => true,
            (Self::Joined(joined), PhoneEvent::Join { outcome, .. }) => *joined == (*outcome == JoinOutcome::Joined),
            (Self::Lease, PhoneEvent::Lease { .. }) | (Self::Left, PhoneEvent::Left {}) => true,
            (
                Self::Reply { status: wanted, contains, location: wanted_location },
                PhoneEvent::Reply { status, location, body, .. },
            ) => {
                let location_fits =
                    |wanted: &TextMatch| location.as_deref().is_some_and(|location| wanted.matches(location));
                wanted.is_none_or(|wanted| wanted == *status)
                    && contains.as_ref().is_none_or(|part| body.contains(part.as_str()))
                    && wanted_location.as_ref().is_none_or(location_fits)
            }
            (Self::Failed { reason: wanted }, PhoneEvent::Failed { reason, .. }) => {
                wanted.as_ref().is_none_or(|wanted| wanted.matches(reason))
            }
            _ => false,
        }
    }
}
