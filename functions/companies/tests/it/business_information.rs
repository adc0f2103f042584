//! `/business-information` as form and as JSON (organisation 13, acceptance 30).

use http::Method;
use serde_json::json;

use crate::{make, portal};

#[tokio::test]
async fn who_manages_the_company_edits_what_it_says_of_itself() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let _ = olga.get("/business-information").await.is(200).shows("Edit company");
    let _ = olga.get("/business-information/edit").await.is(200).shows("Save business information");
    let typed = [("phone", "0113"), ("website", "acme.example.com"), ("name", "Mine"), ("is_vip", "true")];
    let _ = olga.post("/business-information", &typed).await.goes_to("/business-information");
    let read = olga.api(Method::GET, "/api/business-information").await.is(200).value();
    assert_eq!(
        (&read["name"], &read["phone"], &read["website"], &read["is_vip"], &read["role"]),
        (&json!("Acme"), &json!("0113"), &json!("https://acme.example.com"), &json!(false), &json!("Owner"))
    );
    assert!(read.get("syncro_company_id").is_none() && read.get("domains").is_none());
    assert_eq!(read["counts"], json!({"members": 1}), "open tickets are the desk's");
    let _ = olga.post("/business-information", &[("website", "javascript:x")]).await.refuses("website");
    let path = "/api/business-information";
    let changed = olga.json(Method::PATCH, path, json!({"phone": null, "contact_email": "office@example.com"})).await;
    let changed = changed.is(200).value();
    assert_eq!(
        (&changed["phone"], &changed["contact_email"], &changed["website"]),
        (&json!(null), &json!("office@example.com"), &json!("https://acme.example.com"))
    );
    let _ = olga.json(Method::PATCH, path, json!({"contact_email": "x"})).await.refuses("contact_email");
    assert_eq!(app.audit().await, ["company.updated", "company.updated"]);
    app.finish().await;
}

#[tokio::test]
async fn plain_members_read_only() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let mia = app.member("mia", &acme).await;
    let adam = app.member("adam", &acme).await;
    make(&app, &adam, "administrator", false).await;
    for actor in [&mia, &adam] {
        let _ = actor.get("/business-information").await.is(200).shows("Acme").hides("Edit company").hides("Invoices");
        let _ = actor.get("/business-information/edit").await.goes_to("/");
        let _ = actor.post("/business-information", &[("phone", "1")]).await.goes_to("/");
        let _ = actor.json(Method::PATCH, "/api/business-information", json!({"phone": "1"})).await.is(403);
    }
    let read = mia.api(Method::GET, "/api/business-information").await.is(200).value();
    assert_eq!((&read["role"], &read["sections"]), (&json!("Member"), &json!([])));
    let gus = app.requester("gus").await;
    let _ = gus.api(Method::GET, "/api/business-information").await.is(400);
    let _ = app.stranger().api(Method::GET, "/api/business-information").await.is(401);
    assert!(app.audit().await.is_empty());
    app.finish().await;
}
