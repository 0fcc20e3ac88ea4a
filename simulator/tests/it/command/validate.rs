//! `preflash validate` and `preflash verify`: an image of a few instructions passes, and no other is taken for it.

use std::fs;

use serde_json::Value;

use super::bench::Bench;

/// An image of one segment with a jump to itself.
pub fn image() -> Vec<u8> {
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

pub const SCENARIO: &str = "title = 'It starts'\nduration = '100ms'\n[[expect]]\nevent.boot = {}\n";

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

/// An ELF file of the same few instructions, for this core.
fn elf() -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let word = |file: &mut Vec<u8>, word: u32| file.extend(word.to_le_bytes());
    let half = |file: &mut Vec<u8>, half: u16| file.extend(half.to_le_bytes());
    // A program for the Xtensa, its entry, its program header behind this one, no sections.
    for value in [2, 94] {
        half(&mut file, value);
    }
    for value in [1, 0x4010_0000, 52, 0, 0] {
        word(&mut file, value);
    }
    for value in [52, 32, 1, 40, 0, 0] {
        half(&mut file, value);
    }
    // To be loaded: where in the file, where in memory (twice), how much (twice), readable and executable, alignment.
    for value in [1, 84, 0x4010_0000, 0x4010_0000, 4, 4, 5, 4] {
        word(&mut file, value);
    }
    file.extend([0x06, 0xFF, 0xFF, 0x00]);
    file
}

#[test]
fn the_program_that_has_the_names_is_a_subject_too() {
    let bench = bench("validate-elf");
    fs::create_dir(bench.folder.join("built")).unwrap();
    fs::write(bench.folder.join("built/0x00000.bin"), image()).unwrap();
    fs::write(bench.folder.join("built/duck.elf"), elf()).unwrap();
    bench.file("starts.toml", SCENARIO);
    let ended = bench.preflash("validate built starts.toml");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let statement: Value = serde_json::from_str(&bench.read("validated.json")).unwrap();
    let subjects = statement["subject"].as_array().unwrap();
    let last = subjects.last().unwrap();
    assert_eq!((&last["name"], &last["annotations"]["format"]), (&"duck.elf".into(), &"elf".into()));
    assert_eq!(last["digest"]["sha256"], simulator::validation::sha256(&elf()));
    assert!(last["annotations"].get("flash-offset").is_none() && subjects.len() > 1, "{statement}");
    // It is not flashed: without it the image is the same.
    fs::remove_file(bench.folder.join("built/duck.elf")).unwrap();
    assert_eq!(bench.preflash("verify built").code, Some(0));
    // An offset that is no number is no way around the comparison.
    let text = bench.read("validated.json").replace("0x00000", "zero");
    bench.file("odd.json", &text);
    assert_eq!(bench.preflash("verify built --manifest odd.json").code, Some(2));
}

#[test]
fn what_came_of_it_is_summed_up_for_others() {
    let bench = bench("verify-summary");
    assert_eq!(bench.preflash("validate firmware.bin").code, Some(0));
    bench.file("policy.toml", "require = ['scenarios']\n");
    let summary = |arguments: &str, code: i32| -> Value {
        let ended = bench.preflash(&format!("verify firmware.bin --policy policy.toml --vsa vsa.json {arguments}"));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        serde_json::from_str(&bench.read("vsa.json")).unwrap()
    };
    let passed = summary("--verifier https://example.com/ci", 0);
    assert_eq!(passed["predicateType"], "https://slsa.dev/verification_summary/v1");
    let said = &passed["predicate"];
    assert_eq!(
        (&said["verificationResult"], &said["verifiedLevels"][0]),
        (&"PASSED".into(), &"PREFLASH_VALIDATED".into())
    );
    assert_eq!(said["verifier"]["id"], "https://example.com/ci");
    let digest = |name: &str| simulator::validation::sha256(bench.read(name).as_bytes());
    assert_eq!(said["policy"]["digest"]["sha256"], digest("policy.toml"));
    assert_eq!(said["inputAttestations"][0]["digest"]["sha256"], digest("validated.json"));
    let statement: Value = serde_json::from_str(&bench.read("validated.json")).unwrap();
    assert_eq!(passed["subject"], statement["subject"]);
    bench.file("policy.toml", "require = ['elsewhere']\n");
    let failed = summary("", 1);
    assert_eq!(failed["predicate"]["verificationResult"], "FAILED");
    bench.file("vsa.json", "mine");
    assert_eq!(bench.preflash("verify firmware.bin --vsa vsa.json").code, Some(2));
    assert_eq!(bench.read("vsa.json"), "mine");
}

/// A bundle that holds what `attests` says; its signature is for others to look at.
#[cfg(unix)]
const ATTESTATION: &str = r#"{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "dsseEnvelope": {"payload": "eyJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS90In0=", "signatures": []}}"#;

#[cfg(unix)]
#[test]
fn a_signature_is_for_the_ordinary_programs_to_check() {
    use std::os::unix::fs::PermissionsExt;

    let bench = bench("verify-bundle");
    assert_eq!(bench.preflash("validate firmware.bin").code, Some(0));
    bench
        .file("file.json", r#"{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "messageSignature": {}}"#);
    bench.file("attestation.json", ATTESTATION);
    let verify = |arguments: &str| {
        let path = bench.folder.join("bin").display().to_string();
        bench.preflash_with(&format!("verify firmware.bin {arguments}"), &[("PATH", &path)])
    };
    let by = "--signer https://github.com/me/duck/.github/workflows/ci.yml@refs/heads/main";
    let refused = |arguments: &str, why: &str| {
        let ended = verify(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments}: {}", ended.stderr);
    };
    refused("--bundle file.json", "name who must have signed");
    refused(&format!("--bundle firmware.bin {by}"), "could not use firmware.bin: it is no JSON");
    refused(&format!("--bundle validated.json {by}"), "it is no Sigstore bundle");
    refused(&format!("--bundle file.json {by}"), "install cosign");
    let program = |name: &str, code: i32| {
        let script = format!("#!/bin/sh\necho \"$@\" > ../called\necho why it fails >&2\nexit {code}\n");
        let script = script.replace("../called", &bench.folder.join("called").display().to_string());
        bench.file(&format!("bin/{name}"), &script);
        fs::set_permissions(bench.folder.join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let called = || bench.read("called").trim().to_owned();
    let (identity, issuer) = (&by[9..], "https://token.actions.githubusercontent.com");
    // The last of the three, then the second, then the first: each is asked if those before it are not there.
    program("sigstore", 0);
    let ended = verify(&format!("--bundle file.json {by}"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("validated.json is signed, says sigstore"), "{}", ended.stderr);
    let who = format!("--cert-identity {identity} --cert-oidc-issuer {issuer}");
    assert_eq!(called(), format!("verify identity --bundle file.json {who} validated.json"));
    program("gh", 0);
    assert_eq!(verify(&format!("--bundle attestation.json {by}")).code, Some(0));
    let what = "--bundle attestation.json --repo me/duck";
    assert_eq!(
        called(),
        format!("attestation verify validated.json {what} {who} --predicate-type https://example.com/t")
    );
    program("cosign", 1);
    let ended = verify(&format!("--bundle attestation.json {by}"));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("its signature does not count, says cosign: why it fails"), "{}", ended.stderr);
    let who = format!("--certificate-identity {identity} --certificate-oidc-issuer {issuer}");
    let kind = "verify-blob-attestation --type https://example.com/t --bundle attestation.json";
    assert_eq!(called(), format!("{kind} {who} validated.json"));
    program("cosign", 0);
    assert_eq!(verify("--bundle file.json --key cosign.pub").code, Some(0));
    assert_eq!(called(), "verify-blob --bundle file.json --key cosign.pub validated.json");
}
