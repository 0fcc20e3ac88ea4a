//! `events.jsonl`, as a run of preflash leaves it: what its serial log tells, at the times of the record, and what was
//! done to the device and its surroundings.

use serde_json::Value;

use super::evidence::{Evidence, Fault, On, Origin, SECOND, Step, Time, duration};
use super::serial::{self, Line};
use super::stamp;

/// Reads a record.
pub(super) fn read(file: &str, text: &str) -> Result<Evidence, String> {
    let mut lines = Vec::new();
    let mut own = Evidence::default();
    let mut off: Option<(Time, Origin)> = None;
    let mut away: Option<(Time, Origin)> = None;
    // What the calendar showed when the run began, if the device has told it.
    let began = text.lines().find_map(began);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let event: Value =
            serde_json::from_str(line).map_err(|error| format!("line {number}: not an event: {error}"))?;
        let at = event["at"].as_i64().filter(|at| (0..=stamp::LATEST).contains(at));
        let at = at.ok_or_else(|| format!("line {number}: not an event: `at` is missing, or no time of a run"))?;
        let at = at + began.unwrap_or(0);
        own.reach(at);
        let origin = Origin::line(file, number);
        if event["device"].as_u64().is_some_and(|device| device > 0) {
            return Err(format!("line {number}: it is of several devices; import the log of one of them"));
        }
        match event["event"].as_str().unwrap_or_default() {
            "serial" => {
                let line = event["line"].as_str().unwrap_or_default();
                let text = line.split_once("] ").filter(|_| line.starts_with('[')).map_or(line, |(_, text)| text);
                lines.push(Line { number, stamped: Some(at), since_boot: None, text: text.to_owned() });
            }
            "power" if event["state"] == "off" => {
                if let Some(last) = own.starts.last_mut() {
                    last.until = Some(at);
                }
                off = Some((at, origin));
            }
            "power" if event["state"] == "on" => {
                if let Some((since, origin)) = off.take() {
                    let action = format!("power = {{ cut-for = \"{}\" }}", duration(at - since));
                    own.steps.push(Step { at: since, action, origin });
                }
                own.starts.push(On { from: at, until: None });
            }
            "boot" if event["cause"] == "external reset" => {
                let at = at - 100_000_000;
                own.starts.push(On { from: at, until: None });
                own.steps.push(Step { at, action: "reset-button = \"press\"".to_owned(), origin });
            }
            "access-point" if event["on"] == false => away = Some((at, origin)),
            "access-point" if event["on"] == true => {
                if let Some((from, origin)) = away.take() {
                    own.faults.push(fault(from, Some(at), origin));
                }
            }
            _ => {}
        }
    }
    if let Some((from, origin)) = away {
        own.faults.push(fault(from, None, origin));
    }
    let mut evidence = serial::evidence(Evidence::new(file, "a run's record"), lines, began.is_some())?;
    // The record knows better than the log when power and network were gone.
    evidence.faults.retain(|fault| !fault.inject.starts_with("access-point"));
    evidence.faults.extend(own.faults);
    evidence.faults.sort_by_key(|fault| fault.from);
    evidence.steps = own.steps;
    evidence.starts = own.starts;
    if let Some((first, last)) = own.span {
        evidence.reach(first);
        evidence.reach(last);
    }
    Ok(evidence)
}

/// The run's beginning, by an event in which the device says what time it is. A run begins at a whole second.
fn began(line: &str) -> Option<Time> {
    if !line.contains("] time: it is ") {
        return None;
    }
    let event: Value = serde_json::from_str(line).ok()?;
    let said = event["line"].as_str()?.split_once("] time: it is ")?.1.split_whitespace().next()?;
    let at = event["at"].as_i64().filter(|at| (0..=stamp::LATEST).contains(at))?;
    let begun = stamp::zoned(said)? - at;
    Some(begun.div_euclid(SECOND) * SECOND + if begun.rem_euclid(SECOND) > 0 { SECOND } else { 0 })
}

fn fault(from: Time, until: Option<Time>, origin: Origin) -> Fault {
    let inject = "access-point = { network = {network}, state = \"off\" }".to_owned();
    Fault { what: "the network is away".to_owned(), from, until, count: None, inject, origin }
}
