//! What scenarios are run with: this machine, the emulated chip with an image, or several to compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use simulator_scenario::model::{FlashImage, FlashImageError, Scenario};
use simulator_world::device::esp8266::{FirmwareError, SettingsError};

use super::complain;
use crate::report::artifacts::InputFile;
use crate::run::case;
use crate::run::rig::{Description, PortError, Rig};
use crate::run::{Executor, Name, Subject};

/// The options that say what executes the firmware.
#[derive(Args, Debug)]
pub(super) struct SubjectArgs {
    /// What executes the firmware: this machine, the emulated chip with the ESP-07's own image, or both, one after the
    /// other; with `both`, channel entries, joins, reboots and the LED's history must be the same. Or a real board at a
    /// serial port, in real time; what a scenario needs that a rig cannot do is said first, and it is skipped
    #[arg(long, alias = "target", value_name = "WHERE", value_enum, default_value_t = Where::Host)]
    on: Where,
    /// The yellow duck's image: a folder whose files say their offsets by their names (0x10000.bin), a list of offsets
    /// and files, an ELF file, or a dump of the flash. It runs whole, as it is flashed; of one that is linked against
    /// this project's stubs, the vendor's functions are answered [default: target/esp07, or esp07 in CARGO_TARGET_DIR]
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// The ELF file that the image was made of, for names and back traces [default: the one in the image's folder]
    #[arg(long, value_name = "FILE", requires = "image")]
    elf: Option<PathBuf>,
    /// With `--on chip`: an older image, with which each scenario is run first; channel entries, joins, reboots and the
    /// LED's history must be the same with the other one
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// With `--on device`: the serial port of the board, such as /dev/ttyUSB0, COM3, rfc2217://HOST:PORT or
    /// socket://HOST:PORT
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// With `--on device`: what can be done around the board, in a TOML file [default: RTS resets it, no more]
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
}

/// Where the firmware runs. The aliases are the words of earlier versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Where {
    Host,
    #[value(alias = "esp8266")]
    Chip,
    #[value(alias = "all")]
    Both,
    Device,
}

/// Why there is nothing to run the scenarios with.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubjectError {
    #[error("--image is for the emulated chip: say --on chip or --on both, too")]
    ImageOnHost,
    #[error("--against compares two images on the emulated chip: say --on chip, too")]
    AgainstNoChip,
    #[error("--on device runs on a board at a serial port: say which with --port")]
    NoPort,
    #[error("--port and --rig are for a real board: say --on device, too")]
    RigWithoutDevice,
    #[error("--image is for the emulated chip, and a real board has what was flashed: leave it out")]
    ImageOnDevice,
    #[error("could not read the rig {path}: {reason}", path = .path.display())]
    Rig { path: PathBuf, reason: String },
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Image(#[from] FirmwareError),
    #[error("{error}, which {scenario} asks for; `ci/setup-images` fetches published ones")]
    FlashImage { scenario: String, error: FlashImageError },
    #[error("{scenario} has `settings`: {error}")]
    Settings { scenario: String, error: SettingsError },
    #[error("nothing is left to run: the images are not there, and `ci/setup-images` fetches published ones")]
    NoFlashImages,
    #[error("{0}; build the image with `cargo ci image`, or name another one with --image")]
    NoImage(FirmwareError),
}

impl SubjectArgs {
    /// The emulated chip with an image.
    pub(super) fn chip(image: &Path, elf: Option<&Path>) -> Self {
        Self {
            on: Where::Chip,
            image: Some(image.to_owned()),
            elf: elf.map(Path::to_owned),
            against: None,
            port: None,
            rig: None,
        }
    }

    /// Refuses what does not go together, before anything is read.
    pub(super) fn check(&self) -> Result<(), SubjectError> {
        if self.on == Where::Host && self.image.is_some() {
            return Err(SubjectError::ImageOnHost);
        }
        if self.on == Where::Device && self.image.is_some() {
            return Err(SubjectError::ImageOnDevice);
        }
        if self.on == Where::Device && self.port.is_none() {
            return Err(SubjectError::NoPort);
        }
        if self.on != Where::Device && (self.port.is_some() || self.rig.is_some()) {
            return Err(SubjectError::RigWithoutDevice);
        }
        if self.on != Where::Chip && self.against.is_some() {
            return Err(SubjectError::AgainstNoChip);
        }
        Ok(())
    }

    /// What to run these scenarios with, in order: the first is compared with each other.
    pub(super) fn subjects(&self, scenarios: &[Scenario]) -> Result<Vec<Subject>, SubjectError> {
        let chip = |name| -> Result<Subject, SubjectError> {
            let executor = chip(self.image.as_deref(), self.elf.as_deref(), scenarios)?;
            Ok(Subject::in_world(name, executor))
        };
        Ok(match (self.on, &self.against) {
            (Where::Host, _) => vec![Subject::host()],
            (Where::Both, _) => vec![Subject::host(), chip(Name::Chip)?],
            (Where::Chip, None) => vec![chip(Name::Chip)?],
            (Where::Chip, Some(old)) => {
                let executor = Executor::chip(old, None)?;
                take_settings(scenarios, &executor)?;
                vec![Subject::in_world(Name::Old, executor), chip(Name::New)?]
            }
            (Where::Device, _) => vec![Subject::device(self.open_rig()?)],
        })
    }

    /// Whether it is a real board.
    pub(super) fn is_device(&self) -> bool {
        self.on == Where::Device
    }

    fn open_rig(&self) -> Result<Rig, SubjectError> {
        let description = match &self.rig {
            Some(path) => {
                let failed = |reason: String| SubjectError::Rig { path: path.clone(), reason };
                let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
                Description::parse(&text).map_err(|error| failed(error.to_string().trim_end().to_owned()))?
            }
            None => Description::default(),
        };
        let port = self.port.as_deref().ok_or(SubjectError::NoPort)?;
        Ok(Rig::open(port, description)?)
    }

    /// The files of the images that are named, or built.
    pub(super) fn image_files(&self) -> Vec<InputFile> {
        let built = built_image();
        let built = Some(&built).filter(|_| self.image.is_none() && matches!(self.on, Where::Chip | Where::Both));
        digests([self.image.as_ref(), self.elf.as_ref(), self.against.as_ref(), built].into_iter().flatten())
    }

    /// The options that say the same again, each with a space before it.
    pub(super) fn again(&self) -> String {
        let mut options = match self.on {
            Where::Host => String::new(),
            Where::Chip => " --on chip".to_owned(),
            Where::Both => " --on both".to_owned(),
            Where::Device => " --on device".to_owned(),
        };
        if let Some(port) = &self.port {
            options.extend([" --port ", &case::shell_path(port)]);
        }
        options
            + &paths_again([
                (" --image ", &self.image),
                (" --elf ", &self.elf),
                (" --against ", &self.against),
                (" --rig ", &self.rig),
            ])
    }
}

/// The options of a command that runs one firmware, in a simulated world.
#[derive(Args, Debug)]
pub(super) struct OneSubjectArgs {
    /// What executes the firmware: this machine, or the emulated chip with the ESP-07's own image
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = World::Host)]
    on: World,
    /// The image, as for `preflash run` [default: target/esp07, or esp07 in CARGO_TARGET_DIR]
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// The ELF file that the image was made of, for names and back traces [default: the one in the image's folder]
    #[arg(long, value_name = "FILE", requires = "image")]
    elf: Option<PathBuf>,
}

/// Where the firmware runs, if it is not on a real board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum World {
    Host,
    Chip,
}

impl OneSubjectArgs {
    /// What executes the firmware of these scenarios, and the files of its image.
    pub(super) fn executor(&self, scenarios: &[Scenario]) -> Result<(Executor, Vec<InputFile>), SubjectError> {
        match self.on {
            World::Host if self.image.is_some() => Err(SubjectError::ImageOnHost),
            World::Host => Ok((Executor::Host, Vec::new())),
            World::Chip => {
                let executor = chip(self.image.as_deref(), self.elf.as_deref(), scenarios)?;
                let image = self.image.clone().unwrap_or_else(built_image);
                Ok((executor, digests([Some(&image), self.elf.as_ref()].into_iter().flatten())))
            }
        }
    }

    /// The options that say the same again, each with a space before it.
    pub(super) fn again(&self) -> String {
        let options = match self.on {
            World::Host => "",
            World::Chip => " --on chip",
        };
        options.to_owned() + &paths_again([(" --image ", &self.image), (" --elf ", &self.elf)])
    }
}

/// Options with the paths that they were given.
fn paths_again<const N: usize>(options: [(&str, &Option<PathBuf>); N]) -> String {
    let given = options.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)));
    given.map(|(option, path)| option.to_owned() + &case::shell_path(&path.to_string_lossy())).collect()
}

/// The emulated chip with the image that is named, or the one that was built.
fn chip(image: Option<&Path>, elf: Option<&Path>, scenarios: &[Scenario]) -> Result<Executor, SubjectError> {
    let executor = match image {
        Some(named) => Executor::chip(named, elf)?,
        None => Executor::chip(&built_image(), None).map_err(SubjectError::NoImage)?,
    };
    take_settings(scenarios, &executor)?;
    Ok(executor)
}

/// The digests of files, and of the files in folders.
fn digests<'p>(named: impl Iterator<Item = &'p PathBuf>) -> Vec<InputFile> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in named {
        match std::fs::read_dir(path) {
            Ok(entries) => files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file())),
            Err(_) => files.push(path.clone()),
        }
    }
    files.sort();
    files.iter().map(|path| case::digest(path)).collect()
}

/// The scenarios whose images are there. One that is not there is a mistake where its scenario is named, and leaves the
/// scenario out where a folder is: published images are fetched, and are not part of the project.
pub(super) fn with_images(scenarios: Vec<Scenario>, named: &[PathBuf]) -> Result<Vec<Scenario>, SubjectError> {
    let mut left_out = BTreeMap::<String, usize>::new();
    let mut ready = Vec::new();
    for scenario in scenarios {
        let images = || scenario.images();
        let is_named = named.iter().any(|path| path == Path::new(&scenario.file));
        let missing = images().flat_map(FlashImage::paths).find(|path| !path.exists());
        if let Some(missing) = missing.filter(|_| !is_named) {
            *left_out.entry(missing.display().to_string()).or_default() += 1;
            continue;
        }
        if let Some(error) = images().find_map(|image| image.contents().err()) {
            return Err(SubjectError::FlashImage { scenario: scenario.file.clone(), error });
        }
        for device in &scenario.devices {
            if let (Some(image), Some(_)) = (&device.firmware, &device.settings)
                && let Some(error) = image.contents().ok().and_then(|contents| contents.takes_settings().err())
            {
                return Err(SubjectError::Settings { scenario: scenario.file.clone(), error });
            }
        }
        ready.push(scenario);
    }
    for (image, count) in left_out {
        let scenarios = if count == 1 { "scenario is" } else { "scenarios are" };
        complain(format_args!("{count} {scenarios} left out: {image} is not there, and `ci/setup-images` fetches it"));
    }
    if ready.is_empty() { Err(SubjectError::NoFlashImages) } else { Ok(ready) }
}

/// Looks whether an image can be given the settings that scenarios ask for.
fn take_settings(scenarios: &[Scenario], image: &Executor) -> Result<(), SubjectError> {
    let Executor::Whole(contents) = image else { return Ok(()) };
    let Err(error) = contents.takes_settings() else { return Ok(()) };
    let asks = |scenario: &&Scenario| {
        scenario.devices.iter().any(|device| device.firmware.is_none() && device.settings.is_some())
    };
    match scenarios.iter().find(asks) {
        Some(scenario) => Err(SubjectError::Settings { scenario: scenario.file.clone(), error }),
        None => Ok(()),
    }
}

/// Where `cargo ci image` leaves the image.
fn built_image() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("esp07")
}
