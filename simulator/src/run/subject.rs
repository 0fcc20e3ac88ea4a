//! What cases are run with: a name, and what executes the firmware.
//!
//! A case is run with each subject in turn, and what the first did is compared with what each other did
//! ([`Comparison`](crate::report::compare::Comparison)): host and chip, or an old image and a new one. Another kind of
//! subject is a variant of [`Executor`] or [`On`], and a row of [`Name`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::rig::Rig;
use simulator_world::device::esp8266::{Contents, Firmware, FirmwareError, Image};

/// What a case is run with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is called.
    pub name: Name,
    /// Where it runs.
    pub on: On,
}

/// Where firmware runs.
#[derive(Clone, Debug)]
pub enum On {
    /// In a simulated world.
    World(Executor),
    /// On a real board.
    Rig(Arc<Rig>),
}

/// What executes the firmware in a simulated world.
#[derive(Clone, Debug, Default)]
pub enum Executor {
    /// This machine: the firmware crate compiled for it.
    #[default]
    Host,
    /// The emulated chip: the ESP-07's image, linked against stubs.
    Stubs(Arc<Image>),
    /// The emulated chip: an image that runs whole.
    Whole(Arc<Contents>),
}

/// What a subject is called: in names of folders and fields by its [`Display`](fmt::Display), in sentences by its
/// [word](Name::word).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// This machine.
    Host,
    /// The emulated chip.
    Chip,
    /// The emulated chip with an earlier image, which a new one is held against.
    Old,
    /// The emulated chip with the image that is held against an earlier one.
    New,
    /// A real board.
    Device,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Host, Self::Chip, Self::Old, Self::New, Self::Device];

    /// What it is called in a sentence: `the entries on the old image`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Chip => "chip",
            Self::Old => "old image",
            Self::New => "new image",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Chip => "esp8266",
            Self::Old => "old",
            Self::New => "new",
            Self::Device => "device",
        })
    }
}

impl Subject {
    /// This machine.
    pub fn host() -> Self {
        Self { name: Name::Host, on: On::World(Executor::Host) }
    }

    /// The emulated chip, or what else executes firmware in a simulated world.
    pub fn in_world(name: Name, executor: Executor) -> Self {
        Self { name, on: On::World(executor) }
    }

    /// A real board.
    pub fn device(rig: Rig) -> Self {
        Self { name: Name::Device, on: On::Rig(Arc::new(rig)) }
    }

    /// Whether it takes long: each instruction of the device is executed.
    pub fn is_slow(&self) -> bool {
        matches!(self.on, On::World(Executor::Stubs(_) | Executor::Whole(_)))
    }

    /// The rig, if it is on one.
    pub fn rig(&self) -> Option<&Rig> {
        match &self.on {
            On::Rig(rig) => Some(rig),
            On::World(_) => None,
        }
    }
}

impl Executor {
    /// What it is called where it is the only one.
    pub fn name(&self) -> Name {
        match self {
            Self::Host => Name::Host,
            Self::Stubs(_) | Self::Whole(_) => Name::Chip,
        }
    }

    /// The emulated chip with what is named by `path`, see [`Firmware::load`].
    ///
    /// # Errors
    /// [`FirmwareError`].
    pub fn chip(path: &Path, elf: Option<&Path>) -> Result<Self, FirmwareError> {
        Ok(match Firmware::load(path, elf)? {
            Firmware::Stubs(image) => Self::Stubs(Arc::new(*image)),
            Firmware::Whole(contents) => Self::Whole(Arc::new(*contents)),
        })
    }
}
