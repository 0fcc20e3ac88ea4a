//! What the SDK keeps in flash, and what it makes of it by itself.
//!
//! After `user_init` the SDK goes into the mode of its parameters, which are blank on a new board: an open access point
//! named after its MAC address, and a network to join as soon as there is one. A program that wants something else has
//! to say so before.
//!
//! Not modelled: parameters that outlive a start.

use esp8266::chip::Chip;

use super::{Sdk, record};
use crate::outside::Environment;
use simulator_record::time::Instant;

/// Bytes of a flash sector.
pub(super) const SECTOR: u32 = 0x1000;
/// The size of the flash, for the map that an ESP-07 has.
const MAP_1_MIB: u32 = 2;
const FLASH_SIZE: u32 = 0x10_0000;
/// Partitions of one certain size (`system_partition_table_regist`): RF_CAL, PHY_DATA, SYSTEM_PARAMETER.
const SIZES: [(u32, u32); 3] = [(4, SECTOR), (5, SECTOR), (6, 3 * SECTOR)];
/// No table is longer.
const MOST_PARTITIONS: u32 = 32;

impl Sdk {
    /// `system_partition_table_regist(table, count, map)`: 1 if the table is one that the SDK accepts.
    pub(super) fn register_partitions<O: Environment>(chip: &Chip<O>, table: u32, count: u32, map: u32) -> u32 {
        if map != MAP_1_MIB || count > MOST_PARTITIONS {
            return 0;
        }
        let entries = (0..count).map(|index| {
            let at = table.wrapping_add(12 * index);
            [0, 4, 8].map(|offset| u32::from_le_bytes(record(chip, at.wrapping_add(offset))))
        });
        let mut end = 0;
        let mut fixed = 0;
        for [kind, address, size] in entries {
            if address % SECTOR != 0
                || size % SECTOR != 0
                || address < end
                || size > FLASH_SIZE - address.min(FLASH_SIZE)
            {
                return 0;
            }
            end = address + size;
            match SIZES.iter().find(|(known, _)| *known == kind) {
                Some((_, right)) if *right != size => return 0,
                Some(_) => fixed += 1,
                None => {}
            }
        }
        u32::from(fixed == SIZES.len())
    }

    /// The program has come to its first rest. If it has not said what the radio is to do, the SDK does what it has
    /// stored.
    pub(super) fn start_stored_mode<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant) {
        if self.mode_is_set {
            return;
        }
        self.set_mode(chip, 2);
        let [.., high, middle, low] = chip.core.bus.outside.hardware_address();
        let network = format!("ESP_{high:02X}{middle:02X}{low:02X}");
        chip.core.bus.outside.open_access_point(now, network, String::new(), 1);
    }

    /// Goes into a mode: station is bit 0, access point bit 1. Says so on the serial port, unless that is switched off.
    pub(super) fn set_mode<O: Environment>(&mut self, chip: &mut Chip<O>, mode: u8) {
        self.mode = mode;
        self.mode_is_set = true;
        if self.prints {
            let name = ["null", "sta", "softAP", "sta+softAP"][usize::from(mode & 3)];
            chip.transmit(0, format!("mode : {name}\r\n").as_bytes());
        }
    }

    /// `wifi_get_macaddr(interface, address)`: the access point's has the local bit.
    pub(super) fn hardware_address<O: Environment>(chip: &mut Chip<O>, interface: u32, to: u32) -> u32 {
        let mut address = chip.core.bus.outside.hardware_address();
        address[0] |= ((interface & 1) as u8) << 1;
        chip.core.memory.poke(to, &address);
        1
    }
}
