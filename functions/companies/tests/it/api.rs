use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::{key, portal};

#[tokio::test]
async fn companies_are_added_read_and_changed() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let body = json!({"name": " Acme ", "phone": "  ", "website": "acme.example.com", "is_vip": 1,
        "syncro_company_id": "88", "address": "1 Mill Lane\nLeeds"});
    let created = ann.json(Method::POST, "/companies", body).await.is(201).value();
    assert_eq!(created["name"], "Acme");
    assert_eq!(created["phone"], json!(null));
    assert_eq!(created["website"], "https://acme.example.com");
    assert_eq!(created["is_vip"], true);
    assert_eq!(created["address"], "1 Mill Lane\nLeeds");
    let path = format!("/companies/{}", created["id"]);
    assert_eq!(ann.api(Method::GET, &path).await.is(200).value(), created);

    let changed = json!({"address": null, "xero_id": "x1", "is_provider": true});
    let changed = ann.json(Method::PATCH, &path, changed).await.is(200).value();
    assert_eq!(changed["address"], json!(null));
    assert_eq!(
        (&changed["xero_id"], &changed["name"], &changed["is_vip"]),
        (&json!("x1"), &json!("Acme"), &json!(true))
    );

    assert_eq!(app.audit().await, ["company.created", "company.updated"]);
    let before: Vec<(String, String)> = app
        .rows(sql("SELECT previous_value, new_value FROM audit_logs WHERE action = 'company.updated' LIMIT 1"))
        .await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&before[0].1).unwrap(),
        json!({"address": null, "xero_id": "x1", "is_provider": true})
    );
    app.finish().await;
}

#[tokio::test]
async fn what_others_have_is_refused() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let taken = json!({"name": "Acme", "syncro_company_id": "88", "xero_id": "x1"});
    ann.json(Method::POST, "/companies", taken).await.is(201).value();
    for (body, detail) in [
        (json!({"name": "ACME"}), "Company name already exists"),
        (json!({"name": "Other", "syncro_company_id": "88"}), "Syncro ID already in use"),
        (json!({"name": "Other", "xero_id": "x1"}), "Xero ID already in use"),
    ] {
        let _ = ann.json(Method::POST, "/companies", body).await.is(409).says(detail);
    }
    let other = app.company("Other").await;
    let path = format!("/companies/{}", other.id);
    let _ = ann.json(Method::PATCH, &path, json!({"name": "acme"})).await.is(409).says("Company name already exists");
    app.finish().await;
}

#[tokio::test]
async fn bad_fields_are_named() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"name": "A", "contact_email": "ana"}), "contact_email"),
        (json!({"name": "A", "website": "javascript:alert(1)"}), "website"),
        (json!({"name": "A", "is_vip": 2}), "is_vip"),
        (json!({"name": "A", "phone": "1".repeat(65)}), "phone"),
    ] {
        let _ = ann.json(Method::POST, "/companies", body).await.refuses(field);
    }
    let acme = app.company("Acme").await;
    let path = format!("/companies/{}", acme.id);
    for body in [json!({"name": null}), json!({"name": " "})] {
        let _ = ann.json(Method::PATCH, &path, body).await.refuses("name");
    }
    let _ = ann.api(Method::GET, "/companies/999").await.is(404).says("Company not found");
    let _ = ann.json(Method::PATCH, "/companies/999", json!({})).await.is(404).says("Company not found");
    let _ = ann.api(Method::GET, "/companies/abc").await.is(422);
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_searched_sorted_and_paged() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for name in ["beta Dental", "Alpha", "Gamma Dental"] {
        app.company(name).await;
    }
    let old = app.company("Old").await;
    let _ = ann.api(Method::POST, &format!("/companies/{}/archive", old.id)).await.is(200);
    let names = async |query: &str| -> Vec<String> {
        let list = ann.api(Method::GET, &format!("/companies{query}")).await.is(200).value();
        list.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["Alpha", "beta Dental", "Gamma Dental"]);
    assert_eq!(names("?search=dent").await, ["beta Dental", "Gamma Dental"]);
    assert_eq!(names("?search=%25").await, ["Alpha", "beta Dental", "Gamma Dental"]);
    assert_eq!(names("?sort=-name&archived=all&limit=2").await, ["Old", "Gamma Dental"]);
    assert_eq!(names("?archived=1").await, ["Old"]);
    assert_eq!(names("?is_vip=true").await, Vec::<String>::new());
    assert_eq!(names("?search=&is_vip=").await.len(), 3);
    let page = ann.api(Method::GET, "/companies?limit=1&offset=1").await.is(200);
    assert_eq!(page.header("x-total-count"), "3");
    assert!(page.header("link").contains("rel=\"next\"") && page.header("link").contains("rel=\"prev\""));
    for (query, field) in [("sort=id", "sort"), ("archived=2", "archived"), ("limit=501", "limit")] {
        let _ = ann.api(Method::GET, &format!("/companies?{query}")).await.refuses(field);
    }
    app.finish().await;
}

#[tokio::test]
async fn only_super_admins_and_keys_with_the_scope_get_in() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let other = app.company("Other").await;
    let owner = app.company_admin("olga", &acme).await;
    let _ = owner.api(Method::GET, "/companies").await.is(403);
    let _ = app.stranger().api(Method::GET, "/companies").await.is(401);

    let reader = app.stranger().with_key(&key(&app, r#"["companies:read"]"#, Some(acme.id)).await);
    let list = reader.api(Method::GET, "/companies?archived=all").await.is(200).value();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["name"], "Acme");
    let _ = reader.api(Method::GET, &format!("/companies/{}", other.id)).await.is(404).says("Company not found");
    let _ = reader.json(Method::POST, "/companies", json!({"name": "New"})).await.is(403);
    app.execute(sql("UPDATE api_keys SET scopes = '[\"companies:write\"]'")).await;
    let _ = reader.json(Method::POST, "/companies", json!({"name": "New"})).await.is(403);
    let _ = reader.json(Method::PATCH, &format!("/companies/{}", acme.id), json!({"phone": "1"})).await.is(200);
    let _ = reader.json(Method::PATCH, &format!("/companies/{}", other.id), json!({"phone": "1"})).await.is(404);
    app.execute(sql("UPDATE api_keys SET scopes = '[\"tickets:write\"]'")).await;
    let _ = reader.api(Method::GET, "/companies").await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn options_are_the_companies_one_may_switch_to() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let beta = app.company("Beta").await;
    let mia = app.member("mia", &beta).await;
    let names = |value: serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(mia.api(Method::GET, "/api/companies/options").await.is(200).value()), ["Beta"]);
    assert_eq!(names(mia.api(Method::GET, "/api/companies/options?search=acme").await.is(200).value()), [""; 0]);
    let ann = app.super_admin("ann").await;
    assert_eq!(names(ann.api(Method::GET, "/api/companies/options").await.is(200).value()), ["Acme", "Beta"]);
    let _ = ann.api(Method::POST, &format!("/companies/{}/archive", acme.id)).await.is(200);
    assert_eq!(names(ann.api(Method::GET, "/api/companies/options").await.is(200).value()), ["Beta"]);
    let _ = app.stranger().api(Method::GET, "/api/companies/options").await.is(401);
    app.finish().await;
}
