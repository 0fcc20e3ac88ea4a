//! `preflash validate` and `preflash verify`: an image of a few instructions passes, and no other is taken for it.

use std::fs;

use serde_json::Value;

use super::bench::Bench;

/// An image of one segment with a jump to itself.
fn image() -> Vec<u8> {
    const CODE: [u8; 4] = [0x06, 0xFF, 0xFF, 0x00];
    // Magic, segments, mode and size; entry; the segment's address and length.
    let mut image = vec![0xE9, 1, 0, 0x40];
    for word in [0x4010_0000_u32, 0x4010_0000, CODE.len() as u32] {
        image.extend(word.to_le_bytes());
    }
    image.extend(CODE);
    image.resize(image.len() | 15, 0);
    image.push(CODE.iter().fold(0xEF, |sum, byte| sum ^ byte));
    image
}

const SCENARIO: &str = "title = 'It starts'\nduration = '100ms'\n[[expect]]\nevent.boot = {}\n";

fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    fs::write(bench.folder.join("firmware.bin"), image()).unwrap();
    let types = "[device]\nimage = '../firmware.bin'\n[[steps]]\nat = '50ms'\ndo.files = ['main.py']\n";
    bench.file("scenarios/starts.toml", &format!("{SCENARIO}{types}")).file("scenarios/main.py", "print()\n");
    bench
}

#[test]
fn what_passed_is_validated_and_a_bit_more_or_less_is_not() {
    let bench = bench("validate");
    let ended = bench.preflash("validate firmware.bin");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = bench.read("validated.json");
    let statement: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(statement["subject"][0]["name"], "firmware.bin");
    assert_eq!(statement["subject"][0]["annotations"]["flash-offset"], "0x00000");
    assert_eq!(statement["predicate"]["passedTests"][0], "scenarios/starts.toml");

    let verified = bench.preflash("verify firmware.bin");
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert!(verified.stderr.contains("firmware.bin is validated: 1 cases passed"), "{}", verified.stderr);

    // The same again gives the same bytes.
    assert_eq!(bench.preflash("validate firmware.bin --manifest again.json").code, Some(0));
    assert!(bench.read("again.json") == text);

    bench.file("scenarios/main.py", "print(1)\n");
    let verified = bench.preflash("verify firmware.bin");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("scenarios/main.py has been changed since"), "{}", verified.stderr);
    let mut changed = image();
    changed[3] ^= 1;
    fs::write(bench.folder.join("firmware.bin"), changed).unwrap();
    let verified = bench.preflash("verify firmware.bin");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("firmware.bin at 0x00000 has other bytes"), "{}", verified.stderr);
}

#[test]
fn what_failed_or_changed_is_not_validated() {
    let bench = bench("validate-failed");
    bench.file("scenarios/joins.toml", &SCENARIO.replace("event.boot", "event.join"));
    let ended = bench.preflash("validate firmware.bin");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let verified = bench.preflash("verify firmware.bin");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("scenarios/joins.toml failed"), "{}", verified.stderr);

    assert_eq!(bench.preflash("validate firmware.bin --exclude scenarios/joins.toml").code, Some(0));
    bench.file("policy.toml", "require = ['scenarios']\n");
    let verified = bench.preflash("verify firmware.bin --policy policy.toml");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("scenarios/joins.toml was not run, and the policy requires it"));
    bench.file("scenarios/starts.toml", &SCENARIO.replace("It starts", "It boots"));
    let verified = bench.preflash("verify firmware.bin");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("scenarios/starts.toml has been changed since"), "{}", verified.stderr);
}

#[test]
fn what_says_nothing_of_a_flash_is_refused_and_states_nothing() {
    let bench = bench("validate-refused");
    bench.file("own.toml", &format!("{SCENARIO}[device]\nimage = 'other.bin'\n"));
    let mut other = image();
    other[3] ^= 1;
    fs::write(bench.folder.join("other.bin"), other).unwrap();
    let refused = |arguments: &str, why: &str| {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments}: {}", ended.stderr);
        assert!(!bench.folder.join("validated.json").exists(), "{arguments}");
    };
    refused("validate firmware.bin own.toml", "own.toml names an image of its own");
    refused("validate missing.bin", "missing.bin");
    refused("verify firmware.bin", "could not read validated.json");
    bench.file("other.json", "{}");
    refused("verify firmware.bin --manifest other.json", "could not use other.json: it is no test-result statement");
    bench.file("validated.json", r#"{"_type": "https://in-toto.io/Statement/v1"}"#);
    assert_eq!(bench.preflash("validate firmware.bin own.toml").code, Some(2));
    assert!(bench.folder.join("validated.json").exists(), "what was stated before stays if nothing was run");
    fs::remove_file(bench.folder.join("validated.json")).unwrap();
    refused("validate firmware.bin --manifest own.toml", "what is there is no statement of a validation");
}
