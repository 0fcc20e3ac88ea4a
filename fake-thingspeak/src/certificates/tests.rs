//! Every certificate as an independent verifier (rustls with webpki and ring) sees it.

use std::sync::Arc;

use rustls::CertificateError as Verdict;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{Error, RootCertStore};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const HOSTS: [&str; 3] = ["api.thingspeak.com", "localhost", "127.0.0.1"];

fn authority() -> Authority {
    Authority::from_seed([3; 32]).unwrap()
}

fn verdict(trusted: &Authority, identity: &Identity, host: &str, now: OffsetDateTime) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate().clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .unwrap();
    let [leaf, rest @ ..] = identity.chain() else { panic!("an identity without a certificate") };
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.unix_timestamp() as u64));
    let host = ServerName::try_from(host).unwrap();
    verifier.verify_server_cert(leaf, rest, &host, &[], now).map(drop)
}

fn kind_of(error: Error) -> Verdict {
    match error {
        Error::InvalidCertificate(verdict) => verdict,
        other => panic!("{other}"),
    }
}

#[test]
fn a_good_certificate_is_good_for_each_of_its_hosts_and_two_years() {
    for key_type in [KeyType::P256, KeyType::Rsa2048] {
        let identity = authority().issue(Kind::Good, key_type, &HOSTS, NOW).unwrap();
        assert_eq!(identity.chain().last(), Some(authority().certificate()), "the root is sent along");
        for host in HOSTS {
            for days in [-364, 0, 364] {
                let result = verdict(&authority(), &identity, host, NOW + Duration::days(days));
                assert!(result.is_ok(), "{key_type:?} {host} {days}: {result:?}");
            }
        }
        assert!(verdict(&authority(), &identity, HOSTS[0], NOW + Duration::days(366)).is_err());
        assert!(verdict(&authority(), &identity, "thingspeak.com", NOW).is_err());
    }
}

#[test]
fn every_other_kind_is_bad_in_its_own_way() {
    let seen = |kind| {
        let identity = authority().issue(kind, KeyType::P256, &HOSTS[..1], NOW).unwrap();
        kind_of(verdict(&authority(), &identity, HOSTS[0], NOW).unwrap_err())
    };
    assert!(matches!(seen(Kind::Expired), Verdict::ExpiredContext { .. }));
    assert!(matches!(seen(Kind::NotYetValid), Verdict::NotValidYetContext { .. }));
    assert!(matches!(seen(Kind::WrongHost), Verdict::NotValidForNameContext { .. }));
    // The issuer has the right name and the wrong key.
    assert_eq!(seen(Kind::UnknownIssuer), Verdict::BadSignature);
    assert_eq!(seen(Kind::Forged), Verdict::BadSignature);
    assert_eq!(seen(Kind::SelfSigned), Verdict::UnknownIssuer);
    let leaf = format!("{:?}", seen(Kind::LeafSignedLeaf));
    assert!(leaf.contains("EndEntityUsedAsCa"), "{leaf}");
}

#[test]
fn bad_kinds_are_good_but_for_what_is_wrong_with_them() {
    let other = authority().namesake().unwrap();
    let unknown = authority().issue(Kind::UnknownIssuer, KeyType::P256, &HOSTS, NOW).unwrap();
    assert!(verdict(&other, &unknown, HOSTS[0], NOW).is_ok());
    assert_eq!(unknown.chain().last(), Some(other.certificate()));
    let forged = authority().issue(Kind::Forged, KeyType::P256, &HOSTS, NOW).unwrap();
    assert!(verdict(&other, &forged, HOSTS[0], NOW).is_ok());
    assert_eq!(forged.chain().last(), Some(authority().certificate()));

    let wrong = authority().issue(Kind::WrongHost, KeyType::P256, &HOSTS, NOW).unwrap();
    assert!(verdict(&authority(), &wrong, "elsewhere.example.net", NOW).is_ok());
    let expired = authority().issue(Kind::Expired, KeyType::P256, &HOSTS, NOW).unwrap();
    assert!(verdict(&authority(), &expired, HOSTS[0], NOW - Duration::days(31)).is_ok());
    let early = authority().issue(Kind::NotYetValid, KeyType::P256, &HOSTS, NOW).unwrap();
    assert!(verdict(&authority(), &early, HOSTS[0], NOW + Duration::days(31)).is_ok());
}

#[test]
fn the_seed_decides_every_byte() {
    let issue = |seed: u8, kind| {
        Authority::from_seed([seed; 32]).unwrap().issue(kind, KeyType::P256, &HOSTS, NOW).unwrap().chain().to_vec()
    };
    for kind in [Kind::Good, Kind::Forged, Kind::SelfSigned, Kind::LeafSignedLeaf] {
        assert_eq!(issue(3, kind), issue(3, kind));
        assert_ne!(issue(3, kind), issue(4, kind));
    }
    assert_eq!(authority().fingerprint(), <[u8; 32]>::from(Sha256::digest(authority().certificate())));
}

#[test]
fn certificates_that_cannot_be_are_refused() {
    let issue = |hosts: &[&str]| authority().issue(Kind::Good, KeyType::P256, hosts, NOW).map(drop);
    assert!(matches!(issue(&[]), Err(CertificateError::NoHost)));
    for host in ["", "höst", "a b"] {
        assert!(matches!(issue(&[host]), Err(CertificateError::Host { .. })), "{host}");
    }
    assert!(issue(&["::1"]).is_ok());
}

/// A certificate that `root` is to vouch for, with these behind it.
fn sent(root: &Authority, profile: &Profile) -> Result<(), Error> {
    verdict(root, &authority().issue_profile(profile, &HOSTS, NOW).unwrap(), HOSTS[0], NOW)
}

#[test]
fn a_chain_leads_to_the_root_in_whatever_order_if_all_of_it_is_there() {
    let profile = |chain: &[Link], signed_by| Profile { chain: Some(chain.to_vec()), signed_by, ..Profile::default() };
    let good = |chain: &[Link], signed_by| sent(&authority(), &profile(chain, signed_by)).map_err(kind_of);
    use Link::{CrossSignedRoot, Intermediate, OlderRoot, OtherIntermediate, Root, UnrelatedRoot};
    assert_eq!(good(&[Intermediate, Root], None), Ok(()));
    assert_eq!(good(&[OtherIntermediate, Root], None), Ok(()));
    assert_eq!(good(&[UnrelatedRoot, Root, CrossSignedRoot, Intermediate], None), Ok(()));
    assert_eq!(good(&[], None), Ok(()), "this client has the root");
    assert_eq!(good(&[Root], Some(Signer::Intermediate)), Err(Verdict::UnknownIssuer));
    assert_eq!(good(&[Intermediate, Root], Some(Signer::OtherIntermediate)), Err(Verdict::UnknownIssuer));
    // Who knows the older root alone needs the cross-signed one.
    let older = authority().other_root(OlderRoot).unwrap();
    assert!(sent(&older, &profile(&[Intermediate, CrossSignedRoot], None)).is_ok());
    assert!(sent(&older, &profile(&[CrossSignedRoot], None)).is_ok());
    assert!(sent(&older, &profile(&[Intermediate, Root], None)).is_err());
}

#[test]
fn every_signer_has_keys_of_every_type() {
    for key_type in [KeyType::P256, KeyType::P384, KeyType::Rsa2048, KeyType::Rsa4096] {
        for signer in Signer::ALL {
            let signed_by = Some(*signer);
            let profile = Profile { key_type, signed_by, intermediate_key_type: key_type, ..Profile::default() };
            let seen = sent(&authority(), &profile);
            assert!(seen.is_ok(), "{key_type:?} {signer:?}: {seen:?}");
        }
    }
}

#[test]
fn a_certificate_ends_when_it_is_told_to() {
    let until = NOW + Duration::minutes(10);
    let profile = Profile { valid_until: Some(until), ..Profile::default() };
    let identity = authority().issue_profile(&profile, &HOSTS, NOW).unwrap();
    assert!(verdict(&authority(), &identity, HOSTS[0], until).is_ok());
    let after = kind_of(verdict(&authority(), &identity, HOSTS[0], until + Duration::SECOND).unwrap_err());
    assert!(matches!(after, Verdict::ExpiredContext { .. }), "{after:?}");
}
