//! The addresses that the matrix posts to (organisation 7.2, acceptance 7, 10 to 12).

use axum::body::Body;
use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, Reply};

use crate::{make, membership, portal, role};

async fn set(actor: &Actor, company: i64, user: i64, what: &str, fields: &[(&str, &str)]) -> Reply {
    let path = format!("/admin/companies/assignment/{company}/{user}/{what}");
    let (csrf, kind) = (actor.csrf(), "application/x-www-form-urlencoded");
    let headers = [("accept", "application/json"), ("content-type", kind), ("x-csrf-token", csrf.as_str())];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    actor.send(Method::POST, &path, &headers, Body::from(body)).await
}

#[tokio::test]
async fn each_toggle_is_one_line_of_the_trail() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let mia = app.member("mia", &acme).await;
    for (what, fields) in [
        ("permission", vec![("field", "can_access_shop"), ("value", "on")]),
        ("permission", vec![("field", "can_access_shop"), ("value", "YES")]),
        ("permission", vec![("field", "can_access_shop"), ("value", "no")]),
        ("staff-permission", vec![("permission", "2")]),
    ] {
        let saved = set(&ann, acme.id, mia.id, what, &fields).await.is(200).value();
        assert_eq!(saved, json!({"success": true}));
    }
    let administrator = role(&app, "administrator").await;
    for name in ["roleId", "role_id"] {
        let saved = set(&ann, acme.id, mia.id, "role", &[(name, &administrator.to_string())]).await.is(200).value();
        assert_eq!(saved, json!({"success": true, "role_id": administrator, "role_name": "Administrator"}));
    }
    let _ = set(&ann, acme.id, mia.id, "remove", &[]).await.is(200);
    assert_eq!(
        app.audit().await,
        [
            "membership.permissions_changed",
            "membership.permissions_changed",
            "membership.staff_permission_changed",
            "membership.role_changed",
            "membership.suspended"
        ]
    );
    let rows: Vec<(String, String, String, String, Option<i64>)> = app
        .rows(sql("SELECT previous_value, new_value, user_email, ip_address, company_id FROM audit_logs \
             ORDER BY id LIMIT 1"))
        .await;
    let (old, new, actor, ip, company) = &rows[0];
    assert_eq!((old.as_str(), new.as_str()), (r#"{"can_access_shop":false}"#, r#"{"can_access_shop":true}"#));
    assert_eq!((actor.as_str(), ip.as_str(), *company), ("ann@example.com", "203.0.113.7", Some(acme.id)));
    let left = "SELECT COUNT(*) FROM company_memberships WHERE user_id = ? AND status = 'suspended' \
                AND staff_permission = 0 AND role_id = ?";
    assert_eq!(app.number(sql(left).bind(mia.id).bind(administrator)).await, 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_means_nothing_is_refused_with_the_words_of_the_original() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let mia = app.member("mia", &acme).await;
    for (what, fields, detail) in [
        ("permission", vec![("field", "can_fly")], "Unsupported permission field: can_fly"),
        ("staff-permission", vec![("permission", "4")], "Invalid permission value"),
        ("staff-permission", vec![], "Invalid permission value"),
        ("role", vec![("roleId", " ")], "Select a role for the membership"),
        ("role", vec![("roleId", "x")], "Invalid role selection"),
    ] {
        let _ = set(&ann, acme.id, mia.id, what, &fields).await.is(400).says(detail);
    }
    let _ = set(&ann, acme.id, mia.id, "role", &[("roleId", "999")]).await.is(404).says("Role not found");
    let toggle = [("field", "can_access_shop"), ("value", "1")];
    for (company, user) in [(acme.id, ann.id), (acme.id, 999)] {
        let refused = set(&ann, company, user, "permission", &toggle).await;
        let _ = refused.is(404).says("Membership not found");
    }
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn managers_are_held_to_what_they_hold() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let olga = app.company_admin("olga", &acme).await;
    let adam = app.member("adam", &acme).await;
    let mia = app.member("mia", &acme).await;
    app.execute(sql("UPDATE company_memberships SET staff_permission = 1 WHERE user_id = ?").bind(mia.id)).await;
    let _ = set(&mia, acme.id, mia.id, "staff-permission", &[("permission", "3")]).await.is(403);
    let beta = app.company("Beta").await;
    let _ = set(&mia, beta.id, olga.id, "staff-permission", &[("permission", "3")]).await.is(404);
    make(&app, &adam, "member", true).await;
    let id = mia.id;
    let technician = role(&app, "helpdesk technician").await.to_string();
    let _ = set(&adam, acme.id, id, "role", &[("roleId", &technician)]).await.is(403);
    let _ = set(&adam, acme.id, id, "permission", &[("field", "can_access_shop"), ("value", "1")]).await.is(403);
    let _ = set(&adam, acme.id, adam.id, "permission", &[("field", "can_access_shop"), ("value", "1")]).await.is(403);
    let _ = set(&adam, acme.id, id, "staff-permission", &[("permission", "3")]).await.is(200);
    let _ = set(&adam, acme.id, id, "remove", &[]).await.is(403);
    let _ = set(&olga, acme.id, adam.id, "permission", &[("field", "is_admin"), ("value", "0")]).await.is(200);
    let _ = set(&app.stranger(), acme.id, id, "remove", &[]).await.is(401);
    let _ = set(&ann, acme.id, adam.id, "permission", &[("field", "is_admin"), ("value", "0")]).await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn assigning_a_member_again_changes_nothing() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let gus = app.requester("gus").await;
    let ids = (gus.id.to_string(), acme.id.to_string());
    let fields = [("userId", ids.0.as_str()), ("companyId", ids.1.as_str())];
    let to = format!("/admin/companies/{}", acme.id);
    let _ = ann.post("/admin/companies/assign", &fields).await.goes_to(&to);
    let shop = [("field", "can_access_shop"), ("value", "1")];
    let _ = set(&ann, acme.id, gus.id, "permission", &shop).await.is(200);
    let _ = ann.post("/admin/companies/assign", &fields).await.goes_to(&to);
    let _ = ann.get(&to).await.shows("Nothing was changed");
    let kept = "SELECT COUNT(*) FROM company_memberships WHERE id = ? AND can_access_shop = TRUE";
    assert_eq!(app.number(sql(kept).bind(membership(&app, &acme, &gus).await)).await, 1);
    let _ = set(&ann, acme.id, gus.id, "remove", &[]).await.is(200);
    let _ = ann.post("/admin/companies/assign", &fields).await.goes_to(&to);
    assert_eq!(
        app.audit().await,
        ["membership.created", "membership.permissions_changed", "membership.suspended", "membership.reactivated"]
    );
    let refused = ann.post("/admin/companies/assign", &[("userId", "")]).await;
    let _ = refused.is(400).shows("Select both a user and a company.");
    let refused = ann.post("/admin/companies/assign", &[("userId", "999"), ("companyId", ids.1.as_str())]).await;
    let _ = refused.is(404).shows("User or company not found.");
    let mia = app.member("mia", &acme).await;
    let _ = mia.post("/admin/companies/assign", &fields).await.goes_to("/");
    app.run_jobs().await;
    app.finish().await;
}
