//! The page about the program's command line, which is made from its help.

use std::path::Path;

use crate::server::program;

/// What a command says with `--help`, and then what those below it say.
fn helps(command: &[&str], page: &mut String) {
    let output = program(&[command, &["--help"]].concat()).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command:?}: {help}");
    let name = [&["fake-thingspeak"], command].concat().join(" ");
    *page += &format!("\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end());
    let Some(list) = help.split("Commands:\n").nth(1) else { return };
    let below = list.lines().map_while(|line| line.split_whitespace().next()).filter(|command| *command != "help");
    for one in below {
        helps(&[command, &[one]].concat(), page);
    }
}

#[test]
fn the_page_about_the_command_line_is_the_help() {
    let mut page = "# The fake ThingSpeak's command line\n\nWhat each command says with `--help`. \
                    [The fake ThingSpeak on your desk](../how-to/fake-thingspeak.md) shows how they are used.\n"
        .to_owned();
    helps(&[], &mut page);
    assert!(page.matches("\n## ").count() >= 7, "{page}");
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/fake-thingspeak.md");
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fake-thingspeak.md");
    std::fs::write(&new, &page).unwrap();
    assert!(
        std::fs::read_to_string(checked_in).unwrap_or_default() == page,
        "the help has changed: cp {} docs/reference/fake-thingspeak.md",
        new.display()
    );
}
