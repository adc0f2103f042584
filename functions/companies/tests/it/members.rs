//! Who reaches the members of which company, and invitations (organisation 4.6, 7.4).

use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::{self, Actor, TestApp};

use crate::{portal, role};

async fn invite(actor: &Actor, company: i64, fields: &[(&str, &str)]) -> testing::Reply {
    let company = company.to_string();
    let mut all = vec![("company_id", company.as_str())];
    all.extend_from_slice(fields);
    actor.post("/admin/companies/users/invite", &all).await
}

async fn status(app: &TestApp, company: i64, email: &str) -> String {
    let rows: Vec<(String,)> = app
        .rows(
            sql("SELECT m.status FROM company_memberships m JOIN users u ON u.id = m.user_id \
                 WHERE m.company_id = ? AND u.email = ? LIMIT 2")
            .bind(company)
            .bind(email.to_owned()),
        )
        .await;
    rows.into_iter().map(|(status,)| status).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn a_new_person_is_invited() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let _ =
        ann.get(&format!("/admin/companies/{}/invite", acme.id)).await.is(200).shows("Company admin").shows("Owner");
    let fields = [("email", " New@Example.com "), ("firstName", "Nina"), ("lastName", "Ng"), ("is_admin", "true")];
    let _ = invite(&ann, acme.id, &fields).await.goes_to(&format!("/admin/companies/{}", acme.id));
    let page = ann.get(&format!("/admin/companies/{}", acme.id)).await.is(200);
    let _ = page.shows("Invitation sent to new@example.com").shows("Nina Ng").shows("Invited").shows("Company admin");
    app.run_jobs().await;
    let mail = app.mails_to("new@example.com").pop().unwrap();
    assert!(mail.text.contains("http://portal.test/reset-password#token="), "{}", mail.text);
    assert_eq!(mail.reply_to.as_deref(), Some("ann@example.com"));
    assert_eq!(status(&app, acme.id, "new@example.com").await, "invited");
    let row =
        sql("SELECT COUNT(*) FROM users WHERE email = 'new@example.com' AND password_hash IS NULL AND company_id = ?");
    assert_eq!(app.number(row.bind(acme.id)).await, 1);
    assert_eq!(app.audit().await, ["user.created", "membership.invited"]);
    // Once more: the person is reminded, not doubled.
    let _ = invite(&ann, acme.id, &[("email", "new@example.com")]).await.is(303);
    assert_eq!(status(&app, acme.id, "new@example.com").await, "invited");
    app.run_jobs().await;
    assert_eq!(app.mails_to("new@example.com").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn who_has_an_account_is_asked_or_let_in() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let olga = app.company_admin("olga", &acme).await;
    let mia = app.member("mia", &beta).await;
    let _ = invite(&olga, acme.id, &[("email", "mia@example.com"), ("first_name", "Other")]).await.is(303);
    assert_eq!(status(&app, acme.id, "mia@example.com").await, "invited");
    app.run_jobs().await;
    let mail = app.mails_to("mia@example.com").pop().unwrap();
    assert!(mail.text.contains("/companies/invitations") && !mail.text.contains("token"), "{}", mail.text);

    let _ = mia.get("/companies/invitations").await.is(200).shows("Join Acme?");
    let id = app.number(sql("SELECT id FROM company_memberships WHERE status = 'invited'")).await;
    let _ = olga.post(&format!("/companies/invitations/{id}/accept"), &[]).await.is(404);
    let _ = mia.post(&format!("/companies/invitations/{id}/accept"), &[]).await.goes_to("/");
    assert_eq!(status(&app, acme.id, "mia@example.com").await, "active");
    let _ = mia.post(&format!("/companies/invitations/{id}/accept"), &[]).await.is(404);
    let _ = mia.get("/companies/choose").await.is(200).shows("Acme").shows("Beta");

    let again = invite(&olga, acme.id, &[("email", "mia@example.com")]).await;
    let _ = again.refuses("email").shows("already a member");
    let ann = app.super_admin("ann").await;
    let gus = app.requester("gus").await;
    let _ = invite(&ann, acme.id, &[("email", "gus@example.com")]).await.is(303);
    assert_eq!(status(&app, acme.id, "gus@example.com").await, "active");
    let _ = gus.get("/business-information").await.is(200).shows("Acme");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_may_be_declined() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let gus = app.requester("gus").await;
    let _ = invite(&olga, acme.id, &[("email", "gus@example.com")]).await.is(303);
    let _ = gus.get("/business-information").await.is(400);
    let id = app.number(sql("SELECT id FROM company_memberships WHERE status = 'invited'")).await;
    let _ = gus.post(&format!("/companies/invitations/{id}/decline"), &[]).await.goes_to("/");
    assert_eq!(status(&app, acme.id, "gus@example.com").await, "");
    assert_eq!(app.audit().await, ["membership.invited", "membership.deleted"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_grants_what_they_do_not_hold() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let provider = app.provider("Northstar").await;
    let olga = app.company_admin("olga", &acme).await;
    let technician = role(&app, "helpdesk technician").await.to_string();
    let owner = role(&app, "owner").await.to_string();
    let _ = olga.get(&format!("/admin/companies/{}/invite", acme.id)).await.is(200).hides("Helpdesk technician");
    let refused = invite(&olga, acme.id, &[("email", "x@example.com"), ("role", &technician)]).await;
    let _ = refused.refuses("role");
    let _ = invite(&olga, acme.id, &[("email", "x@example.com"), ("roleId", &owner)]).await.is(303);

    // An administrator without the flag grants neither it nor the keys of an owner.
    let administrator = role(&app, "administrator").await.to_string();
    app.execute(
        sql("UPDATE company_memberships SET role_id = ?, is_admin = FALSE WHERE user_id = ?")
            .bind(administrator.parse::<i64>().unwrap())
            .bind(olga.id),
    )
    .await;
    let _ =
        olga.get(&format!("/admin/companies/{}/invite", acme.id)).await.is(200).shows("You do not have this yourself");
    let refused = invite(&olga, acme.id, &[("email", "y@example.com"), ("is_admin", "1")]).await;
    let _ = refused.is(422).shows("You cannot grant permissions you do not hold");
    let _ = invite(&olga, acme.id, &[("email", "y@example.com"), ("role", &owner)]).await.refuses("role");
    let _ = invite(&olga, acme.id, &[("email", "y@example.com"), ("role", &administrator)]).await.is(303);

    let ann = app.super_admin("ann").await;
    let _ = invite(&ann, acme.id, &[("email", "z@example.com"), ("role", &technician)]).await.refuses("role");
    let _ = invite(&ann, provider.id, &[("email", "z@example.com"), ("role", &technician)]).await.is(303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn managers_reach_their_own_company_only() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let olga = app.company_admin("olga", &acme).await;
    let mia = app.member("mia", &acme).await;
    let gus = app.requester("gus").await;
    let (own, foreign) = (format!("/admin/companies/{}", acme.id), format!("/admin/companies/{}", beta.id));
    let page = olga
        .get(&own)
        .await
        .is(200)
        .shows("mia Example")
        .hides("Save company")
        .hides("Archive company")
        .hides("Linked records");
    let _ = page.shows("aria-label=\"Main\"").shows(">Members<");
    let _ = olga.get("/admin/companies").await.goes_to(&own);
    for path in [
        foreign.clone(),
        format!("{foreign}/invite"),
        format!("{foreign}/invite/link"),
        "/admin/companies/999".to_owned(),
    ] {
        let _ = olga.get(&path).await.is(404);
    }
    let _ = invite(&olga, beta.id, &[("email", "x@example.com")]).await.is(404);
    let _ = invite(&olga, 999, &[("email", "x@example.com")]).await.is(404);
    for actor in [&mia, &gus] {
        let _ = actor.get(&own).await.is(404);
        let _ = actor.get(&format!("{own}/invite")).await.is(404);
        let _ = invite(actor, acme.id, &[("email", "x@example.com")]).await.is(404);
        let _ = actor.get("/admin/companies").await.goes_to("/");
    }
    for (path, fields) in [(own.clone(), vec![("name", "Mine")]), (format!("{own}/archive"), vec![])] {
        let _ = olga.post(&path, &fields).await.goes_to("/");
    }
    let _ = olga.post("/admin/companies", &[("name", "Mine")]).await.goes_to("/");
    assert!(app.audit().await.is_empty());
    let _ = app.stranger().get(&own).await.is(303);
    app.finish().await;
}

#[tokio::test]
async fn bad_invitations_come_back() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let back = invite(&ann, acme.id, &[("email", "ana"), ("first_name", "Ana"), ("role", "99")]).await;
    let _ =
        back.refuses("email").shows("value=\"Ana\"").shows("id=\"role-error\"").shows("<title>Error: Invite a person");
    let _ = invite(&ann, acme.id, &[("email", "")]).await.is(422).shows("Enter an email address");
    let _ = ann
        .post("/admin/companies/users/invite", &[("email", "a@example.com")])
        .await
        .is(400)
        .shows("Select a company.");
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn invitations_are_limited() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    for n in 0..50 {
        let _ = invite(&ann, acme.id, &[("email", &format!("p{n}@example.com"))]).await.is(303);
    }
    let refused = invite(&ann, acme.id, &[("email", "p50@example.com")]).await.is(429);
    assert!(!refused.header("retry-after").is_empty());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn without_a_mail_server_the_link_is_shown_once() {
    let app = TestApp::without_mail(companies::routes(), companies::jobs().merge(Jobs::kernel())).await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let link = format!("/admin/companies/{}/invite/link", acme.id);
    let _ = invite(&ann, acme.id, &[("email", "new@example.com")]).await.goes_to(&link);
    let _ = ann.get(&link).await.is(200).shows("reset-password#token=");
    let _ = ann.get(&link).await.is(200).hides("#token=");
    let olga = app.company_admin("olga", &acme).await;
    let _ = invite(&olga, acme.id, &[("email", "other@example.com")]).await.is(303);
    let _ = olga.get(&format!("/admin/companies/{}", acme.id)).await.is(200).shows("no mail server is set up");
    let _ = olga.get(&link).await.is(200).hides("#token=");
    app.run_jobs().await;
    app.finish().await;
}
