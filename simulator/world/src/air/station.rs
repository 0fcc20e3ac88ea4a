//! A radio that joins networks: a device's or a phone's.
//!
//! A join is a chain of steps with one deadline at a time: scan, authenticate, associate, and for WPA2 the four-way
//! handshake (IEEE 802.11-2016 §11.1.4, §11.3, §12.7.6). The access point is looked at when a step ends, so that one
//! that goes away halfway is noticed there. Durations are those of an ESP8266 with its SDK, drawn from the station's
//! own stream.
//!
//! A join at the access point of a radio at register level is one of frames from the choice on (`frame_station`); of a
//! station that is such a radio only the outcomes are seen (`wireless`).
//!
//! Not modelled: roaming, power save, fast reconnection on a stored channel.

use std::time::Duration;

use super::access_point::{AccessPoint, Security};
use super::country::Country;
use super::{Mac, NetworkId};
use simulator_record::events::{JoinFailure, LinkLoss};
use simulator_record::random::{Draw, Stream};
use simulator_record::time::Instant;

/// Signals weaker than this are not heard, in dBm.
pub const SENSITIVITY: i8 = -90;
/// Without a beacon for so long, a station takes the access point for gone.
pub const BEACON_TIMEOUT: Duration = Duration::from_secs(6);

/// Shortest and longest, in nanoseconds.
type Span = (u64, u64);
const MS: u64 = 1_000_000;
const SCAN: Span = (1_500 * MS, 2_500 * MS);
const AUTHENTICATION: Span = (10 * MS, 60 * MS);
const ASSOCIATION: Span = (10 * MS, 60 * MS);
const HANDSHAKE: Span = (100 * MS, 800 * MS);
/// The access point repeats the third message in vain.
const FAILING_HANDSHAKE: Span = (4_000 * MS, 5_000 * MS);
/// Authentication is tried again a few times.
const NO_ANSWER: Span = (3_000 * MS, 3_500 * MS);
const DEAUTHENTICATION: Span = (MS, 5 * MS);
/// An access point that has restarted sends away the first station that speaks to it as if it had joined.
const UNKNOWN_STATION: Span = (100 * MS, 500 * MS);

/// Where a station stands.
#[derive(Clone, Debug)]
enum State {
    Idle,
    Joining {
        join: Join,
        step: Step,
        ends: Instant,
    },
    Joined {
        network: NetworkId,
        /// It is going to notice that it is not joined any longer.
        loss: Option<(Instant, LinkLoss)>,
    },
}

/// What is to be joined.
#[derive(Clone, Debug)]
struct Join {
    name: String,
    /// The only access point that is meant, if it matters which.
    bssid: Option<Mac>,
    security: Security,
}

/// What a joining station is doing.
#[derive(Clone, Copy, Debug)]
enum Step {
    Scanning,
    Authenticating {
        network: NetworkId,
        since: Instant,
    },
    Associating {
        network: NetworkId,
        since: Instant,
    },
    Handshaking {
        network: NetworkId,
        since: Instant,
    },
    Failing {
        why: JoinFailure,
    },
    /// At a radio's access point; ends when its frames say so.
    Framed,
}

/// What came of a deadline.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes on frame by frame.
    Chosen {
        network: NetworkId,
        security: Security,
    },
    Joined {
        name: String,
        network: NetworkId,
    },
    Failed {
        name: String,
        why: JoinFailure,
        /// With which status code, if the access point has told one.
        status: Option<u16>,
    },
    Lost {
        network: NetworkId,
        reason: LinkLoss,
    },
}

/// A radio.
pub(super) struct Station {
    pub(super) mac: Mac,
    state: State,
    /// It is a radio at register level, which joins by itself.
    pub(super) is_seen_only: bool,
    /// Which channels it looks at.
    pub(super) country: Country,
    /// How long joins take.
    joins: Stream,
    /// How long frames to and from it take; apart, so that traffic does not change joins.
    pub(super) hops: Stream,
    /// How long a look around takes; apart, so that it does not change joins.
    scans: Stream,
}

impl Station {
    pub(super) fn new(mac: Mac, joins: Stream, hops: Stream, scans: Stream) -> Self {
        Self { mac, state: State::Idle, is_seen_only: false, country: Country::default(), joins, hops, scans }
    }

    fn after(&mut self, at: Instant, (shortest, longest): Span) -> Instant {
        at + Duration::from_nanos(self.joins.between(shortest, longest))
    }

    /// When it will have to be looked at next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Idle | State::Joining { step: Step::Framed, .. } => None,
            State::Joining { ends, .. } => Some(*ends),
            State::Joined { loss, .. } => loss.map(|(at, _)| at),
        }
    }

    /// The network it takes itself to be joined to.
    pub(super) fn network(&self) -> Option<NetworkId> {
        match self.state {
            State::Joined { network, .. } => Some(network),
            _ => None,
        }
    }

    pub(super) fn begin_join(&mut self, at: Instant, name: String, bssid: Option<Mac>, security: Security) {
        let ends = self.after(at, SCAN);
        self.state = State::Joining { join: Join { name, bssid, security }, step: Step::Scanning, ends };
    }

    /// When a scan that begins at `at` is over.
    pub(super) fn scan_ends(&mut self, at: Instant) -> Instant {
        let (shortest, longest) = SCAN;
        at + Duration::from_nanos(self.scans.between(shortest, longest))
    }

    /// Whatever it was doing, it is idle. Returns the network it was joined to.
    pub(super) fn stop(&mut self) -> Option<NetworkId> {
        let network = self.network();
        self.state = State::Idle;
        network
    }

    /// Its access point goes away, and says so or not.
    pub(super) fn access_point_gone(&mut self, at: Instant, deauth: bool) {
        let loss = if deauth {
            (self.after(at, DEAUTHENTICATION), LinkLoss::Deauthenticated)
        } else {
            (at + BEACON_TIMEOUT, LinkLoss::BeaconTimeout)
        };
        self.will_lose(loss);
    }

    /// Its access point is back and does not know it any longer. A radio hears beacons again, and learns it when it
    /// sends something.
    pub(super) fn access_point_back(&mut self, at: Instant) {
        if self.is_seen_only {
            if let State::Joined { loss, .. } = &mut self.state {
                *loss = None;
            }
            return;
        }
        let loss = (self.after(at, UNKNOWN_STATION), LinkLoss::Deauthenticated);
        self.will_lose(loss);
    }

    /// Why it is going to lose its network, if it is.
    pub(super) fn planned_loss(&self) -> Option<LinkLoss> {
        match self.state {
            State::Joined { loss, .. } => loss.map(|(_, reason)| reason),
            _ => None,
        }
    }

    /// Whether it looks for networks.
    pub(super) fn is_scanning(&self) -> bool {
        matches!(self.state, State::Joining { step: Step::Scanning, .. })
    }

    /// It has joined by itself.
    pub(super) fn enter(&mut self, network: NetworkId) {
        self.state = State::Joined { network, loss: None };
    }

    /// Its join frame by frame ends.
    pub(super) fn end_join(&mut self, outcome: Result<NetworkId, JoinFailure>) -> Option<Outcome> {
        let State::Joining { join: Join { name, .. }, step: Step::Framed, .. } = self.state.clone() else {
            return None;
        };
        Some(match outcome {
            Ok(network) => self.join(name, network),
            Err(why) => self.fail(name, why),
        })
    }

    pub(super) fn will_lose(&mut self, loss: (Instant, LinkLoss)) {
        if let State::Joined { loss: planned, .. } = &mut self.state
            && planned.is_none_or(|(at, _)| loss.0 < at)
        {
            *planned = Some(loss);
        }
    }

    /// The deadline has come.
    pub(super) fn advance(&mut self, at: Instant, access_points: &[AccessPoint]) -> Option<Outcome> {
        match self.state.clone() {
            State::Idle => None,
            State::Joined { network, loss } => {
                let (_, reason) = loss?;
                self.state = State::Idle;
                Some(Outcome::Lost { network, reason })
            }
            State::Joining { join, step, .. } => self.next_step(at, join, step, access_points),
        }
    }

    fn next_step(&mut self, at: Instant, join: Join, step: Step, access_points: &[AccessPoint]) -> Option<Outcome> {
        let answers = |network: NetworkId, since: Instant| {
            let access_point = &access_points[network.0 as usize];
            access_point.hears() && access_point.up_since <= since
        };
        let refusal = |network: NetworkId| access_points[network.0 as usize].admits().err();
        let next = match step {
            Step::Scanning => match choose(&join, self.country, access_points) {
                Err(why) => return Some(self.fail(join.name, why)),
                Ok(network) if access_points[network.0 as usize].is_radio => {
                    let security = join.security.clone();
                    self.state = State::Joining { join, step: Step::Framed, ends: Instant::FAR_FUTURE };
                    return Some(Outcome::Chosen { network, security });
                }
                Ok(network) => (AUTHENTICATION, Step::Authenticating { network, since: at }),
            },
            Step::Authenticating { network, since }
            | Step::Associating { network, since }
            | Step::Handshaking { network, since }
                if !answers(network, since) =>
            {
                (NO_ANSWER, Step::Failing { why: JoinFailure::Timeout })
            }
            Step::Authenticating { network, since } => (ASSOCIATION, Step::Associating { network, since }),
            Step::Associating { network, .. } if let Some(status) = refusal(network) => {
                self.state = State::Idle;
                return Some(Outcome::Failed { name: join.name, why: JoinFailure::Refused, status: Some(status) });
            }
            Step::Associating { network, since } => match join.security.passphrase() {
                None => return Some(self.join(join.name, network)),
                given if given == access_points[network.0 as usize].config.security.passphrase() => {
                    (HANDSHAKE, Step::Handshaking { network, since })
                }
                Some(_) => (FAILING_HANDSHAKE, Step::Failing { why: JoinFailure::WrongPassphrase }),
            },
            Step::Handshaking { network, .. } => return Some(self.join(join.name, network)),
            Step::Failing { why } => return Some(self.fail(join.name, why)),
            Step::Framed => return None,
        };
        let (span, step) = next;
        let ends = self.after(at, span);
        self.state = State::Joining { join, step, ends };
        None
    }

    fn join(&mut self, name: String, network: NetworkId) -> Outcome {
        self.state = State::Joined { network, loss: None };
        Outcome::Joined { name, network }
    }

    fn fail(&mut self, name: String, why: JoinFailure) -> Outcome {
        self.state = State::Idle;
        Outcome::Failed { name, why, status: None }
    }
}

/// The strongest access point of the name that is protected as it should be.
fn choose(join: &Join, country: Country, access_points: &[AccessPoint]) -> Result<NetworkId, JoinFailure> {
    let heard = || {
        (0_u32..).map(NetworkId).zip(access_points).filter(|(_, access_point)| {
            let config = &access_point.config;
            access_point.is_up()
                && config.signal >= SENSITIVITY
                && config.channel <= country.highest_channel()
                && config.name == join.name
                && join.bssid.is_none_or(|bssid| config.bssid == bssid)
        })
    };
    heard()
        .filter(|(_, access_point)| access_point.config.security.fits(&join.security))
        // The first of equally strong ones.
        .min_by_key(|(id, access_point)| (-i16::from(access_point.config.signal), id.0))
        .map(|(id, _)| id)
        .ok_or(if heard().next().is_some() { JoinFailure::SecurityMismatch } else { JoinFailure::NotFound })
}
