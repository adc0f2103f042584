//! The address that answers to a mail go to: it names ticket and person, and cannot be made up.

use shared::tokens;

/// Characters of the signature: 100 bits.
const SIGNATURE: usize = 25;

fn signature(secret: &str, ticket_id: i64, user_id: i64) -> String {
    let key = tokens::derive_key(secret, "ticket reply address");
    let mut text = tokens::hmac_sha256_hex(&key, format!("{ticket_id}.{user_id}").as_bytes());
    text.truncate(SIGNATURE);
    text
}

/// `desk+t10432.u7.…@example.com` for the mailbox `desk@example.com`; none when that is no address, or the
/// part before the @ would be longer than mail allows.
pub fn reply_address(secret: &str, mailbox: &str, ticket_id: i64, user_id: i64) -> Option<String> {
    let (local, host) = mailbox.trim().split_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty())?;
    let local = format!("{local}+t{ticket_id}.u{user_id}.{}", signature(secret, ticket_id, user_id));
    (local.len() <= 64).then(|| format!("{local}@{host}"))
}

/// The ticket and the person that an address names, when we made it.
pub fn read_reply_address(secret: &str, address: &str) -> Option<(i64, i64)> {
    let (local, _) = address.trim().rsplit_once('@')?;
    let (_, token) = local.rsplit_once('+')?;
    let mut parts = token.split('.');
    let ticket_id = parts.next()?.strip_prefix('t')?.parse().ok()?;
    let user_id = parts.next()?.strip_prefix('u')?.parse().ok()?;
    let given = parts.next().filter(|_| parts.next().is_none())?;
    tokens::constant_time_eq(&given.to_ascii_lowercase(), &signature(secret, ticket_id, user_id))
        .then_some((ticket_id, user_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "test-session-secret-0123456789-abcdef";

    #[test]
    fn only_what_we_signed_is_read() {
        let address = reply_address(SECRET, "desk@example.com", 10432, 7).unwrap();
        assert!(address.starts_with("desk+t10432.u7.") && address.ends_with("@example.com"), "{address}");
        assert_eq!(read_reply_address(SECRET, &address), Some((10432, 7)));
        assert_eq!(
            read_reply_address(SECRET, &address.to_uppercase().replace("+T", "+t").replace(".U", ".u")),
            Some((10432, 7))
        );
        for bad in [
            address.replace("t10432", "t10433"),
            address.replace("u7", "u8"),
            "desk@example.com".to_owned(),
            "desk+t1.u1.@example.com".to_owned(),
            String::new(),
        ] {
            assert_eq!(read_reply_address(SECRET, &bad), None, "{bad}");
        }
        assert_eq!(read_reply_address("another secret", &address), None);
    }

    #[test]
    fn addresses_stay_within_what_mail_allows() {
        assert_eq!(reply_address(SECRET, "not an address", 1, 1), None);
        assert_eq!(reply_address(SECRET, &format!("{}@example.com", "d".repeat(40)), 1, 1), None);
        let most = reply_address(SECRET, "support@example.com", 999_999_999, 9_999_999).unwrap();
        assert!(most.split('@').next().unwrap().len() <= 64);
    }
}
