//! `/companies/{id}/memberships`: who may do what to whom (organisation 4.6, 7.1, acceptance 1, 6 to 9).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, Reply, TestApp};

use crate::{key, make, membership, portal, role};

async fn patch(actor: &Actor, company: i64, id: i64, body: Value) -> Reply {
    actor.json(Method::PATCH, &format!("/companies/{company}/memberships/{id}"), body).await
}

async fn status(app: &TestApp, id: i64) -> String {
    let rows: Vec<(String,)> =
        app.rows(sql("SELECT status FROM company_memberships WHERE id = ? LIMIT 1").bind(id)).await;
    rows.into_iter().map(|(status,)| status).collect()
}

#[tokio::test]
async fn a_membership_made_by_the_api_is_in_the_switcher_at_once() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let mia = app.member("mia", &acme).await;
    let ann = app.super_admin("ann").await;
    let path = format!("/companies/{}/memberships", beta.id);
    let member = role(&app, "member").await;
    let body = json!({"userId": mia.id, "roleId": member, "can_access_shop": true, "staff_permission": 1});
    let made = ann.json(Method::POST, &path, body).await.is(201).value();
    assert_eq!(
        (&made["user_email"], &made["status"], &made["role_name"], &made["permissions"]),
        (&json!("mia@example.com"), &json!("active"), &json!("Member"), &json!(["portal.access"]))
    );
    assert_eq!((&made["can_access_shop"], &made["can_access_cart"]), (&json!(true), &json!(false)));
    assert_eq!((&made["staff_permission"], made["joined_at"].is_string()), (&json!(1), true));
    let options = mia.api(Method::GET, "/api/companies/options").await.is(200).value();
    assert_eq!(options.as_array().unwrap().len(), 2);
    let _ = mia.json(Method::POST, "/switch-company", json!({"companyId": beta.id})).await.is(200);

    let twice = json!({"user_id": mia.id, "role_id": member});
    let _ = ann.json(Method::POST, &path, twice).await.is(409).says("Membership already exists");
    for (body, detail) in [
        (json!({"user_id": 999, "role_id": member}), "User not found"),
        (json!({"user_id": ann.id, "role_id": 999}), "Role not found"),
    ] {
        let _ = ann.json(Method::POST, &path, body).await.is(404).says(detail);
    }
    let nowhere = json!({"user_id": ann.id, "role_id": member});
    let _ = ann.json(Method::POST, "/companies/999/memberships", nowhere).await.is(404).says("Company not found");
    for (body, field) in [
        (json!({"role_id": member}), "user_id"),
        (json!({"user_id": ann.id}), "role_id"),
        (json!({"user_id": ann.id, "role_id": member, "status": "owner"}), "status"),
        (json!({"user_id": ann.id, "role_id": member, "staff_permission": 4}), "staff_permission"),
    ] {
        let _ = ann.json(Method::POST, &path, body).await.refuses(field);
    }
    let list = ann.api(Method::GET, &format!("{path}?status=active&search=mia")).await.is(200);
    assert_eq!((list.header("x-total-count"), list.value()[0]["id"].clone()), ("1", made["id"].clone()));
    assert_eq!(app.audit().await, ["membership.created"]);
    app.run_jobs().await;
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'membership.granted' AND user_id = ?";
    assert_eq!(app.number(sql(told).bind(mia.id)).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_changes_is_written_and_nothing_else() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let mia = app.member("mia", &acme).await;
    let ann = app.super_admin("ann").await;
    let id = membership(&app, &acme, &mia).await;
    let body = json!({"can_access_cart": true, "roleId": role(&app, "administrator").await});
    let after = patch(&ann, acme.id, id, body).await.is(200).value();
    assert_eq!((&after["can_access_cart"], &after["role_name"]), (&json!(true), &json!("Administrator")));
    let rows: Vec<(String, String, String, Option<i64>)> = app
        .rows(sql("SELECT previous_value, new_value, metadata, company_id FROM audit_logs \
             WHERE action = 'membership.updated' LIMIT 2"))
        .await;
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(read(&rows[0].0)["role"], "Member");
    let new = read(&rows[0].1);
    assert_eq!((&new["role"], &new["can_access_cart"]), (&json!("Administrator"), &json!(true)));
    assert_eq!(new.as_object().unwrap().len(), 3, "{new}");
    assert_eq!(read(&rows[0].2)["user_email"], "mia@example.com");
    assert_eq!(rows[0].3, Some(acme.id));
    let _ = patch(&ann, acme.id, id, json!({"can_access_cart": 1})).await.is(200);
    assert_eq!(app.audit().await.len(), 1, "nothing changed, nothing is written");
    let _ = patch(&ann, acme.id, 999, json!({})).await.is(404).says("Membership not found");
    let other = app.company("Other").await;
    let _ = patch(&ann, other.id, id, json!({})).await.is(404).says("Membership not found");
    let _ = patch(&ann, 999, id, json!({})).await.is(404).says("Company not found");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn who_loses_a_company_leaves_it_with_the_next_request() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let mia = app.member("mia", &acme).await;
    let olga = app.company_admin("olga", &acme).await;
    let ann = app.super_admin("ann").await;
    let member = role(&app, "member").await;
    let path = format!("/companies/{}/memberships", beta.id);
    let _ = ann.json(Method::POST, &path, json!({"user_id": mia.id, "role_id": member})).await.is(201);
    let _ = mia.get("/business-information").await.is(200).shows("Acme");
    let id = membership(&app, &acme, &mia).await;
    let _ = patch(&olga, acme.id, id, json!({"status": "suspended"})).await.is(200);
    let _ = mia.get("/business-information").await.is(200).shows("Beta").hides("Acme");
    let second = membership(&app, &beta, &mia).await;
    let _ = ann.api(Method::DELETE, &format!("/companies/{}/memberships/{second}", beta.id)).await.is(204);
    let _ = mia.get("/business-information").await.is(400).shows("Choose a company");
    let held = "SELECT COUNT(*) FROM user_sessions WHERE user_id = ? AND active_company_id IS NOT NULL";
    assert_eq!(app.number(sql(held).bind(mia.id)).await, 0);
    let _ = ann.api(Method::DELETE, &format!("/companies/{}/memberships/{second}", beta.id)).await.is(404);
    let _ = patch(&olga, acme.id, id, json!({"status": "active"})).await.is(200);
    let _ = mia.get("/business-information").await.is(200).shows("Acme");
    app.run_jobs().await;
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'membership.revoked' AND user_id = ?";
    assert_eq!(app.number(sql(told).bind(mia.id)).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_loses_portal_access_closes_the_company_at_once() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let mia = app.member("mia", &acme).await;
    let ann = app.super_admin("ann").await;
    let _ = mia.get("/business-information").await.is(200);
    let path = format!("/roles/{}", role(&app, "member").await);
    let _ = ann.json(Method::PATCH, &path, json!({"permissions": []})).await.is(200);
    let _ = mia.get("/business-information").await.goes_to("/");
    let _ = ann.json(Method::PATCH, &path, json!({"permissions": ["portal.access"]})).await.is(200);
    let _ = mia.get("/business-information").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn managers_grant_only_what_they_hold_and_never_to_themselves() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let adam = app.member("adam", &acme).await;
    make(&app, &adam, "administrator", false).await;
    let mia = app.member("mia", &acme).await;
    let [own, owner, id] = [
        membership(&app, &acme, &adam).await,
        membership(&app, &acme, &olga).await,
        membership(&app, &acme, &mia).await,
    ];
    let technician = role(&app, "helpdesk technician").await;
    for (target, body) in [
        (id, json!({"can_access_shop": true})),
        (id, json!({"is_admin": true})),
        (id, json!({"staff_permission": 1})),
        (id, json!({"role_id": role(&app, "owner").await})),
        (id, json!({"role_id": technician})),
        (own, json!({"staff_permission": 3})),
        (own, json!({"can_access_shop": true})),
        (owner, json!({"can_access_shop": false})),
        (owner, json!({"status": "suspended"})),
    ] {
        let refused = patch(&adam, acme.id, target, body.clone()).await;
        assert_eq!(refused.status, 403, "{body}: {}", refused.text());
    }
    let _ = adam.api(Method::DELETE, &format!("/companies/{}/memberships/{owner}", acme.id)).await.is(403);
    let _ = adam.api(Method::DELETE, &format!("/companies/{}/memberships/{own}", acme.id)).await.is(403);
    let refused = patch(&olga, acme.id, id, json!({"role_id": technician})).await.is(403);
    let _ = refused.says("You cannot grant permissions you do not hold");
    assert!(app.audit().await.is_empty());
    let _ = patch(&adam, acme.id, id, json!({"role_id": role(&app, "administrator").await})).await.is(200);
    let _ = patch(&olga, acme.id, id, json!({"can_access_shop": true, "is_admin": true})).await.is(200);
    // A suspended member is granted everything anew.
    let _ = patch(&olga, acme.id, id, json!({"status": "suspended", "is_admin": false})).await.is(200);
    let _ = patch(&adam, acme.id, id, json!({"status": "active"})).await.is(403);
    let _ = patch(&olga, acme.id, id, json!({"status": "active"})).await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_company_keeps_an_administrator() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let rita = app.member("rita", &acme).await;
    make(&app, &rita, "owner", false).await;
    let id = membership(&app, &acme, &olga).await;
    let path = format!("/companies/{}/memberships/{id}", acme.id);
    for body in [json!({"is_admin": false}), json!({"status": "suspended"})] {
        let refused = patch(&rita, acme.id, id, body).await.is(409);
        let _ = refused.says("The company needs at least one administrator");
    }
    let _ = rita.api(Method::DELETE, &path).await.is(409);
    let ann = app.super_admin("ann").await;
    let _ = patch(&ann, acme.id, id, json!({"is_admin": false})).await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn members_of_other_companies_do_not_exist() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let olga = app.company_admin("olga", &acme).await;
    let bob = app.member("bob", &beta).await;
    let mia = app.member("mia", &acme).await;
    let foreign = membership(&app, &beta, &bob).await;
    let path = format!("/companies/{}/memberships", beta.id);
    let member = role(&app, "member").await;
    let _ = olga.api(Method::GET, &path).await.is(404).says("Company not found");
    let _ = patch(&olga, beta.id, foreign, json!({})).await.is(404);
    let _ = patch(&olga, acme.id, foreign, json!({})).await.is(404).says("Membership not found");
    let own = format!("/companies/{}/memberships", acme.id);
    let add = json!({"user_id": bob.id, "role_id": member});
    let _ = olga.json(Method::POST, &own, add.clone()).await.is(404).says("User not found");
    for stranger in [&mia, &bob] {
        let _ = stranger.api(Method::GET, &own).await.is(404);
        let _ = stranger.json(Method::POST, &own, add.clone()).await.is(404);
    }
    let _ = app.stranger().api(Method::GET, &own).await.is(401);
    // One of the company's own people, at a domain of its own, is known.
    let gus = app.requester("gus").await;
    app.execute(
        sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_at, updated_at) \
             VALUES (?, 'example.com', FALSE, ?, ?)")
        .bind(acme.id)
        .bind(app.app().now())
        .bind(app.app().now()),
    )
    .await;
    let _ = olga.json(Method::POST, &own, json!({"user_id": gus.id, "role_id": member})).await.is(201);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_invited_person_alone_decides() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let olga = app.company_admin("olga", &acme).await;
    let gus = app.requester("gus").await;
    let path = format!("/companies/{}/memberships", acme.id);
    let body = json!({"user_id": gus.id, "role_id": role(&app, "member").await, "status": "invited"});
    let id = ann.json(Method::POST, &path, body.clone()).await.is(201).value()["id"].as_i64().unwrap();
    let _ = gus.get("/business-information").await.is(400);
    let _ = patch(&olga, acme.id, id, json!({"status": "active"})).await.is(403);
    let _ = olga.api(Method::POST, &format!("/memberships/{id}/accept")).await.is(404);
    let accepted = gus.api(Method::POST, &format!("/memberships/{id}/accept")).await.is(200).value();
    assert_eq!((&accepted["status"], accepted["joined_at"].is_string()), (&json!("active"), true));
    let _ = gus.get("/business-information").await.is(200).shows("Acme");
    let _ = gus.api(Method::POST, &format!("/memberships/{id}/accept")).await.is(404);
    let _ = gus.api(Method::POST, &format!("/memberships/{id}/decline")).await.is(404);
    let _ = ann.api(Method::DELETE, &format!("{path}/{id}")).await.is(204);
    let id = ann.json(Method::POST, &path, body.clone()).await.is(201).value()["id"].as_i64().unwrap();
    let _ = gus.api(Method::POST, &format!("/memberships/{id}/decline")).await.is(204);
    assert_eq!(status(&app, id).await, "");
    // After thirty days nobody is asked any more.
    let id = ann.json(Method::POST, &path, body).await.is(201).value()["id"].as_i64().unwrap();
    app.execute(sql(
        "UPDATE user_sessions SET expires_at = '2027-06-01 00:00:00', absolute_expires_at = '2027-06-01 00:00:00'",
    ))
    .await;
    app.advance(chrono::TimeDelta::days(31));
    let _ = gus.api(Method::POST, &format!("/memberships/{id}/accept")).await.is(404);
    let _ = gus.get("/companies/invitations").await.is(200).shows("No invitations");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_technician_role_counts_at_the_provider_only() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let provider = app.provider("Northstar").await;
    let ann = app.super_admin("ann").await;
    let mia = app.member("mia", &acme).await;
    let technician = role(&app, "helpdesk technician").await;
    let id = membership(&app, &acme, &mia).await;
    let _ = patch(&ann, acme.id, id, json!({"role_id": technician})).await.is(200);
    let _ = mia.get("/").await.hides("Unassigned");
    let path = format!("/companies/{}/memberships", provider.id);
    let _ = ann.json(Method::POST, &path, json!({"user_id": mia.id, "role_id": technician})).await.is(201);
    let _ = mia.get("/business-information").await.is(200).shows("Unassigned");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn keys_with_the_scope_manage_the_companies_they_reach() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let olga = app.company_admin("olga", &acme).await;
    let gus = app.requester("gus").await;
    let key = app.stranger().with_key(&key(&app, r#"["memberships:write"]"#, Some(acme.id)).await);
    let path = format!("/companies/{}/memberships", acme.id);
    let _ = key.api(Method::GET, &path).await.is(200);
    let _ = key.api(Method::GET, &format!("/companies/{}/memberships", beta.id)).await.is(404);
    let technician = json!({"user_id": gus.id, "role_id": role(&app, "helpdesk technician").await});
    let _ = key.json(Method::POST, &path, technician).await.is(403);
    let _ =
        key.json(Method::POST, &path, json!({"user_id": gus.id, "role_id": role(&app, "member").await})).await.is(201);
    let id = membership(&app, &acme, &olga).await;
    let _ = patch(&key, acme.id, id, json!({"is_admin": false})).await.is(409);
    app.execute(sql("UPDATE api_keys SET scopes = '[\"companies:write\"]'")).await;
    let _ = key.api(Method::GET, &path).await.is(403);
    app.run_jobs().await;
    app.finish().await;
}
