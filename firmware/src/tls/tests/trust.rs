//! Who is trusted, and what is said of those who are not.

use core::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::vec;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SanType, date_time_ymd,
};

use super::certificates::*;
use super::*;

fn outcome(identity: &Identity, trust: &TrustedIssuer) -> Result<(), TlsError> {
    shake_hands(&mut Server::new(identity), trust)
}

/// The outcome for a server whose certificate differs from a good one.
fn outcome_with(change: impl FnOnce(&mut CertificateParams)) -> Result<(), TlsError> {
    let root = authority();
    let mut params = server_params(&[HOST]);
    change(&mut params);
    outcome(&issued(&params, p256(), &root), &print_of(root.der()))
}

#[test]
fn a_good_server_is_trusted() {
    let (identity, trust) = good();
    let mut server = Server::new(&identity);
    assert_eq!(shake_hands(&mut server, &trust), Ok(()));
    assert_eq!(encrypted_records(&server.written), 2, "finished and close_notify");
}

#[test]
fn a_good_server_with_rsa_is_trusted() {
    let root = Authority::self_signed(authority_params("RSA Root"), rsa2048()).unwrap();
    let identity = issued(&server_params(&[HOST]), rsa2048(), &root);
    assert_eq!(outcome(&identity, &print_of(root.der())), Ok(()));
}

#[test]
fn every_rsa_signature_of_a_handshake_that_is_offered_can_be_checked() {
    use rustls::SignatureScheme::{RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512};

    #[derive(Debug)]
    struct Only(Arc<rustls::sign::CertifiedKey>, rustls::SignatureScheme);

    impl rustls::sign::SigningKey for Only {
        fn choose_scheme(&self, offered: &[rustls::SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
            assert!(offered.contains(&self.1));
            self.0.key.choose_scheme(&[self.1])
        }

        fn algorithm(&self) -> rustls::SignatureAlgorithm {
            self.0.key.algorithm()
        }
    }

    impl rustls::server::ResolvesServerCert for Only {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            let key = Arc::new(Only(self.0.clone(), self.1));
            Some(Arc::new(rustls::sign::CertifiedKey::new(self.0.cert.clone(), key)))
        }
    }

    let root = authority();
    let identity = issued(&server_params(&[HOST]), rsa2048(), &root);
    let provider = rustls::crypto::ring::default_provider();
    let key = rustls::sign::CertifiedKey::from_der(identity.chain.clone(), identity.key(), &provider).unwrap();
    let key = Arc::new(key);
    for scheme in [RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512] {
        let mut config = Server::config(&identity);
        config.cert_resolver = Arc::new(Only(key.clone(), scheme));
        assert_eq!(shake_hands(&mut Server::with_config(config), &print_of(root.der())), Ok(()), "{scheme:?}");
    }
}

#[test]
fn any_authority_of_the_chain_may_be_the_trusted_one() {
    let root = authority();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.push(root.der().clone());
    assert_eq!(outcome(&identity, &print_of(root.der())), Ok(()));
    assert_eq!(outcome(&identity, &print_of(middle.der())), Ok(()));

    identity.chain.swap(1, 2);
    assert_eq!(outcome(&identity, &print_of(root.der())), Ok(()), "in any order");
}

#[test]
fn the_trusted_authority_may_itself_be_signed_with_what_cannot_be_checked() {
    let root = Authority::self_signed(
        authority_params("P-384 Root"),
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
    )
    .unwrap();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.push(root.der().clone());
    assert_eq!(outcome(&identity, &print_of(middle.der())), Ok(()));
    assert_eq!(outcome(&identity, &print_of(root.der())), Err(TlsError::UnsupportedSignature));
}

#[test]
fn all_alternative_names_count_and_the_common_name_does_not() {
    assert_eq!(outcome_with(|params| *params = server_params(&["a.example", "b.example", "c.example", HOST])), Ok(()));
    assert_eq!(outcome_with(|params| *params = server_params(&["*.thingspeak.com"])), Ok(()));
    assert_eq!(
        outcome_with(|params| {
            *params = server_params(&["a.example"]);
            params.distinguished_name.push(rcgen::DnType::CommonName, HOST);
        }),
        Err(TlsError::WrongHost)
    );
}

#[test]
fn an_address_is_a_name_too() {
    let root = authority();
    let mut params = server_params(&[]);
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::new(192, 168, 1, 7)))];
    let identity = issued(&params, p256(), &root);
    let trust = print_of(root.der());
    let to = |host| shake_hands_as(&mut Server::new(&identity), host, &trust, NOW);
    assert_eq!(to("192.168.1.7"), Ok(()));
    assert_eq!(to("192.168.1.8"), Err(TlsError::WrongHost));
    assert_eq!(to("not a host"), Err(TlsError::InvalidHost));
}

#[test]
fn a_certificate_counts_only_while_it_is_valid() {
    let (identity, trust) = good();
    let at = |time| shake_hands_as(&mut Server::new(&identity), HOST, &trust, time);
    let (begin, end) = (1_735_689_600, 1_798_761_600);
    assert_eq!(at(begin - 1), Err(TlsError::NotYetValid(begin)));
    assert_eq!(at(begin), Ok(()));
    assert_eq!(at(end), Ok(()));
    assert_eq!(at(end + 1), Err(TlsError::Expired(end)));
    assert_eq!(at(0), Err(TlsError::NotYetValid(begin)));
    assert_eq!(at(u64::MAX), Err(TlsError::Expired(end)));
}

#[test]
fn a_good_chain_tells_when_all_of_it_is_valid() {
    let name = ServerName::try_from(HOST).unwrap();
    let validity = |identity: &Identity, trust: &TrustedIssuer| {
        let expected = chain::Expected { name: &name, issuer: trust, at: NOW, between_checks: &|| {} };
        let chain = identity.chain.iter().map(|certificate| &certificate[..]);
        chain::verify(chain, &expected, &mut chain::KeyInfo::new())
    };
    let (identity, trust) = good();
    let whole = Validity { from: 1_735_689_600, until: 1_798_761_600 };
    assert_eq!(validity(&identity, &trust), Ok(whole));
    assert!(whole.contains(whole.from) && whole.contains(whole.until) && !whole.contains(whole.until + 1));

    let root = authority();
    let mut params = authority_params("Middle");
    (params.not_before, params.not_after) = (date_time_ymd(2025, 6, 1), date_time_ymd(2026, 6, 1));
    let middle = intermediate(params, p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.push(root.der().clone());
    let of_the_middle = Validity { from: 1_748_736_000, until: 1_780_272_000 };
    assert_eq!(validity(&identity, &print_of(root.der())), Ok(of_the_middle));
}

#[test]
fn the_trusted_authority_must_be_valid_too() {
    let mut params = authority_params("Old Root");
    params.not_after = date_time_ymd(2025, 6, 1);
    let root = Authority::self_signed(params, p256()).unwrap();
    let identity = issued(&server_params(&[HOST]), p256(), &root);
    assert_eq!(outcome(&identity, &print_of(root.der())), Err(TlsError::Expired(1_748_736_000)));
}

#[test]
fn an_unknown_issuer_is_not_trusted() {
    let (identity, _) = good();
    let (_, other) = good();
    assert_eq!(outcome(&identity, &other), Err(TlsError::UnknownIssuer));
    assert_eq!(outcome(&identity, &TrustedIssuer::DigiCert), Err(TlsError::UnknownIssuer));

    let mut alone = good();
    alone.0.chain.truncate(1);
    assert_eq!(outcome(&alone.0, &alone.1), Err(TlsError::UnknownIssuer), "the authority must be sent along");
}

#[test]
fn a_namesake_of_a_root_is_not_the_root() {
    let mut params = authority_params("");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CountryName, rcgen::DnValue::PrintableString("US".try_into().unwrap()));
    for (kind, value) in [
        (rcgen::DnType::OrganizationName, "DigiCert Inc"),
        (rcgen::DnType::OrganizationalUnitName, "www.digicert.com"),
        (rcgen::DnType::CommonName, "DigiCert Global Root G2"),
    ] {
        params.distinguished_name.push(kind, rcgen::DnValue::PrintableString(value.try_into().unwrap()));
    }
    let root = Authority::self_signed(params, rsa2048()).unwrap();
    let identity = issued(&server_params(&[HOST]), p256(), &root);
    assert_eq!(outcome(&identity, &TrustedIssuer::DigiCert), Err(TlsError::ForgedCertificate));
    assert_eq!(outcome(&identity, &print_of(root.der())), Ok(()), "a fingerprint names it nevertheless");
}

#[test]
fn a_self_signed_server_is_not_trusted_by_its_own_fingerprint() {
    for is_ca in [IsCa::ExplicitNoCa, IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = server_params(&[HOST]);
        params.is_ca = is_ca;
        let key_pair = p256();
        let certificate = params.self_signed(&key_pair).unwrap().der().clone();
        let trust = print_of(&certificate);
        let mut identity = Identity { chain: vec![certificate.clone()], key_pair };
        assert_eq!(outcome(&identity, &trust), Err(TlsError::FingerprintOfServer));
        identity.chain.push(certificate);
        assert_eq!(outcome(&identity, &trust), Err(TlsError::FingerprintOfServer), "nor when sent twice");
    }
}

#[test]
fn a_server_may_not_be_an_authority() {
    let refused = outcome_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(refused, Err(TlsError::AuthorityAsServer));
}

#[test]
fn a_server_may_not_sign() {
    let root = authority();
    for is_ca in [IsCa::ExplicitNoCa, IsCa::NoCa] {
        let mut params = server_params(&["neighbour.example"]);
        params.is_ca = is_ca;
        let neighbour = intermediate(params, p256(), &root);
        let mut identity = issued(&server_params(&[HOST]), p256(), &neighbour);
        identity.chain.push(root.der().clone());
        assert_eq!(outcome(&identity, &print_of(root.der())), Err(TlsError::NotAnAuthority));
        assert_eq!(outcome(&identity, &print_of(neighbour.der())), Err(TlsError::NotAnAuthority));
    }
}

#[test]
fn an_authority_has_limits() {
    let root = authority();
    let mut params = authority_params("Narrow");
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
        excluded_subtrees: vec![],
    });
    let narrow = intermediate(params, p256(), &root);
    let identity = issued(&server_params(&[HOST]), p256(), &narrow);
    assert_eq!(outcome(&identity, &print_of(narrow.der())), Err(TlsError::NotPermitted));

    let mut params = authority_params("Short");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = intermediate(params, p256(), &root);
    let below = intermediate(authority_params("Below"), p256(), &short);
    let mut identity = issued(&server_params(&[HOST]), p256(), &below);
    identity.chain.push(short.der().clone());
    assert_eq!(outcome(&identity, &print_of(short.der())), Err(TlsError::NotPermitted));
}

#[test]
fn a_certificate_for_clients_is_not_for_servers() {
    let refused = outcome_with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    assert_eq!(refused, Err(TlsError::WrongPurpose));
    assert_eq!(outcome_with(|params| params.extended_key_usages = vec![]), Ok(()), "for everything, then");
}

#[test]
fn a_servers_key_must_be_for_signing_handshakes() {
    use KeyUsagePurpose::{DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};
    let of = |usages: &[KeyUsagePurpose]| outcome_with(|params| params.key_usages = usages.to_vec());
    assert_eq!(of(&[DigitalSignature]), Ok(()));
    assert_eq!(of(&[KeyEncipherment, DigitalSignature]), Ok(()));
    for other in [&[KeyEncipherment][..], &[KeyAgreement], &[KeyCertSign]] {
        assert_eq!(of(other), Err(TlsError::WrongPurpose), "{other:?}");
    }
}

#[test]
fn an_authoritys_key_must_be_for_signing_certificates() {
    use KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign};
    let with_usages = |name: &str, usages: &[KeyUsagePurpose]| {
        let mut params = authority_params(name);
        params.key_usages = usages.to_vec();
        params
    };
    for (usages, expected) in [
        (&[KeyCertSign][..], Ok(())),
        (&[KeyCertSign, CrlSign, DigitalSignature], Ok(())),
        (&[CrlSign, DigitalSignature], Err(TlsError::NotAnAuthority)),
    ] {
        let root = Authority::self_signed(with_usages("Root", usages), p256()).unwrap();
        let identity = issued(&server_params(&[HOST]), p256(), &root);
        assert_eq!(outcome(&identity, &print_of(root.der())), expected, "a trusted one for {usages:?}");

        let root = authority();
        let middle = intermediate(with_usages("Middle", usages), p256(), &root);
        let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
        identity.chain.push(root.der().clone());
        assert_eq!(outcome(&identity, &print_of(root.der())), expected, "one below it for {usages:?}");
        assert_eq!(outcome(&identity, &print_of(middle.der())), expected, "itself trusted, for {usages:?}");
    }
}

#[test]
fn an_authority_that_may_not_sign_hides_no_other() {
    let root = authority();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut params = authority_params("Middle");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let for_lists = intermediate(params, p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.insert(1, for_lists.der().clone());
    identity.chain.push(root.der().clone());
    assert_eq!(outcome(&identity, &print_of(root.der())), Ok(()));
}

#[test]
fn a_changed_certificate_is_forged() {
    let root = authority();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.push(root.der().clone());
    for changed in [0, 1] {
        let mut chain = identity.chain.clone();
        let mut der = chain[changed].to_vec();
        // The last bytes are the signature's.
        *der.last_mut().unwrap() ^= 1;
        chain[changed] = der.into();
        let certificates = chain.iter().map(|certificate| certificate.as_ref());
        let name = HOST.try_into().unwrap();
        let issuer = print_of(root.der());
        let expected = chain::Expected { name: &name, issuer: &issuer, at: NOW, between_checks: &|| {} };
        let outcome = chain::verify(certificates, &expected, &mut chain::KeyInfo::new());
        assert_eq!(outcome, Err(TlsError::ForgedCertificate), "certificate {changed}");
    }
}

#[test]
fn a_key_that_cannot_be_checked_is_said_so() {
    let root = authority();
    for key_pair in [rsa3072(), rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap()] {
        let identity = issued(&server_params(&[HOST]), key_pair, &root);
        assert_eq!(outcome(&identity, &print_of(root.der())), Err(TlsError::UnsupportedSignature));
    }
}

#[test]
fn a_chain_has_an_end() {
    let root = authority();
    let mut identity = issued(&server_params(&[HOST]), p256(), &root);
    for _ in 0..4 {
        identity.chain.push(authority().der().clone());
    }
    assert_eq!(outcome(&identity, &print_of(root.der())), Err(TlsError::ChainTooLong));
}

#[test]
fn many_namesakes_cost_few_checks() {
    let root = authority();
    let mut chain = vec![issued(&server_params(&[HOST]), p256(), &root).chain[0].clone()];
    // Authorities of the same name, none of which signed the server's certificate: each could be above each.
    for _ in 0..3 {
        chain.push(authority().der().clone());
    }
    let last = authority();
    chain.push(last.der().clone());
    let name = HOST.try_into().unwrap();
    let issuer = print_of(last.der());
    let checks = Cell::new(0);
    let count = || checks.set(checks.get() + 1);
    let expected = chain::Expected { name: &name, issuer: &issuer, at: NOW, between_checks: &count };
    let certificates = chain.iter().map(|certificate| certificate.as_ref());
    assert!(chain::verify(certificates, &expected, &mut chain::KeyInfo::new()).is_err());
    assert!((1..=8).contains(&checks.get()), "{} checks", checks.get());
}

#[test]
fn a_path_that_does_not_hold_leads_to_the_next() {
    let root = authority();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    // A namesake with another key, which the server's certificate could be signed by just as well.
    identity.chain.insert(1, intermediate(authority_params("Middle"), p256(), &root).der().clone());
    identity.chain.push(root.der().clone());
    let calls = Cell::new(0);
    let mut server = Server::new(&identity);
    let mut buffers = Box::new(Buffers::new());
    let feed = || calls.set(calls.get() + 1);
    let mut connection = Connection::new(&mut server, &mut buffers);
    let opened = block_on(connection.open(HOST, &print_of(root.der()), NOW, &mut random(), &feed)).map(|_| ());
    // One check shows that the namesake did not sign; two are for the path that holds, and one is for the handshake.
    assert_eq!((opened, calls.get()), (Ok(()), 4));
}

#[test]
fn the_hook_is_called_before_each_check() {
    let root = authority();
    let middle = intermediate(authority_params("Middle"), p256(), &root);
    let mut identity = issued(&server_params(&[HOST]), p256(), &middle);
    identity.chain.push(root.der().clone());
    let calls = Cell::new(0);
    let mut server = Server::new(&identity);
    let mut buffers = Box::new(Buffers::new());
    let feed = || calls.set(calls.get() + 1);
    let mut connection = Connection::new(&mut server, &mut buffers);
    let opened = block_on(connection.open(HOST, &print_of(root.der()), NOW, &mut random(), &feed)).map(|_| ());
    assert_eq!((opened, calls.get()), (Ok(()), 3));
}

#[test]
fn the_roots_in_the_image_can_be_anchors() {
    let anchors = roots::digicert();
    for (anchor, root) in anchors.iter().zip(&roots::DIGICERT) {
        assert!(root.len() <= 2048);
        let key = der::public_key(&anchor.subject_public_key_info).unwrap();
        // A wrong signature, not an unsupported key: the key is of a kind that can be checked.
        let scheme = signature::Scheme::of_certificate(rustls_pki_types::alg_id::RSA_PKCS1_SHA256.as_ref()).unwrap();
        assert_eq!(key.key.len(), 270);
        assert_eq!(
            scheme.verify(&anchor.subject_public_key_info, b"", &[1; 256]),
            Err(signature::SignatureError::Wrong)
        );
    }
}

#[test]
fn the_root_that_signed_itself_with_sha256_did() {
    let root = der::signed_certificate(&roots::DIGICERT[0]).unwrap();
    let scheme = signature::Scheme::of_certificate(root.algorithm).unwrap();
    let anchors = roots::digicert();
    assert_eq!(scheme.verify(&anchors[0].subject_public_key_info, root.message, root.signature), Ok(()));
}
