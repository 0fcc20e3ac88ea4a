//! A scenario, checked: what the world is, what happens to it and what must come of it.
//!
//! Values here are whole and consistent: names that are used are defined, intervals do not end before they begin,
//! passphrases have a length that WPA2 allows. Times are durations since the scenario began. What the file's own words
//! were is gone, but for the places that a report points to.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use time::OffsetDateTime;

use super::matcher::Matcher;
use super::units::{Dbm, DeciCelsius, DeciPercent, PerMillion};
use crate::events::Level;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file as it was named on the command line, for reports.
    pub file: String,
    /// A sentence.
    pub title: String,
    /// What happened in the field.
    pub description: Option<String>,
    /// Where it was reported.
    pub links: Vec<String>,
    /// Where all randomness comes from; default 1.
    pub seed: u64,
    /// The calendar at virtual time 0; default 2026-01-01T00:00:00Z.
    pub start: OffsetDateTime,
    /// When the run ends.
    pub duration: Duration,
    /// What the run may contain without failing.
    pub allow: Allow,
    /// The device.
    pub device: Device,
    /// What its flash holds at the beginning; `None` for a blank flash.
    pub settings: Option<Settings>,
    /// What the sensor measures.
    pub readings: Readings,
    /// The access points in reach.
    pub networks: Vec<Network>,
    /// What lies between router and servers.
    pub internet: Internet,
    /// The cloud.
    pub cloud: Cloud,
    /// People with phones.
    pub phones: Vec<Phone>,
    /// What goes wrong, in the file's order.
    pub faults: Vec<Fault>,
    /// What hands do, in the file's order.
    pub steps: Vec<Step>,
    /// How the run is repeated, if it is.
    pub sweep: Option<Sweep>,
    /// What must come of it, in the file's order.
    pub expectations: Vec<Expectation>,
}

/// What the run may contain; by default a crash, a watchdog reset and a livelock each fail any scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Panics of the firmware.
    pub crash: bool,
    /// Resets by the watchdog.
    pub watchdog: bool,
    /// The end of the run by a device that wakes itself without time passing.
    pub livelock: bool,
}

/// Where something stands in the scenario's file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// The board as it is soldered and set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The sensor on GPIO14; default DHT22.
    pub sensor: SensorKind,
    /// The switch on GPIO5 at the beginning; on asks for configuration mode.
    pub config_switch: bool,
    /// The switch on GPIO4 at the beginning.
    pub spare_switch: bool,
    /// When power comes on; default 0.
    pub power_up: Duration,
}

/// A sensor's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// DHT22, also sold as AM2302: tenths.
    Dht22,
    /// DHT11: whole degrees and percents.
    Dht11,
}

/// What the flash holds at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Network name (SSID), 1 to 32 bytes.
    pub network: String,
    /// Empty (open network), 8 to 63 bytes, or 64 hexadecimal digits.
    pub passphrase: String,
    /// The write key.
    pub write_key: WriteKey,
    /// Server name; default api.thingspeak.com.
    pub host: String,
    /// Server port; default 443, or 80 without TLS.
    pub port: u16,
    /// Whether to use TLS; default true.
    pub tls: bool,
    /// Whom to trust; default the simulated authority.
    pub trusted_issuer: TrustedIssuer,
    /// Time between readings, whole seconds from 15 s to 24 h; default 5 min.
    pub interval: Duration,
    /// The sensor that the owner chose; default DHT22.
    pub sensor: SensorKind,
}

/// A ThingSpeak write key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteKey {
    /// That of the simulated cloud's channel.
    Channel,
    /// These 16 characters of `0-9A-Z`.
    Key(String),
}

/// Whom the device trusts to vouch for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedIssuer {
    /// The authority that signs the simulated cloud's certificate.
    Cloud,
    /// The DigiCert roots in the firmware.
    DigiCert,
    /// The authority whose certificate has this SHA-256.
    Fingerprint([u8; 32]),
}

/// What the sensor would measure at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Default 21.5 °C.
    pub temperature: Course<DeciCelsius>,
    /// Default 45.6 %.
    pub humidity: Course<DeciPercent>,
}

/// How a value goes over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course<T> {
    /// It stays.
    Constant(T),
    /// From one value to another in a straight line, then it stays.
    Ramp {
        /// At the beginning (of the scenario, or of the step that sets it).
        from: T,
        /// At the end.
        to: T,
        /// How long it takes; more than 0.
        over: Duration,
    },
    /// Up and down once a calendar day, as a sine.
    Daily {
        /// In the middle.
        mean: T,
        /// Highest minus mean, in tenths; never negative.
        swing: T,
        /// Time of day, since midnight UTC, at which the value is highest.
        warmest: Duration,
    },
    /// Recorded values: each holds from its time, counted from the beginning, until the next. Ascending, never empty; the
    /// first also holds before its time.
    Recording(Vec<(Duration, T)>),
}

/// A Wi-Fi network: one access point with a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name (SSID), 1 to 32 bytes.
    pub name: String,
    /// 8 to 63 bytes, or 64 hexadecimal digits; `None` for an open network.
    pub passphrase: Option<String>,
    /// Its hardware address; no two are the same.
    pub bssid: [u8; 6],
    /// 2.4 GHz channel, 1 to 13; default 6.
    pub channel: u8,
    /// As the device receives it; default -60 dBm.
    pub signal: Dbm,
}

/// What lies between router and servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Internet {
    /// One way, router to server; default 20 ms.
    pub latency: Duration,
}

/// The cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// What it shows as its certificate; default good.
    pub certificate: Certificate,
    /// The certificate's key; default P-256.
    pub key_type: KeyType,
    /// The name it answers to; default api.thingspeak.com.
    pub host: String,
}

/// A server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Nothing is wrong with it.
    Good,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is another host's.
    WrongHost,
    /// An authority signed it that the device does not know.
    UnknownIssuer,
    /// It signed itself.
    SelfSigned,
}

/// The type of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on the curve P-256.
    P256,
    /// RSA with 2048 bits.
    Rsa2048,
}

/// A person with a phone.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its name; no two phones have the same.
    pub name: String,
    /// When it begins.
    pub arrives: Begin,
    /// What it does, one after the other; each begins when the one before has ended or failed.
    pub does: Vec<PhoneAction>,
}

/// One thing that a phone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneAction {
    /// Joins a network and asks for an address.
    Join {
        /// The network's name.
        network: String,
        /// As typed; empty for an open network.
        passphrase: String,
    },
    /// Opens a page and follows redirects.
    Open {
        /// `http://…`
        url: String,
    },
    /// Gets the form at `http://192.168.4.1/`, fills it in and sends it as a browser does.
    Submit(Form),
    /// Sends a request to 192.168.4.1, port 80.
    Request(Request),
    /// Sends these bytes one at a time and then no more.
    Dribble {
        /// What to send.
        bytes: String,
        /// Between two bytes.
        every: Duration,
    },
    /// Connects to port 80 and says nothing for so long.
    ConnectAndSayNothing(Duration),
    /// Does nothing for so long.
    Wait(Duration),
    /// Leaves the network.
    Leave,
}

/// What a person types into the form; `None` leaves a field as the page shows it. As typed: wrong input is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Field `network`.
    pub network: Option<String>,
    /// Field `passphrase`.
    pub passphrase: Option<String>,
    /// Field `write-key`.
    pub write_key: Option<Typed>,
    /// Field `host`.
    pub host: Option<String>,
    /// Field `port`.
    pub port: Option<String>,
    /// Field `tls`.
    pub tls: Option<bool>,
    /// Field `trusted-issuer`.
    pub trusted_issuer: Option<Typed>,
    /// Field `interval`, in seconds.
    pub interval: Option<String>,
    /// Field `sensor`.
    pub sensor: Option<String>,
}

/// What is typed into a field whose right value only the run knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The simulated cloud's: its channel's write key, or the SHA-256 of its authority's certificate in hexadecimal digits
    /// (file: `channel`, `cloud`).
    OfTheCloud,
    /// This.
    Text(String),
}

/// An HTTP request to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Sent besides `Host` and `Content-Length`.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: RequestBody,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// None.
    None,
    /// This text.
    Text(String),
    /// So many letters.
    Bytes(u32),
}

/// When something begins.
#[derive(Clone, Debug)]
pub enum Begin {
    /// At this time.
    At(Duration),
    /// Once something has happened.
    After(Box<Trigger>),
}

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the run.
    Never,
    /// At this time.
    At(Duration),
    /// So long after it began.
    For(Duration),
}

/// The `count`-th event that matches, and then a delay.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Which events count.
    pub matcher: Matcher,
    /// Which of them it is, from 1.
    pub count: u32,
    /// The delay.
    pub plus: Duration,
}

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

/// What hands do at a time.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
    /// Where it stands in the file.
    pub place: Place,
}

/// When a step happens.
#[derive(Clone, Debug)]
pub enum When {
    /// Once, at this time.
    At(Duration),
    /// Once, after something has happened.
    After(Box<Trigger>),
    /// Again and again, first at `from`.
    Every {
        /// Between two times; more than 0.
        period: Duration,
        /// The first time; default one period after the beginning.
        from: Duration,
        /// No later than this; default the end.
        until: Option<Duration>,
    },
}

/// What hands do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// To the supply.
    Power(PowerAction),
    /// Press and release the reset button.
    PressReset,
    /// To a switch.
    Switch {
        /// Which.
        switch: SwitchName,
        /// Where to.
        on: bool,
        /// How long its contact bounces; default 0.
        bounce: Duration,
    },
    /// To the air around the sensor; what is `None` stays as it is.
    Readings {
        /// The temperature from now on.
        temperature: Option<Course<DeciCelsius>>,
        /// The humidity from now on.
        humidity: Option<Course<DeciPercent>>,
    },
}

/// What is done to the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerAction {
    /// Comes on.
    On,
    /// Goes off.
    Off,
    /// Goes off and comes on again so much later.
    CutFor(Duration),
    /// Dips for so long: the chip resets, the sensor goes on.
    BrownOut(Duration),
}

/// One of the board's switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchName {
    /// GPIO5.
    Config,
    /// GPIO4.
    Spare,
}

/// The run again and again, each time with one thing different; every repetition must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// The n-th repetition cuts power in the middle of the n-th flash operation of the window.
    CutPowerAtEachFlashOperation {
        /// The window opens.
        from: Duration,
        /// The window closes.
        until: Duration,
        /// How long power stays off.
        off_for: Duration,
    },
}

/// What must come of a run.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What.
    pub check: Check,
    /// Why, in the author's words.
    pub because: Option<String>,
    /// The expectation in plain words: "a line on the serial port that contains `joined home`, by 1m".
    pub text: String,
    /// Where it stands in the file.
    pub place: Place,
}

/// What is checked.
#[derive(Clone, Debug)]
pub enum Check {
    /// So many events in a window.
    Events {
        /// Which count.
        matcher: Matcher,
        /// How many there must be.
        quantity: Quantity,
        /// When.
        window: Window,
    },
    /// Something is so at one moment.
    StateAt {
        /// What.
        state: State,
        /// The moment.
        at: Duration,
    },
    /// Something is so throughout a window.
    StateThroughout {
        /// What.
        state: State,
        /// The window.
        window: Window,
    },
    /// What the channel holds at the end.
    Channel(ChannelCheck),
}

/// A time in which something is looked for.
#[derive(Clone, Debug)]
pub struct Window {
    /// It opens (this moment belongs to it).
    pub open: Begin,
    /// It closes (this moment belongs to it).
    pub close: End,
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// So many.
    Exactly(u64),
    /// So many or more.
    AtLeast(u64),
    /// So many or fewer.
    AtMost(u64),
    /// No fewer and no more.
    Between(u64, u64),
}

impl Quantity {
    /// Whether `count` is such a quantity.
    pub fn allows(self, count: u64) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
            Self::AtMost(most) => count <= most,
            Self::Between(least, most) => (least..=most).contains(&count),
        }
    }
}

/// Something that is so for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A pin has a level; low until it is driven.
    Pin {
        /// GPIO number.
        gpio: u8,
        /// Its level.
        level: Level,
    },
    /// The device has power, or has not.
    Power {
        /// Whether it has.
        on: bool,
    },
}

/// What the channel must hold at the end.
#[derive(Clone, Debug, Default)]
pub struct ChannelCheck {
    /// How many entries.
    pub entries: Option<Quantity>,
    /// Each entry's `created_at` is later than that of the entry before.
    pub ascending: bool,
    /// The longest time between the `created_at` of two neighbours.
    pub longest_gap: Option<Duration>,
    /// What `field1` to `field8` must be in every entry.
    pub fields: Box<[Option<FieldMatch>; 8]>,
}

/// What a field of an entry must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldMatch {
    /// This text.
    Equals(String),
    /// A number no lower and no higher, in tenths.
    Between {
        /// Lowest, in tenths.
        low: i64,
        /// Highest, in tenths.
        high: i64,
    },
}
