//! Invitations that wait, people with a first password, one member's page (organisation 7.3, 7.4, 20).

use chrono::TimeDelta;
use shared::db::sql;
use shared::testing::{PASSWORD, TestApp};

use crate::{make, membership, portal, role};

async fn stay_signed_in(app: &TestApp) {
    let never =
        "UPDATE user_sessions SET expires_at = '2027-06-01 00:00:00', absolute_expires_at = '2027-06-01 00:00:00'";
    app.execute(sql(never)).await;
}

#[tokio::test]
async fn an_invitation_is_repeated_reminded_once_and_withdrawn() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let company = acme.id.to_string();
    let fields = [("company_id", company.as_str()), ("email", "new@example.com"), ("can_access_shop", "true")];
    let _ = olga.post("/admin/companies/users/invite", &fields).await.is(303);
    let id =
        app.number(sql("SELECT id FROM company_memberships WHERE status = 'invited' AND can_access_shop = TRUE")).await;
    let own = format!("/admin/companies/{}/members/{id}", acme.id);
    let _ = olga.get(&own).await.is(200).shows("Send again").shows("Withdraw invitation");
    let _ = olga.post(&format!("{own}/resend"), &[]).await.goes_to(&format!("/admin/companies/{}", acme.id));
    app.run_jobs().await;
    assert_eq!(app.mails_to("new@example.com").len(), 2);
    stay_signed_in(&app).await;
    for expected in [3, 3] {
        app.advance(TimeDelta::days(4));
        app.run_jobs().await;
        app.run_jobs().await;
        assert_eq!(app.mails_to("new@example.com").len(), expected);
    }
    let _ = olga.get(&format!("{own}/remove")).await.is(200).shows("Withdraw the invitation");
    let _ = olga.post(&format!("{own}/remove"), &[]).await.goes_to(&format!("/admin/companies/{}", acme.id));
    let _ = olga.get(&own).await.is(404);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_person_gets_a_first_password_and_must_change_it() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let gus = app.requester("gus").await;
    let company = acme.id.to_string();
    let add = async |email: &str, password: &str| {
        let fields = [("companyId", company.as_str()), ("email", email), ("password", password), ("firstName", "Nina")];
        olga.post("/admin/companies/users/create", &fields).await
    };
    let _ =
        olga.get(&format!("/admin/companies/{}/invite?with=password", acme.id)).await.is(200).shows("First password");
    let _ = add("nina@example.com", "short").await.refuses("password");
    let _ = add("", "a long enough phrase").await.refuses("email");
    let to = format!("/admin/companies/{}", acme.id);
    let _ = add("nina@example.com", "a long enough phrase").await.goes_to(&to);
    let made = "SELECT COUNT(*) FROM users u JOIN company_memberships m ON m.user_id = u.id WHERE u.email = \
                'nina@example.com' AND u.force_password_change = TRUE AND m.status = 'active' AND u.company_id = ?";
    assert_eq!(app.number(sql(made).bind(acme.id)).await, 1);
    // Who has an account is asked; the password that was typed is not theirs.
    let before: Vec<(Option<String>,)> =
        app.rows(sql("SELECT password_hash FROM users WHERE id = ? LIMIT 1").bind(gus.id)).await;
    let _ = add("gus@example.com", PASSWORD).await.goes_to(&to);
    let after: Vec<(Option<String>,)> =
        app.rows(sql("SELECT password_hash FROM users WHERE id = ? LIMIT 1").bind(gus.id)).await;
    assert_eq!(before, after);
    let _ = gus.get("/companies/invitations").await.is(200).shows("Join Acme?");
    let refused = olga.post("/admin/companies/users/create", &[("email", "x@example.com")]).await;
    let _ = refused.is(400).shows("Select a company.");
    app.run_jobs().await;
    assert!(app.mails().iter().all(|mail| !mail.text.contains("long enough")));
    app.finish().await;
}

#[tokio::test]
async fn one_member_is_changed_on_a_page() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let adam = app.member("adam", &acme).await;
    make(&app, &adam, "administrator", false).await;
    let mia = app.member("mia", &acme).await;
    let own = format!("/admin/companies/{}/members/{}", acme.id, membership(&app, &acme, &mia).await);
    let _ = olga.get(&own).await.is(200).shows("Save permissions");
    let _ = olga.get(&format!("{own}?from=buyer")).await.is(200).shows("Nothing is saved yet");
    let _ = adam.get(&own).await.is(200).shows("You do not have this yourself");
    let member = role(&app, "member").await.to_string();
    let fields = [("role", member.as_str()), ("staff_permission", "1"), ("can_access_cart", "true")];
    let _ = adam.post(&own, &fields).await.is(403);
    let _ = olga.post(&own, &fields).await.goes_to(&own);
    let _ = olga.get(&own).await.shows("Permissions of mia Example saved");
    let saved = "SELECT COUNT(*) FROM company_memberships WHERE user_id = ? AND can_access_cart = TRUE AND staff_permission = 1";
    assert_eq!(app.number(sql(saved).bind(mia.id)).await, 1);
    let _ = olga.post(&format!("{own}/suspend"), &[]).await.goes_to(&own);
    let _ = mia.get("/business-information").await.is(400);
    let _ = adam.post(&format!("{own}/restore"), &[]).await.is(403);
    let _ = olga.post(&format!("{own}/restore"), &[]).await.goes_to(&own);
    let _ = mia.get("/business-information").await.is(200);
    let mine = format!("/admin/companies/{}/members/{}", acme.id, membership(&app, &acme, &olga).await);
    let _ = olga.get(&mine).await.is(200).shows("You cannot change your own membership").hides("Save permissions");
    for step in ["suspend", "remove"] {
        let _ = olga.post(&format!("{mine}/{step}"), &[]).await.is(403);
        let _ = mia.post(&format!("{mine}/{step}"), &[]).await.is(404);
    }
    let _ = olga.post(&format!("{own}/remove"), &[]).await.is(303);
    let _ = mia.get("/business-information").await.is(400);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_matrix_shows_own_companies_only() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let olga = app.company_admin("olga", &acme).await;
    let bob = app.member("bob", &beta).await;
    let all = ann.get("/admin/companies/matrix?company_id=&role_id=").await.is(200);
    let _ = all.shows("bob Example").shows("olga Example");
    let _ = ann.get("/admin/companies/matrix?q=bob&sort=-company").await.is(200).hides("olga Example");
    let _ = olga.get("/admin/companies/matrix").await.is(200).shows("olga Example").hides("bob Example");
    let _ = olga.get(&format!("/admin/companies/matrix?company_id={}", beta.id)).await.is(404);
    let _ = bob.get("/admin/companies/matrix").await.goes_to("/");
    let region = ann.region("/admin/companies/matrix", "matrix-list").await.is(200);
    let _ = region.hides("<html").shows("data-save=\"/admin/companies/assignment/");
    let _ = app.stranger().get("/admin/companies/matrix").await.is(303);
    app.finish().await;
}
