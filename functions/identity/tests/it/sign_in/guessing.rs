//! Limits on guesses, and whose address they are counted for.

use chrono::TimeDelta;
use shared::client_ip::TrustedProxies;
use shared::db::sql;
use shared::testing::{self, PASSWORD};

use super::{credentials, log_file, login, portal_with_ann, wrong};
use crate::registration::portal_with;

#[tokio::test]
async fn acceptance_11_the_sixth_try_waits_even_with_the_right_password() {
    let app = portal_with_ann().await;
    for _ in 0..5 {
        let _ = wrong(&app.stranger()).await.is(401);
    }
    let reply = login(&app.stranger(), credentials("ann")).await.is(429).says("Too many login attempts");
    let wait: i64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    assert_eq!(reply.value()["retry_after"], wait);
    let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
    let page = app.stranger().post("/auth/login", &fields).await.is(429);
    assert!(!page.header("retry-after").is_empty());
    let _ = page.shows("Too many tries. Try again in 5 minutes.").shows("value=\"ann@example.com\"");
    app.advance(TimeDelta::seconds(301));
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_12_other_clients_are_not_limited_and_success_clears() {
    let app = portal_with_ann().await;
    for _ in 0..6 {
        wrong(&app.stranger()).await;
    }
    let elsewhere = app.stranger().at("198.51.100.9");
    for _ in 0..2 {
        for _ in 0..4 {
            let _ = wrong(&elsewhere).await.is(401);
        }
        let _ = login(&elsewhere, credentials("ann")).await.is(200);
    }
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM rate_limits WHERE bucket = 'login_account'")).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acceptance_13_of_fifty_parallel_guesses_five_are_answered() {
    let app = portal_with_ann().await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let visitor = app.stranger();
        tries.spawn(async move { wrong(&visitor).await.status });
    }
    let statuses = tries.join_all().await;
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert!(count(401) <= 5, "{statuses:?}");
    assert_eq!(count(401) + count(429), 50, "{statuses:?}");
    app.finish().await;
}

#[tokio::test]
async fn accounts_and_clients_have_limits_of_their_own() {
    let app = portal_with_ann().await;
    for n in 0..50 {
        let _ = wrong(&app.stranger().at(&format!("198.51.100.{n}"))).await.is(401);
    }
    let _ = wrong(&app.stranger().at("198.51.100.60")).await.is(429);
    app.advance(TimeDelta::minutes(61));
    app.execute(sql("DELETE FROM rate_limits")).await;
    let digest = shared::tokens::sha256_hex(b"203.0.113.7");
    let full = sql("INSERT INTO rate_limits (bucket, key_hash, window_start, hits) VALUES ('login_ip', ?, ?, 100)");
    app.execute(full.bind(digest).bind(app.app().now())).await;
    let _ = login(&app.stranger(), credentials("nobody")).await.is(429);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_14_forwarding_headers_count_from_trusted_proxies_only() {
    for (trusted, expected) in [("", "203.0.113.7"), ("203.0.113.0/24", "198.51.100.23")] {
        let path = log_file();
        let mut config = testing::config();
        config.trusted_proxies = TrustedProxies::parse(trusted).unwrap();
        config.fail2ban_log_path = Some(path.display().to_string());
        let app = portal_with(config).await;
        app.user("ann", |_| ()).await;
        let behind = app.stranger().with_header("x-forwarded-for", "6.6.6.6, 198.51.100.23, 203.0.113.99");
        let _ = wrong(&behind).await.is(401);
        let reply = login(&behind, credentials("ann")).await.is(200).value();
        assert_eq!(reply["session"]["ip_address"], expected);
        let rows: Vec<(String,)> =
            app.rows(sql("SELECT ip_address FROM audit_logs WHERE action = 'auth.login' LIMIT 5")).await;
        assert_eq!(rows, [(expected.to_owned(),)]);
        let key = shared::tokens::sha256_hex(expected.as_bytes());
        let query = sql("SELECT hits FROM rate_limits WHERE bucket = 'login_ip' AND key_hash = ?").bind(key);
        assert_eq!(app.number(query).await, 1);
        let log = std::fs::read_to_string(&path).unwrap();
        assert!(log.lines().all(|line| line.contains(&format!(" ip={expected}"))), "{log}");
        std::fs::remove_file(path).unwrap();
        app.finish().await;
    }
}
