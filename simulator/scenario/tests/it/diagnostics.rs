//! Every mistake that a scenario file can contain, and the words in which it is told: `tests/diagnostics` holds a file
//! for each kind of mistake, and beside it what `preflash check` says.
//!
//! `syntax` holds what is not TOML, `shape` what is wrong by itself, `together` what takes two places of a file, or a
//! file beside it, to judge.

use std::path::{Path, PathBuf};

use simulator_scenario::Scenario;
use simulator_scenario::files::scenario_files;

#[test]
fn mistakes_are_told_in_these_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    for path in scenario_files(&[folder]).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        let beside =
            |name: &str| std::fs::read_to_string(path.with_file_name(name)).map_err(|_| "no such file".to_owned());
        let Err(diagnostics) = Scenario::parse(file, &text, &beside) else {
            panic!("no mistake in {}", path.display())
        };
        insta::with_settings!({
            snapshot_path => path.parent().unwrap(),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            let name = path.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, diagnostics.render(false));
        });
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let missing = Scenario::load(Path::new("no/such/scenario.toml")).unwrap_err();
    assert_eq!(missing.to_string(), "no/such/scenario.toml: could not read the scenario: no such file");
    assert_eq!(missing.render(false), "error: could not read the scenario: no such file\n--> no/such/scenario.toml\n");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path: PathBuf = folder.join("latin-1.toml");
    std::fs::write(&path, b"title = 't'\n# caf\xe9\n").unwrap();
    let latin = Scenario::load(&path).unwrap_err();
    assert_eq!(latin.mistakes()[0].message, "could not read the scenario: line 2 is not UTF-8; save the file as UTF-8");
}

#[test]
fn one_line_for_each_mistake_is_enough_for_other_programs() {
    let text = "title = 't'\nduration = '1h'\nsed = 1\n[sensor]\ntemperature = '1 °F'\n";
    let diagnostics = Scenario::parse("a.toml", text, &|_| Err(String::new())).unwrap_err();
    assert_eq!(
        diagnostics.to_string(),
        "a.toml:3:1: unknown key `sed`\na.toml:5:15: `temperature`: `°F` is not a unit of temperature"
    );
}
