//! The signature of a webhook: that it comes from who knows the key, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// `t=UNIX_SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `UNIX_SECONDS.BODY`.
pub(super) fn header(key: &SecretString, now: SystemTime, body: &[u8]) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!(
        "t={seconds},v1={}",
        sign(key.expose_secret().as_bytes(), seconds, body)
    )
}

fn sign(key: &[u8], seconds: u64, body: &[u8]) -> String {
    // A key of any length makes an HMAC, so the error cannot be.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mac| {
            let mac = mac.chain_update(format!("{seconds}.")).chain_update(body);
            format!("{:x}", mac.finalize().into_bytes())
        },
    )
}
