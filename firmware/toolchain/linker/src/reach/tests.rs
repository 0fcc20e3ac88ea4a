//! On programs made by hand: some functions in instruction memory and in flash, with their relocations.

use super::*;

const TEXT: u32 = 0x4010_0000;
const IROM: u32 = 0x4021_0000;
/// In flash: ours up to here, then the vendor's, then our constants.
const VENDORS: u32 = IROM + 0x40;
const OUR_CONSTANTS: u32 = IROM + 0x80;
const RET: [u8; 3] = [0x80, 0, 0];
const NOTHING: &[u8] = &RET;

/// A program of functions that lie 16 bytes apart, literals in front of them.
struct Made {
    text: Vec<u8>,
    places: Vec<u32>,
    symbols: Vec<(String, u32, u32)>,
}

impl Made {
    /// What every image has.
    fn new() -> Self {
        let mut made = Self { text: Vec::new(), places: Vec::new(), symbols: Vec::new() };
        for name in &ROOTS[1..OURS] {
            made.function(name, NOTHING);
        }
        made
    }

    /// What every image has, all of it where it belongs.
    fn right() -> Self {
        let mut made = Self::new();
        made.function(ROOTS[0], NOTHING);
        made
    }

    /// Adds a function in instruction memory, and returns its address.
    fn function(&mut self, name: &str, code: &[u8]) -> u32 {
        let at = TEXT + self.text.len() as u32;
        self.text.extend(code);
        self.symbols.push((name.to_owned(), at, code.len() as u32));
        self.text.resize(self.text.len().next_multiple_of(16), 0);
        at
    }

    /// Adds a function in instruction memory that loads the word `literal`, and returns its address.
    fn naming(&mut self, name: &str, literal: u32) -> u32 {
        // A byte that is no instruction lies between, as the assembler leaves them.
        self.text.extend(literal.to_le_bytes());
        self.text.extend([0; 4]);
        let at = TEXT + self.text.len() as u32;
        // l32r a2, eight bytes before.
        self.places.push(at);
        self.function(name, &[0x21, 0xFE, 0xFF, 0x80, 0, 0])
    }

    fn place_in_flash(&mut self, name: &str, at: u32) {
        self.symbols.push((name.to_owned(), at, 8));
    }

    /// The ELF file.
    fn elf(&self) -> Vec<u8> {
        let marks =
            [(CODE[0], IROM), (CODE[1], VENDORS), (CONSTANTS[0], OUR_CONSTANTS), (CONSTANTS[1], OUR_CONSTANTS + 0x40)];
        let mut names = vec![0];
        let mut symbols = vec![0; 16];
        let functions = self.symbols.iter().map(|(name, address, size)| (name.as_str(), *address, *size, 0x12));
        for (name, address, size, info) in functions.chain(marks.map(|(name, address)| (name, address, 0, 0x10))) {
            symbols.extend((names.len() as u32).to_le_bytes());
            symbols.extend(address.to_le_bytes());
            symbols.extend(size.to_le_bytes());
            // Of section 1, whichever it lies in.
            symbols.extend([info, 0, 1, 0]);
            names.extend(name.bytes());
            names.push(0);
        }
        let mut relocations = Vec::new();
        for place in &self.places {
            relocations.extend([place.to_le_bytes(), 20_u32.to_le_bytes(), [0; 4]].concat());
        }
        let flash = vec![0; 0x100];
        // Contents; type, flags, address, link, info, size of an entry.
        let sections: [(&[u8], [u32; 6]); 6] = [
            (&[], [0; 6]),
            (&self.text, [1, 6, TEXT, 0, 0, 0]),
            (&flash, [1, 6, IROM, 0, 0, 0]),
            (&relocations, [4, 0x40, 0, 4, 1, 12]),
            (&symbols, [2, 0, 0, 5, 1, 16]),
            (&names, [3, 0, 0, 0, 0, 0]),
        ];
        let mut file = vec![0; 52];
        let mut headers = Vec::new();
        for (contents, [kind, flags, address, link, info, entry]) in sections {
            let words = [0, kind, flags, address, file.len() as u32, contents.len() as u32, link, info, 4, entry];
            headers.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
            file.extend(contents);
            file.resize(file.len().next_multiple_of(4), 0);
        }
        let table = file.len() as u32;
        file.extend(headers);
        file[..16].copy_from_slice(b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
        // An executable for Xtensa.
        file[16..24].copy_from_slice(&[2, 0, 94, 0, 1, 0, 0, 0]);
        file[32..36].copy_from_slice(&table.to_le_bytes());
        file[40..52].copy_from_slice(&[52, 0, 0, 0, 0, 0, 40, 0, 6, 0, 5, 0]);
        file
    }

    fn troubles(&self) -> Vec<String> {
        Program::parse(&self.elf()).unwrap().troubles()
    }
}

/// A program that has relocations although nothing in it names anything.
fn right_with_a_relocation() -> Made {
    let mut made = Made::right();
    made.naming("unused", IROM);
    made
}

#[test]
fn a_program_that_lies_where_it_belongs_passes() {
    let made = right_with_a_relocation();
    assert_eq!(made.troubles(), [""; 0], "what is not reached may name what it likes");
    check(&made.elf()).unwrap();
}

#[test]
fn what_the_sdk_asks_must_not_lie_in_flash() {
    let mut made = Made::new();
    made.naming("unused", IROM);
    made.place_in_flash("user_iram_memory_is_enabled", IROM + 0x10);
    assert_eq!(made.troubles(), ["0x40210010, user_iram_memory_is_enabled"]);
    let error = check(&made.elf()).unwrap_err().to_string();
    assert!(error.contains("flash cache is off") && error.contains(".iram.text"), "{error}");
}

#[test]
fn a_root_of_ours_that_is_gone_is_told() {
    let mut made = Made::new();
    made.naming("unused", IROM);
    assert_eq!(made.troubles(), ["there is no function `user_iram_memory_is_enabled`"]);
}

/// An instruction at `at` with an offset to `to` of 18 bits in units of `1 << shift` bytes.
fn jump(at: u32, to: u32, shift: u32, opcode: u32) -> Vec<u8> {
    let offset = (to as i32 - (at as i32 + 4)) >> shift;
    ((offset as u32) << 6 | opcode).to_le_bytes()[..3].to_vec()
}

#[test]
fn what_is_reached_on_the_way_is_told_with_the_way() {
    // Through a literal, through `call0`, through `j`.
    for root in ["spi_flash_write", "NMI_Handler", "wDev_ProcessFiq"] {
        let mut made = right_with_a_relocation();
        made.place_in_flash("__divsi3", IROM + 0x20);
        let helper = made.naming("divide", IROM + 0x20);
        let at = TEXT + made.text.len() as u32;
        match root {
            "NMI_Handler" => {
                made.places.push(at);
                made.function(root, &jump(at, helper, 2, 5));
            }
            "wDev_ProcessFiq" => {
                made.places.push(at);
                made.function(root, &jump(at, helper, 0, 6));
            }
            _ => {
                made.naming(root, helper);
            }
        }
        assert_eq!(made.troubles(), [format!("0x40210020, __divsi3, from divide, from {root}")]);
    }
}

#[test]
fn a_constant_of_ours_counts_and_the_vendors_flash_does_not() {
    let mut made = right_with_a_relocation();
    made.naming("spi_flash_erase_sector", VENDORS + 8);
    assert_eq!(made.troubles(), [""; 0]);
    made.naming("wDev_ProcessFiq", OUR_CONSTANTS + 4);
    assert_eq!(made.troubles(), ["0x40210084, a constant, from wDev_ProcessFiq"]);
}

#[test]
fn a_program_without_relocations_proves_nothing() {
    let error = check(&Made::right().elf()).unwrap_err().to_string();
    assert!(error.contains("no relocations"), "{error}");
    assert!(check(b"no ELF").is_err());
}
