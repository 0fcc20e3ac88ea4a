//! The SDK's turns: what it does while the program rests, and when its watchdogs are due.

use esp8266::chip::Chip;
use simulator_record::time::Instant;

use super::{EVENT, Purpose, SDK_PRIORITY, Sdk, rom};
use crate::call::Call;
use crate::outside::Environment;
use crate::watchdog::Expiry;

impl Sdk {
    /// The chip idles, and the SDK has its turn. Returns whether it calls the program, so that the chip can go on.
    pub fn idles<O: Environment>(&mut self, chip: &mut Chip<O>) -> bool {
        let now = self.now(chip);
        if now >= self.watchdog.expires() {
            self.watchdog_task_ran(now);
        }
        self.start_stored_mode(chip, now);
        // The SDK does not call a program that it has called already, even if that has gone to the task loop.
        if self.calls.is_under_way() {
            return false;
        }
        let Some(call) = self.next_call(chip, now) else { return false };
        self.calls.begin(chip, call);
        true
    }

    /// When an idle chip is to be woken for the SDK's sake at the latest.
    pub fn due(&self, now: Instant) -> Instant {
        let expires = self.watchdog.expires();
        self.next_sent().filter(|sent| *sent > now).map_or(expires, |sent| sent.min(expires))
    }

    /// When the software watchdog's timer expires: then [`watchdog_expires`](Self::watchdog_expires) is to be called,
    /// as soon as interrupts are not masked.
    pub fn watchdog_due(&self) -> Instant {
        self.watchdog.expires()
    }

    /// The software watchdog's timer has expired. Its interrupt posts to the SDK's task, or resets the chip.
    pub fn watchdog_expires<O: Environment>(&mut self, chip: &mut Chip<O>) -> Expiry {
        let expiry = self.watchdog.expire(self.now(chip));
        if expiry == Expiry::Post {
            self.post_watchdog_task(chip);
        }
        expiry
    }

    /// When the hardware watchdog resets the chip if it is not fed again.
    pub fn hardware_watchdog_resets_at(&self) -> Instant {
        self.hardware_watchdog.resets_at()
    }

    pub(super) fn post_watchdog_task<O: Environment>(&self, chip: &mut Chip<O>) {
        // An interrupt gives back all that it uses.
        let before = chip.core.cpu.clone();
        if chip.call_rom(rom::ETS_POST, [SDK_PRIORITY, 0, 0, 0]).is_none() {
            // The program has spoilt the ROM's data: the interrupt does not end.
            return;
        }
        let cycles = chip.core.cpu.cycles;
        chip.core.cpu = before;
        chip.core.cpu.cycles = cycles;
    }

    /// The SDK's task: feeds both watchdogs.
    pub(super) fn watchdog_task_ran(&mut self, now: Instant) {
        self.watchdog.rewind(now);
        self.hardware_watchdog.feed(now);
    }

    /// The next call into the program that something has come in for.
    pub(super) fn next_call<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant) -> Option<Call> {
        if let Some((purpose, call)) = self.next.pop_front() {
            self.under_way = Some(purpose);
            return Some(call);
        }
        if let Some((number, reason)) = self.radio_event(chip) {
            let mut record = [0; 44];
            record[..4].copy_from_slice(&u32::to_le_bytes(number));
            // Name and BSSID of a disconnection are not looked at; the reason stands behind them.
            record[4 + 39] = reason;
            chip.core.memory.poke(EVENT, &record);
            if self.handler != 0 {
                self.under_way = Some(Purpose::Event);
                return Some(Call { function: self.handler, arguments: [EVENT, 0, 0] });
            }
        }
        if let Some(call) = self.scan_ended(chip) {
            self.under_way = Some(Purpose::Event);
            return Some(call);
        }
        let (purpose, call) = self.next_frame(chip, now)?;
        self.under_way = Some(purpose);
        Some(call)
    }

    /// A call into the program has returned.
    pub(super) fn returned<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant, result: u32) {
        if let Some(purpose) = self.under_way.take() {
            self.frame_returned(chip, now, purpose, result);
        }
    }
}
