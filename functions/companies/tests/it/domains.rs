//! Email domains of a company (organisation 12, acceptance 29).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::{key, make, portal};

#[tokio::test]
async fn domains_are_added_switched_and_removed() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let path = format!("/companies/{}/email-domains", acme.id);
    let made = ann.json(Method::POST, &path, json!({"domain": "@Acme.Example"})).await.is(201).value();
    assert_eq!((&made["domain"], &made["auto_join"]), (&json!("acme.example"), &json!(false)));
    let refused = ann.json(Method::POST, &path, json!({"domain": "gmail.com"})).await.refuses("domain");
    let _ = refused.shows("Public e-mail domains cannot be assigned to a company");
    let other = format!("/companies/{}/email-domains", beta.id);
    let _ = ann.json(Method::POST, &other, json!({"domain": "acme.example"})).await.is(409);
    let one = format!("{path}/{}", made["id"]);
    let _ = ann.json(Method::PATCH, &format!("{other}/{}", made["id"]), json!({"auto_join": true})).await.is(404);
    let on = ann.json(Method::PATCH, &one, json!({"auto_join": true})).await.is(200).value();
    assert_eq!(on["auto_join"], true);
    assert_eq!(ann.api(Method::GET, &path).await.is(200).value().as_array().unwrap().len(), 1);
    let _ = ann.api(Method::DELETE, &one).await.is(204);
    let _ = ann.api(Method::DELETE, &one).await.is(404);
    let _ = ann.api(Method::GET, "/companies/999/email-domains").await.is(404);
    assert_eq!(app.audit().await, ["company.domain_added", "company.domain_updated", "company.domain_removed"]);
    app.finish().await;
}

#[tokio::test]
async fn who_manages_the_company_reads_and_proposes() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let olga = app.company_admin("olga", &acme).await;
    let mia = app.member("mia", &acme).await;
    let adam = app.member("adam", &acme).await;
    make(&app, &adam, "administrator", false).await;
    let path = format!("/companies/{}/email-domains", acme.id);
    let made = ann.json(Method::POST, &path, json!({"domain": "acme.example"})).await.is(201).value();
    let _ = olga.api(Method::GET, &path).await.is(200).shows("acme.example");
    let _ = olga.json(Method::POST, &path, json!({"domain": "second.example"})).await.is(202);
    let one = format!("{path}/{}", made["id"]);
    let _ = olga.json(Method::PATCH, &one, json!({"auto_join": true})).await.is(403);
    let _ = olga.api(Method::DELETE, &one).await.is(403);
    let page = format!("/admin/companies/{}/domains", acme.id);
    let _ = olga.get(&page).await.is(200).shows("acme.example").shows("Propose domain").hides("Remove");
    let _ = olga.post(&page, &[("domain", "third.example")]).await.goes_to(&page);
    let _ = olga.post(&format!("{page}/1/remove"), &[]).await.goes_to("/");
    for actor in [&mia, &adam] {
        let _ = actor.api(Method::GET, &path).await.is(404);
        let _ = actor.get(&page).await.is(404);
    }
    let _ = olga.api(Method::GET, &format!("/companies/{}/email-domains", beta.id)).await.is(404);
    let _ = app.stranger().api(Method::GET, &path).await.is(401);
    app.run_jobs().await;
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'company.domain_proposed' AND user_id = ?";
    assert_eq!(app.number(sql(told).bind(ann.id)).await, 2);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM company_email_domains")).await, 1);
    let limited = app.stranger().with_key(&key(&app, r#"["companies:write"]"#, Some(acme.id)).await);
    let _ = limited.api(Method::GET, &path).await.is(200);
    let _ = limited.api(Method::DELETE, &one).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn people_with_a_matching_address_are_added_with_one_click() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let olga = app.company_admin("olga", &acme).await;
    let gus = app.requester("gus").await;
    let unproven = app.user("una", |new| new.email_verified_at = None).await;
    let page = format!("/admin/companies/{}/domains", acme.id);
    let _ = ann.get(&page).await.is(200).shows("No email domain yet");
    let _ = ann.post(&page, &[("domain", "x")]).await.refuses("domain");
    let _ = ann.post(&page, &[("domain", "example.com"), ("auto_join", "true")]).await.goes_to(&page);
    let _ = ann.post(&page, &[("domain", "example.com")]).await.refuses("domain");
    let _ = ann.get(&page).await.shows("gus@example.com").hides("una@example.com");
    let id = app.number(sql("SELECT id FROM company_email_domains")).await;
    let _ = ann.post(&format!("{page}/{id}/auto-join"), &[("auto_join", "false")]).await.goes_to(&page);
    let add = format!("{page}/people");
    let _ = olga.post(&add, &[("user_id", &unproven.to_string())]).await.is(404);
    let _ = olga.post(&add, &[("user_id", &gus.id.to_string())]).await.goes_to(&page);
    let _ = gus.get("/business-information").await.is(200).shows("Acme");
    let _ = gus.post(&add, &[("user_id", &gus.id.to_string())]).await.is(404);
    let _ = ann.post(&format!("{page}/{id}/remove"), &[]).await.goes_to(&page);
    app.run_jobs().await;
    app.finish().await;
}
