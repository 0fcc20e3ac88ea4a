//! The serial log on UART0 at 115,200 baud, and what becomes of a panic.

use core::cell::RefCell;
use core::fmt::Write;
use core::panic::PanicInfo;

use esp8266_hal::gpio::GpioExt;
use esp8266_hal::target::Peripherals;
use esp8266_hal::uart::{UART0Ext, UART0Serial};
use log::{LevelFilter, Log, Metadata, Record};

use crate::task_level::TaskLevel;
use crate::{cpu, executor};

const BAUD: u32 = 115_200;
/// The UART's clock, whatever the core's.
const APB_HERTZ: u32 = 80_000_000;

static SERIAL: TaskLevel<RefCell<Option<UART0Serial>>> = TaskLevel::new(RefCell::new(None));

/// Opens the serial log.
pub fn open() {
    *SERIAL.borrow_mut() = Some(uart());
    // SAFETY: once, before anything logs, and nobody else uses the logger's state.
    unsafe {
        let _first = log::set_logger_racy(&SerialLog);
        log::set_max_level_racy(LevelFilter::Info);
    }
}

/// The UART, configured; each call makes one more handle on the same registers.
fn uart() -> UART0Serial {
    // SAFETY: nothing else uses UART0 and its pins, and setting them twice does no harm.
    let peripherals = unsafe { Peripherals::steal() };
    // SAFETY: the register is a divider of 20 bits, and the quotient fits.
    peripherals.UART0.uart_clkdiv.write(|w| unsafe { w.bits(APB_HERTZ / BAUD) });
    let pins = peripherals.GPIO.split();
    peripherals.UART0.serial(pins.gpio1.into_uart(), pins.gpio3.into_uart())
}

struct SerialLog;

impl Log for SerialLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A line that is logged while one is written is lost rather than mixed in.
        if let Ok(mut serial) = SERIAL.try_borrow_mut()
            && let Some(serial) = serial.as_mut()
        {
            let _infallible = firmware::serial_log::write_line(serial, executor::now(), record);
            let _infallible = serial.write_str("\r\n");
        }
    }

    fn flush(&self) {}
}

/// Says what went wrong, on a UART of its own, and waits for the watchdog: that is the reset cause a crash has.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut serial = uart();
    let _infallible = write!(serial, "\r\npanic: {}", info.message());
    if let Some(place) = info.location() {
        let _infallible = write!(serial, " at {}:{}", place.file(), place.line());
    }
    let _infallible = serial.write_str("\r\n");
    cpu::halt()
}
