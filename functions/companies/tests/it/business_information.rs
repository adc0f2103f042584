//! `/business-information` as form and as JSON (organisation 13, acceptance 30).

use http::Method;
use serde_json::json;

use crate::staff::{person, with_level};
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
    assert_eq!(read["counts"], json!({"members": 1, "staff": 0, "active_staff": 0}), "open tickets are the desk's");
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

#[tokio::test]
async fn staff_is_counted_as_far_as_one_sees_it() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    person(&ann, &acme, "Rosa", json!({"department": "Reception"})).await;
    person(&ann, &acme, "Sid", json!({"department": "reception", "enabled": false})).await;
    person(&ann, &acme, "Tia", json!({"department": "Surgery"})).await;
    person(&ann, &acme, "Uma", json!({})).await;
    person(&ann, &beta, "Foreign", json!({"department": "Reception"})).await;
    // The own record, by which the own department is known.
    person(&ann, &acme, "Lev", json!({"department": "Reception", "email": "one@example.com"})).await;
    person(&ann, &acme, "Two", json!({"department": "Surgery", "enabled": false})).await;
    let mut viewers = Vec::new();
    for (name, level, staff, active) in [("one", 1, 3, 2), ("two", 2, 3, 2), ("tre", 3, 6, 4), ("odd", 1, 0, 0)] {
        viewers.push((with_level(&app, name, &acme, level).await, staff, active));
    }
    for (viewer, staff, active) in &viewers {
        let counts = viewer.api(Method::GET, "/api/business-information").await.is(200).value()["counts"].clone();
        assert_eq!(counts, json!({"staff": staff, "active_staff": active}));
        let list = viewer.api(Method::GET, "/api/staff").await.is(200).value();
        assert_eq!(list.as_array().unwrap().len(), *staff, "as many as the directory lists");
    }
    let _ = viewers[0].0.get("/business-information").await.shows("stat-label\">Staff").shows("2 active");
    let _ = viewers[3].0.get("/business-information").await.shows("No active staff");
    let mia = app.member("mia", &acme).await;
    let _ = mia.get("/business-information").await.is(200).hides("stat-label\">Staff");
    app.run_jobs().await;
    app.finish().await;
}
