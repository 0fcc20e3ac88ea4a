//! The yellow duck: an ESP-07 with a DHT22, two switches and the Wi-Fi LED LD1, and what its firmware says and is
//! called.

use std::net::Ipv4Addr;

use super::{Board, PartOfBoard};
use simulator_parts::{DhtModel, PartKind};
use simulator_record::events::Level;

/// The switch that asks for configuration mode.
pub const CONFIG: &str = "config";
/// The switch that nothing reads.
pub const SPARE: &str = "spare";

/// GPIO of the sensor's data line.
pub const SENSOR: u8 = 14;
/// GPIO of the switch that asks for configuration mode.
pub const CONFIG_SWITCH: u8 = 5;
/// GPIO of the switch that nothing reads.
pub const SPARE_SWITCH: u8 = 4;
/// GPIO of LD1.
pub const WIFI_LED: u8 = 13;

/// The board.
pub const BOARD: Board = Board {
    name: "yellow-duck",
    about: "The yellow duck: the DHT22 `sensor` on GPIO14, the switches `config` on GPIO5 and `spare` on GPIO4, and the LED `wifi` (LD1) on GPIO13.",
    parts: &[
        PartOfBoard { name: "sensor", gpio: SENSOR, kind: PartKind::Dht(DhtModel::Am2302) },
        PartOfBoard { name: CONFIG, gpio: CONFIG_SWITCH, kind: PartKind::Switch { on: Level::High } },
        PartOfBoard { name: SPARE, gpio: SPARE_SWITCH, kind: PartKind::Switch { on: Level::High } },
        PartOfBoard { name: "wifi", gpio: WIFI_LED, kind: PartKind::Led { on: Level::High } },
    ],
};

/// The network that the firmware opens in configuration mode.
pub const SETUP_NETWORK: &str = firmware::SETUP_NETWORK;

/// Where the firmware serves its form in configuration mode: the address that the vendor's SDK gives an access point.
pub const SETUP_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 1);

/// The passphrase of the set-up network, if this line of the serial log tells it: what its owner writes on the label.
pub fn told_passphrase(line: &str) -> Option<&str> {
    let (_, message) = line.split_once("] config: set-up network ")?;
    message.strip_prefix(SETUP_NETWORK)?.strip_prefix(", passphrase ")
}
