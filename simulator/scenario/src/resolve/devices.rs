//! Devices: which parts are soldered to each, and which device and which part a place of the file means.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use simulator_parts::{PartId, Soldered};
use simulator_record::events::{DeviceId, Level, PinKind};
use simulator_world::boards::{self, Board, yellow_duck};

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::grammar::devices::PartWord;
use crate::model::{Country, Device, DhtModel, Part, PartClass, PartKind, Readings, SensorKind};
use crate::shape::alternatives;
use crate::tree::{Fields, Node};

/// The pins of an ESP8266.
const PINS: usize = 17;
/// The pins that lead to the flash.
const FLASH_PINS: std::ops::RangeInclusive<u8> = 6..=11;
/// The pins of the serial port, and what they are to it.
const SERIAL_PINS: [(u8, &str); 2] = [(1, "sends on"), (3, "receives on")];
/// Ten years: the longest time that a device may have been on already.
const LONGEST_UPTIME: Duration = Duration::from_secs(3_650 * 24 * 3_600);
/// The keys that put a switch of the yellow duck, each with the switch's name.
const SWITCHES: [(&str, &str); 2] = [("config-switch", yellow_duck::CONFIG), ("spare-switch", yellow_duck::SPARE)];

/// What the file says of one device.
struct Source<'f> {
    name: Option<Arc<str>>,
    /// The table with `board` and `parts`.
    soldered: &'f Fields,
    /// The table with the switches and `power-up`.
    set_up: Option<&'f Fields>,
    /// What the device's owner calls its sensor.
    owner_says: Option<&'f Node>,
    sensor: Option<&'f Fields>,
    settings: Option<&'f Fields>,
}

impl Resolver<'_, '_> {
    /// The file's devices. What is wrong with one is reported, and it is there all the same.
    pub(super) fn devices(&mut self, root: &Fields) -> Vec<Device> {
        let listed = root.list("devices");
        if root.get("devices").is_none() {
            let set_up = root.table("device");
            let source = Source {
                name: None,
                soldered: root,
                set_up,
                owner_says: set_up.and_then(|fields| fields.get("sensor")),
                sensor: root.table("sensor"),
                settings: root.table("settings"),
            };
            return vec![self.device(&source)];
        }
        let sources = listed.iter().filter_map(Node::table).map(|fields| Source {
            name: Some(fields.text("name").unwrap_or_default().into()),
            soldered: fields,
            set_up: Some(fields),
            owner_says: None,
            sensor: fields.table("sensor"),
            settings: fields.table("settings"),
        });
        let devices: Vec<Device> = sources.map(|source| self.device(&source)).collect();
        for node in listed.iter().filter_map(|node| node.table()?.get("name")) {
            let Some(name) = node.text() else { continue };
            let equal = |other: &&str| other.eq_ignore_ascii_case(name) && *other != name;
            let names = listed.iter().filter_map(|node| node.table()?.text("name"));
            if let Some(other) = names.take_while(|other| *other != name).find(equal) {
                self.report(
                    Diagnostic::new(format!("`{name}` is `{other}` but for its case"), node.span.clone(), "too alike")
                        .help("some file systems have one folder for both; give one of them another name"),
                );
            }
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
            if !name.chars().all(allowed) {
                self.report(
                    Diagnostic::new(format!("`{name}` cannot name a folder"), node.span.clone(), "not a device's name")
                        .help("letters of ASCII, digits, `-` and `_`: its evidence lies in a folder of that name"),
                );
            }
        }
        self.unlike_addresses(root, &devices);
        if let (true, Some(node)) = (devices.is_empty(), root.get("devices")) {
            self.report(Diagnostic::new("this scenario has no device", node.span.clone(), "empty"));
        }
        devices
    }

    /// Where the device takes itself to be.
    fn country(&mut self, fields: &Fields) -> Option<Country> {
        let country = fields.word("country")?;
        if let Some(span) = fields.key_span("country").filter(|_| fields.get("image").or(fields.get("flash")).is_some())
        {
            self.report(
                Diagnostic::new("`country` does not go with `image`", span, "means nothing here")
                    .help("the program of an image tells its radio driver the country; leave this out"),
            );
        }
        Some(country)
    }

    fn device(&mut self, source: &Source<'_>) -> Device {
        let mut parts = self.parts(source.soldered);
        self.switches(source.set_up, &mut parts);
        self.sensor(source, &mut parts);
        Device {
            name: source.name.clone(),
            parts,
            firmware: source.set_up.and_then(|fields| self.flashed(fields)),
            mac: source.set_up.and_then(|fields| self.mac(fields)),
            country: source.set_up.and_then(|fields| self.country(fields)).unwrap_or_default(),
            power_up: source
                .set_up
                .and_then(|fields| self.before_end(fields, "power-up", false))
                .unwrap_or(Duration::ZERO),
            uptime: source.set_up.and_then(|fields| self.uptime(fields)).unwrap_or(Duration::ZERO),
            flash_endurance: source
                .set_up
                .and_then(|fields| fields.integer("flash-endurance"))
                .and_then(|erases| u32::try_from(erases).ok()),
            flash_overwrite: source.set_up.and_then(|fields| fields.word("flash-overwrite")).unwrap_or_default(),
            settings: source.settings.and_then(|fields| self.settings(fields)),
        }
    }

    /// What the device's clocks show at the beginning.
    fn uptime(&mut self, fields: &Fields) -> Option<Duration> {
        let node = fields.get("uptime")?;
        let uptime = node.duration()?;
        if uptime > LONGEST_UPTIME {
            self.report(
                Diagnostic::new("`uptime` is longer than 3650d", node.span.clone(), "too long")
                    .help("32 bits of microseconds wrap after 71m 35s, 32 bits of milliseconds after 49d 17h 2m 47s"),
            );
        }
        Some(uptime)
    }

    /// The board's parts, then those of the file's own.
    fn parts(&mut self, fields: &Fields) -> Vec<Part> {
        let default = if fields.get("parts").is_some() { &boards::bare::BOARD } else { boards::BOARDS[0] };
        let board: &Board = fields.word("board").unwrap_or(default);
        let of_board = board.parts.iter().map(|part| Part { soldered: part.into(), readings: Readings::default() });
        let mut parts: Vec<Part> = of_board.collect();
        let mut places: BTreeMap<usize, Range<usize>> = BTreeMap::new();
        for node in fields.list("parts") {
            let Some(part) = node.table().and_then(|fields| self.part(fields)) else { continue };
            let clash =
                |other: &Part| other.soldered.name == part.soldered.name || other.soldered.gpio == part.soldered.gpio;
            if let Some((place, other)) = parts.iter().enumerate().find(|(_, other)| clash(other)) {
                let message = if other.soldered.name == part.soldered.name {
                    format!("two parts are called `{}`", part.soldered.name)
                } else {
                    format!("two parts are on GPIO{}", part.soldered.gpio)
                };
                let mut mistake = Diagnostic::new(message, node.span.clone(), "the second");
                mistake = match places.get(&place) {
                    Some(first) => mistake.related(first.clone(), "the first"),
                    None => {
                        mistake.help(format!("the board has `{}` on GPIO{}", other.soldered.name, other.soldered.gpio))
                    }
                };
                self.report(mistake);
            }
            places.insert(parts.len(), node.span.clone());
            parts.push(part);
        }
        if let (true, Some(node)) = (parts.len() > PINS, fields.get("parts")) {
            self.report(Diagnostic::new(
                format!("{} parts are more than pins", parts.len()),
                node.span.clone(),
                "too many",
            ));
        }
        parts
    }

    fn part(&mut self, fields: &Fields) -> Option<Part> {
        let word: PartWord = fields.word("kind")?;
        let (name, gpio) = (fields.get("name")?, fields.get("gpio")?);
        if name.text()?.is_empty() {
            self.report(Diagnostic::new("a part's name is empty", name.span.clone(), "empty"));
        }
        let pin = fields.integer("gpio").and_then(|pin| u8::try_from(pin).ok())?;
        if FLASH_PINS.contains(&pin) {
            self.report(
                Diagnostic::new(format!("GPIO{pin} belongs to the flash"), gpio.span.clone(), "taken")
                    .help("a module leads out GPIO0 to GPIO5 and GPIO12 to GPIO16"),
            );
        }
        if let Some((_, what)) = SERIAL_PINS.iter().find(|(of_port, _)| *of_port == pin) {
            self.report(
                Diagnostic::new(
                    format!("GPIO{pin} is the pin that the serial port {what}"),
                    gpio.span.clone(),
                    "the serial log's",
                )
                .help("a part can be on GPIO0, GPIO2, GPIO4, GPIO5 and GPIO12 to GPIO16"),
            );
        }
        let level = |default| fields.word::<Level>("on-level").unwrap_or(default);
        let kind = match word {
            PartWord::Dht(model) => PartKind::Dht(model),
            PartWord::Switch => PartKind::Switch { on: level(Level::High) },
            PartWord::Button => PartKind::Button { on: level(Level::Low) },
            PartWord::Led => PartKind::Led { on: level(Level::High) },
        };
        let means_nothing: &[&str] = match word {
            PartWord::Dht(_) => &["on-level", "on"],
            PartWord::Switch => &["temperature", "humidity"],
            PartWord::Button | PartWord::Led => &["on", "temperature", "humidity"],
        };
        for key in means_nothing {
            if let Some(span) = fields.key_span(key) {
                self.report(Diagnostic::new(format!("`{key}` is not for such a part"), span, "means nothing here"));
            }
        }
        let soldered =
            Soldered { name: name.text()?.into(), gpio: pin, kind, on: fields.boolean("on").unwrap_or(false) };
        let readings = match kind {
            PartKind::Dht(model) => self.readings(Some(fields), model).unwrap_or_default(),
            _ => Readings::default(),
        };
        Some(Part { soldered, readings })
    }

    fn switches(&mut self, set_up: Option<&Fields>, parts: &mut [Part]) {
        let Some(fields) = set_up else { return };
        for (key, name) in SWITCHES {
            let Some(node) = fields.get(key) else { continue };
            let is_it = |part: &&mut Part| {
                &*part.soldered.name == name && PartClass::On(PinKind::Switch).is(part.soldered.kind)
            };
            match parts.iter_mut().find(is_it) {
                Some(part) => part.soldered.on = node.word().unwrap_or(false),
                None => self.report(
                    Diagnostic::new(format!("the board has no switch `{name}`"), node.span.clone(), "not there")
                        .help("`on` in [[parts]] says where a switch of one's own stands"),
                ),
            }
        }
    }

    /// What `[sensor]` says of the device's one sensor.
    fn sensor(&mut self, source: &Source<'_>, parts: &mut [Part]) {
        let kind = source.sensor.and_then(|fields| fields.get("kind"));
        if source.sensor.is_none() && source.owner_says.is_none() {
            return;
        }
        let span = || {
            let said = source.sensor.and_then(Fields::first_key_span);
            said.or_else(|| source.owner_says.map(|node| node.span.clone()))
        };
        let mut sensors = parts.iter_mut().filter(|part| PartClass::Sensor.is(part.soldered.kind));
        let (Some(part), None) = (sensors.next(), sensors.next()) else {
            let Some(span) = span() else { return };
            let own =
                source.soldered.list("parts").iter().filter_map(Node::table).filter_map(|fields| fields.text("name"));
            let own: Vec<&str> = own.collect();
            let sensors = parts.iter().filter(|part| PartClass::Sensor.is(part.soldered.kind));
            let of_board = sensors.clone().find(|part| !own.contains(&&*part.soldered.name));
            let (message, help) = match (sensors.count(), of_board) {
                (0, _) => ("the board has no sensor", "[[parts]] solders one to it".to_owned()),
                (_, None) => (
                    "the board has several sensors",
                    "say `kind`, `temperature` and `humidity` of each in its own [[parts]] table".to_owned(),
                ),
                (_, Some(part)) => (
                    "the board has several sensors",
                    format!(
                        "with `board = \"bare\"`, list them all in [[parts]], the board's own too (`{}` on GPIO{}), each with \
                         its `kind`, `temperature` and `humidity`",
                        part.soldered.name, part.soldered.gpio
                    ),
                ),
            };
            self.report(Diagnostic::new(message, span, "which one?").help(help));
            return;
        };
        let own = source.soldered.list("parts").iter().filter_map(Node::table);
        let is_it = |fields: &&Fields| {
            matches!(fields.word("kind"), Some(PartWord::Dht(_))) && fields.text("name") == Some(&part.soldered.name)
        };
        let own = own.rev().find(is_it);
        if let Some(fields) = own {
            for (key, node) in
                ["kind", "temperature", "humidity"].map(|key| (key, source.sensor.and_then(|said| said.get(key))))
            {
                if let (Some(node), Some(first)) = (node, fields.get(key)) {
                    self.report(
                        Diagnostic::new(format!("the sensor's `{key}` is said twice"), node.span.clone(), "the second")
                            .related(first.span.clone(), "the first")
                            .help("keep the one in [[parts]]"),
                    );
                }
            }
            if let (Some(owner), Some(first)) = (source.owner_says, fields.get("kind")) {
                self.report(
                    Diagnostic::new("the sensor's kind is said twice", owner.span.clone(), "the second")
                        .related(first.span.clone(), "the first")
                        .help("`sensor` in [device] is for the board's own; keep the one in [[parts]]"),
                );
            }
        } else if let (Some(owner), Some(kind)) = (source.owner_says, kind)
            && (owner.word() == Some(SensorKind::Dht11)) != (kind.word() == Some(DhtModel::Dht11))
        {
            self.report(
                Diagnostic::new("one sensor of two kinds", kind.span.clone(), "this kind")
                    .related(owner.span.clone(), "and this one")
                    .help("keep one of them: `kind` alone says all"),
            );
        }
        let said = kind.and_then(Node::word).or_else(|| match source.owner_says?.word()? {
            SensorKind::Dht22 => None,
            SensorKind::Dht11 => Some(DhtModel::Dht11),
        });
        if let Some(model) = said {
            part.soldered.kind = PartKind::Dht(model);
        }
        let PartKind::Dht(model) = part.soldered.kind else { return };
        if let Some(fields) = source.sensor
            && (fields.get("temperature").is_some() || fields.get("humidity").is_some())
        {
            let Readings { temperature, humidity } = self.readings(Some(fields), model).unwrap_or_default();
            if fields.get("temperature").is_some() {
                part.readings.temperature = temperature;
            }
            if fields.get("humidity").is_some() {
                part.readings.humidity = humidity;
            }
        }
    }

    /// The device that a table means by its `device`; `None` if it means any, or one that is not there.
    pub(super) fn any_device(&mut self, fields: &Fields) -> Option<DeviceId> {
        let node = fields.get("device")?;
        let name = node.text()?;
        let place = self.devices.iter().position(|device| device.name.as_deref() == Some(name));
        if place.is_none() && self.devices.iter().all(|device| device.name.is_none()) {
            self.report(
                Diagnostic::new(format!("no device is called `{name}`"), node.span.clone(), "not defined")
                    .help("this scenario has one device without a name: leave `device` out, or list [[devices]]"),
            );
        } else if place.is_none() {
            let names = self.devices.iter().filter_map(|device| device.name.as_deref());
            let known = super::names::Known::new(names.map(str::to_owned).collect());
            self.known("device", Some(known), node);
        }
        place.and_then(|place| u32::try_from(place).ok()).map(DeviceId)
    }

    /// The device that a table means by its `device`, or the only one there is.
    pub(super) fn one_device(&mut self, fields: &Fields, span: &Range<usize>) -> Option<DeviceId> {
        if fields.get("device").is_some() || fields.is_broken("device") {
            return self.any_device(fields);
        }
        if self.devices.len() > 1 {
            let names = self.devices.iter().filter_map(|device| device.name.as_deref());
            let help = format!("say `device`: {}", alternatives(names));
            self.report(Diagnostic::new("which of the devices?", span.clone(), "there are several").help(help));
            return None;
        }
        Some(DeviceId(0))
    }

    /// The parts of a kind that the device has that is meant, or any.
    pub(super) fn meant_parts(
        &self,
        device: Option<DeviceId>,
        is_meant: impl Fn(PartKind) -> bool,
    ) -> impl Iterator<Item = &Part> {
        let meant = (0..).map(DeviceId).zip(&self.devices);
        let meant = meant.filter(move |(id, _)| device.is_none_or(|device| device == *id));
        meant.flat_map(|(_, device)| &device.parts).filter(move |part| is_meant(part.soldered.kind))
    }

    /// The name of a device, if the file gives it one.
    pub(super) fn device_name(&self, id: DeviceId) -> Option<Arc<str>> {
        self.devices.get(id.0 as usize)?.name.clone()
    }

    /// A device's part of this kind: the one that `part` names, or the only one. `span` is the place that needs it.
    pub(super) fn part_of(
        &mut self,
        id: DeviceId,
        kind: PartClass,
        part: Option<&Node>,
        span: &Range<usize>,
    ) -> Option<PartId> {
        let device = self.devices.get(id.0 as usize)?;
        let of_kind: Vec<(PartId, Arc<str>)> =
            device.parts_of(|it| kind.is(it)).map(|(id, part)| (id, Arc::clone(&part.soldered.name))).collect();
        let what = kind.name();
        let names = || alternatives(of_kind.iter().map(|(_, name)| &**name));
        let there = || match &*of_kind {
            [] => "[[parts]] solders one to the board".to_owned(),
            _ => format!("the board has {}", names()),
        };
        let mistake = match part {
            Some(node) => {
                let name = node.text()?;
                if let Some((id, _)) = of_kind.iter().find(|(_, its)| &**its == name) {
                    return Some(*id);
                }
                Diagnostic::new(format!("no {what} is called `{name}`"), node.span.clone(), "not defined").help(there())
            }
            None => match &*of_kind {
                [(id, _)] => return Some(*id),
                [] => Diagnostic::new(format!("the board has no {what}"), span.clone(), "not there").help(there()),
                _ => Diagnostic::new(format!("which {what}?"), span.clone(), "there are several")
                    .help(format!("say `part`: {}", names())),
            },
        };
        self.report(mistake);
        None
    }

    /// The name of a part of this kind, of the device that is meant or of any.
    pub(super) fn part_name(
        &mut self,
        device: Option<DeviceId>,
        kind: PartClass,
        node: Option<&Node>,
    ) -> Option<Arc<str>> {
        let node = node?;
        let name = node.text()?;
        let names = self.meant_parts(device, |it| kind.is(it)).map(|part| part.soldered.name.to_string()).collect();
        self.known(kind.name(), Some(super::names::Known::new(names)), node);
        Some(name.into())
    }
}
