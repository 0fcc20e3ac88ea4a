//! Of functions that can be part of a loop's round it is true what is said of the registers that they use.

use super::*;
use crate::cpu::Cpu;
use crate::rom::noted::{FUNCTIONS, Uses, uses};
use crate::rom::table::TABLE;
use crate::rom::{continuation, ram};

/// So many calls of each function are compared.
const ENOUGH: usize = 6;
/// Function of all tasks.
const TASK: u32 = 0x4010_0900;

/// Numbers as arguments, pointers to data among them.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(below)) as u32
    }

    fn value(&mut self) -> u32 {
        match self.below(5) {
            0 => self.below(34),
            1 => DATA + self.below(0x100),
            2 => self.below(0x400),
            3 => DATA + 4 * self.below(0x40),
            // No device is there.
            _ => self.below(0x3FF0_0000),
        }
    }
}

/// What a call leaves: all registers, what else of the core it may change, the cycles it took, and what memory holds.
struct Left {
    a: [u32; 16],
    state: [u32; 3],
    cycles: u64,
    memory: Vec<u8>,
}

/// Calls the function at `address` in a chip that is as all others, after so many cycles; `None` if it does not return.
fn outcome(chip: &mut Chip<Bench>, address: u32, a: [u32; 16], ram: &[u8], ready: u32, later: u64) -> Option<Left> {
    write(chip, DATA, &[0; 0x1000]);
    write(chip, DATA, ram);
    for (priority, queue) in [(0, DATA + 0x800), (1, DATA + 0x820), (2, DATA + 0x840)] {
        let state = u32::from_le_bytes([4, 1, 2, 1 + priority as u8]);
        for (index, word) in [TASK, queue, state, 1 << priority].into_iter().enumerate() {
            write(chip, ram::TASKS + 16 * priority + 4 * index as u32, &word.to_le_bytes());
        }
    }
    write(chip, ram::IDLE + 8, &ready.to_le_bytes());
    for (address, word) in [(ram::TIMERS, 0), (ram::INTERRUPT_MASKS, 0x80), (ram::CYCLES_PER_MICROSECOND, 80)] {
        write(chip, address, &u32::to_le_bytes(word));
    }
    write(chip, ram::INTERRUPT_MASKS + 4, &u32::MAX.to_le_bytes());
    let saved = chip.core.cpu.clone();
    let cpu = &mut chip.core.cpu;
    (cpu.a, cpu.pc, cpu.ps, cpu.intenable) = (a, address, 0x21, 0x80);
    cpu.cycles += later;
    let before = cpu.cycles;
    let stop = chip.run(before + 100_000);
    let cpu = &chip.core.cpu;
    if !matches!(stop, Stop::Trap(BACK | TASK)) {
        chip.core.cpu = Cpu { cycles: cpu.cycles, ..saved };
        return None;
    }
    let memory = [chip.core.memory.peek(DATA, 0x1000), chip.core.memory.peek(ram::EXCEPTION_TABLE, 0x2000)].concat();
    Some(Left { a: cpu.a, state: [cpu.ps, cpu.intenable, cpu.sar], cycles: cpu.cycles - before, memory })
}

#[test]
fn they_are_there() {
    for (name, _, _) in FUNCTIONS {
        assert!(TABLE.iter().any(|place| place.name == *name && place.function.is_some()), "{name}");
    }
}

#[test]
fn functions_use_the_registers_that_they_are_said_to_use() {
    let mut chip = chip();
    chip.core.trap(TASK);
    let mut random = Random(1);
    let named = |name: &str| TABLE.iter().find(|place| place.name == name).map(|place| place.address);
    let addresses = FUNCTIONS.iter().filter_map(|(name, _, _)| named(name));
    for address in addresses.chain([continuation::RUN, continuation::TASK_DONE]) {
        let Uses { reads, mut leaves } = uses(address).expect("it is one of them");
        if address == continuation::TASK_DONE {
            // It leads to the other one.
            leaves |= uses(continuation::RUN).expect("it is one of them").leaves;
        }
        let is_in = |registers: u16, index: usize| registers >> index & 1 != 0;
        let mut returned = 0;
        for _ in 0..150 {
            if returned == ENOUGH {
                break;
            }
            let ram: Vec<u8> = (0..0x900).map(|_| random.below(256) as u8 & random.below(256) as u8).collect();
            let ready = random.below(7) + 1;
            let mut a: [u32; 16] = core::array::from_fn(|_| random.value());
            (a[0], a[1]) = (BACK, 0x3FFF_F000);
            if reads == 1 << 13 {
                a[13] = random.below(3);
            }
            // Of others silicon reads what comes, or raises an exception.
            let name = crate::rom::symbol(address).unwrap_or_default().trim_start_matches("ets_");
            if ["mem", "str", "bzero", "xthal_mem", "timer"].iter().any(|start| name.starts_with(start)) {
                a[2] = DATA + 4 * random.below(0x40) + random.below(2) * random.below(4);
                a[3] = if name == "bzero" || name == "memset" { random.below(40) } else { DATA + random.below(0x100) };
                a[4] = random.below(40);
            }
            let mut other = a;
            for (index, register) in other.iter_mut().enumerate().skip(2) {
                if !is_in(reads, index) {
                    *register = random.value();
                }
            }
            let Some(left) = outcome(&mut chip, address, a, &ram, ready, 0) else { continue };
            returned += 1;
            let later = u64::from(random.below(1_000_000));
            let left_by_other = outcome(&mut chip, address, other, &ram, ready, later).expect("it has returned before");
            for index in 0..16 {
                if is_in(leaves, index) {
                    assert_eq!(left.a[index], left_by_other.a[index], "{address:#x}: a{index}, of {a:x?}");
                } else {
                    assert_eq!(left.a[index], a[index], "{address:#x}: a{index}");
                    assert_eq!(left_by_other.a[index], other[index], "{address:#x}: a{index}");
                }
            }
            assert_eq!((left.state, left.cycles), (left_by_other.state, left_by_other.cycles), "{address:#x}");
            assert!(left.memory == left_by_other.memory, "{address:#x}: memory differs");
        }
        assert_eq!(returned, ENOUGH, "{address:#x}");
    }
}
