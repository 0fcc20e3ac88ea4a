//! The README's scenario and its picture are what the command does today.

use std::fs;
use std::path::{Path, PathBuf};

use anstyle_svg::Term;

use crate::bench::Bench;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap()
}

#[test]
fn the_readme_shows_the_example() {
    let readme = text("README.md");
    let shown = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown, text("docs/examples/router.toml"));
}

#[test]
fn the_example_passes_and_fails_as_the_picture_shows() {
    let bench = Bench::new("readme");
    let example = text("docs/examples/router.toml");
    bench.file("router.toml", &example);
    assert_eq!(bench.preflash("run router.toml").code, Some(0));

    let broken = example.replace("for = \"10m\"", "for = \"45m\"");
    assert_ne!(broken, example);
    bench.file("my.toml", &broken);
    let ended = bench.preflash_with("run my.toml", &[("CLICOLOR_FORCE", "1")]);
    assert_eq!(ended.code, Some(1));
    // The last line has times of this machine.
    let (shown, _) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    let command = "$ cargo run --release -- run my.toml\n";
    let made = Term::new().render_svg(&format!("{command}{shown}\n"));
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failing-run.svg");
    fs::write(&fresh, &made).unwrap();
    assert!(
        made == fs::read_to_string(project("docs/failing-run.svg")).unwrap_or_default(),
        "the picture shows something else than the command prints: cp {} docs/",
        fresh.display()
    );
}

#[test]
fn each_field_problem_can_be_said() {
    let page = text("docs/how-to/field-problems.md");
    let bench = Bench::new("field-problems");
    let rows: Vec<&str> = page.lines().filter_map(|line| line.split_once("| `")?.1.strip_suffix("` |")).collect();
    assert!(rows.len() >= 25, "{}", rows.len());
    for (number, row) in rows.iter().enumerate() {
        let said = match () {
            () if row.contains("inject.") => format!("faults = [{{ name = \"in the field\", {row} }}]"),
            () if row.contains("do.") => format!("steps = [{{ {row} }}]"),
            () => (*row).to_owned(),
        };
        let rest = "[settings]\nnetwork = \"home\"\npassphrase = \"correct horse\"\n[[expect]]\nevent.boot = {}\n";
        let scenario = format!("title = \"A field problem\"\nduration = \"2d\"\n{said}\n{rest}");
        bench.file(&format!("rows/{number}.toml"), &scenario);
    }
    let ended = bench.preflash("check rows");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
