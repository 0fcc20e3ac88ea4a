//! `fake-thingspeak ca`: makes a local authority, or finds the one that there is, and says how to trust it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::authority::{self, AuthorityError};
use crate::error::Error;
use crate::seed::random_seed;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file for the authority's secret; its certificate goes beside it, with the ending .pem
    #[arg(value_name = "FILE", default_value = "authority.key")]
    file: PathBuf,
}

/// Makes the authority unless there is one, writes its certificate, and says what to do with both.
pub(crate) fn run(Options { file }: &Options) -> Result<(), Error> {
    let certificate = file.with_extension("pem");
    if certificate == *file {
        return Err(AuthorityError::Name { path: certificate }.into());
    }
    let (authority, is_new) =
        if file.exists() { (authority::read(file)?, false) } else { (authority::make(file, random_seed()?)?, true) };
    authority::write_certificate(&certificate, &authority)
        .map_err(|source| AuthorityError::Write { path: certificate.clone(), source })?;
    let fingerprint = hex::encode(authority.fingerprint());
    print!("{}", instructions(file, &certificate, &fingerprint, is_new));
    Ok(())
}

fn instructions(file: &Path, certificate: &Path, fingerprint: &str, is_new: bool) -> String {
    let (secret, public) = (quoted(file), quoted(certificate));
    let made = if is_new { "made now" } else { "the one that was there" };
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "{name:<11}{what}");
    };
    line("authority", &format!("{} ({made}; keep it secret: who has it can pose as any server", file.display()));
    line("", "to those who trust the certificate)");
    line("trust", fingerprint);
    line("serve", &format!("fake-thingspeak serve --tls-listen 8443 --authority {secret}"));
    line("device", "in the yellow duck's configuration page, advanced part, trusted issuer: the 64 digits above");
    line("curl", &format!("curl --cacert {public} https://localhost:8443/channels/public.json"));
    line("Debian", &format!("sudo cp {public} /usr/local/share/ca-certificates/fake-thingspeak.crt"));
    line("", "sudo update-ca-certificates");
    line("macOS", "sudo security add-trusted-cert -d -r trustRoot \\");
    line("", &format!("    -k /Library/Keychains/System.keychain {public}"));
    line("Windows", &format!("certutil -user -addstore Root {public}"));
    line("Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import");
    line("Chromium", "chrome://certificate-manager, Local certificates, Custom, Trusted certificates, Import");
    line("", "(remove it there when you are done)");
    text
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
