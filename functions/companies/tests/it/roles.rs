//! Roles for programs and on pages (organisation 8, acceptance 13).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;

use crate::{key, membership, portal, role};

#[tokio::test]
async fn roles_are_made_changed_and_deleted() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let body = json!({"name": " Bookkeeper ", "description": "Invoices", "is_system": true,
        "permissions": ["billing.manage", "portal.access", "billing.manage"]});
    let made = ann.json(Method::POST, "/roles", body).await.is(201).value();
    assert_eq!(
        (&made["name"], &made["is_system"], &made["member_count"], &made["permissions"]),
        (&json!("Bookkeeper"), &json!(false), &json!(0), &json!(["portal.access", "billing.manage"]))
    );
    let path = format!("/roles/{}", made["id"]);
    assert_eq!(ann.api(Method::GET, &path).await.is(200).value(), made);
    for name in ["bookkeeper", "OWNER"] {
        let taken = ann.json(Method::POST, "/roles", json!({"name": name})).await;
        let _ = taken.is(409).says("Role name already exists");
    }
    for (body, field) in [
        (json!({"name": "x"}), "name"),
        (json!({}), "name"),
        (json!({"name": "Good", "permissions": ["everything"]}), "permissions"),
    ] {
        let _ = ann.json(Method::POST, "/roles", body).await.refuses(field);
    }
    let _ = ann.json(Method::PATCH, &path, json!({"name": "member"})).await.is(409);
    let changed = json!({"permissions": ["portal.access", "audit.view"], "description": null});
    let changed = ann.json(Method::PATCH, &path, changed).await.is(200).value();
    assert_eq!((&changed["description"], &changed["name"]), (&json!(null), &json!("Bookkeeper")));
    let rows: Vec<(String,)> =
        app.rows(sql("SELECT metadata FROM audit_logs WHERE action = 'role.updated' LIMIT 2")).await;
    let meta: Value = serde_json::from_str(&rows[0].0).unwrap();
    assert_eq!((&meta["added"], &meta["removed"]), (&json!(["audit.view"]), &json!(["billing.manage"])));

    let acme = app.company("Acme").await;
    let mia = app.member("mia", &acme).await;
    let id = membership(&app, &acme, &mia).await;
    let give = json!({"role_id": made["id"]});
    let _ = ann.json(Method::PATCH, &format!("/companies/{}/memberships/{id}", acme.id), give).await.is(200);
    let refused = ann.api(Method::DELETE, &path).await.is(409);
    let _ = refused.says("Role is assigned to 1 memberships");
    let _ = ann.api(Method::DELETE, &format!("/companies/{}/memberships/{id}", acme.id)).await.is(204);
    let _ = ann.api(Method::DELETE, &path).await.is(204);
    let _ = ann.api(Method::GET, &path).await.is(404).says("Role not found");
    let _ = ann.json(Method::PATCH, &path, json!({})).await.is(404);
    let _ = ann.api(Method::DELETE, &path).await.is(404);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn system_roles_keep_their_name_and_stay() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let path = format!("/roles/{}", role(&app, "administrator").await);
    let renamed = ann.json(Method::PATCH, &path, json!({"name": "Boss"})).await;
    let _ = renamed.is(400).says("System roles cannot be renamed");
    let _ = ann.api(Method::DELETE, &path).await.is(400).says("Cannot delete system role");
    let kept = json!({"name": "Administrator", "description": "d", "permissions": ["portal.access"]});
    let _ = ann.json(Method::PATCH, &path, kept).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn only_super_admins_and_keys_reach_roles() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    for (method, path) in [(Method::GET, "/roles"), (Method::GET, "/roles/permissions"), (Method::GET, "/roles/1")] {
        let _ = olga.api(method.clone(), path).await.is(403);
        let _ = app.stranger().api(method, path).await.is(401);
    }
    for path in ["/admin/roles", "/admin/roles/new", "/admin/roles/1", "/admin/roles/1/delete"] {
        let _ = olga.get(path).await.goes_to("/");
        let _ = app.stranger().get(path).await.is(303);
    }
    let _ = olga.post("/admin/roles", &[("name", "Mine")]).await.goes_to("/");
    let key = app.stranger().with_key(&key(&app, r#"["roles:write"]"#, None).await);
    let list = key.api(Method::GET, "/roles?search=help").await.is(200).value();
    assert_eq!(list.as_array().unwrap().len(), 1);
    let all = key.api(Method::GET, "/roles/permissions").await.is(200).value();
    assert!(all.as_array().unwrap().iter().any(|p| p["key"] == "helpdesk.technician" && p["scope"] == "global"));
    let global = json!({"name": "Desk", "permissions": ["helpdesk.technician"]});
    let _ = key.json(Method::POST, "/roles", global.clone()).await.is(403);
    let technician = format!("/roles/{}", role(&app, "helpdesk technician").await);
    let _ = key.json(Method::PATCH, &technician, json!({"description": "x"})).await.is(403);
    let _ = key.json(Method::POST, "/roles", json!({"name": "Plain"})).await.is(201);
    app.execute(sql("UPDATE api_keys SET company_id = ?").bind(acme.id)).await;
    let _ = key.json(Method::POST, "/roles", json!({"name": "Other"})).await.is(403);
    assert_eq!(app.audit().await, ["role.created"]);
    app.finish().await;
}

#[tokio::test]
async fn roles_are_kept_on_pages() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/roles").await.is(200).shows("Owner").shows("Helpdesk technician").shows("All companies");
    let _ = ann.get("/admin/roles?q=help").await.is(200).shows("Helpdesk technician").hides(">Owner<");
    let owner = role(&app, "owner").await;
    let _ = ann.get(&format!("/admin/roles/new?copy={owner}")).await.is(200).shows("Copy of Owner");
    let fields = [("name", "Bookkeeper"), ("permissions", "portal.access"), ("permissions", "billing.manage")];
    let made = ann.post("/admin/roles", &fields).await.is(303);
    let path = made.header("location").to_owned();
    let _ = ann.get(&path).await.is(200).shows("Bookkeeper created").shows("Nobody has this role yet");
    let back = ann.post("/admin/roles", &[("name", "BOOKKEEPER"), ("permissions", "audit.view")]).await;
    let _ = back.refuses("name").shows("Another role has this name");
    let back = ann.post(&path, &[("name", "B"), ("permissions", "audit.view")]).await.refuses("name");
    let _ = back.shows("value=\"audit.view\" checked");
    let _ = ann.post(&path, &[("name", "Books"), ("permissions", "portal.access")]).await.goes_to(&path);
    let _ = ann.get(&path).await.shows("Role saved. 0 added, 1 removed, 0 people affected");
    let _ = ann.get(&format!("{path}/delete")).await.is(200).shows("Delete the role Books?");
    let _ = ann.post(&format!("{path}/delete"), &[]).await.goes_to("/admin/roles");
    let _ = ann.get(&format!("/admin/roles/{owner}/delete")).await.is(400);
    let _ = ann.get("/admin/roles/999").await.is(404);
    assert_eq!(app.audit().await, ["role.created", "role.updated", "role.deleted"]);
    app.finish().await;
}
