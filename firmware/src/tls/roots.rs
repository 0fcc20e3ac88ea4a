//! The roots behind the trusted issuer `digicert`: those that sign api.thingspeak.com, or have signed it.
//!
//! Each file in `roots/` is the certificate as Mozilla's programme (and so Debian's `ca-certificates`) distributes it,
//! in DER. Only its name, key and name constraints are used; who signed a root, and with what, proves nothing. All have
//! RSA keys of 2048 bits, which is what this device can check.

use rustls_pki_types::{CertificateDer, TrustAnchor};

/// SHA-256 `CB3CCBB7…5AB1CB5F`, expires 2038-01-15.
const GLOBAL_ROOT_G2: CertificateDer<'static> =
    CertificateDer::from_slice(include_bytes!("roots/digicert-global-root-g2.der"));
/// SHA-256 `4348A0E9…43C70161`, expires 2031-11-10.
const GLOBAL_ROOT_CA: CertificateDer<'static> =
    CertificateDer::from_slice(include_bytes!("roots/digicert-global-root-ca.der"));
/// SHA-256 `7431E5F4…D3B118CF`, expires 2031-11-10.
const HIGH_ASSURANCE_EV_ROOT_CA: CertificateDer<'static> =
    CertificateDer::from_slice(include_bytes!("roots/digicert-high-assurance-ev-root-ca.der"));

/// The DigiCert roots.
pub(super) static DIGICERT: [CertificateDer<'static>; 3] = [GLOBAL_ROOT_G2, GLOBAL_ROOT_CA, HIGH_ASSURANCE_EV_ROOT_CA];

/// The roots as trust anchors for `webpki`.
pub(super) fn digicert() -> [TrustAnchor<'static>; 3] {
    DIGICERT
        .each_ref()
        .map(|root| webpki::anchor_from_trusted_cert(root).expect("a test parses each root in the image"))
}
