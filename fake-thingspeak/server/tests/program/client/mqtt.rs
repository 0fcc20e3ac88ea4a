//! Packets of MQTT as clients send them, made by the library.

use mqtt_protocol_core::mqtt::packet::{SubEntry, SubOpts, v3_1_1};

use crate::server::Server;

/// What a client hears that is let in.
pub const CONNECTED: [u8; 4] = [0x20, 2, 0, 0];
pub const PING: [u8; 2] = [0xc0, 0];
pub const PONG: [u8; 2] = [0xd0, 0];
pub const DISCONNECT: [u8; 2] = [0xe0, 0];

/// A device's identifier and password.
pub struct Device {
    pub client_id: String,
    pub password: String,
}

impl Device {
    /// The next one that the server tells of.
    pub fn told(server: &Server) -> Self {
        let words = server.line("device ");
        let (client_id, password) = (words.split(' ').next().unwrap(), words.rsplit(' ').next().unwrap());
        Self { client_id: client_id.to_owned(), password: password.trim_end_matches(')').to_owned() }
    }
}

pub fn connect(device: &Device) -> Vec<u8> {
    let Device { client_id, password } = device;
    let packet = v3_1_1::Connect::builder().client_id(client_id).unwrap().user_name(client_id).unwrap();
    let packet = packet.password(password.as_str()).unwrap().clean_session(true).keep_alive(60);
    packet.build().unwrap().to_continuous_buffer()
}

pub fn publish(topic: &str, payload: &str) -> Vec<u8> {
    v3_1_1::Publish::builder().topic_name(topic).unwrap().payload(payload).build().unwrap().to_continuous_buffer()
}

pub fn subscribe(filter: &str) -> Vec<u8> {
    let entries = vec![SubEntry::new(filter, SubOpts::new()).unwrap()];
    v3_1_1::Subscribe::builder().packet_id(1).entries(entries).build().unwrap().to_continuous_buffer()
}
