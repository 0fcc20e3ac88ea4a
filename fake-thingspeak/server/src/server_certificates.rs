//! Which certificate the server shows over TLS: a good one, or the bad one that a fault asks for.

use fake_thingspeak::certificates::{Authority, CertificateError, Identity, KeyType, Kind, Profile};
use fake_thingspeak::legacy_tls::{self, Policy};
use fake_thingspeak::tls::{TlsServer, system_server_config};
use time::OffsetDateTime;

/// The authority, the names that its certificates are for, and the good one of them.
pub(crate) struct ServerCertificates {
    authority: Authority,
    hosts: Vec<String>,
    /// When old devices are served as they need it.
    legacy: Policy,
    good: TlsServer,
}

impl ServerCertificates {
    /// Certificates for `hosts`.
    pub(crate) fn new(
        authority: Authority,
        hosts: Vec<String>,
        legacy: Policy,
        now: OffsetDateTime,
    ) -> Result<Self, CertificateError> {
        let good = server(&authority, Kind::Good, &hosts, legacy, now)?;
        Ok(Self { authority, hosts, legacy, good })
    }

    /// The names and addresses that the certificates are for.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// How the server shakes hands while nothing is wrong.
    pub(crate) fn good(&self) -> TlsServer {
        self.good.clone()
    }

    /// How the server shakes hands while it shows such a certificate.
    pub(crate) fn bad(&self, kind: Kind, now: OffsetDateTime) -> Result<TlsServer, CertificateError> {
        server(&self.authority, kind, &self.hosts, self.legacy, now)
    }

    /// A certificate for the server's hosts, with its key.
    pub(crate) fn issue(&self, kind: Kind, now: OffsetDateTime) -> Result<Identity, CertificateError> {
        issue(&self.authority, kind, &self.hosts, now)
    }
}

fn server(
    authority: &Authority,
    kind: Kind,
    hosts: &[String],
    legacy: Policy,
    now: OffsetDateTime,
) -> Result<TlsServer, CertificateError> {
    let identity = issue(authority, kind, hosts, now)?;
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let legacy = legacy_tls::Server::system(legacy, authority, &Profile::new(kind, KeyType::Rsa2048), &hosts, now)?;
    Ok(TlsServer::new(system_server_config(&identity), identity.key().scheme(), legacy))
}

fn issue(
    authority: &Authority,
    kind: Kind,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<Identity, CertificateError> {
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    authority.issue(kind, KeyType::P256, &hosts, now)
}
