//! Deleting and archiving a company (organisation 6.1, 6.2, acceptance 14).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::{key, portal};

#[tokio::test]
async fn a_company_with_records_stays() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    app.execute(
        sql(
            "INSERT INTO tickets (company_id, subject, search_text, created_at, updated_at) VALUES (?, 's', 's', ?, ?)",
        )
        .bind(acme.id)
        .bind(app.app().now())
        .bind(app.app().now()),
    )
    .await;
    let refused = ann.api(Method::DELETE, &format!("/companies/{}", acme.id)).await.is(409);
    assert_eq!(refused.value()["dependents"], json!({"tickets": 1}));
    let _ = refused.says("Company has linked records");
    let page = format!("/admin/companies/{}/delete", acme.id);
    let _ = ann.get(&page).await.is(200).shows("Acme cannot be deleted").shows("Tickets: 1");
    let _ = ann.post(&page, &[("typed", "Acme")]).await.is(409);
    let _ = ann.get(&format!("/admin/companies/{}/records", acme.id)).await.is(200).shows("Tickets");
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn an_empty_company_goes_and_sessions_lose_it() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let other = app.company("Other").await;
    let ann = app.super_admin("ann").await;
    let mia = app.member("mia", &acme).await;
    let olga = app.company_admin("olga", &other).await;
    let _ = mia.get("/business-information").await.is(200);
    let path = format!("/companies/{}", acme.id);
    let _ = mia.api(Method::DELETE, &path).await.is(403);
    let page = format!("/admin/companies/{}/delete", acme.id);
    for path in [page.clone(), format!("/admin/companies/{}/records", acme.id)] {
        let _ = olga.get(&path).await.goes_to("/");
    }
    let _ = ann.post(&page, &[("typed", "acme")]).await.refuses("typed");
    let _ = ann.api(Method::DELETE, &path).await.is(204);
    let _ = mia.get("/business-information").await.is(400).shows("Choose a company");
    let held = "SELECT COUNT(*) FROM user_sessions WHERE active_company_id = ?";
    assert_eq!(app.number(sql(held).bind(acme.id)).await, 0);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE id = ? AND company_id IS NULL").bind(mia.id)).await, 1);
    let _ = ann.api(Method::DELETE, &path).await.is(404).says("Company not found");
    let page = format!("/admin/companies/{}/delete", other.id);
    let _ = ann.post(&page, &[("typed", "Other")]).await.goes_to("/admin/companies");
    assert_eq!(app.audit().await, ["company.deleted", "company.deleted"]);
    app.finish().await;
}

#[tokio::test]
async fn the_keys_of_an_archived_company_are_refused_at_once() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let key = app.stranger().with_key(&key(&app, r#"["companies:read"]"#, Some(acme.id)).await);
    let path = format!("/companies/{}", acme.id);
    let _ = key.api(Method::GET, &path).await.is(200);
    let _ = ann.api(Method::POST, &format!("{path}/archive")).await.is(200);
    let _ = key.api(Method::GET, &path).await.is(401);
    let _ = ann.api(Method::POST, &format!("{path}/unarchive")).await.is(200);
    let _ = key.api(Method::GET, &path).await.is(200);
    app.finish().await;
}
