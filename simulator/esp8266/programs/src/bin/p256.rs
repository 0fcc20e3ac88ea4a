//! A signature on the curve P-256 and its check, each round over the one before.

#![no_std]
#![no_main]

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// Where `start.S` goes.
#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    programs::run(|rounds| {
        let Ok(key) = SigningKey::from_slice(&[7; 32]) else { return 0 };
        let public = VerifyingKey::from(&key);
        let mut text = [0; 64];
        for _ in 0..rounds {
            let signature: Signature = key.sign(&text);
            if public.verify(&text, &signature).is_err() {
                return 0;
            }
            text.copy_from_slice(&signature.to_bytes());
        }
        u32::from_be_bytes([text[0], text[1], text[2], text[3]])
    })
}
