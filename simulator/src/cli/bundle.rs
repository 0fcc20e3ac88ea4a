//! Who has signed a statement: a Sigstore bundle, checked by a program whose job that is.
//!
//! preflash has no cryptography of its own for this, and no list of whom to trust. Checked is that the bundle was made
//! for the statement's file, and by whom; what the statement says of an image is checked elsewhere.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use clap::Args;
use serde_json::Value;
use simulator_world::input::{self, Limit};

/// Whose signature counts.
#[derive(Args, Debug)]
pub(super) struct BundleArgs {
    /// A Sigstore bundle that was made for the statement's file; cosign, gh or sigstore checks it
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Who must have signed: the certificate's identity, such as
    /// https://github.com/OWNER/REPO/.github/workflows/preflash.yml@refs/heads/main
    #[arg(long, value_name = "IDENTITY", requires = "bundle")]
    signer: Option<String>,
    /// Who must have vouched for that identity
    #[arg(long, value_name = "URL", default_value = "https://token.actions.githubusercontent.com")]
    issuer: String,
    /// The public key that must have signed, instead of an identity; for cosign alone
    #[arg(long, value_name = "FILE", requires = "bundle", conflicts_with = "signer")]
    key: Option<PathBuf>,
}

/// In MiB.
const LIMIT: Limit = Limit(16);

/// What a bundle has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    /// A file's bytes (`cosign sign-blob`).
    File,
    /// An attestation about a file (`actions/attest`, `cosign attest-blob`).
    Attestation,
}

/// What came of looking at a bundle.
pub(super) enum Signature {
    /// There is none to look at.
    NotAsked,
    /// It is whose it should be, as this program says.
    Good(&'static str),
    /// It is not.
    Bad {
        /// Which program says so.
        by: &'static str,
        /// Why.
        why: String,
    },
}

/// Looks at a bundle, if one is named, that was made for a file.
///
/// # Errors
/// If it is no bundle, nobody is named who must have signed, or there is no program that checks it.
pub(super) fn check(args: &BundleArgs, file: &Path) -> Result<Signature, String> {
    let Some(bundle) = &args.bundle else { return Ok(Signature::NotAsked) };
    if args.signer.is_none() && args.key.is_none() {
        return Err("a signature by anybody says nothing: name who must have signed, with --signer or --key".to_owned());
    }
    let signed = signed(bundle)?;
    for checker in CHECKERS {
        let Some(arguments) = (checker.arguments)(args, signed, bundle, file) else { continue };
        let ran = Command::new(checker.program).args(arguments).stdin(Stdio::null()).output();
        let ran = match ran {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("could not run {}: {error}", checker.program)),
            Ok(ran) => ran,
        };
        if ran.status.success() {
            return Ok(Signature::Good(checker.program));
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
        return Ok(Signature::Bad { by: checker.program, why: why.trim().to_owned() });
    }
    Err("there is no program that checks the bundle: install cosign (https://docs.sigstore.dev/cosign), GitHub's gh (for \
         attestations that name a repository of GitHub), or sigstore (pip install sigstore; for identities)"
        .to_owned())
}

/// What a bundle has signed, by its form.
fn signed(bundle: &Path) -> Result<Signed, String> {
    let wrong = |why: &str| format!("could not use {}: {why}", bundle.display());
    let bytes = input::bytes(bundle, LIMIT).map_err(|error| format!("could not read {}: {error}", bundle.display()))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(&format!("it is no JSON: {error}")))?;
    let kind = value.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    match (kind.contains("sigstore.bundle"), value.get("messageSignature"), value.get("dsseEnvelope")) {
        (true, Some(_), None) => Ok(Signed::File),
        (true, None, Some(_)) => Ok(Signed::Attestation),
        _ => Err(wrong("it is no Sigstore bundle with a signature or an attestation")),
    }
}

/// A program that checks bundles.
struct Checker {
    program: &'static str,
    /// Its arguments; `None` if it cannot check that.
    arguments: fn(&BundleArgs, Signed, &Path, &Path) -> Option<Vec<OsString>>,
}

/// In the order in which they are tried.
const CHECKERS: [Checker; 3] = [
    Checker { program: "cosign", arguments: cosign },
    Checker { program: "gh", arguments: gh },
    Checker { program: "sigstore", arguments: sigstore },
];

/// Sources: cosign's `verify-blob` and `verify-blob-attestation`.
fn cosign(args: &BundleArgs, signed: Signed, bundle: &Path, file: &Path) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = match signed {
        Signed::File => vec!["verify-blob".into()],
        // Of whatever kind: what is said about the file is in the file.
        Signed::Attestation => vec!["verify-blob-attestation".into(), "--type".into(), predicate_type(bundle)?.into()],
    };
    words.extend(["--bundle".into(), bundle.into()]);
    match (&args.signer, &args.key) {
        (Some(signer), _) => words
            .extend(["--certificate-identity", signer, "--certificate-oidc-issuer", &args.issuer].map(OsString::from)),
        (None, Some(key)) => words.extend(["--key".into(), key.into()]),
        (None, None) => return None,
    }
    words.push(file.into());
    Some(words)
}

/// Source: `gh attestation verify`. It wants the repository, which the identity of a workflow begins with.
fn gh(args: &BundleArgs, signed: Signed, bundle: &Path, file: &Path) -> Option<Vec<OsString>> {
    let signer = args.signer.as_ref().filter(|_| signed == Signed::Attestation)?;
    let mut path = signer.strip_prefix("https://github.com/")?.split('/');
    let repository = format!("{}/{}", path.next()?, path.next()?);
    let mut words: Vec<OsString> = vec!["attestation".into(), "verify".into(), file.into(), "--bundle".into()];
    words.push(bundle.into());
    words.extend(
        ["--repo", &repository, "--cert-identity", signer, "--cert-oidc-issuer", &args.issuer].map(OsString::from),
    );
    words.extend(["--predicate-type".into(), predicate_type(bundle)?.into()]);
    Some(words)
}

/// Source: `sigstore verify identity`.
fn sigstore(args: &BundleArgs, _: Signed, bundle: &Path, file: &Path) -> Option<Vec<OsString>> {
    let signer = args.signer.as_ref()?;
    let mut words: Vec<OsString> = vec!["verify".into(), "identity".into(), "--bundle".into(), bundle.into()];
    words.extend(["--cert-identity", signer, "--cert-oidc-issuer", &args.issuer].map(OsString::from));
    words.push(file.into());
    Some(words)
}

/// The predicate's type in a bundle's attestation. Whether it is true what it says is for the program to check.
fn predicate_type(bundle: &Path) -> Option<String> {
    let bytes = input::bytes(bundle, LIMIT).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let payload = Base64::decode_vec(value.get("dsseEnvelope")?.get("payload")?.as_str()?).ok()?;
    let statement: Value = serde_json::from_slice(&payload).ok()?;
    statement.get("predicateType")?.as_str().map(str::to_owned)
}
