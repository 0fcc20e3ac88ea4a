//! Whether programs and tests share one build of each dependency.
//!
//! Tests may want features of a dependency that programs do without. Cargo then builds it twice, and with it everything
//! that depends on it. `ci/features` asks for such features always; here is compared whether one is missing there.
//! Compared is what `cargo tree` says for this machine's target.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};

/// Compares the features with and without tests, and says which packages would be built twice.
pub fn run() -> ExitCode {
    let (programs, tests) = match (tree("no-dev"), tree("all")) {
        (Ok(programs), Ok(tests)) => (programs, tests),
        (Err(reason), _) | (_, Err(reason)) => {
            eprintln!("cargo ci: {reason}");
            return ExitCode::from(2);
        }
    };
    let twice = built_twice(&programs, &tests);
    for package in &twice {
        eprintln!("cargo ci: {package} has more features in tests; add those to ci/features/Cargo.toml");
    }
    if twice.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All packages with their features, as `cargo tree` lists them for these edges.
fn tree(edges: &str) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["tree", "--workspace", "--locked", "--prefix", "none", "--format", "{p} [{f}]", "--edges", edges];
    let output = Command::new(cargo).args(arguments).output();
    let output = output.map_err(|error| format!("could not run cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("could not read what cargo tree says: {error}"))
}

/// The packages of `programs` that `tests` has only with other features.
fn built_twice<'t>(programs: &'t str, tests: &'t str) -> BTreeSet<&'t str> {
    let tests = packages(tests);
    packages(programs).into_iter().filter(|package| !tests.contains(package)).collect()
}

/// The lines of `cargo tree`, each once and without the sign that its dependencies stand elsewhere.
fn packages(tree: &str) -> BTreeSet<&str> {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)").trim());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_for_tests_alone_is_found() {
        let programs =
            "tokio v1.0.0 [io-util]\nclap v4.0.0 [derive]\nours v0.1.0 (/ours) []\n\nclap v4.0.0 [derive] (*)\n";
        let tests =
            "clap v4.0.0 [derive] (*)\ntokio v1.0.0 [io-util,test-util]\nours v0.1.0 (/ours) []\ninsta v1.0.0 []\n";
        assert_eq!(built_twice(programs, tests), BTreeSet::from(["tokio v1.0.0 [io-util]"]));
        assert!(built_twice(tests, tests).is_empty());
    }
}
