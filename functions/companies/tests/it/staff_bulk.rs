//! Several people of the directory at once, and two rows that become one (organisation 10.1, 4.2).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, Reply, TestApp, render_samples};

use crate::portal;
use crate::staff::{person, with_level, work_for};

#[test]
fn every_template_renders() {
    render_samples::<companies::staff::merge::StaffMerge>();
}

async fn bulk(actor: &Actor, what: &str, ids: &[i64]) -> Reply {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let mut fields = vec![("do", what), ("back", "?q=&sort=name")];
    fields.extend(ids.iter().map(|id| ("ids", id.as_str())));
    actor.post("/staff/bulk", &fields).await
}

async fn enabled(app: &TestApp) -> Vec<i64> {
    let rows: Vec<(i64,)> = app.rows(sql("SELECT id FROM staff WHERE enabled = TRUE ORDER BY id LIMIT 99")).await;
    rows.into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn several_are_disabled_as_far_as_one_may() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let rosa = person(&ann, &acme, "Rosa", json!({"department": "Reception"})).await;
    let uma = person(&ann, &acme, "Uma", json!({})).await;
    let sid = person(&ann, &acme, "Sid", json!({"department": "Surgery"})).await;
    let foreign = person(&ann, &beta, "Foreign", json!({})).await;
    person(&ann, &acme, "Two", json!({"department": "Reception", "enabled": false})).await;
    app.run_jobs().await;
    let (one, two) = (with_level(&app, "one", &acme, 1).await, with_level(&app, "two", &acme, 2).await);
    let three = with_level(&app, "three", &acme, 3).await;
    let list = two.get("/staff").await.is(200).shows("action=\"&#x2f;staff&#x2f;bulk\"").hides("value=\"invite\"");
    let _ = list.hides("value=\"export\"");
    let _ = one.get("/staff").await.is(200).hides("name=\"ids\"");
    for what in ["disable", "enable", "invite", "export"] {
        let _ = bulk(&one, what, &[rosa, uma]).await.goes_to("/staff?q=&sort=name");
    }
    assert_eq!(enabled(&app).await, [rosa, uma, sid, foreign]);
    let before = app.db().statements();
    let _ = bulk(&two, "disable", &[rosa, uma, sid, foreign, 999]).await.goes_to("/staff?q=&sort=name");
    let spent = app.db().statements() - before;
    assert!(spent <= 10, "{spent} statements");
    assert_eq!(enabled(&app).await, [sid, foreign], "other departments and companies are out of reach");
    let _ = two.get("/staff").await.shows("2 people disabled. 3 left alone: not in your directory (3).");
    let _ = bulk(&three, "enable", &[rosa, sid]).await.is(303);
    let _ = three.get("/staff").await.shows("1 person enabled. 1 left alone: already so (1).");
    let told = app.audit().await;
    assert_eq!(told.iter().filter(|action| *action == "staff.disabled").count(), 2);
    assert_eq!(told.iter().filter(|action| *action == "staff.enabled").count(), 1);
    for (actor, what, ids, text) in [
        (&two, "invite", vec![uma], "Access denied"),
        (&three, "export", vec![uma], "Access denied"),
        (&three, "enable", vec![], "Tick the people first"),
        (&three, "fly", vec![uma], "Choose what to do with the people you ticked"),
    ] {
        let _ = bulk(actor, what, &ids).await.goes_to("/staff?q=&sort=name");
        let _ = actor.get("/staff").await.shows(text);
    }
    work_for(&ann, &acme).await;
    let file = bulk(&ann, "export", &[rosa, sid, foreign]).await.is(200).text();
    assert!(
        file.contains("Rosa") && file.contains("Sid") && !file.contains("Foreign") && !file.contains("Uma"),
        "{file}"
    );
    let _ = app.stranger().post("/staff/bulk", &[("do", "disable")]).await.is(303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn picked_people_are_invited_at_once() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let nina = person(&ann, &acme, "Nina", json!({})).await;
    let mia = app.member("mia", &acme).await;
    let known = person(&ann, &acme, "Mia", json!({})).await;
    let plain = person(&ann, &acme, "Plain", json!({})).await;
    app.execute(sql("UPDATE staff SET email = NULL WHERE id = ?").bind(plain)).await;
    app.run_jobs().await;
    let three = with_level(&app, "three", &acme, 3).await;
    let to = bulk(&three, "invite", &[nina, known, plain]).await.is(303).header("location").to_owned();
    let _ = three.get(&to).await.is(200).shows("Inviting…");
    let _ = with_level(&app, "other", &acme, 3).await.get(&to).await.is(404);
    let _ = mia.get(&to).await.goes_to("/");
    app.run_jobs().await;
    let page = three.get(&to).await.is(200).shows("1 of 3 invited").shows("A member already");
    let _ = page.shows("No email in the staff directory").shows("Nina Example");
    let linked = "SELECT COUNT(*) FROM staff s JOIN users u ON u.id = s.user_id JOIN company_memberships m \
                  ON m.user_id = u.id WHERE s.id = ? AND m.status = 'invited' AND m.company_id = ?";
    assert_eq!(app.number(sql(linked).bind(nina).bind(acme.id)).await, 1);
    assert_eq!(app.mails_to("nina@example.com").len(), 1);
    let _ = bulk(&three, "invite", &[nina]).await.is(303);
    app.run_jobs().await;
    assert_eq!(app.mails_to("nina@example.com").len(), 1, "nobody is invited twice");
    assert_eq!(app.audit().await.iter().filter(|action| *action == "staff.invited").count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn two_rows_become_one() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let kept = person(&ann, &acme, "Rosa", json!({"city": "Leeds"})).await;
    let more = json!({"city": "York", "department": "Surgery", "mobilePhone": "+447700900123"});
    let other = person(&ann, &acme, "Rosie", more).await;
    let foreign = person(&ann, &beta, "Foreign", json!({})).await;
    let mia = app.member("mia", &acme).await;
    app.execute(sql("UPDATE staff SET email = NULL WHERE id = ?").bind(kept)).await;
    app.execute(sql("UPDATE staff SET user_id = ?, syncro_contact_id = '88' WHERE id = ?").bind(mia.id).bind(other))
        .await;
    app.run_jobs().await;
    let path = format!("/staff/{kept}/merge");
    let _ = ann.get(&path).await.is(200).shows("Rosie Example").hides("Foreign");
    let _ = ann.get(&format!("{path}?q=nobody")).await.is(200).shows("Nobody else matches");
    let page = ann.get(&format!("{path}?with={other}")).await.is(200).shows("Taken over").shows("Surgery");
    let _ = page.shows("The portal account moves to the row that stays.").shows("Merge the two");
    for with in [foreign, kept, 999] {
        let _ = ann.get(&format!("{path}?with={with}")).await.is(404);
        let _ = ann.post(&path, &[("with", &with.to_string())]).await.is(404);
    }
    let three = with_level(&app, "three", &acme, 3).await;
    for actor in [&three, &mia] {
        let _ = actor.get(&path).await.goes_to("/");
        let _ = actor.post(&path, &[("with", &other.to_string())]).await.goes_to("/");
    }
    let _ = app.stranger().get(&path).await.is(303);
    let _ = ann.post(&path, &[("with", &other.to_string())]).await.goes_to(&format!("/staff/{kept}"));
    let after = ann.api(Method::GET, &format!("/api/staff/{kept}")).await.is(200).value();
    assert_eq!((&after["city"], &after["department"]), (&json!("Leeds"), &json!("Surgery")));
    assert_eq!((&after["email"], &after["mobile_phone"]), (&json!("rosie@example.com"), &json!("+447700900123")));
    assert_eq!((&after["user_id"], &after["syncro_contact_id"]), (&json!(mia.id), &json!("88")));
    let _ = ann.api(Method::GET, &format!("/api/staff/{other}")).await.is(404);
    assert_eq!(app.audit().await.iter().rev().take(2).collect::<Vec<_>>(), ["staff.deleted", "staff.merged"]);
    let lost = "SELECT COUNT(*) FROM audit_logs WHERE action = 'staff.deleted' AND previous_value LIKE '%York%' \
                AND metadata LIKE '%merged_into%'";
    assert_eq!(app.number(sql(lost)).await, 1, "the trail keeps what the other row held");
    // Two accounts are not silently made one.
    let twin = person(&ann, &acme, "Rosina", json!({})).await;
    app.execute(sql("UPDATE staff SET user_id = ? WHERE id = ?").bind(three.id).bind(twin)).await;
    let _ = ann.get(&format!("{path}?with={twin}")).await.is(200).shows("cannot be merged").hides("Merge the two");
    let _ = ann.post(&path, &[("with", &twin.to_string())]).await.goes_to(&format!("{path}?with={twin}"));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM staff WHERE id = ?").bind(twin)).await, 1);
    app.run_jobs().await;
    app.finish().await;
}
