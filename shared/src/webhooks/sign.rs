//! Signatures after Standard Webhooks 1.0.0, and the header that the specification adds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tokens;

/// What secrets begin with.
const PREFIX: &str = "whsec_";

/// A new secret of 256 bits.
pub fn new_secret() -> String {
    format!("{PREFIX}{}", STANDARD.encode(tokens::random(32)))
}

/// The key inside a secret; a secret in another form is the key itself.
fn key(secret: &str) -> Vec<u8> {
    let inner = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    inner.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// One signature per secret, the current one first: `v1,<base64> v1,<base64>`.
pub fn standard(secrets: &[String], id: &str, timestamp: i64, body: &str) -> String {
    let content = format!("{id}.{timestamp}.{body}");
    let one =
        |secret: &String| format!("v1,{}", STANDARD.encode(tokens::hmac_sha256(&key(secret), content.as_bytes())));
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// `t=<unix>,v1=<hex>` over `t.body` (automation 4.3).
pub fn portal(secret: &str, timestamp: i64, body: &str) -> String {
    let content = format!("{timestamp}.{body}");
    format!("t={timestamp},v1={}", tokens::hmac_sha256_hex(&key(secret), content.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_met() {
        // The test vector that the libraries of Standard Webhooks share.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let signature = standard(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn during_a_rotation_both_secrets_sign() {
        let (new, old) = (new_secret(), new_secret());
        let both = standard(&[new.clone(), old.clone()], "evt_1", 1, "{}");
        let each = [standard(&[new], "evt_1", 1, "{}"), standard(&[old], "evt_1", 1, "{}")];
        assert_eq!(both, each.join(" "));
    }

    #[test]
    fn the_portal_s_own_header_is_hexadecimal() {
        let text = portal("plain secret", 7, "{}");
        let expected = tokens::hmac_sha256_hex(b"plain secret", b"7.{}");
        assert_eq!(text, format!("t=7,v1={expected}"));
    }
}
