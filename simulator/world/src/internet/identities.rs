//! The certificates that the cloud shows: its own, and others while a fault is in force.

use fake_thingspeak::certificates::{Authority, CertificateError, Profile};
use fake_thingspeak::legacy_tls::{self, Policy};
use fake_thingspeak::tls::{TlsServer, server_config};
use time::OffsetDateTime;

use super::server::CloudSettings;

/// The certificate that the cloud shows when nothing is wrong.
pub(super) const OWN: usize = 0;

/// The cloud's own certificate, and others that it has shown already.
pub(super) struct Identities {
    authority: Authority,
    host: String,
    legacy_tls: Policy,
    /// When all of them are made.
    start: OffsetDateTime,
    made: Vec<(Profile, TlsServer)>,
}

impl Identities {
    /// With the cloud's own.
    pub fn new(authority: Authority, cloud: &CloudSettings, start: OffsetDateTime) -> Result<Self, CertificateError> {
        let (host, legacy_tls) = (cloud.host.clone(), cloud.legacy_tls);
        let mut identities = Self { authority, host, legacy_tls, start, made: Vec::new() };
        identities.of(&cloud.certificate)?;
        Ok(identities)
    }

    /// Who vouches for the cloud.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where the certificate of a profile is; made if it was not yet.
    pub fn of(&mut self, profile: &Profile) -> Result<usize, CertificateError> {
        if let Some(at) = self.made.iter().position(|(made, _)| made == profile) {
            return Ok(at);
        }
        let hosts = [self.host.as_str()];
        let identity = self.authority.issue_profile(profile, &hosts, self.start)?;
        let legacy = legacy_tls::Server::repeatable(self.legacy_tls, &self.authority, profile, &hosts, self.start)?;
        let server = TlsServer::new(server_config(&identity, self.start), identity.key().scheme(), legacy);
        self.made.push((profile.clone(), server));
        Ok(self.made.len() - 1)
    }

    /// What serves a connection that is shown the certificate at this place.
    pub fn server(&self, at: usize) -> TlsServer {
        self.made[at].1.clone()
    }
}
