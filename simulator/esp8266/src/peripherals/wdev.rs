//! The Wi-Fi MAC's block, as far as programs use it without Wi-Fi: the microsecond counter, random numbers, and which
//! UARTs ask for the interrupt that they share.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, line};
use super::registers::registers;
use super::rng::HardwareRng;
use super::rtc::ResetCause;
use super::steady::Steady;

registers! {
    /// Registers of the block that are modelled.
    pub(super) enum Register {
        0x020 UartInterrupts ReadOnly = 0, "UART_INTERRUPT_STATUS";
        0xC00 Microseconds ReadOnly = 0, "WDEV_COUNT";
        0xE44 Random ReadOnly = 0, "WDEV_RANDOM";
    }
}

/// The block.
#[derive(Clone, Debug)]
pub(super) struct Wdev {
    random: HardwareRng,
    /// Where the counter began.
    zero: Time,
    /// What it counted from.
    first: u64,
}

impl Wdev {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: HardwareRng::new(seed), zero: Time(0), first: 0 }
    }
}

impl Device for Wdev {
    /// The counter begins again; random numbers go on.
    fn reset(&mut self, _: ResetCause, env: &mut Env<'_>) {
        (self.zero, self.first) = (env.now, 0);
    }

    fn age(&mut self, uptime: Time) {
        self.first += uptime.0 / Time::MICROSECOND.0;
    }
}

impl Wdev {
    fn microseconds(&self, now: Time) -> u64 {
        self.first + now.since(self.zero).0 / Time::MICROSECOND.0
    }
}

impl Block<Register> for Wdev {
    /// The clock.
    fn steady(&self, register: Register, now: Time, _: Time) -> Option<Steady> {
        let count = self.microseconds(now);
        (register == Register::Microseconds).then_some(Steady::Up { count, period: Time::MICROSECOND })
    }

    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::UartInterrupts => {
                let asks = |line| u32::from(env.wires.lines & line != 0);
                asks(line::UART0) | asks(line::UART1) << 2
            }
            Register::Microseconds => self.microseconds(env.now) as u32,
            Register::Random => self.random.draw(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    #[test]
    fn random_numbers_follow_the_seed() {
        let mut bench = Bench::default();
        let mut draw = |seed| Wdev::new(seed).read(Register::Random, &mut bench.env(Time(0)));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
