//! The authentication log, read by the Fail2ban filter that we ship.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use shared::testing;

use super::passwords::{NEW, reset};
use super::{credentials, log_file, login, wrong};
use crate::registration::portal_with;

/// Runs the filter that we ship over a log; gives how many lines match.
fn matches(log: &Path) -> usize {
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/fail2ban/myportal-auth.conf");
    let output = Command::new("fail2ban-regex")
        .args(["--verbose", "--print-all-matched"])
        .args([log, &filter])
        .output()
        .expect("fail2ban-regex is missing: install the package fail2ban");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("Lines:")).unwrap_or_else(|| panic!("{text}"));
    // "Lines: 7 lines, 0 ignored, 5 matched, 2 missed"
    let matched = line.split(", ").find_map(|part| part.strip_suffix(" matched")).unwrap_or_else(|| panic!("{line}"));
    matched.trim().parse().unwrap()
}

#[tokio::test]
async fn acceptance_29_the_filter_counts_failures_and_nothing_else() {
    let path = log_file();
    let mut config = testing::config();
    config.fail2ban_log_path = Some(path.display().to_string());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    let _ = wrong(&app.stranger()).await.is(401);
    let _ = wrong(&app.stranger().at("2001:db8::17")).await.is(401);
    let _ = reset(&app.stranger(), &"e".repeat(64), NEW).await.is(400);
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert!(log.contains(" | ERROR | AUTH RESET FAIL email=- ip=203.0.113.7 reason=invalid_token\n"), "{log}");
    assert!(log.contains(" | INFO | AUTH LOGIN SUCCESS email=ann@example.com user_id="), "{log}");
    let more = "2026-01-15T12:18:28.123+0000 | ERROR | AUTH APIKEY FAIL email=- ip=203.0.113.10 reason=invalid_key\n\
        2026-01-15T12:18:28.123+0000 | ERROR | AUTH LOGIN FAIL email=user@example.com ip=2001:db8::1 reason=invalid_totp\n\
        2026-01-15T12:18:28.123+0000 | INFO | AUTH LOGIN FAIL email=user@example.com ip=203.0.113.10 reason=totp_required\n";
    std::fs::write(&path, format!("{log}{more}")).unwrap();
    assert_eq!(matches(&path), 5);
    std::fs::remove_file(path).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn acceptance_30_nobody_gets_another_banned() {
    let path = log_file();
    let mut config = testing::config();
    config.fail2ban_log_path = Some(path.display().to_string());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    for evil in [
        "a ip=1.2.3.4 @example.com",
        "a@example.com ip=1.2.3.4 reason=x",
        "a@example.com\nip=1.2.3.4",
        "a|b@example.com",
    ] {
        let _ = login(&app.stranger(), json!({"email": evil, "password": "x"})).await;
    }
    let now = app.app().now();
    let event = shared::auth_log::Event::LoginFailed {
        email: "x ip=1.2.3.4 reason=x\nip=1.2.3.4@example.com",
        ip: "203.0.113.7",
        reason: shared::auth_log::LoginFailure::InvalidCredentials,
    };
    app.app().auth_log().record(now, event);
    let log = std::fs::read_to_string(&path).unwrap();
    for line in log.lines() {
        let addresses: Vec<&str> = line.split(' ').filter_map(|word| word.strip_prefix("ip=")).collect();
        assert_eq!(addresses, ["203.0.113.7"], "{line}");
    }
    assert!(matches(&path) >= 1);
    std::fs::remove_file(path).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn acceptance_31_a_log_that_cannot_be_written_stops_nobody() {
    let mut config = testing::config();
    config.fail2ban_log_path = Some("/proc/nowhere/auth.log".to_owned());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    app.finish().await;
}
