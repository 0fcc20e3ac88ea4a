//! The README's scenario and its picture are what the command does today.

use std::fs;
use std::path::{Path, PathBuf};

use anstyle_svg::Term;

use super::bench::Bench;

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

/// A scenario that shows a failure names the one in which the yellow duck survives the same.
#[test]
fn scenarios_name_scenarios_that_are_there() {
    let files = simulator_scenario::files::scenario_files(&[project("scenarios")]).unwrap();
    let mut named = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for rest in text.split("scenarios/").skip(1) {
            let Some((name, _)) = rest.split_once(".toml") else { continue };
            let other = project("scenarios").join(name).with_added_extension("toml");
            assert!(other.is_file(), "{} names scenarios/{name}.toml", file.display());
            named += 1;
        }
    }
    assert!(named >= 14, "the field bugs of the duck of the article name {named}");
}

#[test]
fn the_readme_counts_the_scenarios() {
    let bench = Bench::new("readme-count");
    let ended = bench.preflash(&format!("list {} --format json", project("scenarios").display()));
    let listed: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    // Those of others' images are left out until the images are fetched.
    let others = ["scenarios/micropython/", "scenarios/images/"];
    let is_own = |scenario: &&serde_json::Value| {
        let file = scenario["file"].as_str().unwrap();
        !others.iter().any(|folder| file.contains(folder))
    };
    let told = format!(" all {} scenarios of the duck:", listed.as_array().unwrap().iter().filter(is_own).count());
    assert!(text("README.md").contains(&told), "the README has another number: {told}");
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
fn what_is_linked_is_there() {
    let link = regex::Regex::new(r"\]\(([^)#]+)").unwrap();
    let pages = ["", "docs", "docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation"];
    let mut links = 0;
    for folder in pages {
        for entry in fs::read_dir(project(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let page = fs::read_to_string(&path).unwrap();
            // What stands between fences is code.
            let prose: String = page.split("```").step_by(2).collect();
            for found in link.captures_iter(&prose).filter(|found| !found[1].starts_with("http")) {
                let target = path.parent().unwrap().join(&found[1]);
                assert!(target.exists(), "{} links to {}", path.display(), &found[1]);
                links += 1;
            }
        }
    }
    assert!(links > 40, "{links}");
}

/// Scenarios that are named are there: `what_is_linked_is_there`.
#[test]
fn the_page_of_field_bugs_counts_them() {
    let page = text("docs/reference/field-bugs.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.contains("](../../scenarios/"))
        .map(|line| line.trim_matches('|').split('|').collect())
        .collect();
    let survived = rows.iter().filter(|row| row[2].contains(".toml")).count();
    let shown = rows.iter().filter(|row| row[3].contains(".toml")).count();
    let told = format!("Of {} bugs the duck survives {survived}; {shown} are shown on", rows.len());
    assert!(page.contains(&told), "the page has other numbers: {told}");
    assert!(rows.iter().all(|row| row[1].contains("](http")), "each bug has its report");
}

#[test]
fn each_field_problem_can_be_said() {
    let page = text("docs/how-to/field-problems.md");
    let bench = Bench::new("field-problems");
    let rows: Vec<&str> = page.lines().filter_map(|line| line.split_once("| `")?.1.strip_suffix("` |")).collect();
    let told = format!("[{} reports from the field]", rows.len());
    assert!(text("README.md").contains(&told), "the README has another number: {told}");
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
