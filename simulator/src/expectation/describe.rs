//! An event in the words of reports: one line, for people.

use crate::events::{EventKind, HttpExchange, Level, PhoneEvent, PowerState};
use crate::scenario::matcher::LED_GPIO;
use crate::scenario::units::tenths;

/// What happened, in one line.
pub fn describe(event: &EventKind) -> String {
    match event {
        EventKind::Power { state } => match state {
            PowerState::On => "power comes on".to_owned(),
            PowerState::Off => "power goes off".to_owned(),
            PowerState::BrownOut => "brown-out".to_owned(),
        },
        EventKind::Boot { number, cause } => format!("boot {number} after `{cause}`"),
        EventKind::Restart { reason } => format!("the firmware asks for a restart: {reason}"),
        EventKind::Crash { message, .. } => format!("crash: {}", first_line(message)),
        EventKind::Watchdog { which, .. } => format!("the {which} bites"),
        EventKind::NotModelled(access) => format!("not modelled: {access}"),
        EventKind::Serial { line } => format!("`{line}`"),
        EventKind::Pin { gpio: LED_GPIO, level } => {
            format!("the LED goes {}", if *level == Level::High { "on" } else { "off" })
        }
        EventKind::Pin { gpio, level } => {
            format!("GPIO{gpio} goes {level}")
        }
        EventKind::Sensor { outcome, temperature, humidity, .. } => {
            let mut text = format!("the sensor: {}", outcome);
            if let (Some(temperature), Some(humidity)) = (temperature, humidity) {
                text += &format!(" {} °C {} %", tenths((*temperature).into()), tenths((*humidity).into()));
            }
            text
        }
        EventKind::Flash { number, operation, address, length, torn } => {
            let torn = if *torn { ", torn" } else { "" };
            format!("flash operation {number}: {operation} of {length} bytes at {address:#x}{torn}")
        }
        EventKind::Join { network, bssid: None, outcome } => format!("attempt to join `{network}`: {outcome}"),
        EventKind::Join { network, bssid: Some(bssid), outcome } => {
            format!("attempt to join `{network}`: {outcome} at {bssid}")
        }
        EventKind::LinkLost { network, reason, .. } => format!("link to `{network}` lost: {reason}"),
        EventKind::AccessPoint { network, bssid, on } => {
            format!("access point `{network}` ({bssid}) {}", if *on { "appears" } else { "goes away" })
        }
        EventKind::Lease { network, outcome, address } => {
            let address = address.map(|address| format!(" {address}")).unwrap_or_default();
            format!("DHCP on `{network}`: {outcome}{address}")
        }
        EventKind::Dns { name, outcome, .. } => format!("DNS query for `{name}`: {outcome}"),
        EventKind::Ntp { outcome, .. } => format!("NTP query: {outcome}"),
        EventKind::Connection { server, number, outcome, .. } => format!("connection {number} to {server}: {outcome}"),
        EventKind::Tls { server, number, outcome } => {
            format!("TLS handshake on connection {number} to {server}: {outcome}")
        }
        EventKind::Http(exchange) => describe_exchange(exchange),
        EventKind::Stored { entry_id, fields, status, .. } => {
            format!("entry {entry_id} stored: {}", contents(fields, status.as_deref()))
        }
        EventKind::Phone { phone, what } => format!("phone `{phone}` {}", describe_phone(what)),
        EventKind::Fault { rule, action } => format!("fault `{rule}`: {action}"),
        EventKind::Step { action } => format!("step: {action}"),
        EventKind::CrashLoop { crashes, message } => {
            format!("crash loop: {crashes} equal crashes in a row ({}); the run ends", first_line(message))
        }
        EventKind::Livelock { polls } => format!("livelock: the device woke itself {polls} times in one moment"),
    }
}

/// What is in an entry of the channel: "field1 `21.5` field2 `45.6`".
pub fn contents(fields: &[Option<String>; 8], status: Option<&str>) -> String {
    let fields = (1..).zip(fields).filter_map(|(number, field)| Some(format!("field{number} `{}`", field.as_ref()?)));
    let status = status.map(|status| format!("status `{status}`"));
    fields.chain(status).collect::<Vec<_>>().join(" ")
}

fn describe_exchange(exchange: &HttpExchange) -> String {
    let HttpExchange { server, method, target, status, tls, .. } = exchange;
    let scheme = if *tls { "https" } else { "http" };
    match status {
        Some(status) => format!("{method} {target} to {server} ({scheme}): {status}"),
        None => format!("{method} {target} to {server} ({scheme}): no reply"),
    }
}

fn describe_phone(event: &PhoneEvent) -> String {
    match event {
        PhoneEvent::Join { network, outcome } => format!("joining `{network}`: {outcome}"),
        PhoneEvent::Lease { address } => format!("is given {address}"),
        PhoneEvent::Resolved { name, address: Some(address) } => format!("resolves `{name}` to {address}"),
        PhoneEvent::Resolved { name, address: None } => format!("cannot resolve `{name}`"),
        PhoneEvent::Reply { request, status, location: Some(location), .. } => {
            format!("{request}: {status} to {location}")
        }
        PhoneEvent::Reply { request, status, location: None, .. } => format!("{request}: {status}"),
        PhoneEvent::Failed { request, reason } => format!("{request}: {reason}"),
        PhoneEvent::Left => "leaves".to_owned(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
