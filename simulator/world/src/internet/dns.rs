//! The name service that every router offers (RFC 1035): names to IPv4 addresses, from a table.
//!
//! Not modelled: recursion (the answer is simply known), TCP, EDNS, other record types than A but for what a scenario
//! writes; a question for another type of a known name gets an empty answer.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;
use std::sync::Arc;

use simple_dns::rdata::{A, AAAA, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::fault::{DnsAnswer, DnsFault, DnsRule};
use simulator_record::events::DnsOutcome;

/// Seconds an answer may be kept.
const TIME_TO_LIVE: u32 = 300;

/// The address that a name has which has no other (RFC 3849).
const IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 0x50);

/// Names and their addresses, without a final dot and in lower case.
pub(crate) type Names = BTreeMap<String, Vec<Ipv4Addr>>;

/// What the name service did with a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The name asked for.
    pub name: String,
    /// How it answered.
    pub outcome: DnsOutcome,
    /// The addresses told.
    pub addresses: Vec<Ipv4Addr>,
    /// The reply's UDP payload; `None` if there is none.
    pub message: Option<Vec<u8>>,
}

/// Answers a question as the rule for its name says, if there is one (a slow answer is the caller's to delay). `None`
/// if it is no question.
pub(crate) fn answer(names: &Names, message: &[u8], rule: impl FnOnce(&str) -> Option<DnsRule>) -> Option<Answer> {
    let packet = Packet::parse(message).ok()?;
    if packet.has_flags(PacketFlag::RESPONSE) {
        return None;
    }
    let [question] = &packet.questions[..] else { return None };
    let (qname, qtype) = (question.qname.clone(), question.qtype);
    let name = qname.to_string().trim_end_matches('.').to_ascii_lowercase();
    let known = names.get(&name);
    let wants_address = matches!(qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY);
    let rule = rule(&name);
    let (outcome, code, addresses) = match &rule {
        Some(DnsRule::Fault(DnsFault::Silent)) => {
            return Some(Answer { name, outcome: DnsOutcome::Ignored, addresses: vec![], message: None });
        }
        Some(DnsRule::Fault(DnsFault::Refused)) => (DnsOutcome::Refused, RCODE::Refused, vec![]),
        Some(DnsRule::Fault(DnsFault::ServerFailure)) => (DnsOutcome::ServerFailure, RCODE::ServerFailure, vec![]),
        Some(DnsRule::Fault(DnsFault::NoSuchName)) => (DnsOutcome::NoSuchName, RCODE::NameError, vec![]),
        Some(DnsRule::Fault(DnsFault::WrongAddress(address))) if wants_address => {
            (DnsOutcome::Answered, RCODE::NoError, vec![*address])
        }
        Some(DnsRule::Answer(written)) => {
            let own = || known.cloned().unwrap_or_default();
            let addresses = written.addresses.clone().unwrap_or_else(own);
            let is_empty = !wants_address || written.only_ipv6 || written.is_truncated;
            (DnsOutcome::Answered, RCODE::NoError, if is_empty { vec![] } else { addresses })
        }
        Some(DnsRule::Fault(DnsFault::WrongAddress(_) | DnsFault::Slow(_))) | None => match known {
            None => (DnsOutcome::NoSuchName, RCODE::NameError, vec![]),
            Some(_) if !wants_address => (DnsOutcome::Answered, RCODE::NoError, vec![]),
            Some(addresses) => (DnsOutcome::Answered, RCODE::NoError, addresses.clone()),
        },
    };
    let written = match rule {
        Some(DnsRule::Answer(written)) => written,
        _ => Arc::default(),
    };
    let message = reply(packet, &qname, code, &addresses, &written)?;
    Some(Answer { name, outcome, addresses, message: Some(message) })
}

/// The reply to a question with these addresses, and what else is written.
fn reply(
    mut packet: Packet<'_>,
    qname: &Name<'_>,
    code: RCODE,
    addresses: &[Ipv4Addr],
    written: &DnsAnswer,
) -> Option<Vec<u8>> {
    let wants_ipv6 = packet.questions.iter().any(|question| question.qtype == QTYPE::TYPE(TYPE::AAAA));
    *packet.opt_mut() = None;
    packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE);
    *packet.rcode_mut() = code;
    let time_to_live = written.time_to_live.unwrap_or(TIME_TO_LIVE);
    let record = |name: &Name<'_>, data: RData<'static>| {
        ResourceRecord::new(name.clone().into_owned(), CLASS::IN, time_to_live, data)
    };
    if written.is_truncated {
        packet.set_flags(PacketFlag::TRUNCATION);
    } else {
        let mut owner = qname.clone().into_owned();
        for alias in &written.aliases {
            let alias = Name::new(alias).ok()?.into_owned();
            packet.answers.push(record(&owner, RData::CNAME(CNAME(alias.clone()))));
            owner = alias;
        }
        let addresses = addresses.iter().map(|&address| record(&owner, RData::A(A { address: address.into() })));
        packet.answers.extend(addresses);
        if written.only_ipv6 && wants_ipv6 {
            packet.answers.push(record(&owner, RData::AAAA(AAAA { address: IPV6.into() })));
        }
    }
    let mut message = packet.build_bytes_vec_compressed().ok()?;
    if written.has_wrong_id {
        message[..2].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);

    fn ask(name: &str, kind: TYPE, fault: Option<DnsFault>) -> Answer {
        let names = Names::from([("api.thingspeak.com".to_owned(), vec![CLOUD])]);
        let mut packet = Packet::new_query(7);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(simple_dns::Question::new(
            Name::new(name).unwrap(),
            kind.into(),
            CLASS::IN.into(),
            false,
        ));
        answer(&names, &packet.build_bytes_vec().unwrap(), |_| fault.map(DnsRule::Fault)).unwrap()
    }

    fn ask_for(written: DnsAnswer, kind: TYPE) -> Vec<u8> {
        let names = Names::from([("api.thingspeak.com".to_owned(), vec![CLOUD])]);
        let mut packet = Packet::new_query(7);
        let name = Name::new("api.thingspeak.com").unwrap();
        packet.questions.push(simple_dns::Question::new(name, kind.into(), CLASS::IN.into(), false));
        let question = packet.build_bytes_vec().unwrap();
        answer(&names, &question, |_| Some(DnsRule::Answer(Arc::new(written)))).unwrap().message.unwrap()
    }

    #[test]
    fn an_answer_is_what_is_written() {
        let aliases = ["eu.example", "a.cdn.example"].map(str::to_owned).to_vec();
        let chain = DnsAnswer { aliases, time_to_live: Some(0), ..DnsAnswer::default() };
        let message = ask_for(chain, TYPE::A);
        let reply = Packet::parse(&message).unwrap();
        let said: Vec<_> = reply.answers.iter().map(|record| (record.name.to_string(), record.ttl)).collect();
        let expected = ["api.thingspeak.com", "eu.example", "a.cdn.example"].map(|name| (name.to_owned(), 0));
        assert_eq!(said, expected);
        assert!(matches!(&reply.answers[2].rdata, RData::A(A { address }) if *address == u32::from(CLOUD)));

        let only_ipv6 = DnsAnswer { only_ipv6: true, ..DnsAnswer::default() };
        assert_eq!(Packet::parse(&ask_for(only_ipv6.clone(), TYPE::A)).unwrap().answers.len(), 0);
        assert_eq!(Packet::parse(&ask_for(only_ipv6, TYPE::AAAA)).unwrap().answers.len(), 1);
        let message = ask_for(DnsAnswer { is_truncated: true, ..DnsAnswer::default() }, TYPE::A);
        let reply = Packet::parse(&message).unwrap();
        assert!(reply.has_flags(PacketFlag::TRUNCATION) && reply.answers.is_empty());
        let message = ask_for(DnsAnswer { has_wrong_id: true, ..DnsAnswer::default() }, TYPE::A);
        assert_eq!(Packet::parse(&message).unwrap().id(), !7);
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let answer = ask("API.ThingSpeak.com", TYPE::A, None);
        assert_eq!((answer.outcome, &answer.addresses[..]), (DnsOutcome::Answered, &[CLOUD][..]));
        let message = answer.message.unwrap();
        let reply = Packet::parse(&message).unwrap();
        assert_eq!((reply.id(), reply.rcode(), reply.answers.len()), (7, RCODE::NoError, 1));
        assert!(reply.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED));
    }

    #[test]
    fn other_names_and_types_are_told_apart() {
        let unknown = ask("example.org", TYPE::A, None);
        assert_eq!(Packet::parse(&unknown.message.unwrap()).unwrap().rcode(), RCODE::NameError);
        let other_type = ask("api.thingspeak.com", TYPE::AAAA, None);
        let message = other_type.message.unwrap();
        let reply = Packet::parse(&message).unwrap();
        assert_eq!((reply.rcode(), reply.answers.len()), (RCODE::NoError, 0));
    }

    #[test]
    fn each_fault_shows_in_the_reply() {
        let code = |fault| {
            let message = ask("api.thingspeak.com", TYPE::A, Some(fault)).message.unwrap();
            Packet::parse(&message).unwrap().rcode()
        };
        assert_eq!(code(DnsFault::Refused), RCODE::Refused);
        assert_eq!(code(DnsFault::ServerFailure), RCODE::ServerFailure);
        assert_eq!(code(DnsFault::NoSuchName), RCODE::NameError);
        let wrong = Ipv4Addr::new(203, 0, 113, 66);
        assert_eq!(ask("a.example", TYPE::A, Some(DnsFault::WrongAddress(wrong))).addresses, [wrong]);
        assert_eq!(ask("a.example", TYPE::A, Some(DnsFault::Silent)).message, None);
    }

    #[test]
    fn noise_is_no_question() {
        assert_eq!(answer(&Names::new(), &[0xff; 40], |_| None), None);
        assert_eq!(answer(&Names::new(), &[], |_| None), None);
    }
}
