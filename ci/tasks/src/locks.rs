//! Whether the two lock files agree: the workspace's, and that of the ESP-07 binary, which is built for another target.
//!
//! What both have must have the same versions, or the firmware that the host runs is not the firmware on the chip. A
//! package that one of them has in more versions than the other agrees if they share one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

const HOST: &str = "Cargo.lock";
const CHIP: &str = "firmware/esp07/Cargo.lock";
/// Ours, of the same names as the published ones.
const PATCHED: [&str; 2] = ["xtensa-lx", "xtensa-lx-rt"];

/// Versions by package.
type Versions = BTreeMap<String, BTreeSet<String>>;

/// Compares them and says what differs.
pub fn run() -> ExitCode {
    let mut both = Vec::new();
    for path in [HOST, CHIP] {
        match fs::read_to_string(path) {
            Ok(text) => both.push(parse(&text)),
            Err(error) => {
                eprintln!("cargo ci: could not read {path}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    let differences = differences(&both[0], &both[1]);
    for difference in &differences {
        eprintln!("cargo ci: {difference}");
    }
    if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(lock: &str) -> Versions {
    let value =
        |line: &str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned);
    let mut versions = Versions::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = Some(found);
        } else if let (Some(version), Some(name)) = (value(line, "version"), name.take()) {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions
}

/// One line for each package on whose version the two do not agree.
fn differences(host: &Versions, chip: &Versions) -> Vec<String> {
    let list = |versions: &BTreeSet<String>| versions.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
    chip.iter()
        .filter(|(name, _)| !PATCHED.contains(&name.as_str()))
        .filter_map(|(name, on_chip)| {
            let on_host = host.get(name)?;
            on_chip
                .is_disjoint(on_host)
                .then(|| format!("{name} is {} in {HOST} and {} in {CHIP}", list(on_host), list(on_chip)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";

    #[test]
    fn packages_have_names_and_versions() {
        let versions = parse(HOST);
        assert_eq!(versions["a"], BTreeSet::from(["1.0.0".to_owned(), "2.0.0".to_owned()]));
        assert_eq!(versions.len(), 2);
    }

    #[test]
    fn only_what_both_have_is_compared() {
        let host = parse(HOST);
        assert_eq!(
            differences(&host, &parse("name = \"a\"\nversion = \"2.0.0\"\nname = \"c\"\nversion = \"9.0.0\"\n")),
            [""; 0]
        );
        let differing = differences(&host, &parse("name = \"b\"\nversion = \"0.2.0\"\n"));
        assert_eq!(differing.len(), 1);
        assert!(differing[0].starts_with("b is 0.1.0 in "), "{differing:?}");
    }
}
