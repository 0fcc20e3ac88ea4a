//! Calls from the vendor's SDK into the program, at task level: made while the chip idles, one at a time.

use esp8266::chip::Chip;
use esp8266::cpu::ps;
use esp8266::rom::TASK_LOOP;

use crate::traps;

/// A function of the program to be called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub function: u32,
    pub arguments: [u32; 3],
}

/// The registers that a call must give back, while there is one.
#[derive(Default)]
pub(crate) struct Calls {
    saved: Option<([u32; 16], u32, u32)>,
}

impl Calls {
    pub(crate) fn is_under_way(&self) -> bool {
        self.saved.is_some()
    }

    pub(crate) fn begin<O>(&mut self, chip: &mut Chip<O>, call: Call) {
        let cpu = &mut chip.core.cpu;
        debug_assert!(self.saved.is_none(), "one call at a time");
        self.saved = Some((cpu.a, cpu.ps, cpu.sar));
        // Below what the caller may keep beneath its stack pointer, and aligned.
        cpu.a[1] = cpu.a[1].wrapping_sub(64) & !15;
        cpu.a[0] = traps::RETURN;
        cpu.a[2..5].copy_from_slice(&call.arguments);
        cpu.ps &= !ps::INTLEVEL;
        cpu.pc = call.function;
    }

    /// Puts the registers back; returns the function's result. `None` if there was no call: the program has jumped
    /// here.
    pub(crate) fn end<O>(&mut self, chip: &mut Chip<O>) -> Option<u32> {
        let cpu = &mut chip.core.cpu;
        let result = cpu.a[2];
        let (a, ps, sar) = self.saved.take()?;
        (cpu.a, cpu.ps, cpu.sar) = (a, ps, sar);
        // The call may have made a task ready, so the task loop looks again before it waits.
        cpu.pc = TASK_LOOP;
        Some(result)
    }
}
