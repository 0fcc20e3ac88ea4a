//! The pages in Chromium, driven without a window: `browser/*.test.js`, run by Node.
//!
//! Ignored unless asked for (`cargo ci browser`), because it needs what ci/setup-browser installs.

use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs Chromium and Node; see ci/setup-browser"]
fn pages_do_in_a_browser_what_they_promise() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(tests.join("node_modules/playwright-core").is_dir(), "run ci/setup-browser first");
    let status = Command::new("node")
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(["pages.test.js", "faults.test.js", "attack.test.js"])
        .current_dir(tests)
        .env("FAKE_THINGSPEAK", env!("CARGO_BIN_EXE_fake-thingspeak"))
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
