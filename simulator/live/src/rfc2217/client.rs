//! The other side: a client of somebody's COM port, which sets its rate and moves DTR and RTS.

use super::{Client, asked, control, say, telnet};
use crate::line::Event;

/// What a client has agreed with the other side, and where in its stream it is.
#[derive(Debug)]
pub(crate) struct Dialogue(Client);

impl Dialogue {
    /// A dialogue, and what begins it: binary both ways and the COM port, at this rate, with both lines released.
    pub(crate) fn begin(baud: u32) -> (Self, Vec<u8>) {
        let mut client = Client::new();
        let offered = [telnet::BINARY, telnet::COM_PORT];
        let wanted = [telnet::BINARY, telnet::SUPPRESS_GO_AHEAD];
        let mut said = Vec::new();
        for option in offered {
            client.does |= 1 << option;
            said.extend([telnet::IAC, telnet::WILL, option]);
        }
        for option in wanted {
            client.lets |= 1 << option;
            said.extend([telnet::IAC, telnet::DO, option]);
        }
        say(&mut said, asked::BAUD_RATE, &baud.to_be_bytes());
        for (what, value) in [(asked::DATA_SIZE, 8), (asked::PARITY, 1), (asked::STOP_SIZE, 1)] {
            say(&mut said, what, &[value]);
        }
        say(&mut said, asked::CONTROL, &[control::NO_FLOW]);
        (Self(client), said)
    }

    /// Takes what the other side sends: the bytes of the line, and what is to be answered.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (events, answer) = self.0.take(bytes);
        let bytes = events.into_iter().filter_map(|event| match event {
            Event::Bytes(bytes) => Some(bytes),
            _ => None,
        });
        (bytes.flatten().collect(), answer)
    }
}

/// What moves both lines; asserted is `true`. RTS is moved first, so that a board whose reset it pulls together with a
/// released DTR is not reset on the way to both released.
pub(crate) fn lines(dtr: bool, rts: bool) -> Vec<u8> {
    let mut said = Vec::new();
    say(&mut said, asked::CONTROL, &[if rts { control::RTS_ON } else { control::RTS_OFF }]);
    say(&mut said, asked::CONTROL, &[if dtr { control::DTR_ON } else { control::DTR_OFF }]);
    said
}

#[cfg(test)]
mod tests {
    use super::super::escaped;
    use super::*;

    /// Both sides talk until neither has anything to say; the bytes that the client gets, and what the server notes.
    fn talk(dialogue: &mut Dialogue, server: &mut Client, mut said: Vec<u8>) -> (Vec<u8>, Vec<Event>) {
        let (mut bytes, mut noted) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            let (events, answer) = server.take(&said);
            noted.extend(events);
            let (heard, reply) = dialogue.take(&answer);
            bytes.extend(heard);
            if reply.is_empty() {
                return (bytes, noted);
            }
            said = reply;
        }
        panic!("they never come to an end");
    }

    #[test]
    fn both_sides_agree_and_the_rate_is_set() {
        let (mut dialogue, said) = Dialogue::begin(74_880);
        let mut server = Client::new();
        let (bytes, noted) = talk(&mut dialogue, &mut server, said);
        assert_eq!((bytes, noted), (vec![], vec![Event::Rate(74_880)]));
        let both = [telnet::BINARY, telnet::COM_PORT].iter().fold(0, |bits, option| bits | 1u64 << option);
        assert_eq!(server.lets & both, both);
    }

    #[test]
    fn lines_are_moved_and_bytes_pass() {
        let (mut dialogue, said) = Dialogue::begin(115_200);
        let mut server = Client::new();
        talk(&mut dialogue, &mut server, said);
        let (_, noted) = talk(&mut dialogue, &mut server, lines(false, true));
        assert_eq!(noted, [Event::Lines { dtr: false, rts: true }]);
        let (_, noted) = talk(&mut dialogue, &mut server, lines(false, false));
        assert_eq!(noted, [Event::Lines { dtr: false, rts: false }]);
        let (_, noted) = talk(&mut dialogue, &mut server, escaped(&[1, 255, 2]));
        assert_eq!(noted, [Event::Bytes(vec![1, 255, 2])]);
        assert_eq!(dialogue.take(&escaped(&[3, 255])).0, [3, 255]);
    }

    #[test]
    fn what_the_other_side_offers_besides_is_declined() {
        let (mut dialogue, _) = Dialogue::begin(115_200);
        let (_, answer) = dialogue.take(&[telnet::IAC, telnet::WILL, 1, telnet::IAC, telnet::DO, 24]);
        assert_eq!(answer, [telnet::IAC, telnet::DONT, 1, telnet::IAC, telnet::WONT, 24]);
    }
}
