//! The access review: what was changed in words, what is there today, filters, reviews, files.

use http::Method;
use serde_json::json;
use shared::audit::Change;
use shared::db::sql;
use shared::testing::TestApp;

use crate::{key, portal};

/// Two companies, two people, four changes of memberships and two edits of roles.
async fn history(app: &TestApp) {
    let (one, two) = (app.company("Acme").await, app.company("Zenith").await);
    let member = |action, id, email: &str, company: i64| {
        Change::new(action, "company_membership", id).label(email).company(Some(company)).meta("user_email", email)
    };
    let note = async |change: Change, by: (i64, &str)| app.note(change.by(by.0, by.1)).await;
    let (ana, zoe) = ((1, "ana@example.com"), (2, "zoe@example.com"));
    note(
        member("membership.created", 11, "ben@acme.example", one.id)
            .after(json!({"role": "Member", "status": "active"})),
        ana,
    )
    .await;
    let flags = (
        json!({"can_access_shop": false, "can_access_cart": true}),
        json!({"can_access_shop": true, "can_access_cart": false}),
    );
    note(member("membership.permissions_changed", 11, "ben@acme.example", one.id).changed(flags.0, flags.1), zoe).await;
    note(
        member("membership.role_changed", 12, "kim@zenith.example", two.id)
            .changed(json!({"role": "Owner"}), json!({"role": "Member"})),
        ana,
    )
    .await;
    note(
        member("membership.staff_permission_changed", 12, "kim@zenith.example", two.id)
            .changed(json!({"staff_permission": 3}), json!({"staff_permission": 1})),
        zoe,
    )
    .await;
    let role = |action| Change::new(action, "role", 9).label("Buyer");
    note(role("role.created").after(json!({"name": "Buyer"})).meta("added", json!(["portal.access"])), ana).await;
    note(
        role("role.updated")
            .meta("added", json!(["audit.view"]))
            .meta("removed", json!(["portal.access"]))
            .meta("member_count", 14),
        zoe,
    )
    .await;
}

#[tokio::test]
async fn changes_are_told_filtered_and_sorted_by_the_server() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/access-review").await.is(200).shows("No membership was changed yet");
    let _ = ann.get("/admin/access-review?tab=roles").await.is(200).shows("No role was edited yet");
    history(&app).await;
    let page = ann.get("/admin/access-review").await.is(200).shows("Shop on, Cart off").shows("Staff level 3 → 1");
    let _ = page.shows("Role Owner → Member").shows("Added, Role Member").hides("Buyer</a>");
    for (query, shown, hidden) in [
        ("company_id=1", "ben@acme", "kim@zenith"),
        ("member=kim", "kim@zenith", "ben@acme"),
        ("actor=zoe", "Staff level", "Role Owner"),
        ("action=membership.created", "Added, ", "Shop on"),
        ("role=Owner", "Role Owner", "Staff level"),
        ("increases=1", "Shop on", "Staff level"),
        ("from=2026-01-01&to=2026-01-02", "Nothing matches", "ben@acme"),
        ("company_id=&member=&from=&to=", "ben@acme", "Nothing matches"),
    ] {
        let _ = ann.get(&format!("/admin/access-review?{query}")).await.is(200).shows(shown).hides(hidden);
    }
    let _ = ann.get("/admin/access-review?from=soon").await.is(200).shows("Enter a date such as");
    let order = |text: String| (text.find("Added, ").unwrap(), text.find("Shop on").unwrap());
    let (ana, zoe) = order(ann.get("/admin/access-review?sort=actor").await.is(200).text());
    assert!(ana < zoe);
    let (ana, zoe) = order(ann.get("/admin/access-review?sort=-actor").await.is(200).text());
    assert!(ana > zoe);
    let _ = ann.region("/admin/access-review?tab=roles", "access-list").await.is(200).hides("<html");
    app.finish().await;
}

#[tokio::test]
async fn a_role_edit_shows_what_was_added_and_removed_and_is_announced() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let first = ann.api(Method::GET, "/events/poll?since=").await.is(200).value();
    let cursor = first["cursor"].as_str().unwrap().to_owned();
    let _ = ann.api(Method::GET, &format!("/events/poll?since={cursor}")).await.is(204);
    history(&app).await;
    let news = ann.api(Method::GET, &format!("/events/poll?since={cursor}")).await.is(200).value();
    assert_eq!(news["events"][0]["kind"], "access");
    let page = ann.get("/admin/access-review?tab=roles").await.is(200).shows("data-live=\"poll\"");
    let page = page.shows("portal:access from:body").shows("+ audit.view").shows("− portal.access").shows(">14<");
    let _ = page.hides("ben@acme");
    let rob = app.requester("rob").await;
    let _ = rob.api(Method::GET, "/events/poll").await.is(204);
    app.finish().await;
}

#[tokio::test]
async fn current_access_is_listed() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (acme, zenith) = (app.company("Acme").await, app.company("Zenith").await);
    let ben = app.company_admin("ben", &acme).await;
    app.member("kim", &zenith).await;
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id <> ?").bind(ben.id)).await;
    let page =
        ann.get("/admin/access-review?tab=access").await.is(200).shows("ben@example.com").shows("kim@example.com");
    let _ = page.shows("Owner").shows("All sections").shows("Suspended");
    for (query, shown, hidden) in [
        ("company_id=2", "kim@example.com", "ben@example.com"),
        ("member=ben", "ben@example.com", "kim@example.com"),
        ("role=Member", "kim@example.com", "ben@example.com"),
        ("status=suspended", "kim@example.com", "ben@example.com"),
    ] {
        let _ = ann.get(&format!("/admin/access-review?tab=access&{query}")).await.is(200).shows(shown).hides(hidden);
    }
    for sort in [
        "company", "-company", "user", "-user", "role", "-role", "level", "-level", "status", "-status", "seen",
        "-seen",
    ] {
        let _ = ann.get(&format!("/admin/access-review?tab=access&sort={sort}")).await.is(200).shows("kim@example.com");
    }
    let list = ann.api(Method::GET, "/api/access-review/access?status=active").await.is(200);
    assert_eq!(list.header("x-total-count"), "1");
    assert_eq!(list.value()[0]["sections"][0], "Shop");
    app.finish().await;
}

#[tokio::test]
async fn a_change_is_marked_as_reviewed() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    history(&app).await;
    let id = app.number(sql("SELECT id FROM audit_logs WHERE action = 'membership.role_changed'")).await;
    let path = format!("/admin/access-review/{id}");
    let _ = ann.get(&path).await.is(200).shows("Role Owner → Member").shows("kim@zenith.example");
    let _ = ann.post(&path, &[("note", &"x".repeat(1001))]).await.refuses("note");
    let _ = ann.post(&path, &[("note", "Agreed with Kim")]).await.goes_to("/admin/access-review?tab=memberships");
    let _ = ann.get(&path).await.is(200).shows("Reviewed by ann@example.com").shows("Agreed with Kim");
    let _ = ann.get("/admin/access-review?reviewed=no").await.is(200).hides("Role Owner → Member").shows("Shop on");
    let api = format!("/api/access-review/{id}/review");
    let changed = ann.json(Method::POST, &api, json!({"note": "Again"})).await.is(200).value();
    assert_eq!((&changed["note"], &changed["reviewed_by"]), (&json!("Again"), &json!("ann@example.com")));
    assert_eq!(app.audit().await.iter().filter(|action| *action == "audit.reviewed").count(), 2);
    let _ = ann.get("/admin/access-review/999999").await.is(404);
    let login = app.number(sql("SELECT MAX(id) FROM audit_logs WHERE action = 'audit.reviewed'")).await;
    let _ = ann.get(&format!("/admin/access-review/{login}")).await.is(404);
    let _ = ann.json(Method::POST, &format!("/api/access-review/{login}/review"), json!({})).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn lists_leave_as_files_without_formulas() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    history(&app).await;
    app.note(Change::new("membership.invited", "company_membership", 13).label("=cmd()")).await;
    let file = ann.get("/admin/access-review/export.csv").await.is(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text();
    assert_eq!(text.lines().count(), 6);
    assert!(text.contains(",'=cmd(),") && text.contains("Shop on; Cart off"), "{text}");
    let text = ann.get("/admin/access-review/export.csv?tab=roles&member=buyer").await.is(200).text();
    assert!(text.contains("audit.view,portal.access,14"), "{text}");
    app.member("mia", &app.company("Third").await).await;
    let text = ann.get("/admin/access-review/export.csv?tab=access").await.is(200).text();
    assert!(text.contains("Third,mia@example.com,mia Example,active,Member,,0,no,no,"), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn only_super_admins_review_within_eight_questions() {
    let app = portal().await;
    let acme = app.company("Third").await;
    let (olga, ann) = (app.company_admin("olga", &acme).await, app.super_admin("ann").await);
    history(&app).await;
    for path in ["/admin/access-review", "/admin/access-review/1", "/admin/access-review/export.csv"] {
        let _ = olga.get(path).await.goes_to("/");
        let _ = app.stranger().get(path).await.is(303);
    }
    for list in ["memberships", "roles", "access"] {
        let path = format!("/api/access-review/{list}");
        let _ = olga.api(Method::GET, &path).await.is(403);
        let _ = app.stranger().api(Method::GET, &path).await.is(401);
        let _ = ann.api(Method::GET, &path).await.is(200);
        let wide = key(&app, r#"["audit_logs:read"]"#, None).await;
        let _ = wide.api(Method::GET, &path).await.is(200);
        let narrow = key(&app, r#"["audit_logs:read"]"#, Some(acme.id)).await;
        let _ = narrow.api(Method::GET, &path).await.is(403);
        let before = app.db().statements();
        let _ = ann.get(&format!("/admin/access-review?tab={list}&sort=-company")).await.is(200);
        assert!(app.db().statements() - before <= 8, "{list}: {}", app.db().statements() - before);
    }
    let _ = olga.post("/admin/access-review/1", &[]).await.goes_to("/");
    app.finish().await;
}

#[tokio::test]
async fn template_variables_have_the_callers_values() {
    let app = portal().await;
    let acme = app.company("ACME Corp").await;
    let ada = app.member("ada", &acme).await;
    let list = ada.api(Method::GET, "/api/template-variables").await.is(200).value();
    let value = |name: &str| list.as_array().unwrap().iter().find(|v| v["name"] == name).unwrap()["value"].clone();
    assert_eq!(list.as_array().unwrap().len(), 9);
    assert_eq!(value("user.fullName"), "ada Example");
    assert_eq!(value("company.name"), "ACME Corp");
    assert_eq!(value("portal.loginUrl"), "http://portal.test/login");
    assert_eq!(list[5]["encoded"], "{{company.nameUrlEncoded}}");
    let _ = app.stranger().api(Method::GET, "/api/template-variables").await.is(401);
    app.finish().await;
}
