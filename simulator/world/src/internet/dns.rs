//! The name service that every router offers (RFC 1035): names to IPv4 addresses, from a table.
//!
//! Not modelled: recursion (the answer is simply known), TCP, EDNS, other record types than A; a question for another
//! type of a known name gets an empty answer.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::fault::DnsFault;
use simulator_record::events::DnsOutcome;

/// Seconds an answer may be kept.
const TIME_TO_LIVE: u32 = 300;

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

/// Answers a question, with a fault if there is one (a slow answer is the caller's to delay). `None` if it is no
/// question.
pub(crate) fn answer(names: &Names, message: &[u8], fault: Option<DnsFault>) -> Option<Answer> {
    let mut packet = Packet::parse(message).ok()?;
    if packet.has_flags(PacketFlag::RESPONSE) {
        return None;
    }
    let [question] = &packet.questions[..] else { return None };
    let (qname, qtype) = (question.qname.clone(), question.qtype);
    let name = qname.to_string().trim_end_matches('.').to_ascii_lowercase();
    let known = names.get(&name);
    let wants_address = matches!(qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY);
    let (outcome, code, addresses) = match fault {
        Some(DnsFault::Silent) => {
            return Some(Answer { name, outcome: DnsOutcome::Ignored, addresses: vec![], message: None });
        }
        Some(DnsFault::Refused) => (DnsOutcome::Refused, RCODE::Refused, vec![]),
        Some(DnsFault::ServerFailure) => (DnsOutcome::ServerFailure, RCODE::ServerFailure, vec![]),
        Some(DnsFault::NoSuchName) => (DnsOutcome::NoSuchName, RCODE::NameError, vec![]),
        Some(DnsFault::WrongAddress(address)) if wants_address => (DnsOutcome::Answered, RCODE::NoError, vec![address]),
        Some(DnsFault::WrongAddress(_) | DnsFault::Slow(_)) | None => match known {
            None => (DnsOutcome::NoSuchName, RCODE::NameError, vec![]),
            Some(_) if !wants_address => (DnsOutcome::Answered, RCODE::NoError, vec![]),
            Some(addresses) => (DnsOutcome::Answered, RCODE::NoError, addresses.clone()),
        },
    };
    *packet.opt_mut() = None;
    packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE);
    *packet.rcode_mut() = code;
    packet.answers = addresses
        .iter()
        .map(|&address| {
            ResourceRecord::new(qname.clone(), CLASS::IN, TIME_TO_LIVE, RData::A(A { address: address.into() }))
        })
        .collect();
    let message = packet.build_bytes_vec_compressed().ok()?;
    Some(Answer { name, outcome, addresses, message: Some(message) })
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
            simple_dns::Name::new(name).unwrap(),
            kind.into(),
            CLASS::IN.into(),
            false,
        ));
        answer(&names, &packet.build_bytes_vec().unwrap(), fault).unwrap()
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
        assert_eq!(answer(&Names::new(), &[0xff; 40], None), None);
        assert_eq!(answer(&Names::new(), &[], None), None);
    }
}
