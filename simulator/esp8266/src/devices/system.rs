//! DPORT: interrupt gates, clock, flash cache, eFuses; and of the Wi-Fi block the random numbers and the microsecond
//! counter.
//!
//! Cache control as the boot ROM uses it: bit 8 turns the cache on, bits 25:24 and 18:16 choose the MiB of flash that it
//! shows, bits 3 and 4 of 0x24 take a bank of instruction RAM each. SPI0 must let the cache read as well.

use super::registers::{Block, Register, acting, masked, plain};

/// Interrupt gates: NMI (0x00) and edges (0x04).
pub const NMI_ENABLE: u32 = 0x00;
/// Gates of the watchdog (bit 0), FRC1 (1) and FRC2 (2).
pub const EDGE_ENABLE: u32 = 0x04;
const CACHE: u32 = 0x0C;
/// Bit 0: the core runs at 160 MHz.
pub const CLOCK: u32 = 0x14;
const CACHE_BANKS: u32 = 0x24;

/// Registers of DPORT.
pub const TABLE: &[Register] = &[
    plain(NMI_ENABLE, "DPORT_NMI", 0),
    masked(EDGE_ENABLE, "DPORT_EDGE_INT_ENABLE", 0, 0x1F),
    plain(0x08, "DPORT_08", 0),
    plain(CACHE, "DPORT_CACHE_FLASH_CTRL", 0),
    plain(0x10, "DPORT_10", 0),
    masked(CLOCK, "DPORT_CTL", 0, 1),
    plain(0x18, "DPORT_CLOCK_GATE", 0),
    acting(0x1C, "DPORT_1C"),
    acting(0x20, "DPORT_SPI_INT_STATUS"),
    plain(CACHE_BANKS, "DPORT_CACHE_BANKS", 0),
    plain(0x28, "DPORT_PERI_IO", 0),
    plain(0x2C, "DPORT_SLC_TX_DESC_DEBUG", 0),
    masked(0x50, "EFUSE_DATA0", 0, 0),
    masked(0x54, "EFUSE_DATA1", 0, 0),
    masked(0x58, "EFUSE_DATA2", 0, 0),
    masked(0x5C, "EFUSE_DATA3", 0, 0),
];

/// Flush of the cache is over at once.
const FLUSHED: u32 = 1 << 1;
const CACHE_ON: u32 = 1 << 8;

/// DPORT's registers.
#[derive(Clone, Debug)]
pub struct Dport {
    block: Block,
}

impl Dport {
    /// After reset, of a chip whose station has this MAC address; its vendor part must be 18:fe:34 to be encoded in the
    /// short form, and is written out otherwise.
    pub fn new(mac: [u8; 6]) -> Self {
        let mut block = Block::new(TABLE);
        block.set(0x50, u32::from(mac[5]) << 24);
        block.set(0x54, 0x0200_0000 | u32::from(mac[3]) << 8 | u32::from(mac[4]));
        block.set(0x58, 0x8000);
        if mac[..3] != [0x18, 0xFE, 0x34] {
            block.set(0x5C, u32::from(mac[0]) << 16 | u32::from(mac[1]) << 8 | u32::from(mac[2]));
        }
        Self { block }
    }

    /// Reads a register.
    pub fn read(&self, offset: u32) -> Option<u32> {
        self.block.register(offset)?;
        let value = self.block.get(offset);
        Some(if offset == CACHE { value | FLUSHED } else { value })
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u32, value: u32) -> Option<()> {
        self.block.register(offset)?;
        self.block.write(offset, value);
        Some(())
    }

    /// The flash offset that the window shows, if the cache is on.
    pub fn window(&self) -> Option<u32> {
        let control = self.block.get(CACHE);
        // An odd MiB has bit 25 set; the 2 MiB block is in bits 18:16.
        let mib = (control >> 16 & 7) * 2 + u32::from(control >> 24 & 3 == 2);
        (control & CACHE_ON != 0).then_some(mib << 20)
    }

    /// Which banks of instruction RAM (0x40108000, 0x4010C000) serve as cache.
    pub fn cache_banks(&self) -> [bool; 2] {
        let control = self.block.get(CACHE_BANKS);
        [control & 1 << 4 != 0, control & 1 << 3 != 0]
    }

    /// Whether interrupt 8, 9 or 10 passes its gate.
    pub fn passes(&self, interrupt: u32) -> bool {
        self.block.get(EDGE_ENABLE) >> (interrupt - 8) & 1 != 0
    }
}
