//! From the scenario's words to the world's commands.
//!
//! The scenario's types say what a file may ask for, the world's what can be done to it. They are much alike and are
//! kept apart so that either can change (only what goes wrong in the internet is said in the internet's own words):
//! this is the only module that knows both.

use std::time::Duration;

use simulator_parts::{Recording, Signal, Surroundings};
use simulator_record::time::Instant;
use simulator_scenario::model as scenario;
use simulator_scenario::units::{DeciCelsius, DeciPercent};
use simulator_world::air::{AccessPointState, LinkRule};
use simulator_world::internet::CLOUD;
use simulator_world::internet::fault;
use simulator_world::world::{Command, Fault, Rule};

/// What the timeline does at `at`.
pub fn step(step: &scenario::Step, at: Instant, calendar: &Calendar) -> Command {
    let device = step.device;
    match &step.action {
        scenario::Action::Power(power) => match *power {
            scenario::PowerAction::On => Command::Power { device, on: true },
            scenario::PowerAction::Off => Command::Power { device, on: false },
            scenario::PowerAction::CutFor(length) => Command::CutPower { device, length },
            scenario::PowerAction::BrownOut(length) => Command::BrownOut { device, length },
        },
        scenario::Action::PressReset => Command::PressReset { device },
        scenario::Action::Switch { part, on, bounce } => {
            Command::Switch { device, part: *part, on: *on, bounce: *bounce }
        }
        scenario::Action::Press { part, length, bounce } => {
            Command::Press { device, part: *part, length: *length, bounce: *bounce }
        }
        scenario::Action::Type(keys) => Command::Type { device, keys: keys.clone() },
        scenario::Action::Converse(turns) => {
            Command::Converse { device, turns: turns.clone(), every: scenario::TYPING }
        }
        scenario::Action::Readings { part, temperature, humidity } => Command::Readings {
            device,
            part: *part,
            temperature: temperature.as_ref().map(|course| signal(course, at, calendar)),
            humidity: humidity.as_ref().map(|course| signal(course, at, calendar)),
        },
    }
}

/// A fault as the world's rule.
pub fn fault(fault: &scenario::Fault) -> Rule {
    Rule { name: fault.name.clone(), count: fault.count, fault: injection(&fault.injection) }
}

fn injection(injection: &scenario::Injection) -> Fault {
    match injection {
        scenario::Injection::Sensor { device, part, fault } => {
            Fault::Sensor { device: *device, part: *part, fault: fault.clone() }
        }
        scenario::Injection::Supply { device, supply } => Fault::Supply { device: *device, supply: *supply },
        scenario::Injection::AccessPoint { network, bssid, state, deauth, status } => Fault::AccessPoint {
            network: network.clone(),
            bssid: *bssid,
            state: match state {
                scenario::AccessPointState::Off => AccessPointState::Off,
                scenario::AccessPointState::Refusing => AccessPointState::Refusing { status: *status },
                scenario::AccessPointState::Deaf => AccessPointState::Deaf,
            },
            deauth: *deauth,
        },
        scenario::Injection::Link { network, bssid, effects } => Fault::Link {
            network: network.clone(),
            bssid: *bssid,
            effects: LinkRule {
                direction: effects.direction,
                frames: effects.frames,
                loss: effects.loss.0,
                duplicate: effects.duplicate.0,
                reorder: effects.reorder.0,
                corrupt: effects.corrupt.0,
                latency: effects.latency,
                jitter: effects.jitter,
                ..LinkRule::default()
            },
        },
        scenario::Injection::Dhcp { network, reply } => {
            Fault::Internet(fault::Fault::Dhcp { network: network.clone(), reply: *reply })
        }
        scenario::Injection::Dns(reply) => Fault::Internet(fault::Fault::Dns(*reply)),
        scenario::Injection::DnsAnswer(answer) => Fault::Internet(fault::Fault::DnsAnswer(answer.clone())),
        scenario::Injection::CaptivePortal(reply) => Fault::Internet(fault::Fault::CaptivePortal(*reply)),
        scenario::Injection::Ntp(reply) => Fault::Internet(fault::Fault::Ntp(*reply)),
        scenario::Injection::Route { to, reply } => Fault::Internet(fault::Fault::Route {
            to: match to {
                scenario::RouteTarget::Cloud => Some(CLOUD.to_owned()),
                scenario::RouteTarget::Everywhere => None,
            },
            reply: *reply,
        }),
        scenario::Injection::ManInTheMiddle(attack) => Fault::Internet(fault::Fault::ManInTheMiddle(*attack)),
        scenario::Injection::Certificate(profile) => Fault::Internet(fault::Fault::Certificate(profile.clone())),
        scenario::Injection::CloudReply(reply) => Fault::Internet(fault::Fault::CloudReply(reply.clone())),
        scenario::Injection::Cloud(fault) => Fault::Internet(fault::Fault::Cloud(*fault)),
    }
}

/// Where virtual time stands in the calendar.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// From midnight UTC to the scenario's beginning.
    pub since_midnight: Duration,
}

impl Calendar {
    /// The calendar of a scenario.
    pub fn of(scenario: &scenario::Scenario) -> Self {
        let (hour, minute, second, nano) = scenario.start.to_offset(time::UtcOffset::UTC).to_hms_nano();
        let seconds = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Self { since_midnight: Duration::new(seconds, nano) }
    }
}

/// A quantity in tenths.
pub trait Tenths: Copy {
    /// How many.
    fn tenths(self) -> i32;
}

impl Tenths for DeciCelsius {
    fn tenths(self) -> i32 {
        self.0
    }
}

impl Tenths for DeciPercent {
    fn tenths(self) -> i32 {
        i32::try_from(self.0).unwrap_or(i32::MAX)
    }
}

/// What there is to measure for a sensor, from the beginning.
pub fn surroundings(readings: &scenario::Readings, calendar: &Calendar) -> Surroundings {
    Surroundings {
        temperature: signal(&readings.temperature, Instant::START, calendar),
        humidity: signal(&readings.humidity, Instant::START, calendar),
    }
}

/// What there is to measure, for a course that begins at `begins`.
pub fn signal<T: Tenths>(course: &scenario::Course<T>, begins: Instant, calendar: &Calendar) -> Signal {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match course {
        scenario::Course::Constant(value) => Signal::Constant(value.tenths()),
        scenario::Course::Ramp { from, to, over } => {
            Signal::Ramp { from: from.tenths(), to: to.tenths(), begins, over: *over }
        }
        scenario::Course::Daily { mean, swing, warmest } => Signal::Daily {
            mean: mean.tenths(),
            amplitude: swing.tenths(),
            highest: *warmest + DAY - calendar.since_midnight,
        },
        scenario::Course::Recording(rows) => {
            let rows = rows.iter().map(|(since, value)| (begins.since_start() + *since, value.map(T::tenths)));
            Signal::Recorded(Recording::from_rows(rows).expect("a checked recording is in order and has rows"))
        }
    }
}
