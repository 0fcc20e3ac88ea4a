//! What an event of the record follows from, as far as the record itself says so.

use simulator_record::events::{
    BootCause, DeviceId, Event, EventKind, FaultAction, JoinFailure, JoinOutcome, LeaseOutcome, LinkLoss, NtpOutcome,
    PowerState, SensorOutcome,
};

use super::{End, failed};

/// What something follows from.
pub(super) enum Cause {
    /// From an earlier event.
    Event { place: usize, relation: &'static str },
    /// From nothing that is recorded.
    End(End, String),
}

fn end(end: End, because: &str) -> Cause {
    Cause::End(end, because.to_owned())
}

fn unknown() -> Cause {
    end(End::Unknown, "the record does not say why")
}

/// What the event at a place follows from.
pub(super) fn cause(events: &[Event], place: usize) -> Cause {
    let event = &events[place];
    let before = Before { events: &events[..place], event };
    if let Some(cause) = before.fault_at_the_same_moment() {
        return cause;
    }
    match &event.kind {
        EventKind::Fault(fault) if fault.action.is_boundary() => end(End::Scenario, "the scenario says so"),
        EventKind::Fault(fault) => before.last("the fault is in force", |earlier| match &earlier.kind {
            EventKind::Fault(begun) => begun.rule == fault.rule && begun.action == FaultAction::Begins,
            _ => false,
        }),
        EventKind::Step(_) => end(End::Scenario, "the scenario says so"),
        EventKind::Power(_) => end(End::Scenario, "the scenario's timeline, or its beginning"),
        EventKind::AccessPoint(_) => match before.own_device() {
            true => end(End::Firmware, "the device's own access point: the firmware decides that"),
            false => end(End::Scenario, "as the scenario's networks are at the beginning"),
        },
        EventKind::Boot(boot) => match boot.cause {
            BootCause::PowerOn => before.of_device(
                "power came on",
                |earlier| matches!(&earlier.kind, EventKind::Power(power) if power.state == PowerState::On),
            ),
            BootCause::Software => before
                .of_device("the firmware had asked for it", |earlier| matches!(earlier.kind, EventKind::Restart(_))),
            BootCause::Watchdog | BootCause::SoftwareWatchdog => before
                .of_device("nobody fed the watchdog", |earlier| {
                    matches!(earlier.kind, EventKind::Watchdog(_) | EventKind::Crash(_))
                }),
            BootCause::Exception => {
                before.of_device("an exception restarts it", |earlier| matches!(earlier.kind, EventKind::Crash(_)))
            }
            BootCause::External => {
                before.of_device("the reset pin", |earlier| matches!(earlier.kind, EventKind::Step(_)))
            }
            BootCause::DeepSleep => end(End::Firmware, "the firmware had gone to sleep"),
        },
        EventKind::Restart(_) => end(End::Firmware, "the firmware gives that reason itself"),
        EventKind::Watchdog(_) => {
            before.since_boot("the firmware had crashed", |earlier| matches!(earlier.kind, EventKind::Crash(_)))
        }
        EventKind::CrashLoop(_) => before.of_device("the last of them", |earlier| {
            matches!(earlier.kind, EventKind::Crash(_) | EventKind::Watchdog(_))
        }),
        EventKind::Crash(_) | EventKind::Livelock(_) | EventKind::NotModelled(_) => {
            end(End::Firmware, "what the firmware executed; `preflash log --around` shows what it had said before")
        }
        EventKind::Memory(_) => end(End::Firmware, "the firmware takes and gives back memory, and calls functions"),
        EventKind::Serial(_) => end(End::Firmware, "the firmware says so; `preflash log --around` shows what was then"),
        EventKind::Pin(_) => match before.link_of_this_moment() {
            Some(cause) => cause,
            None => end(End::Firmware, "the firmware, a switch or a button; the record does not say which"),
        },
        EventKind::LinkLost(lost) => match lost.reason {
            LinkLoss::Left => end(End::Firmware, "the device left by itself"),
            LinkLoss::Power => before.of_device("it lost power or was reset", |earlier| {
                matches!(earlier.kind, EventKind::Power(_) | EventKind::Boot(_) | EventKind::Restart(_))
            }),
            LinkLoss::BeaconTimeout | LinkLoss::Deauthenticated => before.access_point_gone(&lost.network),
        },
        EventKind::Join(join) => match join.outcome {
            JoinOutcome::Joined => before.boot(),
            JoinOutcome::Failed(JoinFailure::NotFound) => before.access_point_gone(&join.network),
            JoinOutcome::Failed(
                JoinFailure::WrongPassphrase
                | JoinFailure::SecurityMismatch
                | JoinFailure::Refused
                | JoinFailure::Timeout,
            ) => unknown(),
        },
        EventKind::Lease(lease) => match lease.outcome {
            LeaseOutcome::Offered | LeaseOutcome::Acknowledged => before.joined(),
            LeaseOutcome::Refused | LeaseOutcome::Ignored | LeaseOutcome::Declined => unknown(),
        },
        EventKind::Dns(_) if failed(event) => unknown(),
        EventKind::Ntp(ntp) if ntp.outcome != NtpOutcome::Answered => unknown(),
        EventKind::Dns(_) | EventKind::Ntp(_) => before.joined(),
        EventKind::Connection(connection) if failed(event) => before.lost_meanwhile(connection.number),
        EventKind::Connection(connection) => before.connection(connection.number),
        EventKind::Tls(tls) => match failed(event) {
            true => before.lost_meanwhile(tls.number),
            false => before.connection(tls.number),
        },
        EventKind::Http(http) => {
            if let Some(rule) = &http.fault {
                return before.last("that fault had a hand in it", |earlier| match &earlier.kind {
                    EventKind::Fault(fault) => fault.rule == *rule && fault.action != FaultAction::Ends,
                    _ => false,
                });
            }
            before.connection(http.connection)
        }
        EventKind::Stored(_) => before.of_device("the request came over it", |earlier| {
            matches!(earlier.kind, EventKind::Tls(_) | EventKind::Connection(_))
        }),
        EventKind::Sensor(sensor) => match sensor.outcome {
            SensorOutcome::Answered => before.boot(),
            SensorOutcome::Settling => before.of_device(
                "it had not settled since power came on",
                |earlier| matches!(&earlier.kind, EventKind::Power(power) if power.state == PowerState::On),
            ),
            SensorOutcome::TooSoon => before.of_device(
                "it still measured after that answer",
                |earlier| matches!(&earlier.kind, EventKind::Sensor(earlier) if earlier.part == sensor.part),
            ),
            SensorOutcome::ShortStart => end(End::Firmware, "the device's start pulse was too short"),
            SensorOutcome::BadChecksum | SensorOutcome::Silent => unknown(),
        },
        EventKind::Flash(flash) if flash.torn => before.of_device(
            "power went away in the middle of it",
            |earlier| matches!(&earlier.kind, EventKind::Power(power) if power.state != PowerState::On),
        ),
        EventKind::Flash(_) => end(End::Firmware, "the firmware keeps something"),
        EventKind::Phone(_) => end(End::Scenario, "a person of the scenario's"),
    }
}

/// Why no entry was stored since the one at a place, or at all: what failed last, or where the device stands.
pub(super) fn of_no_entry(
    known: &[Event],
    device: Option<DeviceId>,
    stored: Option<usize>,
) -> Option<(usize, Option<&'static str>)> {
    let begin = stored.map_or(0, |place| place + 1);
    let last =
        |wanted: &dyn Fn(&Event) -> bool| known.iter().rposition(|event| event.device == device && wanted(event));
    let since = |wanted: &dyn Fn(&Event) -> bool| last(wanted).filter(|place| *place >= begin);
    let last_power = last(&|event| matches!(event.kind, EventKind::Power(_)));
    if let Some(place) = last_power
        && matches!(&known[place].kind, EventKind::Power(power) if power.state != PowerState::On)
    {
        return Some((place, Some("the device has no power")));
    }
    // The link is what everything else needs; an attempt that failed after it was there again is nearer.
    let joined = last(&|event| matches!(&event.kind, EventKind::Join(join) if join.outcome == JoinOutcome::Joined));
    let lost = last(&|event| matches!(event.kind, EventKind::LinkLost(_)));
    if lost > joined {
        return lost.map(|place| (place, Some("the device is not joined since")));
    }
    let attempt = since(&|event| {
        failed(event)
            && matches!(
                event.kind,
                EventKind::Http(_)
                    | EventKind::Tls(_)
                    | EventKind::Connection(_)
                    | EventKind::Dns(_)
                    | EventKind::Lease(_)
                    | EventKind::Join(_)
                    | EventKind::Crash(_)
                    | EventKind::Watchdog(_)
            )
    });
    let refused =
        since(&|event| matches!(&event.kind, EventKind::Http(http) if http.stored == 0 && http.method != "GET"));
    let sensor =
        since(&|event| matches!(&event.kind, EventKind::Sensor(sensor) if sensor.outcome != SensorOutcome::Answered));
    if let Some(place) = attempt.max(refused) {
        return Some((place, Some("the last attempt that failed")));
    }
    sensor.map(|place| (place, Some("the last reading that failed")))
}

/// What lies before an event.
struct Before<'e> {
    events: &'e [Event],
    event: &'e Event,
}

impl Before<'_> {
    /// The last event that is so.
    fn last(&self, relation: &'static str, wanted: impl Fn(&Event) -> bool) -> Cause {
        match self.events.iter().rposition(wanted) {
            Some(place) => Cause::Event { place, relation },
            None => unknown(),
        }
    }

    /// The last of the same device.
    fn of_device(&self, relation: &'static str, wanted: impl Fn(&Event) -> bool) -> Cause {
        self.last(relation, |earlier| earlier.device == self.event.device && wanted(earlier))
    }

    /// The last of the same device since it started.
    fn since_boot(&self, relation: &'static str, wanted: impl Fn(&Event) -> bool) -> Cause {
        let same = |event: &&Event| event.device == self.event.device;
        let since = self.events.iter().rev().filter(same);
        let mut since = since.take_while(|event| !matches!(event.kind, EventKind::Boot(_)));
        match since.find(|event| wanted(event)) {
            Some(found) => self.last(relation, |earlier| earlier.sequence == found.sequence),
            None => unknown(),
        }
    }

    /// A fault that is told of directly before, at the same moment: what servers and links record of what they do.
    fn fault_at_the_same_moment(&self) -> Option<Cause> {
        match &self.event.kind {
            EventKind::Fault(_) | EventKind::Serial(_) => return None,
            // Power comes and goes as the scenario says, but a supply may sag.
            EventKind::Power(power) if power.state != PowerState::BrownOut => return None,
            _ => {}
        }
        let moment = self.events.iter().rev().take_while(|earlier| earlier.at == self.event.at);
        let place = self.events.len()
            - 1
            - moment.map(|earlier| &earlier.kind).position(|kind| match kind {
                EventKind::Fault(fault) => {
                    fault.action != FaultAction::Ends || matches!(self.event.kind, EventKind::AccessPoint(_))
                }
                _ => false,
            })?;
        // What begins changes access points at once and nothing else; what acts has done so to what is told next.
        let EventKind::Fault(fault) = &self.events[place].kind else { return None };
        let begins = fault.action.is_boundary();
        let fits = match &self.event.kind {
            EventKind::AccessPoint(_) => begins,
            _ => !begins && place + 1 == self.events.len(),
        };
        let relation = if fault.action == FaultAction::Ends { "that fault ended" } else { "that fault did it" };
        fits.then_some(Cause::Event { place, relation })
    }

    /// Whether what happened is the device's, not the world's.
    fn own_device(&self) -> bool {
        self.event.device.is_some()
    }

    fn boot(&self) -> Cause {
        self.of_device("since that start", |earlier| matches!(earlier.kind, EventKind::Boot(_)))
    }

    fn joined(&self) -> Cause {
        self.of_device(
            "over that link",
            |earlier| matches!(&earlier.kind, EventKind::Join(join) if join.outcome == JoinOutcome::Joined),
        )
    }

    /// What a connection is made over.
    fn connection(&self, number: u32) -> Cause {
        let opened = self.events.iter().rposition(|earlier| match &earlier.kind {
            EventKind::Connection(connection) => connection.number == number,
            EventKind::Tls(tls) => tls.number == number,
            _ => false,
        });
        match opened {
            Some(place) => Cause::Event { place, relation: "over that connection" },
            None => self.joined(),
        }
    }

    /// What was lost, or which fault acted, between a connection's beginning and its failure.
    fn lost_meanwhile(&self, number: u32) -> Cause {
        let opened = self.events.iter().rposition(
            |earlier| matches!(&earlier.kind, EventKind::Connection(connection) if connection.number == number),
        );
        let Some(opened) = opened else { return unknown() };
        let meanwhile = self.events[opened..].iter().rposition(|earlier| match &earlier.kind {
            EventKind::Fault(fault) => !fault.action.is_boundary(),
            EventKind::LinkLost(_) => earlier.device == self.event.device,
            EventKind::Power(power) => power.state != PowerState::On && earlier.device == self.event.device,
            EventKind::Boot(_) => earlier.device == self.event.device,
            _ => false,
        });
        match meanwhile {
            Some(place) => {
                Cause::Event { place: opened + place, relation: "that happened while the connection was open" }
            }
            None => unknown(),
        }
    }

    /// Since when a network's access point is away, if it is.
    fn access_point_gone(&self, network: &str) -> Cause {
        // A device's own access point may have the same name.
        let of_network = |event: &Event| {
            event.device.is_none() && matches!(&event.kind, EventKind::AccessPoint(point) if point.network == network)
        };
        match self.events.iter().rposition(of_network) {
            Some(place) if matches!(&self.events[place].kind, EventKind::AccessPoint(point) if !point.on) => {
                Cause::Event { place, relation: "its access point went away" }
            }
            _ => unknown(),
        }
    }

    /// A join or a lost link at the same moment: what an LED shows.
    fn link_of_this_moment(&self) -> Option<Cause> {
        let same = |event: &&Event| event.at == self.event.at && event.device == self.event.device;
        let mut moment = self.events.iter().rev().take_while(|event| event.at == self.event.at).filter(same);
        let found = moment.find(|event| matches!(event.kind, EventKind::LinkLost(_) | EventKind::Join(_)))?;
        Some(self.last("at the same moment", |earlier| earlier.sequence == found.sequence))
    }
}
