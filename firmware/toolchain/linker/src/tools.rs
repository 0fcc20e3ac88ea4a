//! Finding the tools: rustc with the Xtensa back end and the library's sources, LLVM's tools, GNU binutils for the
//! core.
//!
//! Two sources are looked at, in this order: Debian's packages (`rustc-web`, `rust-web-src`, `llvm-22`) and a nightly
//! toolchain of rustup (with the components `rust-src` and `llvm-tools`). LLVM's tools must be at least as new as
//! rustc's LLVM, or they cannot read its bitcode. `PREFLASH_XTENSA=debian` or `=rustup` chooses one.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Where Debian's packages put things, below the root.
const DEBIAN_RUSTC: &str = "usr/bin/rustc";
const DEBIAN_SOURCES: &str = "usr/lib/rustlib/src/rust/library";
const LLVM: [&str; 3] = ["llvm-link", "opt", "llc"];
const GNU: [&str; 4] =
    ["xtensa-lx106-elf-as", "xtensa-lx106-elf-ld", "xtensa-lx106-elf-objcopy", "xtensa-lx106-elf-gcc"];
/// The first LLVM whose Xtensa back end knows the ESP8266.
const OLDEST_LLVM: u32 = 21;

/// Where rustc and LLVM's tools come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// In words.
    pub name: &'static str,
    /// rustc itself.
    pub rustc: PathBuf,
    /// `llvm-link`, `opt`, `llc`.
    llvm: [PathBuf; 3],
}

impl Source {
    /// One of LLVM's tools.
    pub fn llvm(&self, name: &str) -> &Path {
        let index = LLVM.iter().position(|tool| *tool == name).expect("only the listed tools are asked for");
        &self.llvm[index]
    }
}

/// Finds a complete source.
///
/// # Errors
/// What is missing, of the source that is most nearly there.
pub fn find() -> Result<Source, Error> {
    Machine::this().find(env::var("PREFLASH_XTENSA").ok().as_deref())
}

/// One of GNU's tools for the core.
///
/// # Errors
/// If it is missing.
pub fn gnu(tool: &str) -> Result<PathBuf, Error> {
    Machine::this().gnu(tool)
}

/// Where tools are looked for.
struct Machine {
    /// The folders of commands, in order.
    path: Vec<PathBuf>,
    /// Where Debian's packages lie.
    root: PathBuf,
}

impl Machine {
    /// The one that this runs on.
    fn this() -> Self {
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        Self { path, root: PathBuf::from("/") }
    }

    fn find(&self, choice: Option<&str>) -> Result<Source, Error> {
        for tool in GNU {
            self.gnu(tool)?;
        }
        match choice {
            Some("debian") => self.debian(),
            Some("rustup") => self.rustup(),
            Some(other) => {
                Err(Error::Usage(format!("PREFLASH_XTENSA is `{other}`, but only `debian` and `rustup` are known")))
            }
            None => self.debian().or_else(|in_debian| {
                let is_debian = self.root.join("etc/debian_version").exists();
                self.rustup().map_err(|in_rustup| if is_debian { in_debian } else { in_rustup })
            }),
        }
    }

    fn gnu(&self, tool: &str) -> Result<PathBuf, Error> {
        self.on_path(tool).ok_or_else(|| {
            let package = if tool.ends_with("gcc") { "gcc-xtensa-lx106" } else { "binutils-xtensa-lx106" };
            missing(tool, format!("install the package {package}"))
        })
    }

    fn debian(&self) -> Result<Source, Error> {
        let rustc = self.root.join(DEBIAN_RUSTC);
        let major = if rustc.exists() { llvm_of(&rustc) } else { None };
        let major = major.filter(|major| *major >= OLDEST_LLVM).ok_or_else(|| {
            missing("rustc with LLVM's Xtensa back end in /usr/bin", "install the package rustc-web".into())
        })?;
        if !self.root.join(DEBIAN_SOURCES).is_dir() {
            return Err(missing("the Rust library's sources", "install the package rust-web-src".into()));
        }
        let tool = |name: &str| {
            self.on_path(&format!("{name}-{major}"))
                .ok_or_else(|| missing(&format!("{name}-{major}"), format!("install the package llvm-{major}")))
        };
        let [link, opt, llc] = LLVM;
        Ok(Source { name: "Debian's rustc and LLVM", rustc, llvm: [tool(link)?, tool(opt)?, tool(llc)?] })
    }

    fn rustup(&self) -> Result<Source, Error> {
        let without = || {
            missing(
                "a nightly Rust toolchain",
                "run `rustup toolchain install nightly -c rust-src -c llvm-tools`".into(),
            )
        };
        let rustup = self.on_path("rustup").ok_or_else(without)?;
        let sysroot = output(Command::new(rustup).args(["run", "nightly", "rustc", "--print", "sysroot"]));
        let sysroot = PathBuf::from(sysroot.ok_or_else(without)?.trim());
        let rustc = sysroot.join("bin/rustc");
        let host = output(Command::new(&rustc).arg("-vV"))
            .and_then(|text| text.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned)))
            .ok_or_else(without)?;
        if !sysroot.join("lib/rustlib/src/rust/library").is_dir() {
            return Err(missing(
                "the Rust library's sources",
                "run `rustup component add --toolchain nightly rust-src`".into(),
            ));
        }
        let folder = sysroot.join("lib/rustlib").join(host).join("bin");
        let tool = |name: &str| {
            let path = folder.join(name);
            if path.exists() {
                Ok(path)
            } else {
                Err(missing(name, "run `rustup component add --toolchain nightly llvm-tools`".into()))
            }
        };
        let [link, opt, llc] = LLVM;
        Ok(Source { name: "rustup's nightly toolchain", rustc, llvm: [tool(link)?, tool(opt)?, tool(llc)?] })
    }

    fn on_path(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }
}

/// The major version of the LLVM in a rustc.
fn llvm_of(rustc: &Path) -> Option<u32> {
    parse_llvm(&output(Command::new(rustc).arg("-vV"))?)
}

fn parse_llvm(verbose: &str) -> Option<u32> {
    verbose.lines().find_map(|line| line.strip_prefix("LLVM version: "))?.split('.').next()?.parse().ok()
}

fn missing(tool: &str, remedy: String) -> Error {
    Error::MissingTool { tool: tool.to_owned(), remedy }
}

/// Says what was found.
///
/// # Errors
/// What is missing.
pub fn report() -> Result<(), Error> {
    let source = find()?;
    println!("{}: {}", source.name, source.rustc.display());
    for path in &source.llvm {
        println!("  {}", path.display());
    }
    for tool in GNU {
        println!("  {}", gnu(tool)?.display());
    }
    Ok(())
}

/// What a command prints, if it succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// Runs a tool and keeps quiet if it succeeds.
///
/// # Errors
/// With what the tool said.
pub fn run(what: &'static str, tool: &Path, arguments: &[&dyn AsRef<OsStr>]) -> Result<(), Error> {
    let failed = |output: String| Error::Failed { what, tool: tool.display().to_string(), output };
    let output = Command::new(tool)
        .args(arguments.iter().map(|argument| argument.as_ref()))
        .output()
        .map_err(|error| failed(format!(" to start: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("\n{}", said.trim_end())))
}

#[cfg(test)]
mod tests;
