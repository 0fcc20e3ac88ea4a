//! Exceptions and interrupts: what raises them, in which order they are taken, and where they enter.
//!
//! Xtensa ISA manual, §4.4.1 (exceptions), §4.4.4 to §4.4.6 (interrupts, timer). Before each instruction the core looks
//! at the NMI, then at the level-1 interrupts that are enabled and not held back. A level-1 interrupt is an exception
//! with cause 4.

use super::{Cpu, LEVEL1, NMI, TIMER, ps};

/// Values of EXCCAUSE that this core raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Cause {
    /// No such instruction, or one that only a debugger may execute.
    IllegalInstruction = 0,
    /// `syscall`.
    Syscall = 1,
    /// A fetch from memory that holds no instructions.
    InstructionFetchError = 2,
    /// An access that the memory refuses: 8 or 16 bits of instruction memory, or a store to read-only memory.
    LoadStoreError = 3,
    /// A level-1 interrupt.
    Level1Interrupt = 4,
    /// A load or store whose address is no multiple of its size.
    LoadStoreAlignment = 9,
    /// A fetch from an address at which nothing answers.
    InstructionAddressError = 14,
    /// A load or store at an address at which nothing answers.
    LoadStoreAddressError = 15,
    /// A fetch from a region whose attribute forbids it.
    FetchProhibited = 20,
    /// A load from a region whose attribute forbids it.
    LoadProhibited = 28,
    /// A store to a region whose attribute forbids it.
    StoreProhibited = 29,
}

impl Cause {
    /// The cause with that number in EXCCAUSE, if this core raises it.
    pub fn from_number(number: u32) -> Option<Self> {
        use Cause::*;

        let all = [
            IllegalInstruction,
            Syscall,
            InstructionFetchError,
            LoadStoreError,
            Level1Interrupt,
            LoadStoreAlignment,
            InstructionAddressError,
            LoadStoreAddressError,
            FetchProhibited,
            LoadProhibited,
            StoreProhibited,
        ];
        all.into_iter().find(|cause| *cause as u32 == number)
    }

    /// Its name in the Xtensa ISA manual, without `Cause`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IllegalInstruction => "IllegalInstruction",
            Self::Syscall => "Syscall",
            Self::InstructionFetchError => "InstructionFetchError",
            Self::LoadStoreError => "LoadStoreError",
            Self::Level1Interrupt => "Level1Interrupt",
            Self::LoadStoreAlignment => "LoadStoreAlignment",
            Self::InstructionAddressError => "InstrPIFAddrError",
            Self::LoadStoreAddressError => "LoadStorePIFAddrError",
            Self::FetchProhibited => "InstFetchProhibited",
            Self::LoadProhibited => "LoadProhibited",
            Self::StoreProhibited => "StoreProhibited",
        }
    }
}

/// An exception that an instruction raises instead of having its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Why.
    pub cause: Cause,
    /// The address of a failed access; goes to EXCVADDR.
    pub address: Option<u32>,
}

impl Exception {
    /// An exception of an instruction itself.
    pub const fn new(cause: Cause) -> Self {
        Self { cause, address: None }
    }

    /// An exception of an access at `address`.
    pub const fn at(cause: Cause, address: u32) -> Self {
        Self { cause, address: Some(address) }
    }
}

/// State of the interrupt inputs of the core, as its devices see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupts {
    /// Level-triggered lines that are held now, bits 0 to 5.
    pub lines: u32,
    /// Edge-triggered interrupts (bits 8 to 13) and the NMI (bit 14) that have come since this was last asked.
    pub edges: u32,
    /// A device wants the run to stop after this instruction: a reset, deep sleep, or something to report.
    pub stop: bool,
}

/// Offsets of the vectors from VECBASE.
pub(crate) mod vector {
    pub const DEBUG: u32 = 0x10;
    pub const NMI: u32 = 0x20;
    pub const KERNEL: u32 = 0x30;
    pub const USER: u32 = 0x50;
    pub const DOUBLE: u32 = 0x70;
}

const DEBUG_LEVEL: u32 = 2;
const NMI_LEVEL: u32 = 3;

impl Cpu {
    /// Enters the handler of `exception`, raised by the instruction at `pc`.
    pub fn raise(&mut self, exception: Exception, pc: u32) {
        if let Some(address) = exception.address {
            self.excvaddr = address;
        }
        self.exccause = exception.cause as u32;
        let vector = if self.ps & ps::EXCM != 0 {
            self.depc = pc;
            vector::DOUBLE
        } else {
            self.epc[0] = pc;
            if self.ps & ps::UM != 0 { vector::USER } else { vector::KERNEL }
        };
        self.ps |= ps::EXCM;
        self.pc = self.vecbase.wrapping_add(vector);
    }

    /// Enters the debug handler at level 2 for the instruction at `pc`; `cause` goes to DEBUGCAUSE. The caller has
    /// checked that [`debug_enabled`](Self::debug_enabled).
    pub(super) fn raise_debug(&mut self, cause: u32, pc: u32) {
        self.debug.cause = cause;
        self.enter_level(DEBUG_LEVEL, pc, vector::DEBUG);
    }

    /// Whether debug exceptions are taken: below debug level.
    pub(super) fn debug_enabled(&self) -> bool {
        self.level() < DEBUG_LEVEL
    }

    fn enter_level(&mut self, level: u32, pc: u32, vector: u32) {
        self.epc[level as usize - 1] = pc;
        self.eps[level as usize - 2] = self.ps;
        self.ps = self.ps & !ps::INTLEVEL | level | ps::EXCM;
        self.pc = self.vecbase.wrapping_add(vector);
    }

    /// Takes over what the devices ask for.
    pub fn apply(&mut self, interrupts: Interrupts) {
        self.lines = interrupts.lines & 0x3F;
        self.latched |= interrupts.edges & 0x7F00;
    }

    /// Latches the timer's interrupt if its time has come.
    #[inline]
    pub fn tick_timer(&mut self) {
        if self.cycles >= self.timer_at {
            self.latched |= TIMER;
            self.timer_at += 1 << 32;
        }
    }

    /// Whether an interrupt would be taken before the next instruction.
    #[inline]
    pub fn interrupt_pending(&self) -> bool {
        self.latched & NMI != 0 || ((self.latched | self.lines) & self.intenable & LEVEL1 != 0 && self.level() == 0)
    }

    /// Takes the pending interrupt, if there is one; ends waiting.
    pub fn take_interrupt(&mut self) {
        if self.latched & NMI != 0 {
            self.latched &= !NMI;
            self.waiting = false;
            self.enter_level(NMI_LEVEL, self.pc, vector::NMI);
        } else if self.interrupt_pending() {
            self.waiting = false;
            self.raise(Exception::new(Cause::Level1Interrupt), self.pc);
        }
    }
}
