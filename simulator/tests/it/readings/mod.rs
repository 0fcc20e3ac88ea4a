//! One world, no network, a reading every fifteen seconds, and for each reading another fault of the sensor: what came
//! of it, by the serial port.

use std::time::Duration;

use simulator::run::{Executor, build};
use simulator_parts::{PartId, SensorFault};
use simulator_record::events::{self, DeviceId, Event, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::world::{Command, Fault, Rule};

const DUCK: DeviceId = DeviceId(0);
/// The yellow duck's first part.
const SENSOR: PartId = PartId(0);
const INTERVAL: Duration = Duration::from_secs(15);
/// Of a reading's period before anything comes of it: the sensor is asked for the first time 0.5 s into the period, and
/// for the last time 6.5 s into it.
const BEFORE: Duration = Duration::from_millis(250);

/// How the tries of a reading ended, for each fault of a `sensor`.
pub fn readings(executor: &Executor, sensor: &str, faults: &[SensorFault]) -> Vec<Vec<String>> {
    let text = format!(
        "title = 't'
duration = '1h'
[device]
sensor = '{sensor}'
[settings]
network = 'nowhere'
passphrase = 'correct horse'
interval = '15s'
sensor = '{sensor}'
[[expect]]
event.boot = {{}}
"
    );
    let scenario = Scenario::parse("readings.toml", &text, &|_| Err(String::new()))
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let mut world = build::world_on(&scenario, Seed(1), executor);
    world.schedule(Instant::START, Command::Power { device: DUCK, on: true });
    // The first reading has the sensor as it is.
    let slot = |number: usize| Instant::START + INTERVAL * number as u32 + BEFORE;
    for (number, fault) in (1..).zip(faults) {
        let fault = Fault::Sensor { device: DUCK, part: SENSOR, fault: fault.clone() };
        world.schedule(slot(number), Command::BeginFault(Rule { name: number.to_string(), count: None, fault }));
        world.schedule(slot(number + 1), Command::EndFault { rule: number.to_string() });
    }
    let end = slot(faults.len() + 1);
    while world.next_at().is_some_and(|at| at <= end) {
        world.step();
    }
    let mut slots: Vec<Vec<String>> = vec![Vec::new(); faults.len() + 1];
    for event in &world.finish(end) {
        let number = event.at.saturating_since(slot(0)).as_secs() / INTERVAL.as_secs();
        if let (Some(tries), Some(outcome)) = (slots.get_mut(number as usize), outcome(event)) {
            tries.push(outcome.to_owned());
        }
    }
    slots.split_off(1)
}

/// How a try ended, if it is that what the event tells.
fn outcome(event: &Event) -> Option<&str> {
    let EventKind::Serial(events::Serial { line }) = &event.kind else { return None };
    let (_, text) = line.split_once(" sensor: ")?;
    if let Some((fault, _)) = text.split_once(", try ") {
        return Some(fault);
    }
    if let Some(fault) = text.strip_prefix("no reading: ") {
        return fault.strip_suffix(", 3 tries");
    }
    // What else there is speaks of several readings, or of values that are refused a line later.
    text.ends_with(" %").then_some(text)
}
