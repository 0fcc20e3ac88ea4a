//! What can be wrong with the internet: rules that the world switches on and off by name, and that the router and the
//! servers ask at the moment they would act.
//!
//! A rule with a count applies at most so often. Of several active rules of one kind the one switched on last wins.
//! Whoever applies a rule says so in the record (`EventKind::Fault`); that a rule's interval begins and ends is the
//! world's to record.

use core::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

pub use fake_thingspeak::attack::Attack;
/// What the cloud does wrong with a request, and a reply that is written for it.
pub use fake_thingspeak::serve::{Fault as CloudFault, Pieces, WrittenReply};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A network's DHCP server.
    Dhcp {
        /// The network's name.
        network: String,
        /// What it does wrong.
        reply: DhcpFault,
    },
    /// The name service, on every network.
    Dns(DnsFault),
    /// The time service.
    Ntp(NtpFault),
    /// The way to a server.
    Route {
        /// The server's name; `None` for every server.
        to: Option<String>,
        /// What happens on it.
        reply: RouteFault,
    },
    /// Somebody answers in the cloud's place on port 443.
    ManInTheMiddle(Attack),
    /// The cloud itself.
    Cloud(CloudFault),
    /// What is answered in the cloud's place.
    CloudReply(Arc<WrittenReply>),
}

/// What happens to a request to the cloud.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CloudRule {
    /// This goes wrong.
    Fault(CloudFault),
    /// This is answered.
    Reply(Arc<WrittenReply>),
}

/// What a DHCP server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpFault {
    /// It does not answer.
    Silent,
    /// It offers, and then refuses what was requested (DHCPNAK).
    Refuse,
    /// It answers so much later.
    Slow(Duration),
    /// Its leases last so long, in whole seconds.
    Lease(Duration),
}

/// What the name service does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// It does not answer.
    Silent,
    /// It refuses to answer (REFUSED).
    Refused,
    /// It fails (SERVFAIL).
    ServerFailure,
    /// It denies every name (NXDOMAIN).
    NoSuchName,
    /// It gives every name this address.
    WrongAddress(Ipv4Addr),
    /// It answers so much later.
    Slow(Duration),
}

/// What the time service does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NtpFault {
    /// It does not answer.
    Silent,
    /// It tells the client to ask less often (stratum 0, `RATE`: RFC 5905 §7.4).
    KissOfDeath,
    /// It is wrong by so much; positive is fast.
    WrongBy(time::Duration),
    /// It answers so much later.
    Slow(Duration),
}

/// What happens on the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFault {
    /// Packets vanish, both ways.
    Silent,
    /// Connections are refused.
    Refused,
    /// Connections are accepted and then torn down.
    Reset,
}

/// A rule that applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied<F> {
    /// The rule's name.
    pub rule: String,
    /// What it does.
    pub fault: F,
}

/// The active rules.
#[derive(Debug, Default)]
pub(super) struct Faults {
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    rule: String,
    fault: Fault,
    left: Option<u32>,
}

impl Faults {
    /// Switches a rule on; it applies at most `count` times. Replaces an active rule of the same name.
    pub fn set_active(&mut self, rule: &str, fault: Fault, count: Option<u32>) {
        self.clear(rule);
        self.active.push(Active { rule: rule.to_owned(), fault, left: count });
    }

    /// Switches a rule off.
    pub fn clear(&mut self, rule: &str) {
        self.active.retain(|active| active.rule != rule);
    }

    /// The rule that applies to `network`'s DHCP server now, counted.
    pub fn dhcp(&mut self, network: &str) -> Option<Applied<DhcpFault>> {
        self.apply(|fault| match fault {
            Fault::Dhcp { network: its, reply } if its == network => Some(*reply),
            _ => None,
        })
    }

    /// The rule that applies to the name service now, counted.
    pub fn dns(&mut self) -> Option<Applied<DnsFault>> {
        self.apply(|fault| if let Fault::Dns(reply) = fault { Some(*reply) } else { None })
    }

    /// The rule that applies to the time service now, counted.
    pub fn ntp(&mut self) -> Option<Applied<NtpFault>> {
        self.apply(|fault| if let Fault::Ntp(reply) = fault { Some(*reply) } else { None })
    }

    /// The rule that applies to a new connection to `server`, counted.
    pub fn route(&mut self, server: &str) -> Option<Applied<RouteFault>> {
        self.apply(|fault| match fault {
            Fault::Route { to, reply } if leads_to(to, server) => Some(*reply),
            _ => None,
        })
    }

    /// Whether packets to and from `server` vanish now. Not counted: a rule with a count concerns new connections.
    pub fn swallows(&self, server: &str) -> bool {
        self.active.iter().any(|active| {
            active.left.is_none()
                && matches!(&active.fault, Fault::Route { to, reply: RouteFault::Silent } if leads_to(to, server))
        })
    }

    /// Who answers a new connection to the cloud's port 443 in its place, counted.
    pub fn man_in_the_middle(&mut self) -> Option<Applied<Attack>> {
        self.apply(|fault| if let Fault::ManInTheMiddle(attack) = fault { Some(*attack) } else { None })
    }

    /// The rule that applies to a request to the cloud, counted.
    pub fn cloud(&mut self) -> Option<Applied<CloudRule>> {
        self.apply(|fault| match fault {
            Fault::Cloud(what) => Some(CloudRule::Fault(*what)),
            Fault::CloudReply(reply) => Some(CloudRule::Reply(reply.clone())),
            _ => None,
        })
    }

    fn apply<F>(&mut self, select: impl Fn(&Fault) -> Option<F>) -> Option<Applied<F>> {
        self.active.iter_mut().rev().filter(|active| active.left != Some(0)).find_map(|active| {
            let fault = select(&active.fault)?;
            active.left = active.left.map(|left| left - 1);
            Some(Applied { rule: active.rule.clone(), fault })
        })
    }
}

fn leads_to(to: &Option<String>, server: &str) -> bool {
    to.as_deref().is_none_or(|to| to == server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_wins_until_its_count_is_used_up() {
        let mut faults = Faults::default();
        faults.set_active("always", Fault::Dns(DnsFault::Silent), None);
        faults.set_active("twice", Fault::Dns(DnsFault::Refused), Some(2));
        let applied: Vec<_> = (0..4).filter_map(|_| faults.dns()).map(|applied| applied.rule).collect();
        assert_eq!(applied, ["twice", "twice", "always", "always"]);
        faults.clear("always");
        assert_eq!(faults.dns(), None);
    }

    #[test]
    fn rules_concern_their_network_and_server_only() {
        let mut faults = Faults::default();
        faults.set_active("a", Fault::Dhcp { network: "home".into(), reply: DhcpFault::Silent }, None);
        faults.set_active("b", Fault::Route { to: Some("cloud".into()), reply: RouteFault::Silent }, None);
        assert!(faults.dhcp("home").is_some());
        assert!(faults.dhcp("office").is_none());
        assert!(faults.swallows("cloud") && !faults.swallows("time"));
    }
}
