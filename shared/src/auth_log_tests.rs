//! The lines, and the file under rotation.

use std::fs;

use super::*;
use crate::tokens::random_hex;

fn now() -> DateTime<Utc> {
    "2026-01-15T12:18:28.1234Z".parse().unwrap()
}

fn failed(email: &str, ip: &str) -> String {
    Event::LoginFailed { email, ip, reason: LoginFailure::InvalidCredentials }.to_string()
}

const SUCCESS: Event<'static> = Event::LoginSucceeded { email: "User@example.com", user_id: 42, ip: "203.0.113.10" };

fn path() -> PathBuf {
    std::env::temp_dir().join(format!("portal-auth-{}", random_hex(6))).join("deeper").join("auth.log")
}

#[test]
fn lines_have_the_words_of_the_filter() {
    let ip = "203.0.113.10";
    assert_eq!(
        failed("user@example.com", ip),
        "AUTH LOGIN FAIL email=user@example.com ip=203.0.113.10 reason=invalid_credentials"
    );
    assert_eq!(SUCCESS.to_string(), "AUTH LOGIN SUCCESS email=user@example.com user_id=42 ip=203.0.113.10");
    let reset = Event::ResetFailed { ip };
    assert_eq!(reset.to_string(), "AUTH RESET FAIL email=- ip=203.0.113.10 reason=invalid_token");
    for (reason, word) in [
        (KeyFailure::InvalidKey, "invalid_key"),
        (KeyFailure::Expired, "expired"),
        (KeyFailure::Revoked, "revoked"),
        (KeyFailure::IpNotAllowed, "ip_not_allowed"),
    ] {
        let line = Event::ApiKeyFailed { ip, reason }.to_string();
        assert_eq!(line, format!("AUTH APIKEY FAIL email=- ip=203.0.113.10 reason={word}"));
    }
}

#[test]
fn addresses_cannot_break_out_of_their_field() {
    for (typed, written) in [
        ("User@Example.COM", "user@example.com"),
        ("  a@b.c ", "a@b.c"),
        ("", "-"),
        ("   ", "-"),
        ("a b", "a%20b"),
        ("a ip=1.1.1.1 reason=x", "a%20ip=1.1.1.1%20reason=x"),
        ("a\r\nb", "a%0D%0Ab"),
        ("a|b", "a%7Cb"),
        ("\u{fc}@x", "%C3%BC@x"),
        ("a\u{7f}\u{2028}b", "a%7F%E2%80%A8b"),
    ] {
        assert_eq!(safe(typed), written, "{typed:?}");
    }
    assert_eq!(safe(&"x".repeat(300)).len(), 255);
    let cut = safe(&"\u{fc}".repeat(300));
    assert!(cut.len() <= 255 && cut.ends_with("%BC"), "{cut}");
}

#[test]
fn client_addresses_are_canonical() {
    for (given, written) in [
        ("::ffff:203.0.113.10", "203.0.113.10"),
        ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("unknown", "unknown"),
        ("1.1.1.1 reason=x", "unknown"),
    ] {
        assert!(failed("a@b.c", given).contains(&format!(" ip={written} reason=")), "{given}");
    }
}

#[test]
fn only_what_the_filter_counts_is_an_error() {
    let log = AuthLog::open(Some(path().to_str().unwrap()));
    let file = &log.file.as_ref().unwrap().lock().unwrap().path.clone();
    log.record(now(), SUCCESS);
    for reason in [
        LoginFailure::InvalidCredentials,
        LoginFailure::AccountDisabled,
        LoginFailure::NoPassword,
        LoginFailure::TotpRequired,
        LoginFailure::InvalidTotp,
        LoginFailure::InvalidRecoveryCode,
        LoginFailure::RateLimited,
    ] {
        log.record(now(), Event::LoginFailed { email: "a@b.c", ip: "::1", reason });
    }
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0], format!("2026-01-15T12:18:28.123+0000 | INFO | {SUCCESS}"));
    let information = lines.iter().filter(|line| line.contains(" | INFO | ")).count();
    assert_eq!(information, 2);
    assert!(lines[4].contains(" | INFO | ") && lines[4].ends_with("reason=totp_required"), "{}", lines[4]);
}

#[test]
#[cfg(unix)]
fn the_file_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let path = path();
    let log = AuthLog::open(path.to_str());
    assert!(log.has_file());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[test]
fn rotation_is_followed_at_once() {
    let path = path();
    let log = AuthLog::open(path.to_str());
    let rotated = path.with_extension("1");
    log.record(now(), SUCCESS);
    fs::rename(&path, &rotated).unwrap();
    log.record(now(), SUCCESS);
    log.record(now(), SUCCESS);
    assert_eq!(fs::read_to_string(&rotated).unwrap().lines().count(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    fs::rename(&path, &rotated).unwrap();
    fs::write(&path, "").unwrap();
    log.record(now(), SUCCESS);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    log.record(now(), SUCCESS);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("2026") && text.lines().count() == 1, "{text}");
}

#[test]
fn appending_keeps_what_was_there() {
    let path = path();
    AuthLog::open(path.to_str()).record(now(), SUCCESS);
    AuthLog::open(path.to_str()).record(now(), SUCCESS);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn without_a_usable_file_the_portal_starts() {
    for path in [None, Some(""), Some("  "), Some("/dev/null/auth.log"), Some("/")] {
        let log = AuthLog::open(path);
        assert!(!log.has_file(), "{path:?}");
        log.record(now(), SUCCESS);
    }
}

#[test]
fn a_file_that_goes_away_for_good_is_no_failure() {
    let path = path();
    let log = AuthLog::open(path.to_str());
    let folder = path.parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    log.record(now(), SUCCESS);
    fs::create_dir_all(folder).unwrap();
    log.record(now(), SUCCESS);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[test]
fn the_tilde_is_the_home_folder() {
    let home = std::env::home_dir().unwrap();
    assert_eq!(expanded("~/logs/auth.log"), home.join("logs/auth.log"));
    assert_eq!(expanded("~other/auth.log"), PathBuf::from("~other/auth.log"));
    assert_eq!(expanded("/var/log/auth.log"), PathBuf::from("/var/log/auth.log"));
}
