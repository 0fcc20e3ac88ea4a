use super::*;
use crate::element::Rsn;
use crate::group::GroupSecret;
use crate::header::Mac;
use crate::keys::network_key;
use crate::tkip::TkipKey;

const ACCESS_POINT: Mac = [2, 0, 0, 0, 1, 0];
const STATION: Mac = [2, 0, 0, 0, 0, 1];
const GROUP: GroupKey = GroupKey { id: 1, secret: GroupSecret::Ccmp([0x47; 16]) };

fn rsn() -> Vec<u8> {
    let mut element = Vec::new();
    element::push(&mut element, element::RSN, &Rsn::wpa2().content());
    element
}

fn sides(passphrase: &str, typed: &str) -> (Authenticator, Supplicant) {
    let key = |passphrase| network_key(passphrase, b"home");
    let heard = Some(Rsn::wpa2().content());
    (
        Authenticator::new(key(passphrase), ACCESS_POINT, STATION, [0xA; 32], rsn()),
        Supplicant::new(key(typed), ACCESS_POINT, STATION, [0xB; 32], rsn(), heard),
    )
}

/// Both sides after the four messages, and the keys that each uses.
fn established() -> (Authenticator, Supplicant) {
    let (mut authenticator, mut supplicant) = sides("correct horse", "correct horse");
    let second = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
    assert_eq!((second.temporal, second.group), (None, None));
    let Ok(Step::Send(third)) = authenticator.receive(&second.frame, &GROUP, 77) else { panic!("no third message") };
    let fourth = supplicant.receive(&third).unwrap();
    assert_eq!(fourth.group, Some((GROUP, 77)));
    let established = authenticator.receive(&fourth.frame, &GROUP, 77);
    assert_eq!(established, Ok(Step::Established(fourth.temporal.unwrap())));
    assert_eq!(authenticator.repeat(), None);
    (authenticator, supplicant)
}

fn information(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[5], frame[6]])
}

#[test]
fn four_messages_give_both_sides_the_same_keys() {
    established();
}

#[test]
fn messages_say_what_they_are_as_the_standard_has_it() {
    let (mut authenticator, mut supplicant) = sides("correct horse", "correct horse");
    let first = authenticator.repeat().unwrap();
    let second = supplicant.receive(&first).unwrap().frame;
    let Ok(Step::Send(third)) = authenticator.receive(&second, &GROUP, 0) else { panic!("no third message") };
    let fourth = supplicant.receive(&third).unwrap().frame;
    let all = [first, second, third, fourth].map(|frame| information(&frame));
    assert_eq!(all, [0x008A, 0x010A, 0x13CA, 0x030A]);
}

#[test]
fn a_wrong_passphrase_shows_in_the_second_message() {
    let (mut authenticator, mut supplicant) = sides("correct horse", "incorrect horse");
    for _ in 0..4 {
        let second = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
        assert_eq!(authenticator.receive(&second.frame, &GROUP, 0), Err(Refusal::WrongMic));
        assert!(!authenticator.has_derived() && supplicant.has_answered());
    }
}

#[test]
fn repeated_messages_are_answered_and_old_answers_are_not_taken() {
    let (mut authenticator, mut supplicant) = sides("correct horse", "correct horse");
    let stale = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
    let second = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
    assert_eq!(authenticator.receive(&stale.frame, &GROUP, 0), Err(Refusal::Replay));
    let Ok(Step::Send(third)) = authenticator.receive(&second.frame, &GROUP, 0) else { panic!("no third message") };
    supplicant.receive(&third).unwrap();
    assert_eq!(supplicant.receive(&third), Err(Refusal::Replay));
    // The fourth message was lost; the third comes again.
    let fourth = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
    assert!(matches!(authenticator.receive(&fourth.frame, &GROUP, 0), Ok(Step::Established(_))));
}

#[test]
fn a_group_key_is_renewed() {
    let (mut authenticator, mut supplicant) = established();
    let new = GroupKey { id: 2, secret: GroupSecret::Tkip(TkipKey { cipher: [0x48; 16], code: [0x49; 8] }) };
    let message = authenticator.renew(&new, 5).unwrap();
    assert_eq!(information(&message), 0x1382);
    let reply = supplicant.receive(&message).unwrap();
    assert_eq!((information(&reply.frame), reply.group), (0x0302, Some((new, 5))));
    assert_eq!(authenticator.receive(&reply.frame, &new, 5), Ok(Step::GroupKeyTaken));
}

#[test]
fn an_access_point_that_says_something_else_than_its_beacons_is_not_trusted() {
    let (mut authenticator, _) = sides("correct horse", "correct horse");
    let key = network_key("correct horse", b"home");
    let heard = Some(Rsn { capabilities: 1, ..Rsn::wpa2() }.content());
    let mut supplicant = Supplicant::new(key, ACCESS_POINT, STATION, [0xB; 32], rsn(), heard);
    let second = supplicant.receive(&authenticator.repeat().unwrap()).unwrap();
    let Ok(Step::Send(third)) = authenticator.receive(&second.frame, &GROUP, 0) else { panic!("no third message") };
    assert_eq!(supplicant.receive(&third), Err(Refusal::KeyData));
}
