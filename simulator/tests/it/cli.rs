//! The command as a user meets it: output, streams and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::process::{Command, Output};

fn preflash(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_preflash"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario/tests"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn good_scenarios_are_counted() {
    let output = preflash(&["check", "good"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(text(&output.stderr), "ok: 5 scenarios\n");
}

#[test]
fn all_mistakes_of_all_files_are_told_without_colours_in_a_pipe() {
    let output =
        preflash(&["check", "good", "diagnostics/together/start.toml", "diagnostics/shape/word-needs-a-value.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(" --> diagnostics/together/start.toml:3:9"), "{stderr}");
    assert!(stderr.contains("`slow` needs a value") && stderr.contains("`late-response` needs a value"), "{stderr}");
    assert!(stderr.ends_with("3 mistakes in 2 files of 7\n"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
}

#[test]
fn mistakes_are_told_to_programs_as_well() {
    let output = preflash(&["check", "good", "diagnostics/together/start.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "");
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["files"], 6);
    let [mistake] = outcome["mistakes"].as_array().unwrap().as_slice() else { panic!("{outcome}") };
    assert_eq!(mistake["file"], "diagnostics/together/start.toml");
    assert_eq!((&mistake["line"], &mistake["column"]), (&3.into(), &9.into()));
    assert!(mistake["message"].as_str().unwrap().contains("the offset from UTC is missing"), "{mistake}");
    let output = preflash(&["check", "good", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["mistakes"], serde_json::json!([]));
}

#[test]
fn wrong_paths_are_one_clear_message() {
    for (arguments, message) in [
        (["check", "nowhere"], "error: could not open nowhere: no such file or folder\n"),
        (["check", "it/main.rs"], "error: it/main.rs is not a scenario: scenario files end in .toml\n"),
        (["list", "../src"], "error: no scenario files under ../src\n"),
    ] {
        let output = preflash(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr), message);
    }
}

#[test]
fn lists_are_for_people_and_for_programs() {
    let output = preflash(&["list", "good/portal.toml"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "good/portal.toml  Alice tries everything on the portal\n");
    let output = preflash(&["list", "good", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let files: Vec<&str> = list.as_array().unwrap().iter().map(|entry| entry["file"].as_str().unwrap()).collect();
    let good = ["expectations", "faults", "flashed", "portal", "targets"];
    assert_eq!(files, good.map(|name| format!("good/{name}.toml")));
    assert_eq!(list[3]["duration-seconds"], 600.0);
}

#[test]
fn a_list_leaves_out_what_is_wrong_and_says_so() {
    let output = preflash(&["list", "good/portal.toml", "diagnostics/together/start.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stderr).contains("the offset from UTC is missing"));
}

#[cfg(unix)]
#[test]
fn folders_that_are_linked_into_themselves_are_searched_once() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linked");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(folder.join("in")).unwrap();
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/scenario/tests/good/portal.toml"),
        folder.join("in/portal.toml"),
    )
    .unwrap();
    for link in ["a-loop", "in/loop", "z-loop"] {
        std::os::unix::fs::symlink(&folder, folder.join(link)).unwrap();
    }
    let output = preflash(&["list", folder.to_str().unwrap()]);
    let expected = format!("{}  Alice tries everything on the portal\n", folder.join("in/portal.toml").display());
    assert_eq!((text(&output.stdout), output.status.code()), (expected.as_str(), Some(0)));
}

#[test]
fn the_schema_is_the_checked_in_one() {
    let checked_in = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/scenario.schema.json")).unwrap();
    assert_eq!(preflash(&["schema"]).stdout, checked_in);
}
