//! Both sources of tools on made-up machines: folders with scripts that answer as rustc and rustup do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;

const RUSTC: &str = "rustc 1.96.0\\nhost: x86_64-unknown-linux-gnu\\nLLVM version: 22.1.8";

/// Held while commands are written and started: a file that is open for writing, in a process forked just then as well,
/// cannot be started.
static COMMANDS: Mutex<()> = Mutex::new(());

fn commands() -> MutexGuard<'static, ()> {
    COMMANDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A machine with nothing on it, whose folder goes with it.
struct MadeUp(Machine, #[expect(dead_code, reason = "held until the end")] MutexGuard<'static, ()>);

impl MadeUp {
    fn new(name: &str) -> Self {
        let guard = commands();
        let root = env::temp_dir().join(format!("esp8266-linker-{}-{name}", std::process::id()));
        let _none = fs::remove_dir_all(&root);
        Self(Machine { path: vec![root.join("usr/bin")], root }, guard)
    }

    /// With what every source needs.
    fn with_binutils(name: &str) -> Self {
        let machine = Self::new(name);
        for tool in GNU {
            machine.command(&format!("usr/bin/{tool}"), "");
        }
        machine
    }

    fn with_debian(name: &str) -> Self {
        let machine = Self::with_binutils(name);
        machine.command("etc/debian_version", "");
        machine.command(DEBIAN_RUSTC, RUSTC);
        fs::create_dir_all(machine.0.root.join(DEBIAN_SOURCES)).unwrap();
        for tool in LLVM {
            machine.command(&format!("usr/bin/{tool}-22"), "");
        }
        machine
    }

    fn with_rustup(name: &str) -> Self {
        let machine = Self::with_binutils(name);
        let sysroot = machine.0.root.join("nightly");
        machine.command("usr/bin/rustup", sysroot.to_str().unwrap());
        machine.command("nightly/bin/rustc", RUSTC);
        fs::create_dir_all(sysroot.join("lib/rustlib/src/rust/library")).unwrap();
        for tool in LLVM {
            machine.command(&format!("nightly/lib/rustlib/x86_64-unknown-linux-gnu/bin/{tool}"), "");
        }
        machine
    }

    /// Puts a command there that says this.
    fn command(&self, path: &str, says: &str) {
        let path = self.0.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\nprintf '%b\\n' '{says}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn without(self, path: &str) -> Self {
        let path = self.0.root.join(path);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        self
    }

    fn found(&self, choice: Option<&str>) -> Source {
        self.0.find(choice).unwrap_or_else(|error| panic!("{error}"))
    }

    fn complaint(&self, choice: Option<&str>) -> String {
        self.0.find(choice).unwrap_err().to_string()
    }
}

impl Drop for MadeUp {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0.root);
    }
}

#[test]
fn debians_packages_are_a_source() {
    let machine = MadeUp::with_debian("debian");
    for choice in [None, Some("debian")] {
        let source = machine.found(choice);
        assert_eq!(source.rustc, machine.0.root.join("usr/bin/rustc"));
        assert_eq!(source.llvm("opt"), machine.0.root.join("usr/bin/opt-22"));
    }
}

#[test]
fn rustups_nightly_is_a_source() {
    let machine = MadeUp::with_rustup("rustup");
    for choice in [None, Some("rustup")] {
        let source = machine.found(choice);
        assert_eq!(source.rustc, machine.0.root.join("nightly/bin/rustc"));
        let folder = machine.0.root.join("nightly/lib/rustlib/x86_64-unknown-linux-gnu/bin");
        assert_eq!(source.llvm("llc"), folder.join("llc"));
    }
}

#[test]
fn what_debian_misses_is_named_with_its_package() {
    for (gone, package) in [
        ("usr/bin/xtensa-lx106-elf-as", "binutils-xtensa-lx106"),
        ("usr/bin/xtensa-lx106-elf-ld", "binutils-xtensa-lx106"),
        ("usr/bin/xtensa-lx106-elf-gcc", "gcc-xtensa-lx106"),
        (DEBIAN_RUSTC, "rustc-web"),
        (DEBIAN_SOURCES, "rust-web-src"),
        ("usr/bin/llvm-link-22", "llvm-22"),
        ("usr/bin/opt-22", "llvm-22"),
        ("usr/bin/llc-22", "llvm-22"),
    ] {
        let machine = MadeUp::with_debian("debian-without").without(gone);
        for choice in [None, Some("debian")] {
            let complaint = machine.complaint(choice);
            assert!(complaint.contains(&format!("; install the package {package} (")), "without {gone}: {complaint}");
        }
    }
}

#[test]
fn what_rustup_misses_is_named_with_the_command_that_brings_it() {
    let tools = "nightly/lib/rustlib/x86_64-unknown-linux-gnu/bin";
    for (gone, command) in [
        ("usr/bin/rustup", "rustup toolchain install nightly -c rust-src -c llvm-tools"),
        ("nightly/bin/rustc", "rustup toolchain install nightly -c rust-src -c llvm-tools"),
        ("nightly/lib/rustlib/src", "rustup component add --toolchain nightly rust-src"),
        (tools, "rustup component add --toolchain nightly llvm-tools"),
    ] {
        let machine = MadeUp::with_rustup("rustup-without").without(gone);
        for choice in [None, Some("rustup")] {
            let complaint = machine.complaint(choice);
            assert!(complaint.contains(&format!("; run `{command}` (")), "without {gone}: {complaint}");
        }
    }
}

#[test]
fn a_rustc_before_the_back_end_is_none() {
    let machine = MadeUp::with_debian("old");
    machine.command(DEBIAN_RUSTC, "rustc 1.63.0\\nLLVM version: 14.0.6");
    assert!(machine.complaint(None).contains("rustc-web"), "{}", machine.complaint(None));
}

#[test]
fn a_source_that_nobody_knows_is_refused() {
    let machine = MadeUp::with_debian("choice");
    assert!(machine.complaint(Some("espup")).contains("only `debian` and `rustup` are known"));
}

#[test]
fn rustc_says_which_llvm_it_has() {
    assert_eq!(parse_llvm("rustc 1.96.0\nhost: x\nLLVM version: 22.1.8\n"), Some(22));
    assert_eq!(parse_llvm("rustc 1.96.0\n"), None);
}

#[test]
fn a_failing_tool_is_quoted() {
    let _guard = commands();
    let error = run("list nothing", Path::new("ls"), &[&"/no/such/place"]).unwrap_err().to_string();
    assert!(error.starts_with("could not list nothing: ls failed\n"), "{error}");
    assert!(error.contains("/no/such/place"), "{error}");
}
