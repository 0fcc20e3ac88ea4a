//! What cases are run with: a name, and what executes the firmware.
//!
//! A case is run with each subject in turn, and what the first did is compared with what each other did
//! ([`Comparison`](crate::report::compare::Comparison)): host and chip, or an old image and a new one. Another kind of
//! subject is a variant of [`Executor`] and a row of [`Name`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use simulator_world::device::esp8266::{Contents, Firmware, FirmwareError, Image};

/// What a case is run with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is called.
    pub name: Name,
    /// What executes the firmware.
    pub executor: Executor,
}

/// What executes the firmware.
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
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Host, Self::Chip, Self::Old, Self::New];

    /// What it is called in a sentence: `the entries on the old image`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Chip => "chip",
            Self::Old => "old image",
            Self::New => "new image",
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
        })
    }
}

impl Subject {
    /// This machine.
    pub fn host() -> Self {
        Self { name: Name::Host, executor: Executor::Host }
    }
}

impl Executor {
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

    /// Whether it takes long: it executes each instruction of the device.
    pub fn is_slow(&self) -> bool {
        !matches!(self, Self::Host)
    }
}
