//! A simulated certificate authority, and server certificates that are good or bad in a known way.
//!
//! Keys and serial numbers come from a seed, so that the same seed gives the same bytes; times are parameters. An
//! [`Identity`] is what a TLS server holds: the chain it sends and the key that signs for it. Unless a [`Profile`] says
//! otherwise the chain ends with the authority's own certificate where there is one, because the yellow duck can be
//! told to trust the SHA-256 of a certificate that the server sends along.
//!
//! Follows RFC 5280 (profile) and RFC 6125 (names). Not modelled: revocation, name constraints.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod};
use rcgen::{KeyUsagePurpose, PublicKeyData, SerialNumber};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::repeatable_random::derived;
use crate::vocabulary;
pub use chain::{Link, Profile, Signer};
pub use key::{Key, KeyType};

use chain::authority;

mod chain;
mod key;
#[cfg(test)]
mod tests;

vocabulary! {
    /// What is right or wrong with a server's certificate.
    pub enum Kind {
        /// Nothing is wrong. Valid from a year before the time of issue to a year after it.
        Good: "good", "Nothing is wrong with it.";
        /// As good, but its time ended 30 days before the time of issue.
        Expired: "expired", "Its time is over.";
        /// As good, but its time begins 30 days after the time of issue.
        NotYetValid: "not-yet-valid", "Its time has not come.";
        /// As good, but for another host. Its subject's common name is the right host, which fools a client that still
        /// looks there.
        WrongHost: "wrong-host", "It is another host's.";
        /// Signed by another authority of the same name, whose certificate is sent along.
        UnknownIssuer: "unknown-issuer", "An authority signed it that the device does not know.";
        /// Signed by its own key; nothing is sent along.
        SelfSigned: "self-signed", "It signed itself.";
        /// Signed by another authority of the same name, and the true authority's certificate is sent along, which
        /// fools a client that only looks for the trusted certificate in the chain.
        Forged: "forged", "An authority of the same name signed it, and the true authority's certificate comes along.";
        /// Signed by the key of a good certificate for another host, which is no authority (`CA:FALSE`).
        LeafSignedLeaf: "leaf-signed-leaf", "A good certificate that is no authority's signed it.";
    }
}

impl Kind {
    /// All kinds with which something is wrong.
    pub const BAD: &[Self] = Self::ALL.split_at(1).1;

    /// Whether what is wrong with it is who signed it, so that its chain is part of it.
    pub fn has_own_chain(self) -> bool {
        match self {
            Self::Good | Self::Expired | Self::NotYetValid | Self::WrongHost => false,
            Self::UnknownIssuer | Self::SelfSigned | Self::Forged | Self::LeafSignedLeaf => true,
        }
    }
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A certificate needs a host to be for.
    #[error("no host was given")]
    NoHost,
    /// The host's name is not one that a certificate can hold.
    #[error("`{host}` is neither a host name nor an address")]
    Host {
        /// The name as given.
        host: String,
    },
    /// The certificate could not be put together, such as for a time that X.509 has no form for.
    #[error("the certificate could not be encoded: {0}")]
    Encoding(#[from] rcgen::Error),
}

/// What a TLS server holds: the chain it sends, and the key that signs for it.
#[derive(Clone, Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
}

impl Identity {
    /// The certificates that the server sends: its own first, the authority's (if any) last.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The key that belongs to the first certificate of the chain.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// A certificate authority of the simulated world: a P-256 key and a root certificate, both from a seed.
#[derive(Clone, Debug)]
pub struct Authority {
    seed: [u8; 32],
    key: Key,
    params: CertificateParams,
    certificate: CertificateDer<'static>,
}

/// The root's time: fixed, so that its fingerprint depends on the seed alone.
const ROOT_FROM: OffsetDateTime = datetime!(2015-01-01 0:00 UTC);
const ROOT_UNTIL: OffsetDateTime = datetime!(2049-12-31 23:59:59 UTC);

impl Authority {
    /// The authority that belongs to `seed`: always the same certificate and fingerprint.
    ///
    /// # Errors
    /// [`CertificateError::Encoding`] if the encoder refuses, which no seed is known to bring about.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, CertificateError> {
        let mut stream = derived(&seed, &[b"authority"]);
        let key = Key::generate(KeyType::P256, &mut stream);
        Self::root(seed, chain::ROOT, key, &mut stream)
    }

    /// An authority of the same name whose key is RSA, for clients that cannot read ECDSA. Everyone has that key.
    pub(crate) fn rsa_namesake(&self) -> Result<Self, CertificateError> {
        let mut stream = derived(&self.seed, &[b"authority with RSA"]);
        let key = Key::generate(KeyType::Rsa2048, &mut stream);
        Self::root(self.seed, chain::ROOT, key, &mut stream)
    }

    fn root(seed: [u8; 32], name: &str, key: Key, stream: &mut ChaCha20Rng) -> Result<Self, CertificateError> {
        let params = authority(name, &key, BasicConstraints::Unconstrained, stream);
        let certificate = params.self_signed(&key)?.into();
        Ok(Self { seed, key, params, certificate })
    }

    /// The root certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the root certificate's DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    /// A certificate for `hosts` (names or addresses), made at `now`, together with its key.
    ///
    /// The same arguments give the same certificate. [`Key::Rsa`] keys are test keys that everyone knows.
    ///
    /// # Errors
    /// [`CertificateError`]: no host, a host that no certificate can name, a time outside X.509's range.
    pub fn issue(
        &self,
        kind: Kind,
        key_type: KeyType,
        hosts: &[&str],
        now: OffsetDateTime,
    ) -> Result<Identity, CertificateError> {
        self.issue_profile(&Profile::new(kind, key_type), hosts, now)
    }

    /// The same with all that a [`Profile`] says.
    ///
    /// # Errors
    /// [`CertificateError`], as for [`Self::issue`].
    pub fn issue_profile(
        &self,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
    ) -> Result<Identity, CertificateError> {
        self.issue_for(profile, hosts, now, &[KeyUsagePurpose::DigitalSignature])
    }

    /// The same with an RSA key to which clients encrypt their secrets, as TLS did before 1.3, and with the root alone
    /// behind it.
    pub(crate) fn issue_for_key_exchange(
        &self,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
    ) -> Result<Identity, CertificateError> {
        let usages = [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let Profile { kind, valid_until, .. } = *profile;
        let profile = Profile { valid_until, ..Profile::new(kind, KeyType::Rsa2048) };
        self.issue_for(&profile, hosts, now, &usages)
    }

    fn issue_for(
        &self,
        profile: &Profile,
        hosts: &[&str],
        now: OffsetDateTime,
        usages: &[KeyUsagePurpose],
    ) -> Result<Identity, CertificateError> {
        let Profile { kind, key_type, .. } = *profile;
        let [host, ..] = hosts else { return Err(CertificateError::NoHost) };
        let label = format!("{kind:?} {key_type:?} {} {hosts:?}", now.unix_timestamp());
        let mut stream = derived(&self.seed, &[b"leaf", label.as_bytes()]);
        let key = Key::generate(key_type, &mut stream);

        let names = if kind == Kind::WrongHost { &["elsewhere.example.net"][..] } else { hosts };
        let (from, until) = match kind {
            Kind::Expired => (now.saturating_sub(Duration::days(395)), now.saturating_sub(Duration::days(30))),
            Kind::NotYetValid => (now.saturating_add(Duration::days(30)), now.saturating_add(Duration::days(395))),
            _ => (now.saturating_sub(Duration::days(365)), now.saturating_add(Duration::days(365))),
        };
        let until = profile.valid_until.unwrap_or(until);
        let mut params = leaf(host, names, (from, until), &key, &mut stream)?;
        params.key_usages = usages.to_vec();

        let chain = match kind {
            Kind::Good | Kind::Expired | Kind::NotYetValid | Kind::WrongHost => {
                let own = self.sign_as(profile.signer(), profile, &params, &key)?;
                let others = profile.links().into_iter().map(|link| self.link(link, profile));
                std::iter::once(Ok(own)).chain(others).collect::<Result<_, _>>()?
            }
            Kind::UnknownIssuer => {
                let other = self.namesake()?;
                vec![other.sign(&params, &key)?, other.certificate]
            }
            Kind::Forged => {
                let other = self.namesake()?;
                vec![other.sign(&params, &key)?, self.certificate.clone()]
            }
            Kind::SelfSigned => vec![params.self_signed(&key)?.into()],
            Kind::LeafSignedLeaf => {
                let middle_key = Key::generate(KeyType::P256, &mut stream);
                let middle_host = "mallory.example.net";
                let middle = leaf(middle_host, &[middle_host], (from, until), &middle_key, &mut stream)?;
                let signed = params.signed_by(&key, &Issuer::from_params(&middle, &middle_key))?;
                vec![signed.into(), self.sign(&middle, &middle_key)?, self.certificate.clone()]
            }
        };
        Ok(Identity { chain, key })
    }

    /// Signs what a certificate says, with the key that it is for.
    fn sign(&self, params: &CertificateParams, key: &Key) -> Result<CertificateDer<'static>, CertificateError> {
        Ok(params.signed_by(key, &Issuer::from_params(&self.params, &self.key))?.into())
    }

    /// Another authority of the same name.
    fn namesake(&self) -> Result<Self, CertificateError> {
        let mut seed = [0; 32];
        derived(&self.seed, &[b"namesake"]).fill_bytes(&mut seed);
        Self::from_seed(seed)
    }
}

/// What a server's certificate says. The subject's common name is `host` whatever the alternative names are.
fn leaf(
    host: &str,
    names: &[&str],
    (from, until): (OffsetDateTime, OffsetDateTime),
    key: &Key,
    stream: &mut ChaCha20Rng,
) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    for name in names {
        let bad = || CertificateError::Host { host: (*name).to_owned() };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:*_".contains(&b)) {
            return Err(bad());
        }
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => rcgen::SanType::IpAddress(address),
            Err(_) => rcgen::SanType::DnsName((*name).try_into().map_err(|_| bad())?),
        });
    }
    params.distinguished_name.push(DnType::CommonName, host);
    // X.509 counts in seconds.
    params.not_before = from.replace_nanosecond(0).expect("0 is a nanosecond");
    params.not_after = until.replace_nanosecond(0).expect("0 is a nanosecond");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(serial(stream));
    params.key_identifier_method = key_identifier(key);
    Ok(params)
}

/// 16 bytes, positive and not zero (RFC 5280 §4.1.2.2).
fn serial(stream: &mut ChaCha20Rng) -> SerialNumber {
    let mut bytes = [0; 16];
    stream.fill_bytes(&mut bytes);
    bytes[0] = bytes[0] & 0x3f | 0x40;
    SerialNumber::from_slice(&bytes)
}

/// The first 160 bits of the key's SHA-256 (RFC 7093 §2, method 1, over the whole SubjectPublicKeyInfo).
fn key_identifier(key: &Key) -> KeyIdMethod {
    KeyIdMethod::PreSpecified(Sha256::digest(key.subject_public_key_info())[..20].to_vec())
}
