//! What goes wrong: rules with a name and an interval.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Begin, End};
use crate::scenario::units::PerMillion;

/// A rule by which something goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name; no two faults have the same.
    pub name: String,
    /// When it begins.
    pub begin: Begin,
    /// When it ends.
    pub end: End,
    /// How often it applies at most.
    pub count: Option<u32>,
    /// What goes wrong.
    pub injection: Injection,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// The sensor.
    Sensor(SensorFault),
    /// An access point.
    AccessPoint {
        /// The network's name.
        network: String,
        /// What it does instead.
        state: AccessPointState,
        /// With `Off`: whether it says goodbye first; default true.
        deauth: bool,
    },
    /// The frames between an access point and its stations.
    Link {
        /// The network's name.
        network: String,
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
    ManInTheMiddle(ManInTheMiddle),
    /// The cloud.
    Cloud(CloudFault),
}

/// What the sensor does instead of answering well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorFault {
    /// Says nothing.
    Silent,
    /// Sends a wrong checksum.
    BadChecksum,
    /// Begins its response later than the data sheet allows, by this much.
    LateResponse(Duration),
    /// Says nothing any more until it loses power, even after the fault's interval.
    Latched,
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

/// What a DHCP server does instead of giving a lease at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpFault {
    /// Says nothing.
    Silent,
    /// Answers each request with DHCPNAK.
    Refuse,
    /// Answers so much later.
    Slow(Duration),
}

/// What the name servers do instead of answering well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// Say nothing.
    Silent,
    /// REFUSED.
    Refused,
    /// SERVFAIL.
    ServerFailure,
    /// NXDOMAIN.
    NoSuchName,
    /// Answer with this address.
    WrongAddress(Ipv4Addr),
    /// Answer so much later.
    Slow(Duration),
}

/// What the time servers do instead of answering well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NtpFault {
    /// Say nothing.
    Silent,
    /// Answer with a kiss of death (RFC 5905, section 7.4).
    KissOfDeath,
    /// Tell a time that is wrong by this much.
    WrongBy(time::Duration),
    /// Answer so much later.
    Slow(Duration),
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// To the cloud.
    Cloud,
    /// To every server.
    Everywhere,
}

/// What a connection meets on a broken route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFault {
    /// Nothing answers.
    Silent,
    /// The connection is refused.
    Refused,
    /// It is accepted and then reset.
    Reset,
}

/// What somebody in the cloud's place does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManInTheMiddle {
    /// Shows a certificate with the right name, signed by an authority of their own.
    ForgedCertificate,
    /// Leaves out Certificate and CertificateVerify.
    NoCertificate,
    /// Shows the cloud's certificate and leaves out CertificateVerify.
    NoCertificateVerify,
    /// Shows a certificate signed by a good certificate that is no authority's.
    LeafSignedLeaf,
    /// Sends an encrypted record with nothing in it.
    EmptyRecord,
    /// Splits a handshake message over two records: allowed by TLS.
    SplitMessage,
    /// Sends a record of more than 8 KiB: allowed by TLS, too large for the device.
    OversizedRecord,
}

/// What the cloud does instead of storing and answering at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudFault {
    /// Stores nothing and answers with this status.
    Status(u16),
    /// Waits, then stores and answers.
    DelayBeforeStoring(Duration),
    /// Stores, then waits and answers.
    DelayAfterStoring(Duration),
    /// Closes the connection without storing.
    DropBeforeStoring,
    /// Stores, then closes the connection without an answer.
    DropAfterStoring,
    /// Resets the connection without storing.
    Reset,
    /// Answers in chunks.
    Chunked,
    /// Stores, and closes in the middle of the answer.
    Truncated,
    /// Answers `0`, as if the last entry were too young.
    TooSoon,
    /// Refuses the write key.
    RefuseKey,
}
