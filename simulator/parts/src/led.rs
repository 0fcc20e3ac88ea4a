//! A light-emitting diode on an output pin: lit while the pin drives it one way, dark while it does not or floats.
//!
//! The pin is driven in device time, which may lie ahead of the world's; what was driven for later is forgotten by a
//! reset. Not modelled: brightness; a pin that is switched fast lights and darkens it as often.

use simulator_record::events::Level;

/// An LED.
pub struct Led {
    lit_at: Level,
    lit: bool,
}

impl Led {
    /// A dark LED that is lit while its pin is driven to `lit_at`.
    pub fn new(lit_at: Level) -> Self {
        Self { lit_at, lit: false }
    }

    /// The pin is driven to a level, or floats. Returns whether it is lit from now on, if that changed.
    pub fn drive(&mut self, level: Option<Level>) -> Option<bool> {
        let lit = level == Some(self.lit_at);
        (std::mem::replace(&mut self.lit, lit) != lit).then_some(lit)
    }

    /// The level of the pin while it is lit, or while it is dark.
    pub fn level(&self, lit: bool) -> Level {
        if lit { self.lit_at } else { self.lit_at.opposite() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_between_pin_and_ground_is_lit_by_a_high_level() {
        let mut led = Led::new(Level::High);
        assert_eq!(led.drive(Some(Level::Low)), None);
        assert_eq!(led.drive(Some(Level::High)), Some(true));
        assert_eq!(led.drive(Some(Level::High)), None);
        assert_eq!(led.drive(None), Some(false));
        assert_eq!((led.level(true), led.level(false)), (Level::High, Level::Low));
    }

    #[test]
    fn one_between_supply_and_pin_is_lit_by_a_low_level() {
        let mut led = Led::new(Level::Low);
        assert_eq!(led.drive(Some(Level::High)), None);
        assert_eq!(led.drive(Some(Level::Low)), Some(true));
        assert_eq!(led.drive(None), Some(false));
        assert_eq!((led.level(true), led.level(false)), (Level::Low, Level::High));
    }
}
