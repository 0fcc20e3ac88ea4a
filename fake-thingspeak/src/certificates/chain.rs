//! What a server sends behind its own certificate, and who signed that.
//!
//! Servers are set up with chains in every order, with roots that nobody needs, and without the one certificate that
//! everybody needs. A root that is new is signed once more by an old one, for clients that know only that
//! (RFC 4158 §1.4: cross-certificates).

use rand_chacha::ChaCha20Rng;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::{Authority, CertificateError, Key, KeyType, Kind, ROOT_FROM, ROOT_UNTIL, key_identifier, serial};
use crate::repeatable_random::derived;
use crate::vocabulary;

/// The name of the authority that everybody knows.
pub(super) const ROOT: &str = "Simulated Pond Root";

vocabulary! {
    /// Who signed a server's certificate.
    pub enum Signer {
        /// The authority that clients know.
        Root: "root", "The authority that the device can know.";
        /// An authority that the root has signed.
        Intermediate: "intermediate", "An authority that the root signed.";
        /// Another such authority, as a service has it after a renewal.
        OtherIntermediate: "other-intermediate", "Another authority that the root signed.";
    }
}

vocabulary! {
    /// A certificate that a server sends behind its own.
    pub enum Link {
        /// The authority that clients know, signed by itself.
        Root: "root", "The authority that the device can know, signed by itself.";
        /// An authority that the root has signed.
        Intermediate: "intermediate", "An authority that the root signed.";
        /// Another authority that the root has signed.
        OtherIntermediate: "other-intermediate", "Another authority that the root signed.";
        /// The root's name and key, signed by an older root.
        CrossSignedRoot: "cross-signed-root", "The root's name and key, signed by the older root.";
        /// An older root, signed by itself.
        OlderRoot: "older-root", "An older root, signed by itself, which the device does not know.";
        /// A root that has nothing to do with any of them.
        UnrelatedRoot: "unrelated-root", "A root that has nothing to do with any of them.";
    }
}

impl Signer {
    /// What a chain has of it.
    fn link(self) -> Link {
        match self {
            Self::Root => Link::Root,
            Self::Intermediate => Link::Intermediate,
            Self::OtherIntermediate => Link::OtherIntermediate,
        }
    }
}

/// What a server's certificate is like, and what is sent along. Of a [kind](Kind) that has a chain of its own,
/// `signed_by`, `chain` and `intermediate_key_type` mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What is right or wrong with it.
    pub kind: Kind,
    /// Its key.
    pub key_type: KeyType,
    /// Who signed it; `None` for the first signer that is in the chain, or the root.
    pub signed_by: Option<Signer>,
    /// What is sent behind it, in this order; `None` for what a client needs up to the root, the root included.
    pub chain: Option<Vec<Link>>,
    /// The keys of the authorities between root and server.
    pub intermediate_key_type: KeyType,
    /// The last second of its validity; `None` for a year after it was made.
    pub valid_until: Option<OffsetDateTime>,
}

impl Default for Profile {
    fn default() -> Self {
        Self::new(Kind::Good, KeyType::P256)
    }
}

impl Profile {
    /// A certificate of this kind and key, signed by the root, which is sent along.
    pub fn new(kind: Kind, key_type: KeyType) -> Self {
        Self { kind, key_type, signed_by: None, chain: None, intermediate_key_type: KeyType::P256, valid_until: None }
    }

    /// Who signs it.
    pub fn signer(&self) -> Signer {
        let sent = || {
            self.chain.iter().flatten().find_map(|link| match link {
                Link::Intermediate => Some(Signer::Intermediate),
                Link::OtherIntermediate => Some(Signer::OtherIntermediate),
                Link::Root | Link::CrossSignedRoot | Link::OlderRoot | Link::UnrelatedRoot => None,
            })
        };
        self.signed_by.or_else(sent).unwrap_or(Signer::Root)
    }

    /// What is sent behind the server's own certificate.
    pub(super) fn links(&self) -> Vec<Link> {
        self.chain.clone().unwrap_or_else(|| match self.signer() {
            Signer::Root => vec![Link::Root],
            signer => vec![signer.link(), Link::Root],
        })
    }
}

impl Authority {
    /// The certificate that a chain has of `link`.
    pub(super) fn link(&self, link: Link, profile: &Profile) -> Result<CertificateDer<'static>, CertificateError> {
        Ok(match link {
            Link::Root => self.certificate.clone(),
            Link::Intermediate | Link::OtherIntermediate => {
                let (params, key) = self.intermediate(link, profile);
                self.sign(&params, &key)?
            }
            Link::CrossSignedRoot => {
                let older = self.other_root(Link::OlderRoot)?;
                let mut stream = derived(&self.seed, &[b"cross-signed root"]);
                let mut params = authority(ROOT, &self.key, BasicConstraints::Unconstrained, &mut stream);
                params.use_authority_key_identifier_extension = true;
                older.sign(&params, &self.key)?
            }
            Link::OlderRoot | Link::UnrelatedRoot => self.other_root(link)?.certificate,
        })
    }

    /// Signs what a server's certificate says.
    pub(super) fn sign_as(
        &self,
        signer: Signer,
        profile: &Profile,
        params: &CertificateParams,
        key: &Key,
    ) -> Result<CertificateDer<'static>, CertificateError> {
        match signer {
            Signer::Root => self.sign(params, key),
            Signer::Intermediate | Signer::OtherIntermediate => {
                let (issuer, issuer_key) = self.intermediate(signer.link(), profile);
                Ok(params.signed_by(key, &Issuer::from_params(&issuer, &issuer_key))?.into())
            }
        }
    }

    /// An authority between root and server: what its certificate says, and its key.
    fn intermediate(&self, link: Link, profile: &Profile) -> (CertificateParams, Key) {
        let label = format!("{} {:?}", link.word(), profile.intermediate_key_type);
        let mut stream = derived(&self.seed, &[b"link", label.as_bytes()]);
        let key = Key::generate(profile.intermediate_key_type, &mut stream);
        let name = if link == Link::Intermediate { "Simulated Reed CA" } else { "Simulated Rush CA" };
        let mut params = authority(name, &key, BasicConstraints::Constrained(0), &mut stream);
        params.use_authority_key_identifier_extension = true;
        (params, key)
    }

    /// A root that clients do not know.
    pub(super) fn other_root(&self, link: Link) -> Result<Self, CertificateError> {
        let mut stream = derived(&self.seed, &[b"link", link.word().as_bytes()]);
        let key = Key::generate(KeyType::P256, &mut stream);
        let name = if link == Link::OlderRoot { "Simulated Pond Older Root" } else { "Simulated Meadow Root" };
        Self::root(self.seed, name, key, &mut stream)
    }
}

/// What an authority's certificate says. Its time is fixed, so that its fingerprint depends on the seed alone.
pub(super) fn authority(
    name: &str,
    key: &Key,
    constraints: BasicConstraints,
    stream: &mut ChaCha20Rng,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Simulated Pond");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (ROOT_FROM, ROOT_UNTIL);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(serial(stream));
    params.key_identifier_method = key_identifier(key);
    params
}
