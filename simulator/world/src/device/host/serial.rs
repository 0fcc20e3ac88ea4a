//! The firmware's serial log: `log` records of the running device become lines on its UART.
//!
//! `log` has one logger a process; this one serves whichever device runs on the calling thread, and drops records of
//! everyone else. Areas are single words (`boot`, `wifi`, …); records whose target is a module path come from
//! libraries.

use std::sync::Once;

use firmware::serial_log;

use super::context;

struct DeviceLogger;

impl log::Log for DeviceLogger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        !metadata.target().contains("::") && context::firmware_runs()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        context::in_simulator(|| {
            context::with_current(|chip, at| {
                let mut line = String::new();
                serial_log::write_line(&mut line, at_boot_micros(), record).expect("writing to a string cannot fail");
                line.push_str("\r\n");
                let after = chip.write_serial(at, &line);
                simulator_clock::advance(after.saturating_since(at).as_nanos() as u64);
            })
        });
    }

    fn flush(&self) {}
}

/// Microseconds on the running device's clock.
fn at_boot_micros() -> u64 {
    simulator_clock::now() / 1_000
}

/// Installs the logger, once for the process.
pub(super) fn install_logger() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if log::set_logger(&DeviceLogger).is_ok() {
            log::set_max_level(log::LevelFilter::Debug);
        }
    });
}
