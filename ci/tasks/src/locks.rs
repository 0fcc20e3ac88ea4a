//! Whether the lock files agree: the workspace's, and those of the ESP-07 binary and of the bare programs, which are
//! built for another target.
//!
//! What two have must have the same versions, or the firmware that the host runs is not the firmware on the chip.
//! Versions that cannot take each other's place (1 and 2, 0.9 and 0.11) are different packages to whoever wants one of
//! them, so each is compared within its series.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

const HOST: &str = "Cargo.lock";
const CHIP: [&str; 2] = ["firmware/esp07/Cargo.lock", "simulator/esp8266/programs/Cargo.lock"];
/// Ours, of the same names as the published ones.
const PATCHED: [&str; 2] = ["xtensa-lx", "xtensa-lx-rt"];

/// Versions by package.
type Versions = BTreeMap<String, BTreeSet<String>>;

/// Compares them and says what differs.
pub fn run() -> ExitCode {
    match compare() {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
        Ok(differences) => {
            for difference in &differences {
                eprintln!("cargo ci: {difference}");
            }
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("cargo ci: {reason}");
            ExitCode::from(2)
        }
    }
}

fn compare() -> Result<Vec<String>, String> {
    let host = read(HOST)?;
    let mut all = Vec::new();
    for path in CHIP {
        all.extend(differences(&host, &read(path)?, path));
    }
    Ok(all)
}

fn read(path: &str) -> Result<Versions, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("could not read {path}: {error}"))?;
    Ok(parse(&text))
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

/// One line for each package and series on whose version the host's lock file and that at `path` do not agree.
fn differences(host: &Versions, chip: &Versions, path: &str) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, on_chip) in chip.iter().filter(|(name, _)| !PATCHED.contains(&name.as_str())) {
        for version in on_chip {
            let mut on_host = host.get(name).into_iter().flatten().filter(|other| series(other) == series(version));
            if let Some(other) = on_host.next()
                && other != version
            {
                differences.push(format!("{name} is {other} in {HOST} and {version} in {path}"));
            }
        }
    }
    differences
}

/// What versions that can take each other's place have in common: all up to the first number that is not 0.
fn series(version: &str) -> &str {
    let end = version
        .split_inclusive('.')
        .scan(0, |end, part| {
            *end += part.len();
            Some((*end, part))
        })
        .find(|(_, part)| part.trim_end_matches('.') != "0")
        .map_or(version.len(), |(end, _)| end);
    &version[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";

    #[test]
    fn packages_have_names_and_versions() {
        let versions = parse(LOCK);
        assert_eq!(versions["a"], BTreeSet::from(["1.0.0".to_owned(), "2.0.0".to_owned()]));
        assert_eq!(versions.len(), 2);
    }

    #[test]
    fn what_both_have_is_compared_within_its_series() {
        let host = parse(LOCK);
        let compare = |name, version| {
            differences(&host, &parse(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "chip")
        };
        for (name, version) in [("a", "2.0.0"), ("a", "3.0.0"), ("b", "0.1.0"), ("b", "0.2.0"), ("c", "9.0.0")] {
            assert_eq!(compare(name, version), [""; 0], "{name} {version}");
        }
        assert_eq!(compare("b", "0.1.7"), ["b is 0.1.0 in Cargo.lock and 0.1.7 in chip"]);
        assert_eq!(compare("a", "1.4.0"), ["a is 1.0.0 in Cargo.lock and 1.4.0 in chip"]);
    }

    #[test]
    fn a_series_ends_with_the_first_number_that_is_not_0() {
        assert_eq!(series("1.2.3"), "1.");
        assert_eq!(series("0.11.1"), "0.11.");
        assert_eq!(series("0.0.3"), "0.0.3");
    }
}
