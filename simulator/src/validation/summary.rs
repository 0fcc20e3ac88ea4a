//! What `preflash verify` came to, as a SLSA verification summary: for whoever trusts the verifier and does not want to
//! look at scenarios.
//!
//! Source: SLSA 1.0, "Verification Summary Attestation", predicate `https://slsa.dev/verification_summary/v1`. Left out
//! is `timeVerified`, which is optional: the same image, statement and policy give the same bytes. SLSA's levels are
//! about how something was built, and none is claimed; `verifiedLevels` has a value of ours, as the specification lets
//! verifiers do.

use serde_json::{Value, json};

use super::statement::{Resource, STATEMENT};

/// `predicateType` of a summary.
pub const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The level of an image that has passed what a policy wants.
const LEVEL: &str = "PREFLASH_VALIDATED";
/// The policy without a file: an image must have passed whatever it was run with.
const AS_RUN: &str = "urn:x-preflash:policy:as-run";

/// What was verified, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// Who says so: a URI.
    pub verifier: &'a str,
    /// The parts of the image.
    pub parts: &'a [Resource],
    /// The statement's file.
    pub manifest: &'a Resource,
    /// The policy's file, if there is one.
    pub policy: Option<&'a Resource>,
    /// Whether nothing is missing.
    pub passed: bool,
}

/// The summary as text: indented, with a final newline.
pub fn summarize(verified: &Verified<'_>) -> String {
    let first = verified.parts.first();
    let resource = first.map(|part| {
        let name: String = part.name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
        format!("pkg:generic/{name}?checksum=sha256:{}", part.sha256().unwrap_or_default())
    });
    let policy = verified.policy.map_or_else(|| json!({ "uri": AS_RUN }), located);
    let summary = json!({
        "_type": STATEMENT,
        "subject": verified.parts,
        "predicateType": SUMMARY,
        "predicate": {
            "verifier": { "id": verified.verifier },
            "resourceUri": resource.unwrap_or_default(),
            "policy": policy,
            "inputAttestations": [located(verified.manifest)],
            "verificationResult": if verified.passed { "PASSED" } else { "FAILED" },
            "verifiedLevels": [if verified.passed { LEVEL } else { "FAILED" }],
        },
    });
    let text = serde_json::to_string_pretty(&summary).expect("a summary is plain data");
    text + "\n"
}

/// A file by its name, as a relative reference, and digest.
fn located(file: &Resource) -> Value {
    json!({ "uri": file.name, "digest": file.digest })
}
