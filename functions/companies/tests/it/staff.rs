//! The staff directory: levels, pages and the API (organisation 4.2, 10.1 to 10.4; acceptance 21 to 24, 39).

use http::Method;
use serde_json::{Value, json};
use shared::caller::Company;
use shared::db::sql;
use shared::testing::{Actor, TestApp, render_samples};

use crate::{key, portal};

#[test]
fn every_template_renders() {
    render_samples::<companies::staff::list::StaffList>();
    render_samples::<companies::staff::forms::NewStaff>();
    render_samples::<companies::staff::forms::EditStaff>();
    render_samples::<companies::staff::show::StaffShow>();
    render_samples::<companies::staff::show::Offboard>();
    render_samples::<companies::staff::show::StaffDelete>();
    render_samples::<companies::staff::import::pages::Imports>();
    render_samples::<companies::staff::import::pages::ImportRun>();
}

/// A member with a staff level.
pub async fn with_level(app: &TestApp, name: &str, company: &Company, level: i64) -> Actor {
    let actor = app.member(name, company).await;
    let query = sql("UPDATE company_memberships SET staff_permission = ? WHERE user_id = ?");
    app.execute(query.bind(level).bind(actor.id)).await;
    actor
}

/// A person of the directory, by the API; gives the number.
pub async fn person(by: &Actor, company: &Company, first: &str, more: Value) -> i64 {
    let mut body = json!({"company_id": company.id, "firstName": first, "lastName": "Example",
        "email": format!("{}@example.com", first.to_lowercase())});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    by.json(Method::POST, "/api/staff", body).await.is(201).value()["id"].as_i64().unwrap()
}

/// Lets a super administrator work for a company.
pub async fn work_for(actor: &Actor, company: &Company) {
    let _ = actor.post("/switch-company", &[("companyId", &company.id.to_string())]).await.is(303);
}

#[tokio::test]
async fn each_level_sees_its_part() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    person(&ann, &acme, "Rosa", json!({"department": "Reception"})).await;
    person(&ann, &acme, "Sid", json!({"department": "Surgery", "enabled": false})).await;
    person(&ann, &acme, "Nobody", json!({})).await;
    person(&ann, &beta, "Foreign", json!({"department": "Reception"})).await;
    // The own record is found without regard to case, and whatever the filter hides.
    person(&ann, &acme, "Lev", json!({"department": "reception", "email": "one@EXAMPLE.com", "enabled": false})).await;
    let one = with_level(&app, "one", &acme, 1).await;
    let two = with_level(&app, "two", &acme, 2).await;
    let three = with_level(&app, "three", &acme, 3).await;
    let admin = app.company_admin("olga", &acme).await;
    let none = app.member("none", &acme).await;
    let _ = one.get("/staff").await.is(200).shows("Rosa").shows("Lev").hides("Sid").hides("Nobody").hides("Foreign");
    let _ = one.get("/staff?enabled=1").await.is(200).shows("Rosa").hides("Lev Example").hides("Sid");
    let _ = one.get("/staff?department=Surgery").await.is(200).hides("Sid").hides("Department</label>");
    let _ = two.get("/staff").await.is(200).shows("Nobody").hides("Rosa").hides("New person").hides("Export CSV");
    for sees_all in [&three, &admin] {
        let page = sees_all.get("/staff").await.is(200).shows("Rosa").shows("Sid").shows("Nobody").hides("Foreign");
        let _ = page.shows("New person").shows("Department</label>").hides("Export CSV").hides("Send code");
        let _ = sees_all.get("/staff?department=SURGERY&enabled=0").await.shows("Sid").hides("Rosa");
    }
    let _ = none.get("/staff").await.goes_to("/");
    let _ = none.api(Method::GET, "/api/staff").await.is(403);
    let _ = app.stranger().get("/staff").await.goes_to("/login?next=%2Fstaff");
    let _ = app.requester("gus").await.get("/staff").await.is(400);
    work_for(&ann, &acme).await;
    let _ = ann.get("/staff").await.is(200).shows("Export CSV").shows("Sid").hides("Foreign");
    let _ = ann.region("/staff?q=ros", "staff-list").await.shows("Rosa").hides("<html").hides("Sid");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_api_gives_nothing_away() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let rosa = person(&ann, &acme, "Rosa", json!({"department": "Reception"})).await;
    let foreign = person(&ann, &beta, "Foreign", json!({})).await;
    let one = with_level(&app, "one", &acme, 1).await;
    let three = with_level(&app, "three", &acme, 3).await;
    let none = app.member("none", &acme).await;
    let path = |id: i64| format!("/api/staff/{id}");
    for (actor, id) in [(&none, rosa), (&one, rosa), (&three, foreign), (&none, foreign), (&ann, 999)] {
        let _ = actor.api(Method::GET, &path(id)).await.is(404).says("Staff not found");
    }
    let own = three.api(Method::GET, &path(rosa)).await.is(200).value();
    assert_eq!((&own["first_name"], &own["email"]), (&json!("Rosa"), &json!("rosa@example.com")));
    assert!(own.get("verification_code").is_none() && own.get("sealed_code").is_none());
    let _ = three.api(Method::GET, &format!("/api/staff?companyId={}", beta.id)).await.is(404);
    for actor in [&one, &three] {
        let _ = actor.json(Method::POST, "/api/staff", json!({"company_id": acme.id})).await.is(403);
        let _ = actor.json(Method::PUT, &path(rosa), json!({"city": "X"})).await.is(403);
        let _ = actor.api(Method::DELETE, &path(rosa)).await.is(403);
        let _ = actor.api(Method::DELETE, &format!("/staff/{rosa}")).await.is(403);
    }
    let _ = app.stranger().api(Method::GET, &path(rosa)).await.is(401);
    let reader = app.stranger().with_key(&key(&app, r#"["staff:read"]"#, Some(acme.id)).await);
    assert_eq!(reader.api(Method::GET, "/api/staff").await.is(200).value().as_array().unwrap().len(), 1);
    let _ = reader.api(Method::GET, &path(foreign)).await.is(404);
    let _ = reader.json(Method::PUT, &path(rosa), json!({"city": "X"})).await.is(403);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn programs_add_change_and_delete() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let beta = app.company("Beta").await;
    let writer = app.stranger().with_key(&key(&app, r#"["staff:write"]"#, Some(acme.id)).await);
    let body = json!({"companyId": acme.id, "firstName": "Ana", "last_name": "Ruiz", "email": " Ana@Example.com ",
        "mobilePhone": "+44 7700 900123", "department": "Reception", "dateOnboarded": "2026-07-01T09:00:00+02:00",
        "accountAction": "Onboarded", "company": "North"});
    let made = writer.json(Method::POST, "/api/staff", body.clone()).await.is(201).value();
    assert_eq!(made["email"], "ana@example.com");
    assert_eq!((&made["mobile_phone"], &made["org_company"]), (&json!("+447700900123"), &json!("North")));
    assert_eq!(made["date_onboarded"], "2026-07-01T07:00:00Z");
    let _ = writer.json(Method::POST, "/api/staff", body).await.is(409);
    let path = format!("/api/staff/{}", made["id"]);
    let gone = writer.json(Method::PUT, &path, json!({"accountAction": "Gone"})).await;
    let _ = gone.refuses("account_action");
    let _ = writer.json(Method::PUT, &path, json!({"first_name": null})).await.refuses("first_name");
    let kept = writer.json(Method::PUT, &path, json!({"city": "Leeds"})).await.is(200).value();
    assert_eq!(kept["department"], "Reception", "what is absent stays");
    let cleared = writer.json(Method::PUT, &path, json!({"department": "", "mobile_phone": null})).await.value();
    assert_eq!((&cleared["department"], &cleared["mobile_phone"]), (&Value::Null, &Value::Null));
    let missing = writer.json(Method::POST, "/api/staff", json!({"firstName": "X"})).await.refuses("company_id");
    let _ = missing.refuses("email");
    let elsewhere = json!({"companyId": beta.id, "firstName": "A", "lastName": "B", "email": "a@example.com"});
    let _ = writer.json(Method::POST, "/api/staff", elsewhere).await.is(404);
    for (query, count) in [
        ("", 1),
        ("?accountAction=onboarded", 1),
        ("?accountAction=Offboarded", 0),
        ("?email=NA@ex", 1),
        ("?email=%25", 0),
        ("?q=rui", 1),
        ("?q=zzz", 0),
        ("?enabled=0", 0),
    ] {
        let list = writer.api(Method::GET, &format!("/api/staff{query}")).await.is(200).value();
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    let _ = writer.api(Method::GET, "/api/staff?accountAction=Gone").await.refuses("accountAction");
    let _ = writer.api(Method::DELETE, &path).await.is(204);
    let _ = writer.api(Method::DELETE, &path).await.is(404);
    assert_eq!(app.audit().await, ["staff.created", "staff.updated", "staff.updated", "staff.deleted"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_person_is_added_and_edited_on_pages() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let three = with_level(&app, "three", &acme, 3).await;
    let two = with_level(&app, "two", &acme, 2).await;
    let _ = three.get("/staff").await.shows("No staff yet");
    let _ = three.get("/staff/new").await.is(200).hides("Account action");
    let none = three.post("/staff", &[("firstName", "Ana")]).await.is(400);
    let _ = none.shows("First name, last name, and email are required").shows("value=\"Ana\"");
    let fields = [
        ("firstName", "Ana"),
        ("lastName", "Ruiz"),
        ("email", "ana@example.com"),
        ("department", "Desk"),
        ("dateOnboarded", "2026-12-01"),
        ("enabled", "true"),
    ];
    let _ = three.post("/staff", &fields).await.goes_to("/staff");
    let _ = three.get("/staff").await.shows("Ana Ruiz added").shows("Onboard Requested").shows("1 Dec 2026");
    let _ = three.post("/staff", &fields).await.is(409).shows("Another staff member of the company has this email");
    let wrong = [("first_name", "B"), ("last_name", "B"), ("email", "b"), ("mobile_phone", "x")];
    let _ = three.post("/staff", &wrong).await.refuses("email");
    let chosen = [("firstName", "C"), ("lastName", "C"), ("email", "c@example.com"), ("accountAction", "Onboarded")];
    let _ = three.post("/staff", &chosen).await.is(403);
    let _ = two.get("/staff/new").await.goes_to("/staff");
    let _ = two.post("/staff", &fields).await.goes_to("/staff");
    let id = app.number(sql("SELECT id FROM staff")).await;
    let own = format!("/staff/{id}");
    let _ = three.get(&own).await.is(200).shows("ana@example.com").hides("Is it them on the phone?");
    let _ = three.get(&format!("{own}/edit")).await.is(200).shows("value=\"2026-12-01\"").hides("Account action");
    let edit = [("first_name", "Anna"), ("email", "ana@example.com"), ("city", "Leeds"), ("department", "")];
    let _ = three.post(&own, &edit).await.goes_to(&own);
    let _ = three.get(&own).await.shows("Anna Ruiz saved").shows("Leeds");
    let _ = three.post(&own, &[("postcode", &"1".repeat(21))]).await.refuses("postcode");
    let _ = two.get(&own).await.is(200);
    let _ = two.get(&format!("{own}/edit")).await.goes_to("/staff");
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'staff.onboard_requested' AND user_id = ?";
    app.run_jobs().await;
    assert_eq!(app.number(sql(told).bind(ann.id)).await, 1);
    let _ = ann.get(&own).await.is(400).shows("company");
    work_for(&ann, &acme).await;
    let _ = ann.get(&own).await.is(200).shows("Is it them on the phone?");
    let _ = ann.get(&format!("{own}/delete")).await.is(200).shows("Delete Anna Ruiz?");
    let _ = three.post(&format!("{own}/delete"), &[]).await.goes_to("/");
    let _ = ann.post(&format!("{own}/delete"), &[]).await.goes_to("/staff");
    let _ = ann.get(&own).await.is(404);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn writes_keep_to_the_level() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let rosa = person(&ann, &acme, "Rosa", json!({"department": "Reception"})).await;
    let sid = person(&ann, &acme, "Sid", json!({"department": "Surgery"})).await;
    let free = person(&ann, &acme, "Free", json!({})).await;
    for name in ["one", "two"] {
        person(&ann, &acme, name, json!({"department": "Reception"})).await;
    }
    let one = with_level(&app, "one", &acme, 1).await;
    let two = with_level(&app, "two", &acme, 2).await;
    let three = with_level(&app, "three", &acme, 3).await;
    let path = |id: i64| format!("/staff/{id}");
    let switch = async |by: &Actor, id: i64, on: &str| {
        by.post("/staff/enabled", &[("staffId", &id.to_string()), ("enabled", on)]).await
    };
    for id in [rosa, sid, 999] {
        let _ = switch(&one, id, "0").await.is(403);
        let _ = one.json(Method::PUT, &path(id), json!({"enabled": false})).await.is(403);
    }
    let _ = switch(&two, sid, "0").await.is(404);
    let _ = two.json(Method::PUT, &path(sid), json!({"enabled": false})).await.is(404).says("Staff not found");
    let _ = two.post("/staff/enabled", &[("staffId", "x")]).await.is(400).shows("Invalid staff identifier");
    let _ = switch(&two, rosa, "0").await.goes_to("/staff");
    let on = two.json(Method::PUT, &path(free), json!({"enabled": false})).await.is(200).value();
    assert_eq!((&on["success"], &on["staff"]["enabled"]), (&json!(true), &json!(false)));
    let refused = two.json(Method::PUT, &path(rosa), json!({"department": "Surgery"})).await.is(403).value();
    assert_eq!(refused["field"], "department");
    let same = two.json(Method::PUT, &path(rosa), json!({"department": "Reception", "enabled": true})).await;
    assert_eq!(same.is(200).value()["staff"]["enabled"], true, "what does not change is no refusal");
    let refused = three.json(Method::PUT, &path(sid), json!({"accountAction": "Offboarded"})).await.is(403).value();
    assert_eq!(refused["field"], "account_action");
    let cleared = three.json(Method::PUT, &path(sid), json!({"department": ""})).await.is(200).value();
    assert_eq!(cleared["staff"]["department"], Value::Null);
    let _ = three.json(Method::PUT, &path(sid), json!({"email": "rosa@example.com"})).await.is(409);
    let trail = app.audit().await;
    assert_eq!(trail[5..], ["staff.disabled", "staff.disabled", "staff.enabled", "staff.updated"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_order_is_kept_and_the_list_goes_into_a_file() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    person(&ann, &acme, "Zoe", json!({"department": "A", "lastName": "Alpha", "jobTitle": "=1+1"})).await;
    person(&ann, &acme, "Abe", json!({"department": "B", "lastName": "Émile"})).await;
    work_for(&ann, &acme).await;
    let order = async |path: &str| {
        let text = ann.get(path).await.is(200).text();
        text.find("Zoe Alpha").unwrap() < text.find("Abe Émile").unwrap()
    };
    assert!(order("/staff").await, "by last name, accents apart");
    assert!(!order("/staff?sort=-department").await);
    assert!(!order("/staff").await, "the order of last time");
    assert!(!order("/staff?sort=nonsense").await, "an order that is none changes nothing");
    assert!(order("/staff?sort=name").await && order("/staff").await);
    let file = ann.get("/staff/export.csv?department=A").await.is(200);
    assert!(file.header("content-disposition").contains("staff-2026-11-23.csv"));
    let _ = file.shows("first_name,last_name,email").shows("Zoe,Alpha").shows("'=1+1").hides("Abe");
    let three = with_level(&app, "three", &acme, 3).await;
    let _ = three.get("/staff/export.csv").await.goes_to("/staff");
    assert!(app.audit().await.contains(&"staff.exported".to_owned()));
    app.run_jobs().await;
    app.finish().await;
}

/// Puts so many people into the directory at once.
async fn crowd(app: &TestApp, company: &Company, count: i64) {
    let now = app.app().now();
    let mut tx = app.db().begin(shared::audit::Stamp::system(now)).await.unwrap();
    tx.housekeeping();
    for index in 0..count {
        sql("INSERT INTO staff (company_id, first_name, last_name, email, enabled, department, department_key, sort_name, \
             search_text, created_at, updated_at) VALUES (?, 'Pat', ?, ?, TRUE, 'Desk', 'desk', ?, ?, ?, ?)")
        .bind(company.id)
        .bind(format!("Number{index:05}"))
        .bind(format!("pat{index}@example.com"))
        .bind(format!("number{index:05} pat"))
        .bind(format!("pat number{index:05}"))
        .bind(now)
        .bind(now)
        .insert(&mut tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn five_thousand_people_cost_as_many_queries_as_five() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let three = with_level(&app, "three", &acme, 3).await;
    crowd(&app, &acme, 5).await;
    let cost = async |by: &Actor, path: &str| {
        let before = app.db().statements();
        let reply = by.get(path).await.is(200);
        (app.db().statements() - before, reply)
    };
    let (few, _) = cost(&three, "/staff").await;
    app.execute(sql("DELETE FROM staff")).await;
    crowd(&app, &acme, 5000).await;
    let (many, page) = cost(&three, "/staff").await;
    assert_eq!(few, many);
    assert!(many <= 8, "{many} queries");
    assert_eq!(page.text().matches("<th scope=\"row\">").count(), 50);
    let _ = page.shows("5000</span> people");
    let (found, page) = cost(&three, "/staff?q=number04999&department=desk&enabled=1&sort=-email").await;
    assert!(found <= 9, "{found} queries, one to keep the order");
    let _ = page.shows("Number04999").hides("Number04998");
    work_for(&ann, &acme).await;
    let all = ann.api(Method::GET, "/api/staff?limit=500&offset=4900").await.is(200);
    assert_eq!((all.value().as_array().unwrap().len(), all.header("x-total-count")), (100, "5000"));
    app.finish().await;
}
