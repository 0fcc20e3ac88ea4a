//! What a server shows to prove who it is.

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::model::{CertificateKind, CertificateProfile, KeyType};
use crate::tree::{Fields, Node, Value};

impl Resolver<'_, '_> {
    /// The cloud's own certificate.
    pub(super) fn own_certificate(&mut self, cloud: &Fields) -> CertificateProfile {
        let node = cloud.get("certificate");
        let mut profile = node.and_then(|node| self.certificate(node)).unwrap_or_default();
        if let Some(key_type) = cloud.word("key-type") {
            profile.key_type = key_type;
        }
        if node.is_some_and(|node| node.table().is_some())
            && let Some(span) = cloud.key_span("key-type")
        {
            self.report(
                Diagnostic::new("`key-type` beside a table `certificate`", span, "belongs there")
                    .help("certificate = { key-type = \"RSA-2048\", … }"),
            );
        }
        profile
    }

    /// A certificate: a word for what is wrong with it, or all about it.
    pub(super) fn certificate(&mut self, node: &Node) -> Option<CertificateProfile> {
        if let Some(kind) = node.word() {
            return Some(CertificateProfile::new(kind, KeyType::P256));
        }
        let fields = node.table()?;
        let kind = fields.word("kind").unwrap_or(CertificateKind::Good);
        if kind.has_own_chain() {
            for key in ["signed-by", "chain", "intermediate-key-type"] {
                if let Some(span) = fields.key_span(key) {
                    let what = format!("a certificate that is `{}` has a chain of its own", kind.word());
                    self.report(
                        Diagnostic::new(what, span, "means nothing here")
                            .help("`good`, `expired`, `not-yet-valid` and `wrong-host` go with a chain"),
                    );
                }
            }
        }
        if matches!(kind, CertificateKind::Expired | CertificateKind::NotYetValid)
            && let Some(span) = fields.key_span("valid-until")
        {
            self.report(
                Diagnostic::new(format!("`{}` says when it is valid", kind.word()), span, "says it once more")
                    .help("leave `kind` out: what is valid until a moment has expired after it"),
            );
        }
        let valid_until = match fields.get("valid-until").map(|node| &node.value) {
            Some(Value::DateTime(time)) => Some(*time),
            _ => None,
        };
        Some(CertificateProfile {
            kind,
            key_type: fields.word("key-type").unwrap_or(KeyType::P256),
            signed_by: fields.word("signed-by"),
            chain: fields.get("chain").map(|list| list.items().iter().filter_map(Node::word).collect()),
            intermediate_key_type: fields.word("intermediate-key-type").unwrap_or(KeyType::P256),
            valid_until,
        })
    }
}
