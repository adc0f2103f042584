//! Users: the API, the pages, bulk and export (acceptance 5, 6, 38, 39, 40).

use chrono::TimeDelta;
use http::Method;
use identity::users::{ConfirmUserPage, NewUserPage, UserPage, UsersPage};
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, TestApp, render_samples};

use crate::registration::portal;

async fn patch(by: &Actor, id: i64, body: Value) -> shared::testing::Reply {
    by.json(Method::PATCH, &format!("/users/{id}"), body).await
}

async fn actions_of(app: &TestApp, id: i64) -> Vec<String> {
    let query = sql("SELECT action FROM audit_logs WHERE entity_type = 'user' AND entity_id = ? ORDER BY id LIMIT 50");
    let rows: Vec<(String,)> = app.rows(query.bind(id)).await;
    rows.into_iter().map(|(action,)| action).collect()
}

#[test]
fn every_page_draws_its_samples() {
    render_samples::<UsersPage>();
    render_samples::<NewUserPage>();
    render_samples::<UserPage>();
    render_samples::<ConfirmUserPage>();
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_counted() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("Ann").await;
    app.advance(TimeDelta::minutes(1));
    app.member("Ben", &acme).await;
    app.advance(TimeDelta::minutes(1));
    let zoe = app.requester("Zoë").await;
    app.execute(sql("UPDATE users SET email = 'zoe@example.com' WHERE id = ?").bind(zoe.id)).await;
    app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(zoe.id)).await;
    let names = async |query: &str| -> Vec<String> {
        let reply = ann.api(Method::GET, &format!("/users?{query}")).await.is(200);
        let list = reply.value();
        list.as_array().unwrap().iter().map(|user| user["first_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["Zoë", "Ben", "Ann"]);
    assert_eq!(names("search=zoe").await, ["Zoë"]);
    assert_eq!(names("search=exam%20be").await, ["Ben"]);
    assert_eq!(names("search=%25").await, ["Zoë", "Ben", "Ann"]);
    assert_eq!(names(&format!("company_id={}", acme.id)).await, ["Ben"]);
    assert_eq!(names("company_id=&is_super_admin=true").await, ["Ann"]);
    assert_eq!(names("is_active=false").await, ["Zoë"]);
    assert_eq!(names("has_totp=true").await, Vec::<String>::new());
    assert_eq!(names("has_totp=false&status=active").await, ["Ben", "Ann"]);
    assert_eq!(names("sort=email&direction=asc").await, ["Ann", "Ben", "Zoë"]);
    assert_eq!(names("sort=-last_name&limit=1&offset=1").await.len(), 1);
    assert_eq!(names("sort=last_login_at").await.len(), 3);
    let reply = ann.api(Method::GET, "/users?limit=2").await.is(200);
    assert_eq!(reply.header("x-total-count"), "3");
    assert!(reply.header("link").contains("offset=2"), "{}", reply.header("link"));
    let first = reply.value()[0].clone();
    assert_eq!(first["is_active"], false);
    assert_eq!(first["totp_enabled"], false);
    assert!(first["last_login_at"].is_null() && first.get("last_login_at").is_some());
    assert!(!reply.text().contains("password_hash") && !reply.text().contains("argon2"));
    let _ = ann.api(Method::GET, "/users?limit=501").await.refuses("limit");
    app.finish().await;
}

#[tokio::test]
async fn only_super_administrators_list_and_add() {
    let app = portal().await;
    app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let _ = ben.api(Method::GET, "/users").await.is(403);
    let _ = ben.json(Method::POST, "/users", json!({"email": "x@example.com"})).await.is(403);
    let _ = app.stranger().api(Method::GET, "/users").await.is(401);
    let _ = ben.get("/admin/users").await.goes_to("/");
    let _ = app.stranger().get("/admin/users?q=a").await.goes_to("/login?next=%2Fadmin%2Fusers%3Fq%3Da");
    app.finish().await;
}

#[tokio::test]
async fn a_user_is_added_with_a_password_and_joins_the_company() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let body = json!({"email": " Ben@Example.com ", "password": "correct horse battery", "first_name": "Ben",
        "mobile_phone": "+44 (20) 7946-0000", "company_id": acme.id, "unknown": 1});
    let reply = ann.json(Method::POST, "/users", body.clone()).await.is(201).value();
    assert_eq!(reply["email"], "ben@example.com");
    assert_eq!(reply["mobile_phone"], "+442079460000");
    assert_eq!(reply["is_super_admin"], false);
    assert!(reply["email_verified_at"].is_null());
    let role: Vec<(String, String)> = app
        .rows(sql("SELECT r.name, m.status FROM company_memberships m JOIN roles r ON r.id = m.role_id LIMIT 5"))
        .await;
    assert_eq!(role, [("Member".to_owned(), "active".to_owned())]);
    assert_eq!(app.audit().await, ["membership.created", "user.created"]);
    // Acceptance 5: the same address in other letters.
    let again = ann.json(Method::POST, "/users", json!({"email": "BEN@example.COM"})).await.is(409);
    let _ = again.says("Email already registered");
    // Acceptance 6: eleven characters.
    let short = json!({"email": "cy@example.com", "password": "elevenchars"});
    let _ = ann.json(Method::POST, "/users", short).await.refuses("password");
    let _ = ann.json(Method::POST, "/users", json!({})).await.refuses("email");
    let gone = json!({"email": "cy@example.com", "company_id": 999});
    let _ = ann.json(Method::POST, "/users", gone).await.refuses("company_id");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users")).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn without_a_password_an_invitation_is_sent_and_can_be_repeated() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let reply = ann.json(Method::POST, "/users", json!({"email": "ben@example.com"})).await.is(201).value();
    let id = reply["id"].as_i64().unwrap();
    app.run_jobs().await;
    let mails = app.mails_to("ben@example.com");
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("http://portal.test/reset-password#token="), "{}", mails[0].text);
    let again = ann.api(Method::POST, &format!("/users/{id}/send-password-reset")).await.is(202);
    assert_eq!(again.value()["detail"], "The invitation has been sent again.");
    let _ = ann.post(&format!("/admin/users/{id}/invite"), &[]).await.goes_to(&format!("/admin/users/{id}"));
    let _ = ann
        .get(&format!("/admin/users/{id}"))
        .await
        .is(200)
        .shows("Invitation sent to ben@example.com")
        .shows("Invited");
    app.run_jobs().await;
    assert_eq!(app.mails_to("ben@example.com").len(), 3);
    let open = sql("SELECT COUNT(*) FROM password_tokens WHERE used_at IS NULL AND purpose = 'invite'");
    assert_eq!(app.number(open).await, 1);
    assert_eq!(actions_of(&app, id).await, ["user.created", "user.invited", "user.invited"]);
    app.finish().await;
}

#[tokio::test]
async fn people_see_and_change_themselves_and_nobody_else() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let own = ben.api(Method::GET, &format!("/users/{}", ben.id)).await.is(200).value();
    assert_eq!(own["email"], "ben@example.com");
    assert!(own.get("is_active").is_none() && own.get("totp_enabled").is_none());
    let _ = ben.api(Method::GET, &format!("/users/{}", ann.id)).await.is(404).says("User not found");
    let _ = patch(&ben, ann.id, json!({"first_name": "X"})).await.is(404).says("User not found");
    let _ = ben.api(Method::DELETE, &format!("/users/{}", ben.id)).await.is(403);
    let _ = ann.api(Method::GET, "/users/999").await.is(404).says("User not found");
    let _ = ann.api(Method::GET, "/users/abc").await.refuses("id");
    let changed = patch(&ben, ben.id, json!({"first_name": "Benedict", "mobile_phone": "+44 20 7946 0000"})).await;
    assert_eq!(changed.is(200).value()["first_name"], "Benedict");
    assert_eq!(actions_of(&app, ben.id).await, ["user.updated"]);
    let found = ann.api(Method::GET, "/users?search=benedict").await.is(200).value();
    assert_eq!(found.as_array().unwrap().len(), 1);
    app.finish().await;
}

/// Acceptance 38.
#[tokio::test]
async fn nobody_raises_their_own_rights() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    for body in [
        json!({"company_id": acme.id}),
        json!({"is_super_admin": true}),
        json!({"is_super_admin": false, "first_name": "X"}),
        json!({"email": "else@example.com"}),
        json!({"email_verified": true}),
        json!({"is_active": true}),
        json!({"force_password_change": false}),
        json!({"company_id": null}),
    ] {
        let _ = patch(&ben, ben.id, body).await.is(403);
    }
    let _ = patch(&ben, ben.id, json!({"mobile_phone": "0400"})).await.refuses("mobile_phone");
    let unchanged = sql("SELECT COUNT(*) FROM users WHERE id = ? AND company_id IS NULL AND is_super_admin = FALSE \
         AND first_name = 'ben' AND mobile_phone IS NULL AND email = 'ben@example.com'");
    assert_eq!(app.number(unchanged.bind(ben.id)).await, 1);
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

/// Acceptance 39.
#[tokio::test]
async fn the_last_active_super_administrator_stays() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let last = "At least one active super administrator is required";
    let _ = patch(&ann, ann.id, json!({"is_super_admin": false})).await.is(409).says(last);
    let _ = patch(&ann, ann.id, json!({"is_active": false})).await.is(409).says(last);
    let _ = ann.api(Method::DELETE, &format!("/users/{}", ann.id)).await.is(409).says(last);
    // Another one who is disabled does not count.
    let ben = app.super_admin("ben").await;
    let _ = patch(&ann, ben.id, json!({"is_active": false})).await.is(200);
    let _ = patch(&ann, ann.id, json!({"is_active": false})).await.is(409).says(last);
    let _ = patch(&ann, ben.id, json!({"is_active": true})).await.is(200);
    // With two, nobody does it to themselves.
    let own = patch(&ann, ann.id, json!({"is_super_admin": false})).await.is(409);
    assert_eq!(own.value()["code"], "own_account");
    let _ = patch(&ann, ann.id, json!({"is_active": false})).await.is(409);
    let _ = ann.api(Method::DELETE, &format!("/users/{}", ann.id)).await.is(409);
    app.finish().await;
}

#[tokio::test]
async fn two_super_administrators_cannot_remove_each_other() {
    for _ in 0..5 {
        let app = portal().await;
        let ann = app.super_admin("ann").await;
        let ben = app.super_admin("ben").await;
        let (one, two) = tokio::join!(
            patch(&ann, ben.id, json!({"is_active": false})),
            patch(&ben, ann.id, json!({"is_active": false}))
        );
        let active = sql("SELECT COUNT(*) FROM users WHERE is_super_admin = TRUE AND is_active = TRUE");
        assert_eq!(app.number(active).await, 1, "{} {}", one.status, two.status);
        app.finish().await;
    }
}

/// Acceptance 40.
#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let _ = ben.api(Method::GET, "/auth/session").await.is(200);
    let _ = patch(&ann, ben.id, json!({"is_active": false})).await.is(200);
    let _ = ben.api(Method::GET, "/auth/session").await.is(401);
    let _ = patch(&ann, ben.id, json!({"is_active": true})).await.is(200);
    let _ = ben.api(Method::GET, "/auth/session").await.is(401);
    let reasons: Vec<(String,)> =
        app.rows(sql("SELECT revoked_reason FROM user_sessions WHERE user_id = ? LIMIT 5").bind(ben.id)).await;
    assert_eq!(reasons, [("user_disabled".to_owned(),)]);
    assert_eq!(actions_of(&app, ben.id).await, ["user.disabled", "user.enabled"]);
    app.finish().await;
}

#[tokio::test]
async fn super_administration_wants_a_password_ends_sessions_and_is_told() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.super_admin("cy").await;
    let ben = app.requester("ben").await;
    app.advance(TimeDelta::minutes(16));
    let stale = patch(&ann, ben.id, json!({"is_super_admin": true})).await.is(403);
    assert_eq!(stale.value()["code"], "reauthentication_required");
    let page = format!("/admin/users/{}/super-admin", ben.id);
    let _ =
        ann.get(&page).await.goes_to(&format!("/confirm-password?next=%2Fadmin%2Fusers%2F{}%2Fsuper-admin", ben.id));
    let ann = app.sign_in(ann.id).await;
    let _ = ann.get(&page).await.is(200).shows("Make ben Example super administrator?");
    let _ = ann.post(&page, &[("value", "true")]).await.goes_to(&format!("/admin/users/{}", ben.id));
    let _ = ben.api(Method::GET, "/auth/session").await.is(401);
    let _ = ann.get(&page).await.is(200).shows("Take super administrator rights");
    let _ = patch(&ann, ben.id, json!({"is_super_admin": false})).await.is(200);
    assert_eq!(actions_of(&app, ben.id).await, ["user.super_admin_granted", "user.super_admin_revoked"]);
    app.run_jobs().await;
    assert_eq!(app.mails_to("cy@example.com").len(), 2);
    assert!(app.mails_to("ann@example.com").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_new_address_counts_as_not_confirmed_and_voids_links() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let _ = ann.api(Method::POST, &format!("/users/{}/send-password-reset", ben.id)).await.is(202);
    let changed = patch(&ann, ben.id, json!({"email": "Benedict@example.com"})).await.is(200).value();
    assert_eq!(changed["email"], "benedict@example.com");
    assert!(changed["email_verified_at"].is_null());
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM password_tokens WHERE used_at IS NULL")).await, 0);
    let sure = patch(&ann, ben.id, json!({"email": "ben@example.com", "email_verified": true})).await.is(200);
    assert!(sure.value()["email_verified_at"].is_string());
    let _ = patch(&ann, ben.id, json!({"email": "ANN@example.com"})).await.is(409).says("Email already registered");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_user_leaves_a_trail_and_no_session() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let page = format!("/admin/users/{}/delete", ben.id);
    let _ = ann.get(&page).await.is(200).shows("Type ben@example.com to confirm");
    let _ = ann.post(&page, &[("typed", "ben")]).await.refuses("typed");
    let _ = ann.post(&page, &[("typed", " Ben@example.com ")]).await.goes_to("/admin/users");
    let _ = ann.get("/admin/users").await.is(200).shows("ben@example.com was deleted");
    let _ = ann.get(&page).await.is(404);
    let _ = ben.api(Method::GET, "/auth/session").await.is(401);
    let kept: Vec<(String, String)> =
        app.rows(sql("SELECT action, entity_label FROM audit_logs WHERE entity_id = ? LIMIT 5").bind(ben.id)).await;
    assert_eq!(kept, [("user.deleted".to_owned(), "ben@example.com".to_owned())]);
    let cy = app.requester("cy").await;
    let _ = ann.api(Method::DELETE, &format!("/users/{}", cy.id)).await.is(204);
    let _ = ann.api(Method::DELETE, &format!("/users/{}", cy.id)).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn sessions_and_authenticators_are_taken_away() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let ben = app.requester("ben").await;
    let elsewhere = app.sign_in(ben.id).await;
    let ended = ann.api(Method::DELETE, &format!("/users/{}/sessions", ben.id)).await.is(200);
    assert_eq!(ended.value()["revoked"], 2);
    let _ = elsewhere.api(Method::GET, "/auth/session").await.is(401);
    // One's own current session stays.
    let second = app.sign_in(ann.id).await;
    assert_eq!(ann.api(Method::DELETE, &format!("/users/{}/sessions", ann.id)).await.is(200).value()["revoked"], 1);
    let _ = second.api(Method::GET, "/auth/session").await.is(401);
    let add = sql("INSERT INTO user_totp_authenticators (user_id, name, secret, created_at) \
         VALUES (?, 'Phone', 'x', '2026-01-01 00:00:00.000000')");
    app.execute(add.bind(ben.id)).await;
    let _ = ann.get(&format!("/admin/users/{}", ben.id)).await.is(200).shows("Phone");
    let _ = ann.api(Method::DELETE, &format!("/users/{}/totp", ben.id)).await.is(204);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_totp_authenticators")).await, 0);
    assert_eq!(actions_of(&app, ben.id).await, ["auth.sessions_revoked", "user.mfa_reset"]);
    app.run_jobs().await;
    assert_eq!(app.mails_to("ben@example.com").len(), 1);
    app.advance(TimeDelta::minutes(16));
    let stale = ann.api(Method::DELETE, &format!("/users/{}/totp", ben.id)).await.is(403);
    assert_eq!(stale.value()["code"], "reauthentication_required");
    app.finish().await;
}

#[tokio::test]
async fn the_pages_add_and_change_a_user() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/users/new").await.is(200).shows("New user").shows("Acme");
    let bad = ann.post("/admin/users", &[("email", "no"), ("first_name", "<b>Ben"), ("entry", "invite")]).await;
    let _ = bad.refuses("email").shows("&lt;b&gt;Ben");
    let _ = ann.post("/admin/users", &[("email", "ann@example.com")]).await.refuses("email");
    let _ = ann.post("/admin/users", &[("email", "b@example.com"), ("entry", "password")]).await.refuses("password");
    let company = acme.id.to_string();
    let fields = [
        ("email", "ben@example.com"),
        ("first_name", "Ben"),
        ("company_id", company.as_str()),
        ("entry", "password"),
        ("password", "correct horse battery"),
        ("force_password_change", "true"),
    ];
    let reply = ann.post("/admin/users", &fields).await.is(303);
    let path = reply.header("location").to_owned();
    let page = ann.get(&path).await.is(200).shows("ben@example.com was added").shows("Acme").shows("user.created");
    assert!(page.text().contains("Email not confirmed"));
    let changes =
        [("email", "ben@example.com"), ("first_name", "Benedict"), ("last_name", "Long"), ("email_verified", "true")];
    let _ = ann.post(&path, &changes).await.goes_to(&path);
    let page = ann.get(&path).await.is(200).shows("User saved").shows("Benedict Long");
    let _ = page.hides("Email not confirmed");
    let _ = ann.post(&path, &[("email", "ann@example.com"), ("first_name", "B")]).await.refuses("email");
    let _ = ann.post(&format!("{path}/disable"), &[]).await.goes_to(&path);
    let _ = ann.get(&path).await.is(200).shows("Disabled").shows("is disabled and was signed out everywhere");
    let _ = ann.post(&format!("{path}/send-password-reset"), &[]).await.goes_to(&path);
    let _ = ann.get(&path).await.is(200).shows("Enable it first");
    let _ = ann.post(&format!("{path}/enable"), &[]).await.goes_to(&path);
    let _ = ann.post(&format!("{path}/sessions/delete"), &[]).await.goes_to(&path);
    let _ =
        ann.post(&format!("/admin/users/{}/disable", ann.id), &[]).await.goes_to(&format!("/admin/users/{}", ann.id));
    let _ = ann.get("/admin/users").await.is(200).shows("At least one active super administrator is required");
    app.finish().await;
}

#[tokio::test]
async fn the_list_page_filters_and_keeps_its_address() {
    let app = portal().await;
    let ann = app.super_admin("Ann").await;
    app.requester("Ben").await;
    let page = ann.get("/admin/users?q=ben&status=active&sort=last_name").await.is(200);
    let page = page.shows("ben@example.com").hides("ann@example.com</span>").shows("Remove filter Search");
    let page = page.shows("aria-sort=\"ascending\"");
    assert!(page.text().contains("bulk?q=ben&amp;status=active"), "{}", page.text());
    let _ = ann.get("/admin/users?q=nobody").await.is(200).shows("No users match").shows("Clear filters");
    let _ = ann.get("/admin/users?status=foo&page=").await.is(200).shows("foo (unknown)");
    let region = ann.region("/admin/users?q=ben", "users-list").await.is(200).shows("id=\"users-list\"");
    let _ = region.hides("<html");
    app.finish().await;
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_rows() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    for name in ["ben", "cy"] {
        app.member(name, &acme).await;
    }
    let cost = async |path: &str| {
        let _ = ann.get(path).await.is(200);
        let before = app.db().statements();
        let _ = ann.get(path).await.is(200);
        app.db().statements() - before
    };
    let few = cost("/admin/users?size=100").await;
    for n in 0..97 {
        let id = app.user(&format!("user{n}"), |_| ()).await;
        let join = sql("INSERT INTO company_memberships (company_id, user_id, role_id, created_at, updated_at) \
             VALUES (?, ?, 1, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000')");
        app.execute(join.bind(acme.id).bind(id)).await;
    }
    assert_eq!(cost("/admin/users?size=100").await, few);
    assert!(few <= 8, "{few} statements");
    let record = cost(&format!("/admin/users/{}", ann.id)).await;
    assert!(record <= 8, "{record} statements");
    app.finish().await;
}

#[tokio::test]
async fn many_are_changed_at_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(app.user(&format!("user{n}"), |_| ()).await);
    }
    let one = app.sign_in(ids[0]).await;
    let text: Vec<String> = ids.iter().chain([&ann.id]).map(ToString::to_string).collect();
    let mut fields: Vec<(&str, &str)> = text.iter().map(|id| ("ids", id.as_str())).collect();
    fields.push(("action", "disable"));
    let before = app.db().statements();
    let _ = ann.post("/admin/users/bulk?q=user", &fields).await.goes_to("/admin/users?q=user");
    let spent = app.db().statements() - before;
    assert!(spent < 30, "{spent} statements for 60 users");
    let page = ann.get("/admin/users").await.is(200);
    let _ = page.shows("60 users disabled. 1 left alone: your own account (1).");
    let _ = one.api(Method::GET, "/auth/session").await.is(401);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE action = 'user.disabled'")).await, 60);
    // By filter, not by id.
    let _ =
        ann.post("/admin/users/bulk?q=user&status=disabled", &[("all", "true"), ("action", "enable")]).await.is(303);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE is_active = FALSE")).await, 0);
    let _ = ann.post("/admin/users/bulk", &[("action", "enable")]).await.goes_to("/admin/users");
    let _ = ann.get("/admin/users").await.is(200).shows("Select at least one user.");
    app.finish().await;
}

#[tokio::test]
async fn many_are_invited_again_by_a_job() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let invited = app.user("ben", |new| new.password_hash = None).await.to_string();
    let settled = app.user("cy", |_| ()).await.to_string();
    let fields = [("ids", invited.as_str()), ("ids", settled.as_str()), ("action", "resend")];
    let _ = ann.post("/admin/users/bulk", &fields).await.goes_to("/admin/users");
    let _ = ann.get("/admin/users").await.is(200).shows("1 user invited again. 1 left alone: not possible (1).");
    app.run_jobs().await;
    app.run_jobs().await;
    assert_eq!(app.mails_to("ben@example.com").len(), 1);
    assert!(app.mails_to("cy@example.com").is_empty());
    let by: Vec<(Option<i64>,)> =
        app.rows(sql("SELECT user_id FROM audit_logs WHERE action = 'user.invited' LIMIT 5")).await;
    assert_eq!(by, [(Some(ann.id),)]);
    app.finish().await;
}

#[tokio::test]
async fn the_export_has_the_filters_and_no_formulas() {
    let app = portal().await;
    let acme = app.company("Acme, Ltd").await;
    let ann = app.super_admin("ann").await;
    let ben = app.member("ben", &acme).await;
    let _ = patch(&ann, ben.id, json!({"first_name": "=HYPERLINK(1)", "last_name": "@x"})).await.is(200);
    let reply = ann.api(Method::GET, "/users/export.csv?search=example&is_super_admin=false").await.is(200);
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(
        reply.header("content-disposition").contains("users-2026-11-23.csv"),
        "{}",
        reply.header("content-disposition")
    );
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].contains(",'=HYPERLINK(1),'@x,") && lines[1].contains("\"Acme, Ltd\""), "{text}");
    assert!(app.audit().await.contains(&"user.exported".to_owned()));
    let _ = ann.get("/admin/users/export.csv").await.is(200);
    app.advance(TimeDelta::minutes(16));
    let _ = ann.api(Method::GET, "/users/export.csv").await.is(403);
    let _ = ann
        .get("/admin/users/export.csv?q=a")
        .await
        .goes_to("/confirm-password?next=%2Fadmin%2Fusers%2Fexport.csv%3Fq%3Da");
    app.finish().await;
}

#[tokio::test]
async fn a_double_submit_adds_one_user() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let fields = [("email", "ben@example.com"), ("entry", "invite"), ("_once", "0123456789abcdef")];
    let first = ann.post("/admin/users", &fields).await.is(303);
    let second = ann.post("/admin/users", &fields).await.is(303);
    assert_eq!(first.header("location"), second.header("location"));
    app.run_jobs().await;
    assert_eq!(app.mails_to("ben@example.com").len(), 1);
    app.finish().await;
}
