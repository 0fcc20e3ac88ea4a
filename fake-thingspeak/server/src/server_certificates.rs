//! Which certificate the server shows over TLS: a good one, or the bad one that a fault asks for.

use std::sync::Arc;

use fake_thingspeak::certificates::{Authority, CertificateError, Identity, KeyType, Kind};
use fake_thingspeak::tls::system_server_config;
use rustls::ServerConfig;
use time::OffsetDateTime;

/// The authority, the names that its certificates are for, and the good one of them.
pub(crate) struct ServerCertificates {
    authority: Authority,
    hosts: Vec<String>,
    good: Arc<ServerConfig>,
}

impl ServerCertificates {
    /// Certificates for `hosts`.
    pub(crate) fn new(authority: Authority, hosts: Vec<String>, now: OffsetDateTime) -> Result<Self, CertificateError> {
        let good = system_server_config(&issue(&authority, Kind::Good, &hosts, now)?);
        Ok(Self { authority, hosts, good })
    }

    /// The names and addresses that the certificates are for.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// How the server shakes hands while nothing is wrong.
    pub(crate) fn good(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.good)
    }

    /// A certificate for the server's hosts, with its key.
    pub(crate) fn issue(&self, kind: Kind, now: OffsetDateTime) -> Result<Identity, CertificateError> {
        issue(&self.authority, kind, &self.hosts, now)
    }
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
