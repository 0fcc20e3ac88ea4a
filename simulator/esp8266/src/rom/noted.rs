//! Functions of the ROM within rounds of loops that wait, see [`skip`](crate::skip): they are run once beside the
//! program, with their accesses told to whoever notes them.
//!
//! Which registers each of these functions reads, and in which it leaves something, is said here. Beside these it
//! depends on nothing but what it accesses and the registers that a round finds unchanged: PS, SAR, which interrupts
//! are enabled, latched and held. Functions that depend on the time other than by an access, that wait, or that have
//! something to remember outside of the chip's memory, are not among them.

use std::collections::BTreeSet;

use super::call::{Call, Flow};
use super::state::State;
use super::{continuation, table};
use crate::bus::{NoDevices, Width};
use crate::cpu::Cpu;
use crate::memory::Memory;

/// `xthal_get_ccount`, which is not noted as others are: it reads a clock.
pub(crate) const CCOUNT: u32 = 0x4000_DD38;

/// What is told of a function's accesses.
pub(crate) trait Accesses {
    /// What is loaded there at this cycle by the function that begins at `pc`. `None` if that cannot be noted.
    fn load(&mut self, memory: &Memory, address: u32, width: Width, pc: u32, cycle: u64) -> Option<u32>;

    /// Takes note of a store. `None` if it cannot be noted.
    fn store(&mut self, memory: &Memory, address: u32, width: Width, value: u32, pc: u32, cycle: u64) -> Option<()>;
}

/// The general registers that a function uses, a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uses {
    /// On what they hold depends what it does. Where it returns, a0 is one of them.
    pub reads: u16,
    /// In these it leaves something. The others are as they were.
    pub leaves: u16,
}

/// Argument registers from a2 on.
const fn arguments(count: u32) -> u16 {
    ((1 << count) - 1) << 2
}

/// Names of functions, how many registers they have as arguments, and in how many, from a2 on, they leave a result.
pub(super) static FUNCTIONS: &[(&str, u32, u32)] = &[
    ("_xtos_ints_off", 1, 1),
    ("_xtos_ints_on", 1, 1),
    ("_xtos_p_none", 0, 0),
    ("_xtos_restore_intlevel", 1, 0),
    ("_xtos_set_intlevel", 1, 1),
    ("_xtos_set_min_intlevel", 1, 1),
    ("_xtos_set_vpri", 1, 1),
    ("ets_get_cpu_frequency", 0, 1),
    ("ets_intr_lock", 0, 1),
    ("ets_intr_unlock", 0, 1),
    ("ets_isr_mask", 1, 1),
    ("ets_isr_unmask", 1, 1),
    ("ets_post", 3, 1),
    ("ets_timer_disarm", 1, 0),
    ("ets_timer_setfn", 3, 0),
    ("ets_update_cpu_frequency", 1, 0),
    ("bzero", 2, 0),
    ("ets_bzero", 2, 0),
    ("ets_memcmp", 3, 1),
    ("ets_memcpy", 3, 0),
    ("ets_memmove", 3, 0),
    ("ets_memset", 3, 0),
    ("ets_strcmp", 2, 1),
    ("ets_strcpy", 2, 0),
    ("ets_strlen", 1, 1),
    ("ets_strncmp", 3, 1),
    ("ets_strncpy", 3, 0),
    ("memcmp", 3, 1),
    ("memcpy", 3, 0),
    ("memmove", 3, 0),
    ("memset", 3, 0),
    ("strcmp", 2, 1),
    ("strcpy", 2, 0),
    ("strlen", 1, 1),
    ("strncmp", 3, 1),
    ("strncpy", 3, 0),
    ("xthal_memcpy", 3, 0),
    ("__adddf3", 4, 2),
    ("__addsf3", 2, 1),
    ("__divdf3", 4, 2),
    ("__divdi3", 4, 2),
    ("__divsi3", 2, 1),
    ("__extendsfdf2", 1, 2),
    ("__fixdfsi", 2, 1),
    ("__fixunsdfsi", 2, 1),
    ("__fixunssfsi", 1, 1),
    ("__floatsidf", 1, 2),
    ("__floatsisf", 1, 1),
    ("__floatunsidf", 1, 2),
    ("__floatunsisf", 1, 1),
    ("__muldf3", 4, 2),
    ("__muldi3", 4, 2),
    ("__mulsf3", 2, 1),
    ("__subdf3", 4, 2),
    ("__subsf3", 2, 1),
    ("__truncdfsf2", 2, 1),
    ("__udivdi3", 4, 2),
    ("__udivsi3", 2, 1),
    ("__umoddi3", 4, 2),
    ("__umodsi3", 2, 1),
    ("__umulsidi3", 2, 2),
];

/// The registers that the function at `address` uses, if it can be noted.
pub(crate) fn uses(address: u32) -> Option<Uses> {
    match address {
        // The priority below which no task is served is in a13; a task's function gets its event.
        continuation::RUN => return Some(Uses { reads: 1 << 13, leaves: 1 | 1 << 2 }),
        continuation::TASK_DONE => return Some(Uses { reads: 1 << 13, leaves: 0 }),
        _ => {}
    }
    let (_, place) = table::find(address)?;
    let &(_, reads, leaves) = FUNCTIONS.iter().find(|function| function.0 == place.name)?;
    Some(Uses { reads: 1 | arguments(reads), leaves: arguments(leaves) })
}

/// Runs the function at the program counter, which [`uses`] knows, with its accesses told to `accesses`. `None` if it
/// cannot be noted; then registers are lost.
pub(crate) fn run(
    cpu: &mut Cpu,
    memory: &mut Memory,
    accesses: &mut dyn Accesses,
    traps: &BTreeSet<u32>,
) -> Option<()> {
    let entry = cpu.pc;
    let function = table::find(entry)?.1.function?;
    cpu.cycles += 1;
    let (bus, state) = (&mut NoDevices, &mut State::default());
    let mut call = Call { cpu: &mut *cpu, memory, bus, state, traps, entry, accesses: 0, noted: Some(accesses) };
    cpu.pc = match function(&mut call).ok()? {
        Flow::Return => cpu.a[0],
        Flow::Jump(to) => to,
        Flow::Wait(_) => return None,
    };
    Some(())
}
