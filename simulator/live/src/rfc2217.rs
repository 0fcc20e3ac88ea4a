//! A serial line as a Telnet connection with RFC 2217's COM port control: its bytes, its rate, DTR and RTS.
//!
//! Answered are the options binary, suppress go ahead and COM port control, and of the latter all that a client may
//! ask. The line has eight data bits, no parity, one stop bit and no flow control: a client that asks for something
//! else is told so. Not done: breaks, notifications of line errors, flow control of the connection itself (TCP has its
//! own).

pub(crate) mod client;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::line::{CHUNK, Event, Events, Output};
use crate::tcp::{Shared, listen, lock, serve_each};

/// Bytes of Telnet (RFC 854).
mod telnet {
    pub const SE: u8 = 240;
    pub const SB: u8 = 250;
    pub const WILL: u8 = 251;
    pub const WONT: u8 = 252;
    pub const DO: u8 = 253;
    pub const DONT: u8 = 254;
    pub const IAC: u8 = 255;
    /// Options: binary (RFC 856), suppress go ahead (RFC 858), COM port control.
    pub const BINARY: u8 = 0;
    pub const SUPPRESS_GO_AHEAD: u8 = 3;
    pub const COM_PORT: u8 = 44;
}

/// What a client asks of the COM port (RFC 2217, section 3); an answer has 100 more.
mod asked {
    pub const SIGNATURE: u8 = 0;
    pub const BAUD_RATE: u8 = 1;
    pub const DATA_SIZE: u8 = 2;
    pub const PARITY: u8 = 3;
    pub const STOP_SIZE: u8 = 4;
    pub const CONTROL: u8 = 5;
    pub const LINE_STATE_MASK: u8 = 10;
    pub const MODEM_STATE_MASK: u8 = 11;
    pub const PURGE: u8 = 12;
    /// What an answer has more.
    pub const ANSWER: u8 = 100;
    /// The state of the modem's lines, unasked.
    pub const NOTIFY_MODEM_STATE: u8 = 107;
}

/// Values of CONTROL.
mod control {
    pub const ASK_FLOW: u8 = 0;
    pub const NO_FLOW: u8 = 1;
    pub const HARDWARE_FLOW: u8 = 3;
    pub const ASK_BREAK: u8 = 4;
    pub const BREAK_OFF: u8 = 6;
    pub const ASK_DTR: u8 = 7;
    pub const DTR_ON: u8 = 8;
    pub const DTR_OFF: u8 = 9;
    pub const ASK_RTS: u8 = 10;
    pub const RTS_ON: u8 = 11;
    pub const RTS_OFF: u8 = 12;
    pub const ASK_INBOUND_FLOW: u8 = 13;
    pub const NO_INBOUND_FLOW: u8 = 14;
}

/// Longest subnegotiation that is kept.
const LONGEST: usize = 64;
/// Clear to send and data set ready, as a board's adapter has them.
const MODEM_STATE: u8 = 0x30;
/// The rate before a client sets one.
const RATE: u32 = 115_200;

/// Where in the stream a client is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    Command,
    Option(u8),
    Subnegotiation(Vec<u8>),
    SubnegotiationCommand(Vec<u8>),
}

/// What has been agreed with a client, and where in its stream it is.
#[derive(Clone, Debug, Default)]
struct Client {
    state: State,
    /// Options that this side has said it does, and those that it lets the client do, as bits.
    does: u64,
    lets: u64,
    rate: u32,
    dtr: bool,
    rts: bool,
}

impl Client {
    fn new() -> Self {
        Self { rate: RATE, ..Self::default() }
    }

    /// Takes what a client sends: what that means, and what is to be answered.
    fn take(&mut self, bytes: &[u8]) -> (Vec<Event>, Vec<u8>) {
        let (mut events, mut answer) = (Vec::new(), Vec::new());
        for &byte in bytes {
            self.state = match (std::mem::take(&mut self.state), byte) {
                (State::Data, telnet::IAC) => State::Command,
                (State::Data, byte) => {
                    add_byte(&mut events, byte);
                    State::Data
                }
                (State::Command, telnet::IAC) => {
                    add_byte(&mut events, telnet::IAC);
                    State::Data
                }
                (State::Command, telnet::SB) => State::Subnegotiation(Vec::new()),
                (State::Command, command @ telnet::WILL..=telnet::DONT) => State::Option(command),
                (State::Command, _) => State::Data,
                (State::Option(command), option) => {
                    self.negotiate(command, option, &mut answer);
                    State::Data
                }
                (State::Subnegotiation(said), telnet::IAC) => State::SubnegotiationCommand(said),
                (State::SubnegotiationCommand(said), telnet::SE) => {
                    self.subnegotiate(&said, &mut events, &mut answer);
                    State::Data
                }
                (State::Subnegotiation(mut said) | State::SubnegotiationCommand(mut said), byte) => {
                    if said.len() < LONGEST {
                        said.push(byte);
                    }
                    State::Subnegotiation(said)
                }
            };
        }
        (events, answer)
    }

    /// Answers a request or an offer of an option, unless it is agreed already (RFC 854, "loops").
    fn negotiate(&mut self, command: u8, option: u8, answer: &mut Vec<u8>) {
        let is_known = [telnet::BINARY, telnet::SUPPRESS_GO_AHEAD, telnet::COM_PORT].contains(&option);
        let bit = if is_known { 1 << option } else { 0 };
        let (agreed, yes, no) = match command {
            telnet::DO | telnet::DONT => (&mut self.does, telnet::WILL, telnet::WONT),
            _ => (&mut self.lets, telnet::DO, telnet::DONT),
        };
        let wants = matches!(command, telnet::DO | telnet::WILL);
        let before = *agreed & bit != 0;
        if wants {
            *agreed |= bit;
        } else {
            *agreed &= !bit;
        }
        match (wants, is_known) {
            (true, true) if !before => answer.extend([telnet::IAC, yes, option]),
            (true, false) => answer.extend([telnet::IAC, no, option]),
            (false, true) if before => answer.extend([telnet::IAC, no, option]),
            _ => {}
        }
        if option == telnet::COM_PORT && wants && !before {
            say(answer, asked::NOTIFY_MODEM_STATE, &[MODEM_STATE]);
        }
    }

    fn subnegotiate(&mut self, said: &[u8], events: &mut Vec<Event>, answer: &mut Vec<u8>) {
        let [telnet::COM_PORT, asked, value @ ..] = said else { return };
        let first = value.first().copied().unwrap_or_default();
        let reply: Vec<u8> = match *asked {
            asked::SIGNATURE => b"preflash".to_vec(),
            asked::BAUD_RATE => {
                let [a, b, c, d] = *value else { return };
                let rate = u32::from_be_bytes([a, b, c, d]);
                if rate != 0 {
                    self.rate = rate;
                    events.push(Event::Rate(rate));
                }
                self.rate.to_be_bytes().to_vec()
            }
            asked::DATA_SIZE => vec![8],
            asked::PARITY | asked::STOP_SIZE => vec![1],
            asked::CONTROL => vec![self.control(first, events)],
            asked::LINE_STATE_MASK | asked::MODEM_STATE_MASK | asked::PURGE => vec![first],
            _ => return,
        };
        say(answer, asked + asked::ANSWER, &reply);
    }

    /// Does what CONTROL asks, and says what is so then.
    fn control(&mut self, value: u8, events: &mut Vec<Event>) -> u8 {
        let lines = (self.dtr, self.rts);
        match value {
            control::DTR_ON => self.dtr = true,
            control::DTR_OFF => self.dtr = false,
            control::RTS_ON => self.rts = true,
            control::RTS_OFF => self.rts = false,
            _ => {}
        }
        if lines != (self.dtr, self.rts) {
            events.push(Event::Lines { dtr: self.dtr, rts: self.rts });
        }
        match value {
            control::ASK_FLOW..=control::HARDWARE_FLOW => control::NO_FLOW,
            control::ASK_BREAK..=control::BREAK_OFF => control::BREAK_OFF,
            control::ASK_DTR..=control::DTR_OFF if self.dtr => control::DTR_ON,
            control::ASK_DTR..=control::DTR_OFF => control::DTR_OFF,
            control::ASK_RTS..=control::RTS_OFF if self.rts => control::RTS_ON,
            control::ASK_RTS..=control::RTS_OFF => control::RTS_OFF,
            control::ASK_INBOUND_FLOW.. => control::NO_INBOUND_FLOW,
        }
    }
}

/// Adds a byte to those that came before it.
fn add_byte(events: &mut Vec<Event>, byte: u8) {
    if let Some(Event::Bytes(bytes)) = events.last_mut() {
        bytes.push(byte);
    } else {
        events.push(Event::Bytes(vec![byte]));
    }
}

/// Doubles bytes that are Telnet's.
pub(crate) fn escaped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| [byte].repeat(if byte == telnet::IAC { 2 } else { 1 })).collect()
}

/// Adds a subnegotiation about the COM port.
fn say(answer: &mut Vec<u8>, what: u8, value: &[u8]) {
    answer.extend([telnet::IAC, telnet::SB, telnet::COM_PORT, what]);
    answer.extend(escaped(value));
    answer.extend([telnet::IAC, telnet::SE]);
}

/// Serves a connection up to its end.
fn serve(mut stream: TcpStream, connection: &Shared, events: &Events, rate: &AtomicU32) -> io::Result<()> {
    let mut client = Client::new();
    rate.store(client.rate, Ordering::Relaxed);
    let mut chunk = [0; CHUNK];
    loop {
        let count = io::Read::read(&mut stream, &mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        let (happened, answer) = client.take(&chunk[..count]);
        for event in happened {
            if let Event::Rate(new) = event {
                rate.store(new, Ordering::Relaxed);
            }
            if !events.put(event) {
                return Ok(());
            }
        }
        lock(connection).write(&answer);
    }
}

/// The device's side of the connection.
struct Remote {
    connection: Shared,
    rate: Arc<AtomicU32>,
}

impl Output for Remote {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        lock(&self.connection).write(&escaped(bytes));
        Ok(())
    }

    fn rate(&mut self) -> Option<u32> {
        Some(self.rate.load(Ordering::Relaxed))
    }
}

/// Listens at a port of this computer alone (0: a free one); what it is called, and what takes the device's bytes.
///
/// # Errors
/// If the port is taken.
pub fn open(port: u16, events: Events) -> io::Result<(SocketAddr, impl Output + 'static)> {
    let (listener, address) = listen(port)?;
    let (connection, rate) = (Shared::default(), Arc::new(AtomicU32::new(RATE)));
    let of_client = Arc::clone(&rate);
    serve_each(listener, &connection, events, move |stream, connection, events| {
        // Its end is all there is to say of a broken one.
        let _ = serve(stream, connection, events, &of_client);
    })?;
    Ok((address, Remote { connection, rate }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IAC: u8 = telnet::IAC;

    fn asks(what: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        say(&mut bytes, what, value);
        bytes
    }

    #[test]
    fn bytes_pass_whatever_they_are() {
        let mut client = Client::new();
        let (events, answer) = client.take(&[1, IAC]);
        assert_eq!((events, answer), (vec![Event::Bytes(vec![1])], vec![]));
        let (events, answer) = client.take(&[IAC, 0xC0, 13, 10, 0]);
        assert_eq!((events, answer), (vec![Event::Bytes(vec![IAC, 0xC0, 13, 10, 0])], vec![]));
        assert_eq!(escaped(&[1, IAC, 2]), [1, IAC, IAC, 2]);
    }

    #[test]
    fn options_are_agreed_once() {
        let mut client = Client::new();
        let (_, answer) = client.take(&[IAC, telnet::WILL, 44, IAC, telnet::DO, 0, IAC, telnet::DO, 1]);
        let mut expected = vec![IAC, telnet::DO, 44];
        expected.extend(asks(107, &[0x30]));
        expected.extend([IAC, telnet::WILL, 0, IAC, telnet::WONT, 1]);
        assert_eq!(answer, expected);
        assert!(client.take(&[IAC, telnet::WILL, 44, IAC, telnet::DO, 0]).1.is_empty());
        assert_eq!(client.take(&[IAC, telnet::DONT, 0]).1, [IAC, telnet::WONT, 0]);
    }

    #[test]
    fn rate_and_lines_are_set_and_asked() {
        let mut client = Client::new();
        let (events, answer) = client.take(&asks(1, &460_800u32.to_be_bytes()));
        assert_eq!((events, answer), (vec![Event::Rate(460_800)], asks(101, &460_800u32.to_be_bytes())));
        // 65,280 baud has a byte of Telnet's in it.
        let (events, answer) = client.take(&asks(1, &[0, 0, 255, 0]));
        assert_eq!((events, answer), (vec![Event::Rate(65_280)], asks(101, &[0, 0, 255, 0])));
        assert_eq!(client.take(&asks(1, &[0; 4])), (vec![], asks(101, &65_280u32.to_be_bytes())));
        let lines = |dtr, rts| vec![Event::Lines { dtr, rts }];
        assert_eq!(client.take(&asks(5, &[8])), (lines(true, false), asks(105, &[8])));
        assert_eq!(client.take(&asks(5, &[11])), (lines(true, true), asks(105, &[11])));
        assert_eq!(client.take(&asks(5, &[7])), (vec![], asks(105, &[8])));
        assert_eq!(client.take(&asks(5, &[9])), (lines(false, true), asks(105, &[9])));
        // Seven bits, even parity, two stop bits, flow control: no.
        for (asked, value, got) in [(2, 7, 8), (3, 3, 1), (4, 2, 1), (5, 3, 1), (5, 16, 14)] {
            assert_eq!(client.take(&asks(asked, &[value])), (vec![], asks(asked + 100, &[got])));
        }
    }

    #[test]
    fn what_is_nonsense_is_passed_over() {
        let mut client = Client::new();
        let mut bytes = vec![IAC, telnet::SB, 44];
        bytes.extend([7; 1000]);
        bytes.extend([IAC, telnet::SE]);
        bytes.extend(asks(1, &[1, 2]));
        bytes.extend([IAC, telnet::SB, 24, 1, IAC, telnet::SE, IAC, 241, 5]);
        assert_eq!(client.take(&bytes), (vec![Event::Bytes(vec![5])], vec![]));
    }
}
