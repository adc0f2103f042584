//! The audit trail for people and programs.

use std::collections::HashSet;

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::audit::{Change, Stamp};
use shared::db::sql;
use shared::testing::TestApp;

use crate::{auditor, key, portal};

async fn lines(app: &TestApp) {
    let note = async |change| {
        app.advance(TimeDelta::days(1));
        app.note(change).await;
    };
    let company = |id| Change::new("company.updated", "company", id).label(format!("Company-{id}")).company(Some(id));
    note(company(1).changed(json!({"is_vip": false, "phone": "1"}), json!({"is_vip": true, "phone": "1"}))).await;
    note(company(2).by(7, "ben@example.com")).await;
    note(Change::new("user.login", "user", 7).by(7, "ben@example.com").label("<b>Ben</b>")).await;
}

#[tokio::test]
async fn the_trail_is_read_and_filtered() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/audit-logs").await.is(200).shows("Nothing recorded yet");
    lines(&app).await;
    let ann = app.sign_in(ann.id).await;
    let page = ann.get("/admin/audit-logs").await.is(200).shows("company.updated").shows("System").shows("Is VIP");
    let _ = page.shows("&lt;b&gt;Ben").hides("<b>Ben").shows("<option value=\"user.login\"").hides("Phone");
    for (query, shown, hidden) in [
        ("action=user.login", "Ben", "Company-1"),
        ("action=company.", "Company-2", "Ben"),
        ("entity_type=user", "Ben", "Company-1"),
        ("entity_type=company&entity_id=2", "Company-2", "Company-1"),
        ("actor=ben%40", "Company-2", "Company-1"),
        ("q=company-1", "Company-1", "Company-2"),
        ("user_id=7&company_id=2", "Company-2", "Ben"),
        ("entity_type=&entity_id=&user_id=", "Company-1", "No audit records"),
    ] {
        let _ = ann.get(&format!("/admin/audit-logs?{query}")).await.is(200).shows(shown).hides(hidden);
    }
    let day = (shared::testing::monday() + TimeDelta::days(2)).format("%Y-%m-%d").to_string();
    let _ = ann
        .get(&format!("/admin/audit-logs?from={day}&to={day}"))
        .await
        .shows("Company-2")
        .hides("Company-1")
        .hides("Ben<");
    let _ = ann.get("/admin/audit-logs?from=yesterday").await.is(200).shows("Enter a date such as 2026-11-23");
    let _ = ann.get("/admin/audit-logs?q=nothing").await.shows("No audit records match the selected filters");
    let _ = ann.region("/admin/audit-logs?action=user.login", "audit-list").await.hides("<html").hides("Company-1");
    app.finish().await;
}

#[tokio::test]
async fn a_line_shows_each_field_before_and_after() {
    let app = portal().await;
    lines(&app).await;
    let ann = app.super_admin("ann").await;
    let id = app.number(sql("SELECT MIN(id) FROM audit_logs")).await;
    let page = ann.get(&format!("/admin/audit-logs/{id}")).await.is(200).shows("Is VIP").shows("Yes").shows("No");
    let _ = page.shows("Show as JSON").shows("Waits for the worker").shows("Changed</span>");
    app.run_jobs().await;
    let _ = ann.get(&format!("/admin/audit-logs/{id}")).await.is(200).shows("Position 1 ");
    let _ = ann.get("/admin/audit-logs/999999").await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn programs_page_by_cursor_and_see_each_line_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for n in 0..23 {
        app.note(Change::new("x.y", "thing", n)).await;
    }
    let mut seen = HashSet::new();
    let mut path = "/audit-logs?limit=5&action=x.y".to_owned();
    let mut pages = 0;
    loop {
        let reply = ann.api(Method::GET, &path).await.is(200);
        pages += 1;
        for line in reply.value().as_array().unwrap() {
            assert!(seen.insert(line["id"].as_i64().unwrap()));
        }
        if reply.header("x-next-cursor").is_empty() {
            break;
        }
        let link = reply.header("link");
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!((seen.len(), pages), (23, 5));
    let _ = ann.api(Method::GET, "/audit-logs?cursor=x").await.refuses("cursor");
    let _ = ann.api(Method::GET, "/audit-logs?limit=501").await.refuses("limit");
    let _ = ann.api(Method::GET, "/audit-logs?from=x&entity_id=0").await.refuses("from");
    let _ = ann.api(Method::GET, "/audit-logs?entity_type=&entity_id=&user_id=").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn programs_read_one_line() {
    let app = portal().await;
    lines(&app).await;
    let ann = app.super_admin("ann").await;
    let id = app.number(sql("SELECT MIN(id) FROM audit_logs")).await;
    let line = ann.api(Method::GET, &format!("/audit-logs/{id}")).await.is(200).value();
    assert_eq!(line["previous_value"], json!({"is_vip": false}));
    assert_eq!(line["new_value"], json!({"is_vip": true}));
    assert_eq!((&line["user_id"], &line["action"]), (&Value::Null, &"company.updated".into()));
    let _ = ann.api(Method::GET, "/audit-logs/999999").await.is(404).says("Audit log not found");
    app.finish().await;
}

#[tokio::test]
async fn keys_read_within_their_scope_and_company() {
    let app = portal().await;
    lines(&app).await;
    let _ = app.stranger().api(Method::GET, "/audit-logs").await.is(401);
    let wide = key(&app, r#"["audit_logs:read"]"#, None).await;
    assert_eq!(wide.api(Method::GET, "/audit-logs").await.is(200).value().as_array().unwrap().len(), 3);
    app.company("One").await;
    app.company("Two").await;
    let narrow = key(&app, r#"["*:read"]"#, Some(2)).await;
    for query in ["", "?company_id=1", "?action=company.&limit=500"] {
        let list = narrow.api(Method::GET, &format!("/audit-logs{query}")).await.is(200).value();
        assert!(list.as_array().unwrap().iter().all(|line| line["company_id"] == 2), "{query}: {list}");
    }
    let foreign = app.number(sql("SELECT id FROM audit_logs WHERE company_id = 1")).await;
    let _ = narrow.api(Method::GET, &format!("/audit-logs/{foreign}")).await.is(404);
    let other = key(&app, r#"["tickets:read"]"#, None).await;
    let _ = other.api(Method::GET, "/audit-logs").await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn a_thousand_lines_of_one_instant_come_once_each_in_every_order() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    for n in 0..1000 {
        let change =
            Change::new(if n % 2 == 0 { "x.even" } else { "x.odd" }, if n % 5 == 0 { "five" } else { "thing" }, n);
        tx.audit(if n % 3 == 0 { change.by(n, &format!("p{}@example.com", n % 7)) } else { change });
    }
    tx.commit().await.unwrap();
    for sort in ["", "created_at", "action", "-action", "user_email", "-user_email", "entity_type", "-entity_type"] {
        let mut path = format!("/audit-logs?limit=300&action=x.&sort={sort}");
        let mut ids = Vec::new();
        let mut keys = Vec::new();
        loop {
            let reply = ann.api(Method::GET, &path).await.is(200);
            for line in reply.value().as_array().unwrap() {
                ids.push(line["id"].as_i64().unwrap());
                keys.push(line[sort.trim_start_matches('-')].as_str().unwrap_or_default().to_owned());
            }
            let link = reply.header("link").to_owned();
            match link.strip_prefix('<').and_then(|link| link.split_once('>')) {
                Some((next, _)) => path = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (1000, 1000), "{sort}");
        if sort.starts_with('-') {
            keys.reverse();
        }
        assert!(keys.is_sorted(), "{sort}");
    }
    let _ = ann.api(Method::GET, "/audit-logs?sort=password").await.refuses("sort");
    let _ = ann.api(Method::GET, "/audit-logs?sort=action&cursor=1-2").await.refuses("cursor");
    app.finish().await;
}

/// The address behind a link of the pager.
fn link(page: &str, rel: &str) -> String {
    let before = page.split(&format!("\" rel=\"{rel}\"")).next().unwrap();
    let address = before.rsplit("href=\"").next().unwrap();
    address.replace("&#x2f;", "/").replace("&amp;", "&")
}

#[tokio::test]
async fn people_page_sort_and_choose_the_size() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for n in 0..120 {
        app.note(Change::new("x.y", "thing", n).label(format!("Thing-{n:03}.")).by(n, &format!("p{n:03}@example.com")))
            .await;
    }
    let first = ann.get("/admin/audit-logs").await.is(200).shows("Thing-119.").shows("Thing-020.").hides("Thing-019.");
    let older = link(&first.text(), "next");
    let second = ann.get(&older).await.is(200).shows("Thing-019.").hides("Thing-020.");
    let newer = link(&second.text(), "prev");
    let _ = ann.get(&newer).await.is(200).shows("Thing-119.").shows("Thing-020.").hides("Thing-019.");
    let _ = ann.get("/admin/audit-logs?size=50").await.shows("Thing-070.").hides("Thing-069.");
    let _ = ann.get("/admin/audit-logs?size=7&sort=nothing&before=x").await.is(200).shows("Thing-020.");
    let sorted =
        ann.get("/admin/audit-logs?sort=user_email&size=50").await.is(200).shows("Thing-000.").hides("Thing-119.");
    let _ = sorted.shows("aria-sort=\"ascending\"").shows("Next");
    let before = app.db().statements();
    let _ = ann.get("/admin/audit-logs?company_id=1&q=thing&sort=-action&size=500").await.is(200);
    assert!(app.db().statements() - before <= 8, "{}", app.db().statements() - before);
    app.finish().await;
}

#[tokio::test]
async fn holders_of_audit_view_read_their_company_only() {
    let app = portal().await;
    let (one, two) = (app.company("One").await, app.company("Two").await);
    lines(&app).await;
    let cora = auditor(&app, "cora", &one).await;
    let mia = app.member("mia", &one).await;
    let page = cora.get("/admin/audit-logs").await.is(200).shows("Company-1").hides("Company-2").hides("user.login");
    let _ = page.hides("Administration</a>").hides("/admin\"").shows("<span>Audit trail</span>");
    for query in ["company_id=2", "action=user.login", "q=company-2", "actor=ben", "entity_id=2", "user_id=7"] {
        let _ = cora.get(&format!("/admin/audit-logs?{query}")).await.is(200).hides("Company-2").hides("Ben");
        let list = cora.api(Method::GET, &format!("/audit-logs?{query}")).await.is(200).value();
        assert_eq!(list, json!([]), "{query}");
        let file = cora.api(Method::GET, &format!("/audit-logs/export.csv?{query}")).await.is(200).text();
        assert_eq!(file.lines().count(), 1, "{query}: {file}");
    }
    let foreign = app.number(sql("SELECT id FROM audit_logs WHERE company_id = ?").bind(two.id)).await;
    let of_nobody =
        app.number(sql("SELECT id FROM audit_logs WHERE company_id IS NULL AND action = 'user.login'")).await;
    for id in [foreign, of_nobody] {
        let _ = cora.get(&format!("/admin/audit-logs/{id}")).await.is(404);
        let _ = cora.api(Method::GET, &format!("/audit-logs/{id}")).await.is(404);
    }
    let own = app.number(sql("SELECT MIN(id) FROM audit_logs WHERE company_id = ?").bind(one.id)).await;
    let _ = cora.get(&format!("/admin/audit-logs/{own}")).await.is(200).shows("Is VIP").hides("/admin/companies/");
    // A plain member has no such right, and a person who lost it has none on the next request.
    let _ = mia.get("/admin/audit-logs").await.goes_to("/");
    let _ = mia.api(Method::GET, "/audit-logs").await.is(403);
    let _ = mia.api(Method::GET, "/audit-logs/export.csv").await.is(403);
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(cora.id)).await;
    let _ = cora.api(Method::GET, &format!("/audit-logs/{own}")).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn what_a_super_admin_does_elsewhere_is_not_the_chosen_companys() {
    let app = portal().await;
    let one = app.company("One").await;
    let cora = auditor(&app, "cora", &one).await;
    let ann = app.super_admin("ann").await;
    app.execute(sql("UPDATE user_sessions SET active_company_id = ? WHERE user_id = ?").bind(one.id).bind(ann.id))
        .await;
    let _ = ann.post("/admin/setup/dismiss", &[]).await.goes_to("/admin");
    let of_one = "SELECT COUNT(*) FROM audit_logs WHERE action = 'site_settings.updated' AND company_id IS NOT NULL";
    assert_eq!(app.number(sql(of_one)).await, 0);
    let _ = cora.get("/admin/audit-logs").await.is(200).hides("site_settings.updated");
    app.finish().await;
}

#[tokio::test]
async fn the_trail_leaves_as_a_file() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.note(Change::new("x.y", "thing", 1).label("=1+1").after(json!({"name": "a \"b\""})).by(1, "+ann@example.com"))
        .await;
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    for n in 0..1200 {
        tx.audit(Change::new("x.z", "thing", n));
    }
    tx.commit().await.unwrap();
    let reply = ann.get("/audit-logs/export.csv?action=x.").await.is(200);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert!(reply.header("content-disposition").contains("audit-2026-"), "{}", reply.header("content-disposition"));
    let text = reply.text();
    assert_eq!(text.lines().count(), 1202);
    assert!(text.contains(",'=1+1,") && text.contains(",'+ann@example.com,"), "formulas are cells");
    assert!(text.contains("\"{\"\"name\"\":\"\"a "), "{}", &text[text.len() - 300..]);
    let list = ann.api(Method::GET, "/audit-logs/export.json?action=x.&sort=created_at").await.is(200).value();
    let list = list.as_array().unwrap().clone();
    assert_eq!((list.len(), &list[0]["entity_label"]), (1201, &json!("=1+1")));
    assert_eq!(ann.api(Method::GET, "/audit-logs/export.json?action=none").await.is(200).value(), json!([]));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE action = 'audit.exported'")).await, 3);
    let filters: Vec<(String,)> =
        app.rows(sql("SELECT metadata FROM audit_logs WHERE action = 'audit.exported' ORDER BY id LIMIT 1")).await;
    assert_eq!(filters[0].0, r#"{"filters":{"action":"x."}}"#);
    let _ = ann.api(Method::GET, "/audit-logs/export.csv?entity_id=0").await.refuses("entity_id");
    let _ = app.stranger().api(Method::GET, "/audit-logs/export.csv").await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_masked_also_in_old_lines() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.note(
        Change::new("user.updated", "user", 1)
            .after(json!({"mfa": {"secret": "JBSW", "code": "123456"}, "note": "open"})),
    )
    .await;
    app.execute(
        sql("INSERT INTO audit_logs (created_at, action, new_value) VALUES (?, 'old.line', ?)")
            .bind(app.app().now())
            .bind(r#"{"password_hash": "$2b$", "name": "Ann"}"#),
    )
    .await;
    let ids: Vec<(i64,)> = app.rows(sql("SELECT id FROM audit_logs ORDER BY id LIMIT 2")).await;
    for (id,) in ids {
        let _ = ann
            .get(&format!("/admin/audit-logs/{id}"))
            .await
            .is(200)
            .hides("JBSW")
            .hides("123456")
            .hides("$2b$")
            .shows("Hidden");
        let _ = ann.api(Method::GET, &format!("/audit-logs/{id}")).await.is(200).hides("JBSW").hides("$2b$");
    }
    app.finish().await;
}
