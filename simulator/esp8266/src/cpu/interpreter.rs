//! The plain interpreter: fetches, decodes and executes one instruction at a time.
//!
//! This is the slow twin of the [block executor](crate::blocks), and its oracle: it follows the instruction
//! descriptions of the Xtensa ISA manual (chapter 6) one by one and keeps nothing between two steps. The block executor
//! also hands over every instruction that is not worth a fast path. Interrupts are not looked at here; see
//! [`Core`](crate::Core).

use super::{Cause, Cpu, Exception, compute, ps, special};
use crate::bus::{Bus, Context, Width};
use crate::isa::{self, Instruction, Opcode::*};
use crate::memory::{Memory, Miss};

/// What came of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done, or its exception is entered.
    Done,
    /// A `simcall`, done but for the answer.
    Simcall,
    /// A device asks to stop.
    Stop,
    /// It touched the flash window at this address while the cache is off, and was not executed.
    FlashOff(u32),
}

/// Why an instruction has no effect.
enum Trouble {
    Exception(Exception),
    Debug(u32),
    FlashOff(u32),
}

impl From<Exception> for Trouble {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

const ILLEGAL: Trouble = Trouble::Exception(Exception::new(Cause::IllegalInstruction));

/// Bits of DEBUGCAUSE.
mod debug_cause {
    pub const ICOUNT: u32 = 1 << 0;
    pub const IBREAK: u32 = 1 << 1;
    pub const DBREAK: u32 = 1 << 2;
    pub const BREAK: u32 = 1 << 3;
    pub const BREAK_N: u32 = 1 << 4;
}

/// Executes the instruction at the program counter. It takes a cycle even when it only enters an exception.
pub fn step<B: Bus>(cpu: &mut Cpu, memory: &mut Memory, bus: &mut B) -> Step {
    let pc = cpu.pc;
    let counted = cpu.level() < cpu.debug.icountlevel;
    let mut machine = Machine { cpu, memory, bus, pc, stop: Step::Done, icount_written: false };
    let outcome = machine.fetch_and_execute(counted);
    let (step, icount_written) = (machine.stop, machine.icount_written);
    match outcome {
        Ok(()) => {
            if counted && !icount_written {
                cpu.debug.icount = cpu.debug.icount.saturating_add(1);
            }
        }
        Err(Trouble::Exception(exception)) => cpu.raise(exception, pc),
        Err(Trouble::Debug(cause)) => cpu.raise_debug(cause, pc),
        Err(Trouble::FlashOff(address)) => return Step::FlashOff(address),
    }
    cpu.cycles += 1;
    step
}

struct Machine<'a, B> {
    cpu: &'a mut Cpu,
    memory: &'a mut Memory,
    bus: &'a mut B,
    pc: u32,
    stop: Step,
    /// A write to ICOUNT wins over counting the instruction that makes it.
    icount_written: bool,
}

impl<B: Bus> Machine<'_, B> {
    fn fetch_and_execute(&mut self, counted: bool) -> Result<(), Trouble> {
        if self.cpu.debug.is_armed() && self.cpu.debug_enabled() {
            if counted && self.cpu.debug.icount == u32::MAX {
                return Err(Trouble::Debug(debug_cause::ICOUNT));
            }
            if self.cpu.debug.ibreakenable & 1 != 0 && self.cpu.debug.ibreaka == self.pc {
                return Err(Trouble::Debug(debug_cause::IBREAK));
            }
        }
        let word = self.memory.fetch(self.pc).map_err(|miss| trouble(miss, self.pc))?;
        let instruction = isa::decode(word, self.pc).ok_or(ILLEGAL)?;
        self.cpu.pc = instruction.next();
        self.execute(&instruction).inspect_err(|_| self.cpu.pc = self.pc)
    }

    fn execute(&mut self, instruction: &Instruction) -> Result<(), Trouble> {
        // Operands in assembly order: `x` is the first as a number, `y` the second and so on; `reg` reads a register.
        let [x, y, z, w] = instruction.operands;
        let a = self.cpu.a;
        let reg = |index: u32| a[index as usize & 15];
        let sar = self.cpu.sar;
        let opcode = instruction.opcode();
        match opcode {
            Abs | Add | Addi | Addmi | Addx2 | Addx4 | Addx8 | Sub | Subx2 | Subx4 | Subx8 | And | Or | Xor | Neg
            | Mov | Movi | Extui | Nsa | Nsau | Mul16u | Mul16s | Mull | Sll | Src | Srl | Sra | Slli | Srai | Srli => {
                if let Some(result) = compute::result(opcode, [reg(y), reg(z)], [y, z, w], sar) {
                    self.set(x, result);
                }
            }
            Moveqz => self.set_if(reg(z) == 0, x, reg(y)),
            Movnez => self.set_if(reg(z) != 0, x, reg(y)),
            Movltz => self.set_if((reg(z) as i32) < 0, x, reg(y)),
            Movgez => self.set_if(reg(z) as i32 >= 0, x, reg(y)),

            Ssr => self.cpu.sar = reg(x) & 31,
            Ssl => self.cpu.sar = 32 - (reg(x) & 31),
            Ssa8l => self.cpu.sar = (reg(x) & 3) * 8,
            Ssa8b => self.cpu.sar = 32 - (reg(x) & 3) * 8,
            Ssai => self.cpu.sar = x,

            L8ui => self.load_to(x, reg(y).wrapping_add(z), Width::Byte)?,
            L16ui => self.load_to(x, reg(y).wrapping_add(z), Width::Half)?,
            L16si => {
                let half = self.load(reg(y).wrapping_add(z), Width::Half)?;
                self.set(x, half as i16 as u32);
            }
            L32i => self.load_to(x, reg(y).wrapping_add(z), Width::Word)?,
            L32r => self.load_to(x, instruction.literal_address(self.cpu.litbase), Width::Word)?,
            S8i => self.store(reg(y).wrapping_add(z), Width::Byte, reg(x) & 0xFF)?,
            S16i => self.store(reg(y).wrapping_add(z), Width::Half, reg(x) & 0xFFFF)?,
            S32i => self.store(reg(y).wrapping_add(z), Width::Word, reg(x))?,

            Beq | Bne | Bge | Blt | Bgeu | Bltu | Bany | Bnone | Ball | Bnall | Bbc | Bbs => {
                self.branch(compute::is_taken(opcode, reg(x), reg(y)), z);
            }
            Bbci | Bbsi | Beqi | Bnei | Bgei | Blti | Bgeui | Bltui => {
                self.branch(compute::is_taken(opcode, reg(x), y), z);
            }
            Beqz | Bnez | Bgez | Bltz => self.branch(compute::is_taken(opcode, reg(x), 0), y),
            J => self.cpu.pc = x,
            Jx => self.cpu.pc = reg(x),
            Ret => self.cpu.pc = reg(0),
            Call0 => {
                self.set(0, instruction.next());
                self.cpu.pc = x;
            }
            Callx0 => {
                self.set(0, instruction.next());
                self.cpu.pc = reg(x);
            }

            Nop | Memw | Extw | Isync | Rsync | Esync | Dsync | Excw => {}
            // External registers: none is connected.
            Rer => self.set(x, 0),
            Wer => {}
            Idtlb | Iitlb => {}
            Pdtlb | Pitlb => self.set(x, reg(y) & 0xE000_0000 | 1),
            Rdtlb0 | Ritlb0 => self.set(x, reg(y) & 0xE000_0000),
            Rdtlb1 | Ritlb1 => {
                let attribute = self.memory.region((reg(y) >> 29) as usize, opcode == Ritlb1);
                self.set(x, reg(y) & 0xE000_0000 | u32::from(attribute));
            }
            Wdtlb | Witlb => {
                self.memory.set_region((reg(y) >> 29) as usize, opcode == Witlb, reg(x) as u8 & 0xF);
            }

            Rsr => {
                let value = self.cpu.special(y).ok_or(ILLEGAL)?;
                self.set(x, value);
            }
            Wsr => self.write_special(y, reg(x))?,
            Xsr => {
                let old = self.cpu.special(y).ok_or(ILLEGAL)?;
                self.write_special(y, reg(x))?;
                self.set(x, old);
            }
            Rsil => {
                self.set(x, self.cpu.ps);
                self.cpu.ps = self.cpu.ps & !ps::INTLEVEL | y;
            }
            Waiti => {
                self.cpu.ps = self.cpu.ps & !ps::INTLEVEL | x;
                self.cpu.waiting = true;
            }
            Rfe => {
                self.cpu.ps &= !ps::EXCM;
                self.cpu.pc = self.cpu.epc[0];
            }
            Rfde => self.cpu.pc = self.cpu.depc,
            Rfi => match x {
                2 | 3 => {
                    self.cpu.ps = self.cpu.eps[x as usize - 2];
                    self.cpu.pc = self.cpu.epc[x as usize - 1];
                }
                _ => return Err(ILLEGAL),
            },
            Syscall => return Err(Exception::new(Cause::Syscall).into()),
            Simcall if self.cpu.semihosting => self.stop = Step::Simcall,
            Break if self.cpu.debug_enabled() => return Err(Trouble::Debug(debug_cause::BREAK)),
            BreakN if self.cpu.debug_enabled() => return Err(Trouble::Debug(debug_cause::BREAK_N)),
            Break | BreakN => {}
            Simcall | Ill | Rfdo | Rfdd => return Err(ILLEGAL),
        }
        Ok(())
    }

    fn set(&mut self, register: u32, value: u32) {
        self.cpu.a[register as usize & 15] = value;
    }

    fn set_if(&mut self, condition: bool, register: u32, value: u32) {
        if condition {
            self.set(register, value);
        }
    }

    fn branch(&mut self, condition: bool, target: u32) {
        if condition {
            self.cpu.pc = target;
        }
    }

    fn write_special(&mut self, number: u32, value: u32) -> Result<(), Trouble> {
        self.icount_written = number == special::ICOUNT;
        self.cpu.write_special(number, value).ok_or(ILLEGAL)
    }

    fn load_to(&mut self, register: u32, address: u32, width: Width) -> Result<(), Trouble> {
        let value = self.load(address, width)?;
        self.set(register, value);
        Ok(())
    }

    fn load(&mut self, address: u32, width: Width) -> Result<u32, Trouble> {
        self.check_data_breakpoint(address, 1 << 30)?;
        match self.memory.load(address, width) {
            Ok(value) => Ok(value),
            Err(Miss::Device) => {
                let mut context = Context { memory: self.memory, cycle: self.cpu.cycles, pc: self.pc };
                let value = self.bus.read(address, width, &mut context);
                self.after_device();
                value.map(|value| value & width.mask()).map_err(|_| no_answer(address))
            }
            Err(miss) => Err(trouble(miss, address)),
        }
    }

    fn store(&mut self, address: u32, width: Width, value: u32) -> Result<(), Trouble> {
        self.check_data_breakpoint(address, 1 << 31)?;
        match self.memory.store(address, width, value) {
            Ok(()) => Ok(()),
            Err(Miss::Device) => {
                let mut context = Context { memory: self.memory, cycle: self.cpu.cycles, pc: self.pc };
                let result = self.bus.write(address, width, value, &mut context);
                self.after_device();
                result.map_err(|_| no_answer(address))
            }
            Err(miss) => Err(trouble(miss, address)),
        }
    }

    fn after_device(&mut self) {
        let interrupts = self.bus.interrupts(self.cpu.cycles);
        self.cpu.apply(interrupts);
        if interrupts.stop {
            self.stop = Step::Stop;
        }
    }

    fn check_data_breakpoint(&self, address: u32, access: u32) -> Result<(), Trouble> {
        let debug = &self.cpu.debug;
        let mask = 0xFFFF_FFC0 | debug.dbreakc & 0x3F;
        if debug.dbreakc & access != 0 && address & mask == debug.dbreaka & mask && self.cpu.debug_enabled() {
            return Err(Trouble::Debug(debug_cause::DBREAK));
        }
        Ok(())
    }
}

fn no_answer(address: u32) -> Trouble {
    Exception::at(Cause::LoadStoreAddressError, address).into()
}

fn trouble(miss: Miss, address: u32) -> Trouble {
    match miss {
        Miss::Exception(exception) => exception.into(),
        Miss::FlashOff => Trouble::FlashOff(address),
        Miss::Device => no_answer(address),
    }
}
