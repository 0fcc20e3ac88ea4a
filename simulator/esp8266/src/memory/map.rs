//! Which memory stands where (ESP8266 memory map of June 2015 in the community wiki, Espressif's `eagle_soc.h`).

/// What a memory is for, and with that how it may be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data RAM: any width, no instructions.
    Data,
    /// Instruction RAM: 32 bits only.
    Instructions,
    /// The flash cache's window: 32-bit reads only.
    Flash,
}

/// A stretch of memory.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// What people call it.
    pub name: &'static str,
    /// First address.
    pub start: u32,
    /// Size in bytes, a multiple of 4 KiB.
    pub size: u32,
    /// How it may be accessed.
    pub kind: Kind,
    /// Which of the two banks it is that can serve as flash cache.
    pub cache_bank: Option<usize>,
}

impl Region {
    /// Whether `address` lies in it.
    pub const fn contains(&self, address: u32) -> bool {
        address.wrapping_sub(self.start) < self.size
    }
}

const fn region(name: &'static str, start: u32, size: u32, kind: Kind, cache_bank: Option<usize>) -> Region {
    Region { name, start, size, kind, cache_bank }
}

/// All memories. The boot ROM is none of them: its functions are answered when the core gets to their addresses.
pub static REGIONS: [Region; 6] = [
    region("data RAM", 0x3FFE_8000, 0x1_4000, Kind::Data, None),
    region("data RAM of the boot ROM", 0x3FFF_C000, 0x4000, Kind::Data, None),
    region("instruction RAM", 0x4010_0000, 0x8000, Kind::Instructions, None),
    region("instruction RAM or cache, bank 0", 0x4010_8000, 0x4000, Kind::Instructions, Some(0)),
    region("instruction RAM or cache, bank 1", 0x4010_C000, 0x4000, Kind::Instructions, Some(1)),
    region("flash window", 0x4020_0000, 0x10_0000, Kind::Flash, None),
];
