//! Sessions: how long they live, and who gets no further with one.

use chrono::TimeDelta;
use http::Method;
use shared::db::sql;

use super::{portal, portal_with, set_cookies};

#[tokio::test]
async fn sessions_slide_once_a_minute_and_end() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    assert_eq!(set_cookies(&ann.get("/mine").await.is(200)), Vec::<String>::new());
    app.advance(TimeDelta::minutes(700));
    assert_eq!(set_cookies(&ann.get("/mine").await.is(200)).len(), 2);
    app.advance(TimeDelta::minutes(700));
    let _ = ann.get("/mine").await.is(200);
    app.advance(TimeDelta::minutes(721));
    let reply = ann.get("/mine").await.goes_to("/login?next=%2Fmine");
    assert!(set_cookies(&reply).iter().all(|c| c.contains("Max-Age=0")), "the ended session's cookies go");
    app.finish().await;
}

#[tokio::test]
async fn a_stale_cookie_is_cleared() {
    let app = portal().await;
    let nobody = app.stranger();
    for stale in ["0".repeat(64), "nonsense".to_owned()] {
        nobody.set_cookie("myportal_session", &stale);
        let reply = nobody.get("/open").await.is(200);
        assert_eq!(set_cookies(&reply).len(), 2, "{stale}");
        assert_eq!(nobody.cookie("myportal_session"), None);
    }
    app.finish().await;
}

#[tokio::test]
async fn who_must_change_the_password_gets_no_further() {
    let app = portal().await;
    let id = app.user("ann", |new| new.force_password_change = true).await;
    let ann = app.sign_in(id).await;
    let _ = ann.get("/mine").await.goes_to("/change-password");
    let _ = ann.get("/waiting-room").await.is(200);
    let reply = ann.api(Method::GET, "/api/who").await.is(403).says("Password change required");
    assert_eq!(reply.value()["code"], "password_change_required");
    app.finish().await;
}

#[tokio::test]
async fn who_must_confirm_the_address_gets_no_further() {
    let app = portal_with(|config| config.require_email_verification = true).await;
    let unconfirmed = app
        .user("ann", |new| {
            new.is_self_registered = true;
            new.email_verified_at = None;
        })
        .await;
    let ann = app.sign_in(unconfirmed).await;
    let _ = ann.get("/mine").await.goes_to("/verify-email");
    let _ = ann.get("/waiting-room").await.is(200);
    let _ = app.requester("ben").await.get("/mine").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_fresh_password_opens_for_fifteen_minutes() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.advance(TimeDelta::minutes(15));
    let _ = ann.get("/secrets").await.is(200);
    app.advance(TimeDelta::seconds(1));
    let _ = ann.get("/secrets?a=1").await.goes_to("/confirm-password?next=%2Fsecrets%3Fa%3D1");
    let reply = ann.region("/secrets", "side").await.is(403);
    assert_eq!(reply.header("x-problem-code"), "reauthentication_required");
    app.finish().await;
}

#[tokio::test]
async fn inactive_people_and_revoked_sessions_are_nobody() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(ann.id)).await;
    let revoked = sql("UPDATE user_sessions SET revoked_at = ? WHERE user_id = ?").bind(app.app().now()).bind(ben.id);
    app.execute(revoked).await;
    for actor in [ann, ben] {
        let _ = actor.get("/mine").await.goes_to("/login?next=%2Fmine");
        assert_eq!(actor.cookie("myportal_session"), None);
    }
    app.finish().await;
}
