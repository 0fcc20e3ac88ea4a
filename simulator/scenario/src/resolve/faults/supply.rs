//! A supply that sags.

use simulator_parts::Supply;
use simulator_parts::supply::{HYSTERESIS, LEAST, LISTENING, Sending};

use crate::diagnostics::Diagnostic;
use crate::resolve::Resolver;
use crate::tree::{Node, Value};
use crate::units::{Milliohms, Millivolts};

/// What a supply is without a load.
const VOLTAGE: u32 = 3_300;
/// The capacitor of an ESP-07.
const CAPACITANCE: u32 = 10_000;

impl Resolver<'_, '_> {
    /// A supply that holds a chip which listens, and not each that sends.
    pub(super) fn supply(&mut self, node: &Node) -> Option<Supply> {
        let fields = node.table().filter(|fields| !fields.is_broken("voltage"))?;
        let resistance = fields.get("resistance")?;
        let Value::Resistance(Milliohms(milliohms)) = resistance.value else { return None };
        let millivolts = match fields.get("voltage").map(|node| &node.value) {
            Some(Value::Voltage(Millivolts(millivolts))) => *millivolts,
            _ => VOLTAGE,
        };
        let nanofarads = match fields.get("capacitance").map(|node| &node.value) {
            Some(Value::Capacitance(capacitance)) => capacitance.0,
            _ => CAPACITANCE,
        };
        let supply = Supply { millivolts, milliohms, nanofarads };
        // The largest resistance at which a current leaves so much of the voltage.
        let resistance_for = |left: u32, milliamperes: u32| millivolts.saturating_sub(left) * 1_000 / milliamperes;
        let (starts, most) = (LEAST + HYSTERESIS, Sending::Dsss.milliamperes());
        if millivolts <= starts {
            let voltage = fields.get("voltage").map_or_else(|| node.span.clone(), |node| node.span.clone());
            self.report(Diagnostic::new("the chip never starts with that voltage", voltage, "too low").help(format!(
                "it needs more than {}; `do.power = \"off\"` is a supply that is gone",
                Millivolts(starts)
            )));
        } else if supply.leaves(LISTENING) < i64::from(starts) * 1_000 {
            let most = resistance_for(starts, LISTENING);
            self.report(
                Diagnostic::new("the chip does not even start with this supply", resistance.span.clone(), "too much")
                    .help(format!(
                        "it draws {LISTENING} mA while it listens and needs {}; at {} that is up to {}",
                        Millivolts(starts),
                        Millivolts(millivolts),
                        Milliohms(most)
                    )),
            );
        } else if supply.leaves(most) >= i64::from(LEAST) * 1_000 {
            let least = Milliohms(resistance_for(LEAST, most) + 1);
            self.report(
                Diagnostic::new("this supply never sags as far as it takes", resistance.span.clone(), "too little")
                    .help(format!(
                        "the chip draws {most} mA at most and needs {}; at {} it takes {least} or more",
                        Millivolts(LEAST),
                        Millivolts(millivolts)
                    )),
            );
        }
        Some(supply)
    }
}
