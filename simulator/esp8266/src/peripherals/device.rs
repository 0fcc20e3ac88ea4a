//! What a device is, and the table that mounts them.
//!
//! A new device is one file with its registers ([`registers!`](super::registers)) and one row of the table in
//! [`table`](super::table).

use super::clock::Time;
use super::env::Env;
use super::rtc::ResetCause;
use super::steady::Steady;

/// A device as it lives in time.
pub(super) trait Device {
    /// Falls back to what it is after a reset; after [`ResetCause::PowerOn`] nothing of before is left. Clocks, wires
    /// and the flash window have fallen back already.
    fn reset(&mut self, cause: ResetCause, env: &mut Env<'_>);

    /// Puts its counters that run by themselves ahead by `uptime`, as if power had come that much earlier.
    fn age(&mut self, uptime: Time) {
        let _ = uptime;
    }

    /// Acts on all that is due by now.
    fn advance(&mut self, env: &mut Env<'_>) {
        let _ = env;
    }

    /// When it acts by itself for the next time; `apb` is the length of a cycle of the bus.
    fn next(&self, apb: Time) -> Time {
        let _ = apb;
        Time::NEVER
    }

    /// The first moment at which it matters whether [`advance`](Self::advance) is called, interrupts or not.
    fn changes(&self, apb: Time) -> Time {
        self.next(apb)
    }

    /// Interrupt lines that it holds, of [`line`](super::env::line).
    fn lines(&self) -> u32 {
        0
    }
}

/// A device behind a block of registers `R`. It has been advanced to now before each access.
pub(super) trait Block<R> {
    /// Whether some bytes of a register can be written alone. If not, what silicon makes of that is not known.
    const TAKES_NARROW_WRITES: bool = false;

    /// Reads a register.
    fn read(&mut self, register: R, env: &mut Env<'_>) -> u32;

    /// What a register shows at a moment before the device [changes](Device::changes), if reading it has no effect at
    /// all. Loops that read nothing else are passed over, see [`skip`](crate::skip).
    fn steady(&self, register: R, now: Time, apb: Time) -> Option<Steady> {
        let _ = (register, now, apb);
        None
    }

    /// Whether of many such writes in a row only the last one matters.
    fn absorbs(&self, register: R, value: u32) -> bool {
        let _ = (register, value);
        false
    }

    /// Writes a register.
    fn write(&mut self, register: R, value: u32, env: &mut Env<'_>) {
        let _ = (register, value);
        env.nothing_there();
    }
}

/// Makes `Devices` and `describe` of a table, a row for each device:
///
/// ```text
/// field: Type = value { addresses => mask, "name", Registers; }
/// ```
///
/// `addresses` are those at which the block answers, `mask` is what of an address is the offset in it, and `Registers`
/// the registers that are found at offsets. Devices act in the order of the rows. `|part|` names what a value may be
/// made of. `absent` names the blocks that silicon has and that are not modelled.
macro_rules! devices {
    (
        |$part:ident|
        absent { $($absent:pat => $absent_name:literal;)+ }
        $($field:ident: $device:ty = $new:expr, { $($addresses:pat => $mask:literal, $name:literal, $registers:path;)+ })+
    ) => {
        /// All devices.
        #[derive(Debug)]
        pub(super) struct Devices {
            $(pub(super) $field: $device,)+
        }

        impl Devices {
            /// Devices before their first reset.
            pub(super) fn new($part: &Part) -> Self {
                Self { $($field: $new,)+ }
            }

            /// Resets all.
            pub(super) fn reset(&mut self, cause: ResetCause, env: &mut Env<'_>) {
                $(self.$field.reset(cause, env);)+
            }

            /// Puts the counters of all ahead by `uptime`.
            pub(super) fn age(&mut self, uptime: Time) {
                $(self.$field.age(uptime);)+
            }

            /// Lets all act on what is due by now.
            pub(super) fn advance(&mut self, env: &mut Env<'_>) {
                $(self.$field.advance(env);)+
                env.wires.lines = self.lines();
                env.wires.raise_nmi(env.now);
            }

            /// Lines that are held.
            pub(super) fn lines(&self) -> u32 {
                0 $(| self.$field.lines())+
            }

            /// When one acts by itself for the next time.
            pub(super) fn next(&self, apb: Time) -> Time {
                Time::NEVER $(.min(self.$field.next(apb)))+
            }

            /// When it matters for the next time whether they act.
            pub(super) fn changes(&self, apb: Time) -> Time {
                Time::NEVER $(.min(self.$field.changes(apb)))+
            }

            /// What the register at `address` shows, see [`Block::steady`].
            pub(super) fn steady(&self, address: u32, now: Time, apb: Time) -> Option<Steady> {
                match address {
                    $($($addresses => {
                        let register = <$registers as Layout>::at(address & $mask)?;
                        Block::<$registers>::steady(&self.$field, register, now, apb)
                    })+)+
                    _ => None,
                }
            }

            /// Whether of many such writes only the last one matters, see [`Block::absorbs`].
            pub(super) fn absorb(&self, address: u32, value: u32) -> bool {
                match address {
                    $($($addresses => <$registers as Layout>::at(address & $mask)
                        .is_some_and(|register| Block::<$registers>::absorbs(&self.$field, register, value)),)+)+
                    _ => false,
                }
            }

            /// Reads the register that the access goes to, if there is one.
            pub(super) fn read(&mut self, env: &mut Env<'_>) -> Option<u32> {
                let address = env.access.address;
                match address {
                    $($($addresses => {
                        env.access.block = Some($name);
                        let register = <$registers as Layout>::at(address & $mask)?;
                        Some(Block::<$registers>::read(&mut self.$field, register, env))
                    })+)+
                    _ => {
                        env.access.block = absent(address);
                        None
                    }
                }
            }

            /// Writes the register that the access goes to, if there is one.
            pub(super) fn write(&mut self, value: u32, env: &mut Env<'_>) -> Option<()> {
                let address = env.access.address;
                match address {
                    $($($addresses => {
                        env.access.block = Some($name);
                        let register = <$registers as Layout>::at(address & $mask)?;
                        Block::<$registers>::write(&mut self.$field, register, value, env);
                        if let Some(what) = register.describe().and_then(|register| register.asked_in_vain(value)) {
                            env.not_modelled(what);
                        }
                        Some(())
                    })+)+
                    _ => {
                        env.access.block = absent(address);
                        None
                    }
                }
            }

            /// Whether some bytes of a word can be written alone.
            pub(super) fn takes_narrow_writes(address: u32) -> bool {
                match address {
                    $($($addresses => <$device as Block<$registers>>::TAKES_NARROW_WRITES,)+)+
                    _ => false,
                }
            }
        }

        /// The block at an address where no device answers.
        fn absent(address: u32) -> Option<&'static str> {
            match address {
                $($absent => Some($absent_name),)+
                _ => None,
            }
        }

        /// The register at `address`, if it is a modelled one.
        pub fn describe(address: u32) -> Option<&'static Description> {
            match address & !3 {
                $($($addresses => <$registers as Layout>::at(address & !3 & $mask)?.describe(),)+)+
                _ => None,
            }
        }
    };
}

pub(super) use devices;
