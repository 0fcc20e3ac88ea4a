//! The LX106 core's registers, and how special registers read and write.
//!
//! Configuration (Espressif's `core-isa.h`): XEA2 exceptions, 16 registers without windows, 15 interrupts on level 1
//! and an NMI on level 3, debug level 2, one timer, relocatable vectors, absolute literals, region protection. What a
//! program cannot observe through instructions (trace port, on-chip debugging over JTAG) is not modelled.

pub(crate) mod compute;
mod exceptions;
pub mod interpreter;
#[cfg(test)]
mod tests;

pub(crate) use exceptions::vector;
pub use exceptions::{Cause, Exception, Interrupts};

/// Bits of the PS register.
pub mod ps {
    /// Interrupts of this level and below are held back.
    pub const INTLEVEL: u32 = 0xF;
    /// Exception mode: level 1 is held back, and a further exception is a double exception.
    pub const EXCM: u32 = 1 << 4;
    /// User vector mode: exceptions enter at the user vector instead of the kernel vector.
    pub const UM: u32 = 1 << 5;
    /// What a write can set: the above, and the fields of the windowed option that keep what is written.
    pub const WRITABLE: u32 = 0x0007_0F3F;
}

/// Numbers of the special registers.
#[expect(missing_docs, reason = "each is the manual's name of the register")]
pub mod special {
    pub const SAR: u32 = 3;
    pub const LITBASE: u32 = 5;
    pub const MMID: u32 = 89;
    pub const IBREAKENABLE: u32 = 96;
    pub const DDR: u32 = 104;
    pub const IBREAKA0: u32 = 128;
    pub const DBREAKA0: u32 = 144;
    pub const DBREAKC0: u32 = 160;
    pub const CONFIGID0: u32 = 176;
    pub const EPC1: u32 = 177;
    pub const EPC2: u32 = 178;
    pub const EPC3: u32 = 179;
    pub const DEPC: u32 = 192;
    pub const EPS2: u32 = 194;
    pub const EPS3: u32 = 195;
    pub const CONFIGID1: u32 = 208;
    pub const EXCSAVE1: u32 = 209;
    pub const EXCSAVE2: u32 = 210;
    pub const EXCSAVE3: u32 = 211;
    pub const INTERRUPT: u32 = 226;
    pub const INTCLEAR: u32 = 227;
    pub const INTENABLE: u32 = 228;
    pub const PS: u32 = 230;
    pub const VECBASE: u32 = 231;
    pub const EXCCAUSE: u32 = 232;
    pub const DEBUGCAUSE: u32 = 233;
    pub const CCOUNT: u32 = 234;
    pub const PRID: u32 = 235;
    pub const ICOUNT: u32 = 236;
    pub const ICOUNTLEVEL: u32 = 237;
    pub const EXCVADDR: u32 = 238;
    pub const CCOMPARE0: u32 = 240;
}

/// Where a reset begins: the static reset vector in the boot ROM.
pub const RESET_VECTOR: u32 = 0x4000_0080;

/// All registers of the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// General registers a0 to a15.
    pub a: [u32; 16],
    /// Address of the next instruction.
    pub pc: u32,
    /// Shift amount, 0 to 63.
    pub sar: u32,
    /// Base of literals when bit 0 is set.
    pub litbase: u32,
    /// Processor state, see [`ps`].
    pub ps: u32,
    /// Where exceptions (0) and interrupts or debug events (1, 2) of levels 1 to 3 return to.
    pub epc: [u32; 3],
    /// PS before levels 2 and 3.
    pub eps: [u32; 2],
    /// Scratch of the handlers of levels 1 to 3.
    pub excsave: [u32; 3],
    /// Why the last level-1 exception happened.
    pub exccause: u32,
    /// The address that a load, store or fetch failed at.
    pub excvaddr: u32,
    /// Where a double exception returns to.
    pub depc: u32,
    /// Base of the vectors.
    pub vecbase: u32,
    /// Interrupts that are latched: software (7), timer (6), edges (8 to 13), NMI (14).
    pub latched: u32,
    /// Level-triggered interrupt lines that devices hold, bits 0 to 5.
    pub lines: u32,
    /// Interrupts that may be taken.
    pub intenable: u32,
    /// Cycles since reset; CCOUNT is this plus `ccount_offset`.
    pub cycles: u64,
    /// What a write to CCOUNT made of it.
    pub ccount_offset: u32,
    /// The timer interrupts when CCOUNT gets here.
    pub ccompare0: u32,
    /// The cycle at which that happens next.
    pub timer_at: u64,
    /// `waiti` waits for an interrupt.
    pub waiting: bool,
    /// Instruction and data breakpoints and single stepping: the debug option's registers.
    pub debug: Debug,
    /// `simcall` stops the run for the host to answer; otherwise it is an illegal instruction, as on silicon.
    pub semihosting: bool,
}

/// Registers of the debug option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debug {
    /// Why the last debug exception happened.
    pub cause: u32,
    /// Bit 0: the instruction breakpoint is on.
    pub ibreakenable: u32,
    /// Its address.
    pub ibreaka: u32,
    /// Address of the data breakpoint.
    pub dbreaka: u32,
    /// Its mask (bits 5:0), and whether loads (bit 30) and stores (bit 31) hit it.
    pub dbreakc: u32,
    /// Counts instructions below `icountlevel` up to 0.
    pub icount: u32,
    /// Interrupt level below which instructions are counted.
    pub icountlevel: u32,
    /// Data register of the debugger.
    pub ddr: u32,
}

impl Debug {
    /// Whether any instruction needs to be looked at before it runs.
    pub fn is_armed(&self) -> bool {
        self.ibreakenable & 1 != 0 || self.icountlevel != 0 || self.dbreakc >> 30 != 0
    }
}

/// `core-isa.h`: XCHAL_HW_CONFIGID0 and 1.
const CONFIG_IDS: [u32; 2] = [0xC28C_DAFA, 0x1082_B6F6];
/// Interrupts that software sets and clears: number 7.
const SOFTWARE: u32 = 1 << 7;
/// Edge-triggered interrupts: 8 to 13.
const EDGES: u32 = 0x3F00;
/// The timer's interrupt: number 6.
const TIMER: u32 = 1 << 6;
/// The non-maskable interrupt.
const NMI: u32 = 1 << 14;
/// All interrupts of level 1.
const LEVEL1: u32 = 0x3FFF;

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Cpu {
    /// The core after reset. Registers without a reset value are 0.
    pub fn new() -> Self {
        Self {
            a: [0; 16],
            pc: RESET_VECTOR,
            sar: 0,
            litbase: 0,
            ps: 0x1F,
            epc: [0; 3],
            eps: [0; 2],
            excsave: [0; 3],
            exccause: 0,
            excvaddr: 0,
            depc: 0,
            vecbase: 0x4000_0000,
            latched: 0,
            lines: 0,
            intenable: 0,
            cycles: 0,
            ccount_offset: 0,
            ccompare0: 0,
            timer_at: 1 << 32,
            waiting: false,
            debug: Debug::default(),
            semihosting: false,
        }
    }

    /// CCOUNT: cycles, as the program counts them.
    pub fn ccount(&self) -> u32 {
        (self.cycles as u32).wrapping_add(self.ccount_offset)
    }

    /// The interrupt level that is held back: of PS, and level 1 in exception mode.
    pub fn level(&self) -> u32 {
        let level = self.ps & ps::INTLEVEL;
        if self.ps & ps::EXCM == 0 { level } else { level.max(1) }
    }

    /// Reads special register `number`, or `None` if there is none such or it cannot be read.
    pub(crate) fn special(&self, number: u32) -> Option<u32> {
        Some(match number {
            special::SAR => self.sar,
            special::LITBASE => self.litbase,
            special::IBREAKENABLE => self.debug.ibreakenable,
            special::DDR => self.debug.ddr,
            special::IBREAKA0 => self.debug.ibreaka,
            special::DBREAKA0 => self.debug.dbreaka,
            special::DBREAKC0 => self.debug.dbreakc,
            special::CONFIGID0 => CONFIG_IDS[0],
            special::CONFIGID1 => CONFIG_IDS[1],
            special::EPC1..=special::EPC3 => self.epc[(number - special::EPC1) as usize],
            special::DEPC => self.depc,
            special::EPS2..=special::EPS3 => self.eps[(number - special::EPS2) as usize],
            special::EXCSAVE1..=special::EXCSAVE3 => self.excsave[(number - special::EXCSAVE1) as usize],
            special::INTERRUPT => self.latched | self.lines,
            special::INTENABLE => self.intenable,
            special::PS => self.ps,
            special::VECBASE => self.vecbase,
            special::EXCCAUSE => self.exccause,
            special::DEBUGCAUSE => self.debug.cause,
            special::CCOUNT => self.ccount(),
            special::PRID => 0,
            special::ICOUNT => self.debug.icount,
            special::ICOUNTLEVEL => self.debug.icountlevel,
            special::EXCVADDR => self.excvaddr,
            special::CCOMPARE0 => self.ccompare0,
            _ => return None,
        })
    }

    /// Writes special register `number`; returns `None` if there is none such or it cannot be written.
    pub(crate) fn write_special(&mut self, number: u32, value: u32) -> Option<()> {
        match number {
            special::SAR => self.sar = value & 0x3F,
            special::LITBASE => self.litbase = value & 0xFFFF_F001,
            // The trace port's register, and registers that only hardware writes: a write has no effect to see.
            special::MMID | special::CONFIGID0 | special::DEBUGCAUSE => {}
            special::IBREAKENABLE => self.debug.ibreakenable = value & 1,
            special::DDR => self.debug.ddr = value,
            special::IBREAKA0 => self.debug.ibreaka = value,
            special::DBREAKA0 => self.debug.dbreaka = value,
            special::DBREAKC0 => self.debug.dbreakc = value,
            special::EPC1..=special::EPC3 => self.epc[(number - special::EPC1) as usize] = value,
            special::DEPC => self.depc = value,
            special::EPS2..=special::EPS3 => self.eps[(number - special::EPS2) as usize] = value,
            special::EXCSAVE1..=special::EXCSAVE3 => self.excsave[(number - special::EXCSAVE1) as usize] = value,
            special::INTERRUPT => self.latched |= value & SOFTWARE,
            special::INTCLEAR => self.latched &= !(value & (SOFTWARE | EDGES)),
            special::INTENABLE => self.intenable = value,
            special::PS => self.ps = value & ps::WRITABLE,
            special::VECBASE => self.vecbase = value,
            special::EXCCAUSE => self.exccause = value,
            special::CCOUNT => self.set_ccount(value),
            special::ICOUNT => self.debug.icount = value,
            special::ICOUNTLEVEL => self.debug.icountlevel = value & 0xF,
            special::EXCVADDR => self.excvaddr = value,
            special::CCOMPARE0 => {
                self.ccompare0 = value;
                self.latched &= !TIMER;
                self.arm_timer();
            }
            _ => return None,
        }
        Some(())
    }

    /// Sets the counter of cycles.
    pub(crate) fn set_ccount(&mut self, value: u32) {
        self.ccount_offset = value.wrapping_sub(self.cycles as u32);
        self.arm_timer();
    }

    /// Finds the next cycle at which CCOUNT reaches CCOMPARE0: never the current one.
    fn arm_timer(&mut self) {
        let distance = self.ccompare0.wrapping_sub(self.ccount()).wrapping_sub(1);
        self.timer_at = self.cycles + 1 + u64::from(distance);
    }
}
