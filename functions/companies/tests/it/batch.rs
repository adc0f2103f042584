//! Several people invited at once (organisation 7.4).

use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::{Actor, Reply, TestApp, render_samples};

use crate::{portal, role};

const SEND: &str = "/admin/companies/users/invite-several";

#[test]
fn every_template_renders() {
    render_samples::<companies::members::batch::pages::InviteSeveral>();
    render_samples::<companies::members::batch::pages::Invited>();
}

async fn send(actor: &Actor, company: i64, addresses: &str, more: &[(&str, &str)]) -> Reply {
    let company = company.to_string();
    let mut fields = vec![("company_id", company.as_str()), ("addresses", addresses), ("do", "send")];
    fields.extend_from_slice(more);
    actor.post(SEND, &fields).await
}

/// The results, as typed and state.
async fn results(app: &TestApp) -> Vec<(String, String)> {
    app.rows(sql("SELECT typed, state FROM invitation_rows ORDER BY id LIMIT 500")).await
}

fn states(rows: &[(String, String)]) -> Vec<&str> {
    rows.iter().map(|(_, state)| state.as_str()).collect()
}

#[tokio::test]
async fn each_address_has_a_result_of_its_own() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let olga = app.company_admin("olga", &acme).await;
    let (mia, sid) = (app.member("mia", &acme).await, app.member("sid", &acme).await);
    let _ = app.member("bea", &beta).await;
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(sid.id)).await;
    let form = format!("/admin/companies/{}/invite/several", acme.id);
    let _ = olga.get(&form).await.is(200).shows("Check the list first").hides("Helpdesk technician");
    let list = "Nina Ng <nina@example.com>\nbea@example.com, mia@example.com; sid@example.com\nben\nNINA@example.com";
    let check = [("company_id", acme.id.to_string()), ("addresses", list.to_owned()), ("do", "check".to_owned())];
    let check: Vec<(&str, &str)> = check.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = olga.post(SEND, &check).await.is(200).shows("2 of 6 would be invited").shows("Nina Ng &lt;nina@");
    let _ = page.shows("A member already").shows("Twice in the list").shows("Not an email address").shows("Suspended");
    assert!(results(&app).await.is_empty(), "looking does nothing");

    let sections = [("can_access_shop", "true"), ("staff_permission", "1")];
    let to = send(&olga, acme.id, list, &sections).await.is(303).header("location").to_owned();
    let _ = olga.get(&to).await.is(200).shows("Inviting…").shows("Waiting").shows("hx-trigger=\"every 2s\"");
    let _ = mia.get(&to).await.is(404);
    app.run_jobs().await;
    let rows = results(&app).await;
    assert_eq!(states(&rows), ["invited", "invited", "member", "suspended", "invalid", "repeated"]);
    let page = olga.get(&to).await.is(200).shows("2 of 6 invited").hides("hx-trigger=\"every 2s\"");
    let _ = page.shows("Put right and send the other 1");
    let _ = olga.region(&to, "invited").await.is(200).hides("<html");
    let again = format!("{form}?from={}", to.rsplit('/').next().unwrap());
    let _ = olga
        .get(&again)
        .await
        .is(200)
        .shows("\nben</textarea>")
        .shows("name=\"can_access_shop\" type=\"checkbox\" value=\"true\" checked");
    let made = "SELECT COUNT(*) FROM company_memberships m JOIN users u ON u.id = m.user_id WHERE m.company_id = ? \
                AND m.status = 'invited' AND m.can_access_shop = TRUE AND m.staff_permission = 1 AND m.invited_by = ?";
    assert_eq!(app.number(sql(made).bind(acme.id).bind(olga.id)).await, 2);
    let named =
        "SELECT COUNT(*) FROM users WHERE email = 'nina@example.com' AND first_name = 'Nina' AND last_name = 'Ng'";
    assert_eq!(app.number(sql(named)).await, 1);
    let mail = app.mails_to("nina@example.com").pop().unwrap();
    assert!(mail.text.contains("http://portal.test/reset-password#token="), "{}", mail.text);
    assert_eq!(mail.reply_to.as_deref(), Some("olga@example.com"));
    let mail = app.mails_to("bea@example.com").pop().unwrap();
    assert!(mail.text.contains("/companies/invitations") && !mail.text.contains("token"), "{}", mail.text);
    let asked =
        "SELECT COUNT(*) FROM audit_logs WHERE action = 'membership.invited' AND user_email = 'olga@example.com'";
    assert_eq!(app.number(sql(asked)).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn nobody_is_invited_twice() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let list = "a@example.com b@example.com";
    let fields = [("_once", "b7b1e9f3a0c84c0d9f4e6b7a8c9d0e1f")];
    let (first, second) = tokio::join!(send(&olga, acme.id, list, &fields), send(&olga, acme.id, list, &fields));
    assert_eq!(first.is(303).header("location"), second.is(303).header("location"), "a double click is one batch");
    app.run_jobs().await;
    assert_eq!(states(&results(&app).await), ["invited", "invited"]);
    // Once more from a fresh form, and twice at the same time.
    let _ = send(&olga, acme.id, list, &[]).await.is(303);
    let _ = send(&olga, acme.id, "c@example.com\na@example.com", &[]).await.is(303);
    let _ = send(&olga, acme.id, "c@example.com", &[]).await.is(303);
    app.run_jobs().await;
    let rows = results(&app).await;
    assert_eq!(states(&rows)[2..4], ["already", "already"]);
    assert_eq!(states(&rows).iter().filter(|state| **state == "invited").count(), 3);
    for name in ["a", "b", "c"] {
        assert_eq!(app.mails_to(&format!("{name}@example.com")).len(), 1, "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn fifty_an_hour_are_the_most_and_the_rest_is_kept() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    let list = |from: usize, to: usize| (from..to).map(|n| format!("p{n}@example.com\n")).collect::<String>();
    let many = send(&olga, acme.id, &list(0, 51), &[]).await.refuses("addresses");
    let _ = many.shows("There are 51.").shows("p50@example.com");
    let spent = app.db().statements();
    let _ = send(&olga, acme.id, &list(0, 48), &[]).await.is(303);
    let spent = app.db().statements() - spent;
    assert!(spent <= 10, "{spent} statements, whatever the length of the list");
    app.run_jobs().await;
    let to = send(&olga, acme.id, &list(46, 53), &[]).await.is(303).header("location").to_owned();
    app.run_jobs().await;
    let rows = results(&app).await;
    assert_eq!(states(&rows)[48..], ["already", "already", "invited", "invited", "limit", "limit", "limit"]);
    let _ = olga.get(&to).await.is(200).shows("Put right and send the other 3");
    app.advance(chrono::TimeDelta::minutes(61));
    let olga = app.sign_in(olga.id).await;
    let _ = send(&olga, acme.id, &list(50, 53), &[]).await.is(303);
    app.run_jobs().await;
    assert_eq!(states(&results(&app).await)[55..], ["invited", "invited", "invited"]);
    app.finish().await;
}

#[tokio::test]
async fn rights_and_faults_are_as_with_one() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let provider = app.provider("Northstar").await;
    let (olga, mia) = (app.company_admin("olga", &acme).await, app.member("mia", &acme).await);
    let technician = role(&app, "helpdesk technician").await.to_string();
    for (addresses, more, field) in [
        ("", vec![], "addresses"),
        ("ben, eva", vec![], "addresses"),
        ("a@example.com", vec![("role", technician.as_str())], "role"),
        ("a@example.com", vec![("staff_permission", "9")], "staff_permission"),
    ] {
        let back = send(&olga, acme.id, addresses, &more).await.refuses(field);
        let _ = back.shows(addresses);
    }
    let _ = send(&olga, beta.id, "a@example.com", &[]).await.is(404);
    let _ = send(&mia, acme.id, "a@example.com", &[]).await.is(404);
    let _ = mia.get(&format!("/admin/companies/{}/invite/several", acme.id)).await.is(404);
    let _ = app.stranger().get(&format!("/admin/companies/{}/invite/several", acme.id)).await.is(303);
    let _ = olga.post(SEND, &[("addresses", "a@example.com")]).await.is(400).shows("Select a company.");
    // A super administrator lets people with an account in at once, and gives global roles at the provider.
    let ann = app.super_admin("ann").await;
    let _ = app.requester("gus").await;
    let to = send(&ann, provider.id, "gus@example.com", &[("role", &technician)]).await.is(303);
    let to = to.header("location").to_owned();
    let _ = olga.get(&to).await.is(404);
    let _ = olga.get(&to.replace(&format!("/{}/", provider.id), &format!("/{}/", acme.id))).await.is(404);
    app.run_jobs().await;
    assert_eq!(states(&results(&app).await), ["added"]);
    // Whoever asked was disabled before their batch was worked on: nobody is invited.
    let _ = send(&olga, acme.id, "late@example.com", &[]).await.is(303);
    app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(olga.id)).await;
    app.run_jobs().await;
    assert_eq!(states(&results(&app).await)[1..], ["failed"]);
    assert!(app.mails_to("late@example.com").is_empty());
    app.advance(chrono::TimeDelta::days(31));
    app.run_jobs().await;
    assert!(results(&app).await.is_empty(), "results are kept for 30 days");
    app.finish().await;
}

/// What the asker may do is looked at again when their batch is worked on.
#[tokio::test]
async fn rights_that_were_lost_in_between_count() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let provider = app.provider("Northstar").await;
    let set = "UPDATE company_memberships SET";
    let (administrator, technician) = (role(&app, "administrator").await, role(&app, "helpdesk technician").await);
    let (administrator, technician) = (administrator.to_string(), technician.to_string());
    let grants = [("role", administrator.as_str()), ("can_access_shop", "true"), ("staff_permission", "2")];
    for (index, (lost, grants)) in [
        (" status = 'suspended'", &grants[..0]),
        (" is_admin = FALSE, role_id = (SELECT id FROM roles WHERE name_key = 'member')", &grants[..0]),
        (" is_admin = FALSE, role_id = (SELECT id FROM roles WHERE name_key = 'administrator')", &grants[2..]),
        (" can_access_shop = FALSE", &grants[1..2]),
        (" role_id = (SELECT id FROM roles WHERE name_key = 'member')", &grants[..1]),
        (" role_id = role_id", &grants[..]),
    ]
    .into_iter()
    .enumerate()
    {
        let asker = app.company_admin(&format!("olga{index}"), &acme).await;
        let address = format!("p{index}@example.com");
        let _ = send(&asker, acme.id, &address, grants).await.is(303);
        let lost_all = sql(set).push(lost).push(" , staff_permission = 0 WHERE user_id = ?");
        app.execute(lost_all.bind(asker.id)).await;
        app.run_jobs().await;
        let keeps = lost.ends_with("= role_id");
        let state = if keeps { "invited" } else { "failed" };
        assert_eq!(states(&results(&app).await)[index..], [state], "{lost}");
        assert_eq!(app.mails_to(&address).len(), usize::from(keeps), "{lost}");
        let found = app.number(sql("SELECT COUNT(*) FROM users WHERE email = ?").bind(address)).await;
        assert_eq!(found, i64::from(keeps), "nothing of a failed row stays: {lost}");
    }
    // A super administrator who is one no more: neither as such nor as the member they are elsewhere.
    let ann = app.super_admin("ann").await;
    let _ = app.requester("gus").await;
    let _ = send(&ann, provider.id, "gus@example.com", &[("role", &technician)]).await.is(303);
    app.execute(sql("UPDATE users SET is_super_admin = FALSE WHERE id = ?").bind(ann.id)).await;
    app.run_jobs().await;
    assert_eq!(states(&results(&app).await)[6..], ["failed"]);
    assert!(app.mails_to("gus@example.com").is_empty());
    app.finish().await;
}

/// The same for the staff who are picked in the directory.
#[tokio::test]
async fn a_staff_level_that_was_lost_in_between_counts() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (olga, mia) = (app.company_admin("olga", &acme).await, app.member("mia", &acme).await);
    app.execute(sql("UPDATE company_memberships SET staff_permission = 3 WHERE user_id = ?").bind(mia.id)).await;
    for email in ["ada@example.com", "bob@example.com"] {
        let fields = [("first_name", "Ada"), ("last_name", "Lovelace"), ("email", email)];
        let _ = olga.post("/staff", &fields).await.is(303);
    }
    let ids: Vec<(i64,)> = app.rows(sql("SELECT id FROM staff ORDER BY id LIMIT 9")).await;
    for ((id,), (level, state)) in ids.into_iter().zip([(3_i64, "invited"), (2, "failed")]) {
        let _ = mia.post("/staff/bulk", &[("do", "invite"), ("ids", &id.to_string())]).await.is(303);
        let set = sql("UPDATE company_memberships SET staff_permission = ? WHERE user_id = ?");
        app.execute(set.bind(level).bind(mia.id)).await;
        app.run_jobs().await;
        assert_eq!(states(&results(&app).await).last(), Some(&state));
    }
    assert!(app.mails_to("bob@example.com").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_missing_mail_server_is_said_of_each() {
    let app = TestApp::without_mail(companies::routes(), companies::jobs().merge(Jobs::kernel())).await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let to = send(&ann, acme.id, "new@example.com", &[]).await.is(303).header("location").to_owned();
    app.run_jobs().await;
    let _ = ann.get(&to).await.is(200).shows("Invited, but no mail server is set up");
    app.finish().await;
}
