//! Joining by an address at a domain of a company (organisation 12), and who is offered as a member.

use shared::db::sql;
use shared::testing::TestApp;

use crate::portal;

async fn domain(app: &TestApp, company: i64, auto_join: bool) {
    let now = app.app().now();
    let insert = sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_at, updated_at) \
         VALUES (?, 'example.com', ?, ?, ?)");
    app.execute(insert.bind(company).bind(auto_join).bind(now).bind(now)).await;
}

#[tokio::test]
async fn a_proven_address_lets_people_in_who_were_there_before_the_domain() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (rob, una) = (app.requester("rob").await, app.user("una", |new| new.email_verified_at = None).await);
    let join = format!("/companies/join/{}", acme.id);
    let _ = rob.post(&join, &[]).await.is(404);
    domain(&app, acme.id, false).await;
    let _ = rob.post(&join, &[]).await.is(404);
    app.execute(sql("UPDATE company_email_domains SET auto_join = TRUE")).await;
    let page = rob.get("/companies/invitations").await.is(200);
    let _ = page.shows("Join Acme?").shows("so you may join by yourself");
    let una = app.sign_in(una).await;
    let _ = una.get("/companies/invitations").await.is(200).hides("Acme");
    let _ = una.post(&join, &[]).await.is(404);
    let _ = app.stranger().post(&join, &[]).await.is(303);
    let _ = rob.post(&join, &[]).await.goes_to("/");
    let member = sql("SELECT COUNT(*) FROM company_memberships WHERE user_id = ? AND status = 'active' \
         AND can_access_shop = FALSE AND is_admin = FALSE AND staff_permission = 0 AND joined_at IS NOT NULL");
    assert_eq!(app.number(member.bind(rob.id)).await, 1);
    assert_eq!(app.audit().await, ["membership.created"]);
    let _ = rob.get("/companies/invitations").await.hides("Join Acme");
    let _ = rob.post(&join, &[]).await.is(404);
    // Whoever was suspended does not come back by their address.
    app.execute(sql("UPDATE company_memberships SET status = 'suspended'")).await;
    let _ = rob.post(&join, &[]).await.is(404);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn people_of_a_domain_are_found_by_its_index() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    domain(&app, acme.id, false).await;
    let (ann, mia) = (app.super_admin("ann").await, app.member("mia", &acme).await);
    app.user("una", |new| new.email_verified_at = None).await;
    app.user("far", |new| new.email = "far@sub.example.com".to_owned()).await;
    let rob = app.requester("rob").await;
    let page = ann.get(&format!("/admin/companies/{}/domains", acme.id)).await.is(200);
    let _ = page.shows("rob@example.com").hides("una@").hides("far@").hides("mia@example.com");
    let plan = "SELECT COUNT(*) FROM users WHERE email_domain = 'example.com'";
    assert_eq!(app.number(sql(plan)).await, 4);
    app.execute(sql("UPDATE users SET email = 'rob@elsewhere.example' WHERE id = ?").bind(rob.id)).await;
    assert_eq!(app.number(sql(plan)).await, 3, "the domain follows the address");
    let _ = mia;
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_that_is_over_is_not_accepted_by_an_old_link() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let mia = app.member("mia", &acme).await;
    let bea = app.member("bea", &beta).await;
    let now = app.app().now();
    for (person, days) in [(&mia, 31), (&bea, 29)] {
        let invited = sql("UPDATE company_memberships SET status = 'invited', invited_at = ? WHERE user_id = ?");
        app.execute(invited.bind(now - chrono::TimeDelta::days(days)).bind(person.id)).await;
    }
    let mut tx = app.db().begin(shared::audit::Stamp::system(now)).await.unwrap();
    tx.housekeeping();
    let accepted = [
        shared::accounts::memberships::accept_all(&mut tx, mia.id, now).await.unwrap(),
        shared::accounts::memberships::accept_all(&mut tx, bea.id, now).await.unwrap(),
    ];
    tx.commit().await.unwrap();
    assert_eq!(accepted, [0, 1]);
    app.finish().await;
}
