//! What the director, or a test, may do to a world.

use std::time::Duration;

use crate::air::{AccessPointState, LinkRule};
use crate::device::Turn;
use crate::internet;
use simulator_parts::{PartId, SensorFault, SerialByte, Signal, Supply};
use simulator_record::events::DeviceId;

/// Something that is done to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A device's supply comes on or is cut. If it already is, the record says that nothing came of it.
    Power {
        /// Whose.
        device: DeviceId,
        /// Which way.
        on: bool,
    },
    /// A device's supply is cut and comes back, unless something is done to the supply before that.
    CutPower {
        /// Whose.
        device: DeviceId,
        /// Until the supply is back.
        length: Duration,
    },
    /// A device's supply dips for so long: the chip resets, the sensor goes on.
    BrownOut {
        /// Whose.
        device: DeviceId,
        /// Until the supply is back.
        length: Duration,
    },
    /// Somebody presses a device's reset button.
    PressReset {
        /// Whose.
        device: DeviceId,
    },
    /// A device's reset pin is held low from now on, or let go, as by a programmer's transistor. The strapping is read
    /// when it is let go.
    HoldReset {
        /// Whose.
        device: DeviceId,
        /// Whether it is low.
        held: bool,
    },
    /// Pins of a device are held low from now on, and no others; see [`Port::held_low`](crate::device::Port::held_low).
    HoldLow {
        /// Whose.
        device: DeviceId,
        /// Bit 0 for GPIO0.
        pins: u32,
    },
    /// A hand throws a switch, or presses a button or lets go of it.
    Switch {
        /// The device that it is soldered to.
        device: DeviceId,
        /// Which of its parts.
        part: PartId,
        /// Whether it is on, or pressed, from now on.
        on: bool,
        /// How long the contact bounces.
        bounce: Duration,
    },
    /// A button is pressed and let go. A press while it is pressed takes the place of the one before.
    Press {
        /// The device that it is soldered to.
        device: DeviceId,
        /// Which of its parts.
        part: PartId,
        /// How long it is pressed.
        length: Duration,
        /// How long the contact bounces, each time.
        bounce: Duration,
    },
    /// Somebody types at a device's serial port. Only a whole image listens there.
    Type {
        /// The device.
        device: DeviceId,
        /// What, and how long after now each byte has arrived, in order.
        keys: Vec<(Duration, u8)>,
    },
    /// A program sends to a device's serial port. Only a whole image listens there.
    SerialIn {
        /// The device.
        device: DeviceId,
        /// What, in order.
        bytes: Vec<SerialByte>,
    },
    /// A program types at a device's serial port and waits for answers. Only a whole image listens there.
    Converse {
        /// The device.
        device: DeviceId,
        /// What is typed, turn by turn.
        turns: Vec<Turn>,
        /// From one byte to the next.
        every: Duration,
    },
    /// What there is to measure changes; `None` leaves it as it is.
    Readings {
        /// The device that the sensor is soldered to.
        device: DeviceId,
        /// Which of its parts.
        part: PartId,
        /// Tenths of a degree Celsius.
        temperature: Option<Signal>,
        /// Tenths of a percent.
        humidity: Option<Signal>,
    },
    /// A fault begins.
    BeginFault(Rule),
    /// A fault ends.
    EndFault {
        /// The rule's name.
        rule: String,
    },
    /// A phone begins what it is to do.
    StartPhone {
        /// Which one, in the order in which they were added.
        phone: usize,
    },
}

/// A rule by which something goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, which the record tells it by.
    pub name: String,
    /// How often it applies at most.
    pub count: Option<u32>,
    /// What goes wrong.
    pub fault: Fault,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A device's sensor.
    Sensor {
        /// The device that it is soldered to.
        device: DeviceId,
        /// Which of its parts.
        part: PartId,
        /// What it does.
        fault: SensorFault,
    },
    /// A device's supply sags while its radio sends.
    Supply {
        /// Whose.
        device: DeviceId,
        /// What it is made of.
        supply: Supply,
    },
    /// An access point is not what it should be.
    AccessPoint {
        /// The network's name.
        network: String,
        /// Which of its access points; `None` for all.
        bssid: Option<[u8; 6]>,
        /// What it is instead.
        state: AccessPointState,
        /// Whether it deauthenticates its stations before it goes off.
        deauth: bool,
    },
    /// Frames between an access point and its stations.
    Link {
        /// The network's name.
        network: String,
        /// Which of its access points; `None` for all.
        bssid: Option<[u8; 6]>,
        /// What happens to them; its name, network and count are the [`Rule`]'s.
        effects: LinkRule,
    },
    /// Something behind the access point.
    Internet(internet::Fault),
}

impl Fault {
    /// Whether it stays when its rule would end it, until a device loses its power: a sensor that has latched up.
    pub(super) fn lasts_until_power_off(&self, of: DeviceId) -> bool {
        matches!(self, Self::Sensor { device, fault: SensorFault::Latched, .. } if *device == of)
    }
}
