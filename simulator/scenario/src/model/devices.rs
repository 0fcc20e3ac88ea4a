//! Devices: what is soldered to each, and what its flash holds at the beginning.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use simulator_parts::{PartId, Soldered};
use simulator_record::events::PinKind;
use simulator_world::device::esp8266::{Contents, ContentsError, Programming};
use time::OffsetDateTime;

use super::Course;
use crate::units::{DeciCelsius, DeciPercent};

pub use simulator_parts::flash::Overwrite;
pub use simulator_parts::{DhtModel, PartKind};
pub use simulator_world::air::Country;
pub use simulator_world::device::esp8266::BootMode;

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name, if the file lists several; `None` for the one device of a file that lists none.
    pub name: Option<Arc<str>>,
    /// What is soldered to its pins.
    pub parts: Vec<Part>,
    /// The image that it runs, if that is not the yellow duck's firmware.
    pub firmware: Option<FlashImage>,
    /// Its station's hardware address; default Espressif's first ones, in the devices' order.
    pub mac: Option<[u8; 6]>,
    /// Where it takes itself to be, as far as no image of its own decides; default Japan.
    pub country: Country,
    /// When power comes on; default 0.
    pub power_up: Duration,
    /// What its clocks show when power comes for the first time, see `uptime` of the language.
    pub uptime: Duration,
    /// How often each sector of its flash can be erased; `None` for without end.
    pub flash_endurance: Option<u32>,
    /// What its flash makes of a word that is written again.
    pub flash_overwrite: Overwrite,
    /// What its flash holds at the beginning, as the yellow duck's firmware writes it; `None` for a blank flash.
    pub settings: Option<Settings>,
}

impl Device {
    /// Its parts of a kind, each with its place among all.
    pub fn parts_of(&self, is_meant: impl Fn(PartKind) -> bool) -> impl Iterator<Item = (PartId, &Part)> {
        let all = (0..).map(PartId).zip(&self.parts);
        all.filter(move |(_, part)| is_meant(part.soldered.kind))
    }
}

/// What is flashed. It is read once, before its first run, and shared.
#[derive(Clone, Debug, Default)]
pub struct FlashImage {
    /// The image: a file, a folder or a list.
    pub image: Option<PathBuf>,
    /// Files, each at its offset.
    pub parts: Vec<(u32, PathBuf)>,
    /// Size of the flash in bytes; default what the image's header says, or 4 MiB.
    pub flash_size: Option<u32>,
    /// What the radio starts with; default the image's, or values for a usual module.
    pub init_data: Option<PathBuf>,
    /// The program's names.
    pub elf: Option<PathBuf>,
    /// How the module is strapped.
    pub boot: BootMode,
    contents: Arc<OnceLock<Arc<Contents>>>,
}

/// What is to be flashed cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FlashImageError(#[from] ContentsError);

impl FlashImage {
    /// What the flash holds at the beginning. The files are read the first time.
    ///
    /// # Errors
    /// [`FlashImageError`] if a file cannot be read, there is no image, or it does not fit the flash.
    pub fn contents(&self) -> Result<Arc<Contents>, FlashImageError> {
        if let Some(contents) = self.contents.get() {
            return Ok(Arc::clone(contents));
        }
        let contents = Contents::new(self.wanted()?)?;
        Ok(Arc::clone(self.contents.get_or_init(|| Arc::new(contents))))
    }

    /// The same with another image; names of this one's program say nothing of that.
    pub(crate) fn with_image(&self, image: PathBuf) -> Self {
        Self {
            image: Some(image),
            parts: self.parts.clone(),
            flash_size: self.flash_size,
            init_data: self.init_data.clone(),
            boot: self.boot,
            elf: None,
            contents: Arc::default(),
        }
    }

    fn wanted(&self) -> Result<Programming, ContentsError> {
        let mut wanted = self.image.as_deref().map(Programming::read).transpose()?.unwrap_or_default();
        for (offset, file) in &self.parts {
            wanted.add(*offset, file)?;
        }
        if let Some(elf) = &self.elf {
            wanted.name_by(elf)?;
        }
        if let Some(data) = &self.init_data {
            wanted.set_init_data(data)?;
        }
        if let Some(size) = self.flash_size {
            wanted.set_flash_size(size);
        }
        Ok(wanted)
    }

    /// The files and folders that it names.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let parts = self.parts.iter().map(|(_, path)| path);
        let named = self.image.iter().chain(parts).chain(&self.init_data).chain(&self.elf);
        named.map(PathBuf::as_path)
    }
}

impl PartialEq for FlashImage {
    fn eq(&self, other: &Self) -> bool {
        (self.flash_size, self.boot) == (other.flash_size, other.boot)
            && self.parts.iter().map(|(offset, _)| offset).eq(other.parts.iter().map(|(offset, _)| offset))
            && self.paths().eq(other.paths())
            && (self.image.is_some(), self.elf.is_some()) == (other.image.is_some(), other.elf.is_some())
    }
}

impl Eq for FlashImage {}

/// A kind of part, as far as it matters which part a place of the file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartClass {
    /// A sensor.
    Sensor,
    /// An LED, switch or button.
    On(PinKind),
}

impl PartClass {
    /// Its name in a message: "LED".
    pub fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::On(kind) => kind.name(),
        }
    }

    /// Whether a part of this kind belongs to it.
    pub fn is(self, kind: PartKind) -> bool {
        self == kind.pin_kind().map_or(Self::Sensor, Self::On)
    }
}

/// A part of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is and where.
    pub soldered: Soldered,
    /// What there is to measure for it, if it is a sensor.
    pub readings: Readings,
}

/// A sensor as its owner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// DHT22: tenths.
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
    /// The newest time that the device has had from a cloud it could check; default the scenario's start.
    pub authenticated_time: OffsetDateTime,
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

/// What a sensor would measure at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Default 21.5 °C.
    pub temperature: Course<DeciCelsius>,
    /// Default 45.6 %.
    pub humidity: Course<DeciPercent>,
}

impl Default for Readings {
    fn default() -> Self {
        Self { temperature: Course::Constant(DeciCelsius(215)), humidity: Course::Constant(DeciPercent(456)) }
    }
}
