//! Certificates for the tests, good and bad, made on the spot.

use std::string::ToString;
use std::sync::OnceLock;
use std::vec;
use std::vec::Vec;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rsa::pkcs8::EncodePrivateKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::settings::TrustedIssuer;

/// 2026-01-01T00:00:00Z, when good certificates are valid.
pub(super) const NOW: u64 = 1_767_225_600;
/// The host good certificates are for.
pub(super) const HOST: &str = "api.thingspeak.com";

/// An authority with the key to sign.
pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// A server's chain and key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key_pair: KeyPair,
}

impl Identity {
    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_pair.serialize_der()))
    }
}

pub(super) fn p256() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// The same RSA key each time: making one takes long.
pub(super) fn rsa2048() -> KeyPair {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    rsa(KEY.get_or_init(|| new_rsa(2048)))
}

pub(super) fn rsa3072() -> KeyPair {
    rsa(&new_rsa(3072))
}

fn new_rsa(bits: usize) -> Vec<u8> {
    let key = rsa::RsaPrivateKey::new(&mut ChaCha20Rng::seed_from_u64(5), bits).unwrap();
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

fn rsa(pkcs8: &[u8]) -> KeyPair {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &rcgen::PKCS_RSA_SHA256).unwrap()
}

/// What an authority of this name would certify of itself: valid 2020 to 2040.
pub(super) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

pub(super) fn authority() -> Authority {
    Authority::self_signed(authority_params("Test Root"), p256()).unwrap()
}

/// An authority between a root and a server.
pub(super) fn intermediate(params: CertificateParams, key_pair: KeyPair, root: &Authority) -> Authority {
    Authority::signed_by(params, key_pair, root).unwrap()
}

/// What a good server's certificate says: valid 2025 to 2027, for TLS servers.
pub(super) fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a server");
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// A certificate by `issuer`, whose own is sent along.
pub(super) fn issued(params: &CertificateParams, key_pair: KeyPair, issuer: &Authority) -> Identity {
    let certificate = params.signed_by(&key_pair, issuer).unwrap();
    Identity { chain: vec![certificate.der().clone(), issuer.der().clone()], key_pair }
}

pub(super) fn good() -> (Identity, TrustedIssuer) {
    let root = authority();
    (issued(&server_params(&[HOST]), p256(), &root), print_of(root.der()))
}

pub(super) fn print_of(certificate: &[u8]) -> TrustedIssuer {
    TrustedIssuer::Fingerprint(Sha256::digest(certificate).into())
}
