//! Faults of the cloud, set at a fake ThingSpeak through its `/_preflash/faults`.
//!
//! What a run has set is cleared at its end, also if it is given up.

use std::mem::discriminant;
use std::time::Duration;

use fake_thingspeak::serve::{FaultNeeds, FaultWord};
use serde_json::{Map, Value};
use simulator_scenario::model::{CloudFault, WrittenReply};
use simulator_world::internet::Fault;

/// Faults are of uploads: the feed, which this computer reads, is to be read all the same.
const UPLOADS: &str = "/update";
/// How long an answer is waited for, in seconds.
const PATIENCE: u64 = 5;

/// A fake ThingSpeak, and what has been set there.
#[derive(Debug)]
pub(super) struct CloudFaults {
    /// Where it sets, lists and clears faults.
    url: String,
    /// The faults that are set, each with its number there.
    set: Vec<(String, u64)>,
}

impl CloudFaults {
    /// Those of the server at this address, `http://HOST:PORT`.
    pub(super) fn at(server: &str) -> Self {
        Self { url: format!("{}/_preflash/faults", server.trim_end_matches('/')), set: Vec::new() }
    }

    /// Sets a fault, for so many requests or until it is cleared.
    ///
    /// # Errors
    /// If the server does not.
    pub(super) fn set(&mut self, name: &str, fault: &Fault, count: Option<u32>) -> Result<(), String> {
        let mut order = order(fault).ok_or_else(|| format!("a fake ThingSpeak cannot do the fault `{name}`"))?;
        order.extend(count.map(|count| ("count".to_owned(), count.into())));
        order.insert("path".to_owned(), UPLOADS.into());
        let request = minreq::post(&self.url)
            .with_header("Content-Type", "application/json")
            .with_body(Value::from(order).to_string());
        let failed = |reason: String| format!("could not set the fault `{name}` at {}: {reason}", self.url);
        let response = request.with_timeout(PATIENCE).send().map_err(|error| failed(error.to_string()))?;
        let text = response.as_str().map_err(|error| failed(error.to_string()))?;
        if response.status_code != 200 {
            return Err(failed(format!("it answers {} {}", response.status_code, text.trim())));
        }
        let number = newest(text).ok_or_else(|| failed("its answer lists no fault".to_owned()))?;
        self.set.push((name.to_owned(), number));
        Ok(())
    }

    /// Clears a fault, unless it has done what it was set for.
    pub(super) fn clear(&mut self, name: &str) {
        let url = &self.url;
        self.set.retain(|(set, number)| {
            if set == name {
                // One that has been used up is no longer there; a server that is gone has none.
                let _ = minreq::delete(format!("{url}/{number}")).with_timeout(PATIENCE).send();
            }
            set != name
        });
    }
}

impl Drop for CloudFaults {
    fn drop(&mut self) {
        while let Some((name, _)) = self.set.first().cloned() {
            self.clear(&name);
        }
    }
}

/// What is asked of the server for a fault; `None` if it has no such fault.
pub(super) fn order(fault: &Fault) -> Option<Map<String, Value>> {
    let fault = match fault {
        Fault::Cloud(fault) => *fault,
        Fault::CloudReply(reply) => return Some(written(reply)),
        Fault::Dhcp { .. }
        | Fault::Dns(_)
        | Fault::DnsAnswer(_)
        | Fault::Ntp(_)
        | Fault::Route { .. }
        | Fault::ManInTheMiddle(_)
        | Fault::Certificate(_)
        | Fault::CaptivePortal(_) => return None,
    };
    let parameter = match fault {
        CloudFault::Status(status) => Some(("status".to_owned(), status.into())),
        CloudFault::RetryAfter(delay)
        | CloudFault::RetryAfterDate(delay)
        | CloudFault::DelayBeforeStoring(delay)
        | CloudFault::DelayAfterStoring(delay)
        | CloudFault::CloseWhenIdle(delay) => Some(("delay".to_owned(), delay.as_secs_f64().into())),
        // The fake ThingSpeak's clock is the computer's.
        CloudFault::DateWrongBy(_) => return None,
        CloudFault::DropBeforeStoring
        | CloudFault::DropAfterStoring
        | CloudFault::Reset
        | CloudFault::Chunked
        | CloudFault::Truncated
        | CloudFault::TooSoon
        | CloudFault::RefuseKey => None,
    };
    Some([("fault".to_owned(), word(fault)?.into())].into_iter().chain(parameter).collect())
}

/// A written reply in the server's words.
fn written(reply: &WrittenReply) -> Map<String, Value> {
    let lines: Vec<String> = reply.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut order = Map::new();
    let mut add = |name: &str, value: Value| order.insert(name.to_owned(), value);
    add("fault", WrittenReply::WORD.into());
    add("status", reply.status.into());
    add("headers", lines.join("\n").into());
    add("body", reply.body.as_str().into());
    add("stores", reply.stores.to_string().into());
    if let Some(pieces) = reply.pieces {
        add("piece-bytes", pieces.bytes.into());
        if !pieces.pause.is_zero() {
            add("pause", pieces.pause.as_secs_f64().into());
        }
    }
    if let Some(bytes) = reply.close_after {
        add("close-after-bytes", bytes.into());
    }
    order
}

/// A fault's word, which the scenario language and the server have from the same table.
fn word(fault: CloudFault) -> Option<&'static str> {
    let kind = |row: &FaultWord| {
        discriminant(&match row.needs {
            FaultNeeds::Nothing(fault) => fault,
            FaultNeeds::Status(make) => make(0),
            FaultNeeds::Delay(make) => make(Duration::ZERO),
            FaultNeeds::Error(make) => make(time::Duration::ZERO),
        })
    };
    CloudFault::WORDS.iter().find(|row| kind(row) == discriminant(&fault)).map(|row| row.word)
}

/// The number of the fault that was set last, of those that are listed.
fn newest(list: &str) -> Option<u64> {
    let list: Value = serde_json::from_str(list).ok()?;
    list["faults"].as_array()?.iter().filter_map(|fault| fault["id"].as_u64()).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_is_ordered_in_the_servers_words() {
        let order = |fault| order(&Fault::Cloud(fault)).map(Value::from);
        assert_eq!(order(CloudFault::Status(503)), Some(json!({"fault": "status", "status": 503})));
        let late = CloudFault::DelayAfterStoring(Duration::from_millis(2_500));
        assert_eq!(order(late), Some(json!({"fault": "delay-after-storing", "delay": 2.5})));
        assert_eq!(order(CloudFault::DropAfterStoring), Some(json!({"fault": "drop-after-storing"})));
        assert_eq!(order(CloudFault::DateWrongBy(time::Duration::HOUR)), None);
        let moved = WrittenReply {
            status: 301,
            headers: vec![("Location".to_owned(), "https://a.example/".to_owned())],
            close_after: Some(40),
            ..WrittenReply::default()
        };
        let expected = json!({
            "fault": "reply", "status": 301, "headers": "Location: https://a.example/", "body": "", "stores": "false",
            "close-after-bytes": 40
        });
        assert_eq!(Value::from(written(&moved)), expected);
    }
}
