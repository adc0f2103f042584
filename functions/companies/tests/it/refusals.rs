//! Every address that changes who may do what, asked with a body that would do it, by everybody who may not:
//! each is refused with the status of decisions 11.3, and nothing has changed. Then by somebody who may, so
//! that a body that could not do anything is found out.

use axum::body::Body;
use http::Method;
use shared::db::sql;
use shared::testing::{Actor, Reply, TestApp};

use crate::{membership, portal, role};

/// One change: its address, its fields, and what the callers get who may not make it.
struct Case {
    path: String,
    fields: Vec<(&'static str, String)>,
    /// Somebody of the company who does not manage it.
    member: u16,
    /// Somebody to whom the company does not exist.
    outsider: u16,
    /// Who manages the company without being a super administrator; nothing where that is enough.
    manager: Option<u16>,
}

async fn send(actor: &Actor, case: &Case) -> Reply {
    let (csrf, kind) = (actor.csrf(), "application/x-www-form-urlencoded");
    let headers = [("accept", "application/json"), ("content-type", kind), ("x-csrf-token", csrf.as_str())];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&case.fields).finish();
    actor.send(Method::POST, &case.path, &headers, Body::from(body)).await
}

/// What the changes are about, as numbers that would differ.
async fn state(app: &TestApp) -> Vec<i64> {
    let mut all = Vec::new();
    for query in [
        "SELECT COUNT(*) FROM audit_logs",
        "SELECT COUNT(*) FROM users",
        "SELECT COUNT(*) FROM companies WHERE archived_at IS NULL",
        "SELECT COUNT(*) FROM roles",
        "SELECT COUNT(*) FROM company_email_domains",
        "SELECT COUNT(*) FROM invitation_batches",
        "SELECT COUNT(*) FROM company_memberships",
        "SELECT COUNT(*) FROM company_memberships WHERE status = 'active'",
        "SELECT CAST(COALESCE(SUM(role_id * 100 + staff_permission * 10 + can_access_shop), 0) AS SIGNED) \
         FROM company_memberships",
        "SELECT COUNT(*) FROM staff WHERE enabled = TRUE",
    ] {
        all.push(app.number(sql(query)).await);
    }
    all
}

fn fields(fields: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// The changes to one member of a company, and to the company.
fn cases(company: i64, user: i64, member: i64, administrator: i64) -> Vec<Case> {
    let admin = format!("/admin/companies/{company}");
    let pair = format!("/admin/companies/assignment/{company}/{user}");
    let (company, role) = (company.to_string(), administrator.to_string());
    let case = |path: String, these: &[(&'static str, &str)], (member, outsider, manager)| Case {
        path,
        fields: fields(these),
        member,
        outsider,
        manager,
    };
    // Programs hear that the right is missing, forms of a company are not there for those who do not manage it,
    // forms of the whole portal lead home.
    let (program, form, portal) = ((403, 404, None), (404, 404, None), (303, 303, Some(303)));
    let whom = [("company_id", company.as_str()), ("email", "new@example.com")];
    let several = [("company_id", company.as_str()), ("addresses", "some@example.com"), ("do", "send")];
    vec![
        case(format!("{pair}/permission"), &[("field", "can_access_shop"), ("value", "1")], program),
        case(format!("{pair}/staff-permission"), &[("permission", "2")], program),
        case(format!("{pair}/role"), &[("roleId", &role)], program),
        case(format!("{admin}/members/{member}/suspend"), &[], form),
        case(format!("{admin}/members/{member}/restore"), &[], form),
        case("/admin/companies/users/invite".to_owned(), &whom, form),
        case("/admin/companies/users/invite-several".to_owned(), &several, form),
        case(format!("{pair}/remove"), &[], (403, 403, Some(403))),
        case("/admin/companies".to_owned(), &[("name", "Gamma")], portal),
        case("/admin/roles".to_owned(), &[("name", "Buyer"), ("permissions", "portal.access")], portal),
        case(format!("{admin}/archive"), &[], portal),
    ]
}

#[tokio::test]
async fn whoever_may_not_is_refused_and_nothing_changes() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let provider = app.provider("Northstar").await;
    let (olga, mia) = (app.company_admin("olga", &acme).await, app.member("mia", &acme).await);
    let (sue, tara) = (app.member("sue", &acme).await, app.member("tara", &acme).await);
    let (bea, tom) = (app.company_admin("bea", &beta).await, app.technician("tom", &provider).await);
    let (rob, ann) = (app.requester("rob").await, app.super_admin("ann").await);
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(sue.id)).await;
    let target = membership(&app, &acme, &tara).await;
    let administrator = role(&app, "administrator").await;
    for case in cases(acme.id, tara.id, target, administrator) {
        let before = state(&app).await;
        let anonymous = send(&app.stranger(), &case).await;
        assert!(matches!(anonymous.status, 303 | 401), "{}: {}", case.path, anonymous.status);
        // A redirect of a refusal leads to the sign-in page or home, never to what was made.
        let outsiders = [("suspended", &sue), ("other company", &bea), ("technician", &tom), ("requester", &rob)]
            .map(|(name, actor)| (name, actor, case.outsider));
        let manager = case.manager.map(|status| ("manager", &olga, status));
        for (name, actor, status) in [("member", &mia, case.member)].into_iter().chain(outsiders).chain(manager) {
            let refused = send(actor, &case).await;
            assert_eq!(refused.status, status, "{} as {name}: {}", case.path, refused.text());
            assert!(status != 303 || refused.header("location") == "/", "{} as {name}", case.path);
        }
        assert_eq!(state(&app).await, before, "{}: somebody who may not changed something", case.path);
        let done = send(if case.manager.is_some() { &ann } else { &olga }, &case).await;
        assert!(matches!(done.status, 200 | 303), "{}: {} {}", case.path, done.status, done.text());
        assert_ne!(state(&app).await, before, "{}: the body does nothing, so its refusals say nothing", case.path);
    }
    app.run_jobs().await;
    app.finish().await;
}
