//! What the SDK says and writes down of a program that came to grief (`user_fatal_exception_handler`, NONOS SDK 3.0).

use esp8266::chip::Chip;
use esp8266::peripherals::Outside;
use esp8266::registers::Registers;
use simulator_record::events::BootCause;

/// Why the chip starts, as the SDK numbers it (`rst_reason`, ESP8266 Non-OS SDK API Reference, `system_get_rst_info`).
pub fn reset_reason(cause: BootCause) -> u32 {
    match cause {
        BootCause::PowerOn => 0,
        BootCause::Watchdog => 1,
        BootCause::Exception => 2,
        BootCause::SoftwareWatchdog => 3,
        BootCause::Software => 4,
        BootCause::DeepSleep => 5,
        BootCause::External => 6,
    }
}

/// What `system_get_rst_info` gives after a reset for this cause, of a program with these registers: reason, EXCCAUSE,
/// EPC1, EPC2, EPC3, EXCVADDR, DEPC.
pub fn reset_information<O>(cause: BootCause, registers: &Registers, chip: &Chip<O>) -> [u32; 7] {
    let [_, epc2, epc3] = chip.core.cpu.epc;
    let Registers { exccause, excvaddr, pc, .. } = *registers;
    [reset_reason(cause), exccause, pc, epc2, epc3, excvaddr, chip.core.cpu.depc]
}

/// What the handler prints, where interrupts are off; it waits for the FIFO.
pub fn print_exception<O: Outside>(chip: &mut Chip<O>, registers: &Registers) {
    let name = match registers.exccause {
        0 => "(IllegalInstructionCause):",
        2 => "(InstructionRetchErrorCause):",
        9 => "(LoadStoreAlignmentCause):",
        28 => "(LoadProhibitedCause):",
        29 => "(StoreProhibitedCause):",
        _ => "",
    };
    let [_, epc2, epc3] = chip.core.cpu.epc;
    let words = format!(
        "Fatal exception {}{name}\r\nepc1=0x{:08x}, epc2=0x{epc2:08x}, epc3=0x{epc3:08x}, excvaddr=0x{:08x}, depc=0x{:08x}\r\n",
        registers.exccause, registers.pc, registers.excvaddr, chip.core.cpu.depc,
    );
    chip.transmit(0, words.as_bytes());
    chip.drain(0);
}
