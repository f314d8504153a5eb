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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The example of `docs/webhook.md`, whose value comes from openssl.
    #[test]
    fn the_signature_is_that_of_the_documentation() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_312_000);
        let header = header(&SecretString::from("topsecret"), now, br#"{"version":1}"#);
        let documented = include_str!("../../../../../docs/webhook.md");
        assert!(documented.contains(&header), "{header}");
    }
}
