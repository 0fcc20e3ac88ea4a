//! What goes wrong: rules with a name and an interval.
//!
//! What can go wrong in the internet a file says in the internet's own types.

use std::sync::Arc;
use std::time::Duration;

use simulator_parts::{PartId, Supply};
use simulator_record::events::DeviceId;

use super::{CertificateProfile, End, Place, When};
use crate::units::PerMillion;

pub use simulator_parts::{Lateness, SensorFault};
pub use simulator_world::air::{Direction, Frames};
pub use simulator_world::internet::fault::{
    Attack, CloudFault, DhcpFault, DhcpOptions, DnsAnswer, DnsFault, NtpFault, Pieces, PortalReply, RouteFault, Told,
    WrittenReply,
};

/// A rule by which something goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name; no two faults have the same.
    pub name: String,
    /// When it begins.
    pub when: When,
    /// When it ends; of one that comes again and again, each time.
    pub end: End,
    /// How often it applies at most, each time it has begun.
    pub count: Option<u32>,
    /// How likely it is that it begins, each time; certain if `None`.
    pub probability: Option<PerMillion>,
    /// What goes wrong.
    pub injection: Injection,
    /// Whether a run fails in which it never had an effect.
    pub require_effect: bool,
    /// Where it stands in the file.
    pub place: Place,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// The sensor.
    Sensor {
        /// The device that it is soldered to.
        device: DeviceId,
        /// Which of its parts.
        part: PartId,
        /// What it does.
        fault: SensorFault,
    },
    /// A device's supply sags while the radio sends.
    Supply {
        /// Whose.
        device: DeviceId,
        /// What it is made of.
        supply: Supply,
    },
    /// An access point.
    AccessPoint {
        /// The network's name.
        network: String,
        /// Which of its access points; `None` for all.
        bssid: Option<[u8; 6]>,
        /// What it does instead.
        state: AccessPointState,
        /// With `Off`: whether it deauthenticates its stations first; default true.
        deauth: bool,
        /// With `Refusing`: the status code that it tells; default 17.
        status: u16,
    },
    /// The frames between an access point and its stations.
    Link {
        /// The network's name.
        network: String,
        /// Which of its access points; `None` for all.
        bssid: Option<[u8; 6]>,
        /// What happens to each frame.
        effects: LinkEffects,
    },
    /// A network's DHCP server.
    Dhcp {
        /// The network's name.
        network: String,
        /// What it does instead.
        reply: DhcpFault,
    },
    /// The name servers.
    Dns(DnsFault),
    /// What the name servers answer.
    DnsAnswer(Arc<DnsAnswer>),
    /// The time servers.
    Ntp(NtpFault),
    /// The way to a server.
    Route {
        /// Where to.
        to: RouteTarget,
        /// What a connection meets.
        reply: RouteFault,
    },
    /// Somebody between router and cloud, in the cloud's place.
    ManInTheMiddle(Attack),
    /// The cloud shows another certificate.
    Certificate(Arc<CertificateProfile>),
    /// The cloud.
    Cloud(CloudFault),
    /// What is answered in the cloud's place.
    CloudReply(Arc<WrittenReply>),
    /// A page that wants a login first, in the place of everything.
    CaptivePortal(PortalReply),
}

/// What an access point does instead of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPointState {
    /// It is not there.
    Off,
    /// It refuses associations.
    Refusing,
    /// It sends beacons and hears nothing.
    Deaf,
}

/// What happens to frames on a link, each with its probability or time; zero for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkEffects {
    /// Frames of which direction; of both if `None`.
    pub direction: Option<Direction>,
    /// Which frames; all if `None`.
    pub frames: Option<Frames>,
    /// The frame is lost.
    pub loss: PerMillion,
    /// It arrives twice.
    pub duplicate: PerMillion,
    /// It is overtaken by the next.
    pub reorder: PerMillion,
    /// A byte of it is changed.
    pub corrupt: PerMillion,
    /// It takes longer by this.
    pub latency: Duration,
    /// And by up to this, drawn for each frame.
    pub jitter: Duration,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// To the cloud.
    Cloud,
    /// To every server.
    Everywhere,
}
