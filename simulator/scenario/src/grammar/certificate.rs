//! What a server shows to prove who it is.

use crate::model::{CertificateKind, CertificateLink, CertificateSigner, KeyType};
use crate::shape::Scalar::DateTime;
use crate::shape::Shape::{Either, List, Scalar, Words};
use crate::shape::{Shape, Table, optional};

/// A certificate: a word for what is wrong with it, or all about it.
pub(super) const CERTIFICATE: Shape =
    Shape::Named("certificate", &Either { plain: &KIND, table: &Shape::Table(&PROFILE) });

const KIND: Shape = Words(&[
    CertificateKind::Good.row(),
    CertificateKind::Expired.row(),
    CertificateKind::NotYetValid.row(),
    CertificateKind::WrongHost.row(),
    CertificateKind::UnknownIssuer.row(),
    CertificateKind::SelfSigned.row(),
]);

/// The kind of a key.
pub(super) const KEY_TYPE: Shape = Words(&[
    ("P-256", KeyType::P256, "ECDSA on the curve P-256."),
    ("P-384", KeyType::P384, "ECDSA on the curve P-384."),
    ("RSA-2048", KeyType::Rsa2048, "RSA with 2048 bits."),
    ("RSA-4096", KeyType::Rsa4096, "RSA with 4096 bits."),
]);

const PROFILE: Table = Table::new(
    "a certificate",
    &[
        optional("kind", KIND, "What is right or wrong with it. Default good."),
        optional("key-type", KEY_TYPE, "Its key. Default P-256."),
        optional(
            "signed-by",
            Words(&[
                CertificateSigner::Root.row(),
                CertificateSigner::Intermediate.row(),
                CertificateSigner::OtherIntermediate.row(),
            ]),
            "Who signed it. Default the first signer that is in `chain`, or the root.",
        ),
        optional(
            "chain",
            List(&Words(&[
                CertificateLink::Root.row(),
                CertificateLink::Intermediate.row(),
                CertificateLink::OtherIntermediate.row(),
                CertificateLink::CrossSignedRoot.row(),
                CertificateLink::OlderRoot.row(),
                CertificateLink::UnrelatedRoot.row(),
            ])),
            "What is sent behind it, in this order. Default whoever signed it, and the root. The TLS of old devices sends a chain of its own.",
        ),
        optional(
            "intermediate-key-type",
            KEY_TYPE,
            "The keys of the authorities between root and server. Default P-256.",
        ),
        optional(
            "valid-until",
            Scalar(DateTime),
            "The last second of its validity. Default a year after the scenario's start.",
        ),
    ],
);
