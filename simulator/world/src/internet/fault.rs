//! What can be wrong with the internet: rules that the world switches on and off by name, and that the router and the
//! servers ask at the moment they would act.
//!
//! A rule with a count applies at most so often. Of several active rules of one kind the one switched on last wins.
//! Whoever applies a rule says so in the record (`EventKind::Fault`); that a rule's interval begins and ends is the
//! world's to record.

use core::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::server::PORTAL_ADDRESS;
pub use fake_thingspeak::attack::Attack;
/// What a certificate of the cloud is like.
pub use fake_thingspeak::certificates::Profile;
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
    /// What the name service answers to a name.
    DnsAnswer(Arc<DnsAnswer>),
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
    /// The cloud shows another certificate.
    Certificate(Arc<Profile>),
    /// The cloud itself.
    Cloud(CloudFault),
    /// What is answered in the cloud's place.
    CloudReply(Arc<WrittenReply>),
    /// Whoever has not logged in gets the provider's page for each name and each address.
    CaptivePortal(PortalReply),
}

/// What happens to a question for a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DnsRule {
    /// This goes wrong.
    Fault(DnsFault),
    /// This is answered.
    Answer(Arc<DnsAnswer>),
}

/// What a captive portal says over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalReply {
    /// 302, to the login page.
    Redirect,
    /// 200, with the login page.
    Page,
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
    /// Another device has the address that it gives, and answers for it.
    Taken,
    /// Another box is the way out, at this address, and leases say so; the earlier one lets nothing through.
    NewGateway(Ipv4Addr),
    /// It has no address left: who has one keeps it, and nobody else is answered.
    Full,
    /// It has forgotten its clients: each is refused once, and then given another address.
    Forgotten,
    /// It tells clients something else.
    Tells(DhcpOptions),
}

/// What a DHCP server tells its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DhcpOptions {
    /// The way out.
    pub gateway: Told<Ipv4Addr>,
    /// Whom to ask for names.
    pub name_server: Told<Ipv4Addr>,
    /// Which addresses are near.
    pub subnet_mask: Told<Ipv4Addr>,
    /// How long the lease lasts, in seconds.
    pub lease: Told<u32>,
}

/// What is told of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// What is so.
    #[default]
    True,
    /// This instead.
    Other(T),
    /// Nothing.
    Nothing,
}

impl<T> Told<T> {
    /// What is said where this is so; `None` if nothing is.
    pub(super) fn or(self, truth: T) -> Option<T> {
        match self {
            Self::True => Some(truth),
            Self::Other(other) => Some(other),
            Self::Nothing => None,
        }
    }
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

/// An answer of the name service, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The name that it is for, in lower case; `None` for every name.
    pub name: Option<String>,
    /// Other names, each an alias of the one before (CNAME), the first of the name asked for; the last has the
    /// addresses.
    pub aliases: Vec<String>,
    /// The addresses in their order; `None` for those that the name has.
    pub addresses: Option<Vec<Ipv4Addr>>,
    /// How long it may be kept, in seconds; `None` for as long as any.
    pub time_to_live: Option<u32>,
    /// The name has an IPv6 address and no other.
    pub only_ipv6: bool,
    /// It says that it was cut short, and has nothing in it.
    pub is_truncated: bool,
    /// It has another number than the question.
    pub has_wrong_id: bool,
}

/// What the time service does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NtpFault {
    /// It does not answer.
    Silent,
    /// It tells the client to ask less often (stratum 0, `RATE`: RFC 5905 §7.4).
    KissOfDeath,
    /// Its time is zero: it does not know it (RFC 5905, figure 8: "special value").
    ZeroTime,
    /// It says that its clock is not synchronised (leap indicator 3), and tells a time that is years off.
    Unsynchronised,
    /// It says stratum 0 without a code, and tells a time that is years off.
    StratumZero,
    /// It says that the day's last minute has 61 seconds (leap indicator 1); the time is right.
    LeapSecond,
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

    /// The address of another way out of `network` than the one it is set up to, and whose rule that is. Not counted: a
    /// box is there until it is gone.
    pub fn new_gateway(&self, network: &str) -> Option<Applied<Ipv4Addr>> {
        self.in_force(|fault| match fault {
            Fault::Dhcp { network: its, reply: DhcpFault::NewGateway(address) } if its == network => Some(*address),
            _ => None,
        })
    }

    /// The rule by which another device of `network` has a client's address. Not counted: it is there until it is gone.
    pub fn taken(&self, network: &str) -> Option<Applied<()>> {
        self.in_force(|fault| match fault {
            Fault::Dhcp { network: its, reply: DhcpFault::Taken } if its == network => Some(()),
            _ => None,
        })
    }

    /// The rule that applies to a question for `name` now, counted.
    pub fn dns(&mut self, name: &str) -> Option<Applied<DnsRule>> {
        self.apply(|fault| match fault {
            Fault::Dns(reply) => Some(DnsRule::Fault(*reply)),
            Fault::DnsAnswer(answer) if answer.name.as_deref().is_none_or(|its| its == name) => {
                Some(DnsRule::Answer(answer.clone()))
            }
            // Every name is its own.
            Fault::CaptivePortal(_) => Some(DnsRule::Fault(DnsFault::WrongAddress(PORTAL_ADDRESS))),
            _ => None,
        })
    }

    /// The captive portal that answers now. Not counted: it stands in everybody's way until it is gone.
    pub fn portal(&self) -> Option<Applied<PortalReply>> {
        self.in_force(|fault| if let Fault::CaptivePortal(reply) = fault { Some(*reply) } else { None })
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

    /// What the cloud shows a new connection in place of its own certificate, counted.
    pub fn certificate(&mut self) -> Option<Applied<Arc<Profile>>> {
        self.apply(|fault| if let Fault::Certificate(profile) = fault { Some(profile.clone()) } else { None })
    }

    /// The rule that applies to a request to the cloud, counted.
    pub fn cloud(&mut self) -> Option<Applied<CloudRule>> {
        self.apply(|fault| match fault {
            Fault::Cloud(what) => Some(CloudRule::Fault(*what)),
            Fault::CloudReply(reply) => Some(CloudRule::Reply(reply.clone())),
            _ => None,
        })
    }

    /// The last rule that says something, whatever its count.
    fn in_force<F>(&self, select: impl Fn(&Fault) -> Option<F>) -> Option<Applied<F>> {
        self.active
            .iter()
            .rev()
            .find_map(|active| Some(Applied { fault: select(&active.fault)?, rule: active.rule.clone() }))
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
        let applied: Vec<_> = (0..4).filter_map(|_| faults.dns("a")).map(|applied| applied.rule).collect();
        assert_eq!(applied, ["twice", "twice", "always", "always"]);
        faults.clear("always");
        assert_eq!(faults.dns("a"), None);
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
