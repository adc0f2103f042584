//! Several members changed at once (organisation 7.3, 4.6), and what a change costs.

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, Reply, TestApp};

use crate::{make, membership, portal, role};

const MATRIX: &str = "/admin/companies/matrix";

async fn all(actor: &Actor, what: &str, ids: &[i64]) -> Reply {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let mut fields = vec![("do", what), ("back", "?status=active")];
    fields.extend(ids.iter().map(|id| ("ids", id.as_str())));
    actor.post(MATRIX, &fields).await.goes_to("/admin/companies/matrix?status=active")
}

async fn said(actor: &Actor) -> String {
    actor.get(MATRIX).await.is(200).text()
}

async fn holding(app: &TestApp, column: &'static str) -> i64 {
    app.number(sql("SELECT COUNT(*) FROM company_memberships WHERE ").push(column).push(" = TRUE")).await
}

#[tokio::test]
async fn one_change_reaches_all_that_may_be_changed() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let mut ids = Vec::new();
    for (name, company) in [("mia", &acme), ("max", &acme), ("bea", &beta)] {
        let person = app.member(name, company).await;
        ids.push(membership(&app, company, &person).await);
    }
    let _ = ann.get(MATRIX).await.is(200).shows("Change selected people").shows(">Company<").shows(">Beta</a>");
    let _ = all(&ann, "on:can_access_shop", &ids).await;
    assert_eq!(holding(&app, "can_access_shop").await, 3);
    assert!(said(&ann).await.contains("3 people changed"));
    let _ = all(&ann, "on:can_access_shop", &[ids[0], 999_999]).await;
    let text = said(&ann).await;
    assert!(text.contains("0 people changed. 2 left alone: Already so (1), Membership not found (1)."), "{text}");
    let administrator = role(&app, "administrator").await;
    let _ = all(&ann, &format!("role:{administrator}"), &ids[..2]).await;
    let _ = all(&ann, "suspend", &ids[1..]).await;
    let rows: Vec<(String, i64)> =
        app.rows(sql("SELECT status, role_id FROM company_memberships ORDER BY id LIMIT 9")).await;
    assert_eq!(rows[0], ("active".to_owned(), administrator));
    assert_eq!((rows[1].0.as_str(), rows[2].0.as_str()), ("suspended", "suspended"));
    let lost = "SELECT COUNT(*) FROM user_sessions WHERE active_company_id IS NOT NULL";
    assert_eq!(app.number(sql(lost)).await, 1, "those who lost the company left it");
    let actions = app.audit().await;
    assert_eq!(actions.iter().filter(|a| *a == "membership.permissions_changed").count(), 3);
    assert_eq!(actions.iter().filter(|a| *a == "membership.role_changed").count(), 2);
    assert_eq!(actions.iter().filter(|a| *a == "membership.suspended").count(), 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_reaches_further_with_many_than_with_one() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let (olga, adam) = (app.company_admin("olga", &acme).await, app.company_admin("adam", &acme).await);
    let (mia, bea) = (app.member("mia", &acme).await, app.member("bea", &beta).await);
    make(&app, &olga, "administrator", true).await;
    app.execute(sql("UPDATE company_memberships SET can_access_shop = FALSE WHERE user_id = ?").bind(olga.id)).await;
    let mut ids = Vec::new();
    for (person, company) in [(&olga, &acme), (&adam, &acme), (&mia, &acme), (&bea, &beta)] {
        ids.push(membership(&app, company, person).await);
    }
    let technician = role(&app, "helpdesk technician").await;
    for what in ["suspend", "off:is_admin", "on:can_access_shop", &format!("role:{technician}")] {
        let before: Vec<(String, i64, bool, bool)> = app
            .rows(sql("SELECT status, role_id, is_admin, can_access_shop FROM company_memberships ORDER BY id LIMIT 9"))
            .await;
        let touched: &[i64] = if what == "suspend" { &[ids[0], ids[1], ids[3]] } else { &ids };
        let _ = all(&olga, what, touched).await;
        let after = app
            .rows(sql("SELECT status, role_id, is_admin, can_access_shop FROM company_memberships ORDER BY id LIMIT 9"))
            .await;
        assert_eq!(before, after, "{what}");
    }
    assert!(app.audit().await.is_empty());
    // An owner may change the others, but not the last administrator: themselves.
    make(&app, &olga, "owner", true).await;
    let _ = all(&olga, "off:is_admin", &ids).await;
    assert_eq!(holding(&app, "is_admin").await, 1);
    let _ = mia.post(MATRIX, &[("do", "suspend"), ("ids", "1")]).await.goes_to("/");
    let _ = app.stranger().post(MATRIX, &[("do", "suspend"), ("ids", "1")]).await.is(303);
    for (fields, text) in
        [(vec![("do", "suspend")], "Tick the people first"), (vec![("ids", "1")], "Choose what to change")]
    {
        let _ = olga.post(MATRIX, &fields).await.goes_to(MATRIX);
        let _ = olga.get(MATRIX).await.shows(text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrators_are_not_taken_together() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (olga, adam) = (app.company_admin("olga", &acme).await, app.company_admin("adam", &acme).await);
    let ida = app.company_admin("ida", &acme).await;
    make(&app, &ida, "owner", true).await;
    let ids = [membership(&app, &acme, &olga).await, membership(&app, &acme, &adam).await];
    app.execute(sql("UPDATE company_memberships SET is_admin = FALSE WHERE user_id = ?").bind(ida.id)).await;
    let _ = all(&ida, "off:is_admin", &ids).await;
    assert_eq!(holding(&app, "is_admin").await, 1);
    assert!(said(&ida).await.contains("The company needs at least one administrator (1)"));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_change_costs_eight_statements_at_worst() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (olga, adam) = (app.company_admin("olga", &acme).await, app.company_admin("adam", &acme).await);
    make(&app, &olga, "owner", true).await;
    let id = membership(&app, &acme, &adam).await;
    let path = format!("/companies/{}/memberships/{id}", acme.id);
    let body = json!({"status": "suspended", "role_id": role(&app, "member").await, "is_admin": false});
    let before = app.db().statements();
    let _ = olga.json(Method::PATCH, &path, body).await.is(200);
    let spent = app.db().statements() - before;
    assert!(spent <= 8, "{spent} statements");
    app.run_jobs().await;
    app.finish().await;
}
