//! How often somebody may ask.

use chrono::TimeDelta;
use http::Method;
use shared::config::GeneralLimits;
use shared::error::Error;

use super::{portal, portal_with, set_cookies};

#[tokio::test]
async fn the_general_limit_answers_429_with_the_time_to_wait() {
    let app = portal_with(|c| c.limits = GeneralLimits { coarse: 12, anonymous: 3, signed_in: 5 }).await;
    let ann = app.requester("ann").await.at("198.51.100.1");
    let nobody = app.stranger();
    for _ in 0..3 {
        let _ = nobody.get("/open").await.is(200);
    }
    let reply = nobody.get("/open").await.is(429).shows("Rate limit exceeded. Try again in");
    assert_eq!(reply.header("retry-after"), "900");
    let reply = nobody.api(Method::GET, "/api/refuse").await.is(429).says("Rate limit exceeded");
    assert_eq!(reply.value()["retry_after"], 900);
    for _ in 0..5 {
        let _ = ann.get("/mine").await.is(200);
    }
    let reply = ann.get("/mine").await.is(429);
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "who asks too often stays signed in");
    for _ in 0..6 {
        let _ = ann.get("/mine").await.is(429);
    }
    let reply = ann.get("/mine").await.is(429);
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "not even the guard in front signs out");
    app.advance(TimeDelta::seconds(899));
    assert_eq!(nobody.get("/open").await.is(429).header("retry-after"), "1");
    app.advance(TimeDelta::seconds(1));
    let _ = nobody.get("/open").await.is(200);
    let _ = ann.get("/mine").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn counted_limits_hold_against_parallel_tries() {
    let app = portal().await;
    let tries = (0..30).map(|_| shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann"));
    let passed = futures_util::future::join_all(tries).await.into_iter().flatten().count();
    assert_eq!(passed, 5);
    let refused = shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann").await;
    assert!(matches!(refused, Err(Error::TooMany { retry_after: 300, .. })), "{refused:?}");
    app.advance(TimeDelta::seconds(300));
    assert!(shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann").await.is_ok());
    app.finish().await;
}
