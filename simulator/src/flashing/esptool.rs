//! The program `esptool`, version 5 or newer: where it is found, and how it is run.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The oldest that has the commands and options used here.
const OLDEST: u32 = 5;
/// What `--install-esptool` installs: the version that this was tested with.
const INSTALLED: &str = "esptool==5.6.0";

/// A program that answers as esptool does.
#[derive(Clone, Debug)]
pub struct Esptool {
    program: PathBuf,
    /// Its version, such as `5.6.0`.
    pub version: String,
}

/// Why there is no esptool.
#[derive(Debug, thiserror::Error)]
pub enum EsptoolError {
    /// None was found.
    #[error(
        "there is no esptool on the PATH: name one with --esptool, install it (pip install 'esptool>=5'), or let \
         preflash do that in an environment of its own: preflash flash --install-esptool"
    )]
    Missing,
    /// It cannot be run.
    #[error("could not run {}: {source}", program.display())]
    NotRun {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is another program.
    #[error("{} is no esptool: to `version` it answers {said:?}", program.display())]
    Other {
        /// Which.
        program: PathBuf,
        /// What it says instead of a version.
        said: String,
    },
    /// It is too old.
    #[error(
        "{} is esptool {version}, and {} or newer is needed: pip install --upgrade esptool, or preflash flash \
         --install-esptool",
        program.display(), OLDEST
    )]
    TooOld {
        /// Which.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// It could not be installed.
    #[error("could not install esptool into {}: {reason}", folder.display())]
    NotInstalled {
        /// Where.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What a run of it came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Whether it says that it has succeeded.
    pub succeeded: bool,
    /// What it has printed.
    pub stdout: String,
    /// What it complains of.
    pub stderr: String,
}

impl Esptool {
    /// The one that is named, else the one that was installed here, else what is on the PATH.
    ///
    /// # Errors
    /// [`EsptoolError`], if there is none that can be used.
    pub fn find(named: Option<&Path>) -> Result<Self, EsptoolError> {
        if let Some(named) = named {
            return Self::at(named);
        }
        if let Some(installed) = own_folder().map(|folder| program_in(&folder)).filter(|program| program.exists()) {
            return Self::at(&installed);
        }
        match Self::at(Path::new("esptool")) {
            Err(EsptoolError::NotRun { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(EsptoolError::Missing)
            }
            found => found,
        }
    }

    fn at(program: &Path) -> Result<Self, EsptoolError> {
        let ran = run(program.as_os_str(), &["version"], false);
        let ran = ran.map_err(|source| EsptoolError::NotRun { program: program.to_owned(), source })?;
        let said = ran.stdout.trim();
        // `esptool v5.6.0`, or `esptool.py v4.7.0`, and the number alone on a line of its own.
        let version = said.lines().next_back().unwrap_or_default().trim();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        match major.filter(|_| ran.succeeded && said.starts_with("esptool")) {
            None => Err(EsptoolError::Other { program: program.to_owned(), said: said.chars().take(80).collect() }),
            Some(major) if major < OLDEST => {
                Err(EsptoolError::TooOld { program: program.to_owned(), version: version.to_owned() })
            }
            Some(_) => Ok(Self { program: program.to_owned(), version: version.to_owned() }),
        }
    }

    /// Installs one into a virtual environment of Python, in the folder of the user's programs' data.
    ///
    /// # Errors
    /// [`EsptoolError::NotInstalled`], with what Python says.
    pub fn install() -> Result<Self, EsptoolError> {
        let folder = own_folder().ok_or_else(|| EsptoolError::NotInstalled {
            folder: PathBuf::from("the user's folder"),
            reason: "neither XDG_DATA_HOME nor HOME is set".to_owned(),
        })?;
        let fails = |reason| EsptoolError::NotInstalled { folder: folder.clone(), reason };
        let python = if cfg!(windows) { "python" } else { "python3" };
        let step = |program: &OsStr, arguments: &[&str]| {
            let ran = run(program, arguments, true)
                .map_err(|error| fails(format!("could not run {}: {error}", Path::new(program).display())))?;
            if ran.succeeded { Ok(()) } else { Err(fails(last_line(&ran))) }
        };
        let name = folder.display().to_string();
        step(OsStr::new(python), &["-m", "venv", "--clear", &name])?;
        let pip = program_in(&folder).with_file_name(if cfg!(windows) { "python.exe" } else { "python" });
        step(pip.as_os_str(), &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", INSTALLED])?;
        Self::at(&program_in(&folder))
    }

    /// Runs it; what it says is shown as it comes, if that is wanted.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn run(&self, arguments: &[String], show: bool) -> Result<Ran, EsptoolError> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(self.program.as_os_str(), &arguments, show)
            .map_err(|source| EsptoolError::NotRun { program: self.program.clone(), source })
    }

    /// The line that a person would type.
    pub fn line(&self, arguments: &[String]) -> String {
        let quoted = |word: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=,+@%".contains(c);
            if !word.is_empty() && word.chars().all(is_plain) {
                word.to_owned()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        };
        let program = self.program.display().to_string();
        std::iter::once(program.as_str())
            .chain(arguments.iter().map(String::as_str))
            .map(quoted)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Where an esptool of our own is: a virtual environment.
fn own_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = folder("XDG_DATA_HOME").or_else(|| folder("LOCALAPPDATA"));
    let data = data.or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("preflash").join("esptool"))
}

fn program_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts/esptool.exe") } else { folder.join("bin/esptool") }
}

/// The last line of what a program says, complaints first.
pub(super) fn last_line(ran: &Ran) -> String {
    let lines = [&ran.stderr, &ran.stdout];
    let last = lines.iter().find_map(|text| text.lines().rev().find(|line| !line.trim().is_empty()));
    last.map_or_else(|| "it says nothing".to_owned(), |line| line.trim().to_owned())
}

/// Runs a program to its end; both of its outputs are read at once, so that neither holds it up.
fn run(program: &OsStr, arguments: &[&str], show: bool) -> io::Result<Ran> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What it says is read: no sentence of it may be cut for want of columns, and none be coloured.
    command.env("COLUMNS", "400").env("NO_COLOR", "1").env("PYTHONIOENCODING", "utf-8");
    let mut child = command.spawn()?;
    let errors = child.stderr.take().map(|stderr| thread::spawn(move || read(stderr, false)));
    let stdout = child.stdout.take().map(|stdout| read(stdout, show)).unwrap_or_default();
    let stderr = errors.and_then(|errors| errors.join().ok()).unwrap_or_default();
    let status = child.wait()?;
    Ok(Ran { succeeded: status.success(), stdout, stderr })
}

/// Reads to the end, and shows it on standard error as it comes.
fn read(mut from: impl Read, show: bool) -> String {
    let (mut all, mut chunk) = (Vec::new(), [0; 1_024]);
    // Nobody may be looking; a program that has gone has said what it had to say.
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if show {
            let _ = io::stderr().write_all(&chunk[..count]);
        }
        all.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&all).replace("\r\n", "\n")
}
