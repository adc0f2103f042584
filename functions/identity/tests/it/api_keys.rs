//! API keys: routes, pages, use, rotation, expiry notices (acceptance 32 to 37).
use chrono::TimeDelta;
use http::Method;
use identity::api_keys::{KeyPage, KeysPage, NewKeyPage, RevokeKeyPage, RotateKeyPage};
use serde_json::{Value, json};
use shared::audit::Change;
use shared::db::sql;
use shared::testing::{Actor, render_samples};

use crate::registration::portal;

/// Makes a key; gives its id and token.
async fn key(by: &Actor, body: Value) -> (i64, String) {
    let made = by.json(Method::POST, "/api-keys", body).await.is(201).value();
    (made["id"].as_i64().unwrap(), made["api_key"].as_str().unwrap().to_owned())
}

async fn list(by: &Actor, query: &str) -> Vec<Value> {
    by.api(Method::GET, &format!("/api-keys?{query}")).await.is(200).value().as_array().unwrap().clone()
}

/// The token that a page shows.
fn shown_token(page: &str) -> Option<String> {
    let at = page.find("value=\"")?;
    let words = page[at..].split("value=\"").map(|rest| rest.split('"').next().unwrap_or_default());
    words.into_iter().find(|w| w.len() == 64 && w.bytes().all(|b| b.is_ascii_hexdigit())).map(str::to_owned)
}

/// The page without what every page of the session carries.
async fn keys_page(by: &Actor) -> String {
    by.get("/admin/api-keys").await.is(200).text().replace(&by.csrf(), "csrf")
}

#[test]
fn every_page_draws_its_samples() {
    render_samples::<KeysPage>();
    render_samples::<NewKeyPage>();
    render_samples::<KeyPage>();
    render_samples::<RotateKeyPage>();
    render_samples::<RevokeKeyPage>();
}

/// Acceptance 32.
#[tokio::test]
async fn the_token_is_given_once_and_never_stored() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let made = ann.json(Method::POST, "/api-keys", json!({"description": "Backup"})).await.is(201).value();
    let token = made["api_key"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    assert!(token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(made["scopes"], json!(["*:read"]));
    assert_eq!(made["key_preview"], format!("{}••••", &token[..8]));
    assert!(made["last_seen_at"].is_null() && made["last_used_at"].is_null());
    let rows: Vec<(String, String, String)> =
        app.rows(sql("SELECT key_hash, key_prefix, scopes FROM api_keys LIMIT 5")).await;
    let trail: Vec<(String, Option<String>, Option<String>)> =
        app.rows(sql("SELECT action, new_value, metadata FROM audit_logs LIMIT 50")).await;
    let stored = format!("{rows:?} {trail:?}");
    assert_eq!(rows[0].1, token[..8]);
    for start in 0..=48 {
        assert!(!stored.contains(&token[start..start + 16]), "{stored}");
    }
    let again = ann.api(Method::GET, &format!("/api-keys/{}", made["id"])).await.is(200).text();
    assert!(!again.contains(token));
    assert!(trail[0].1.as_ref().unwrap().contains("Backup") && trail[0].0 == "api_keys.create");
    app.finish().await;
}

/// Acceptance 33, with users in place of companies.
#[tokio::test]
async fn scopes_decide_and_keys_never_reach_keys() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (_, token) = key(&ann, json!({"scopes": ["users:read"]})).await;
    let program = app.stranger().with_key(&token);
    let list = program.api(Method::GET, "/users").await.is(200);
    assert_eq!(list.value()[0]["email"], "ann@example.com");
    let _ = program.api(Method::GET, &format!("/users/{}", ann.id)).await.is(200);
    let refused = program.json(Method::POST, "/users", json!({"email": "x@example.com"})).await.is(403);
    let _ = refused.says("API key lacks the scope users:write");
    for (method, path) in [
        (Method::GET, "/api-keys"),
        (Method::POST, "/api-keys"),
        (Method::GET, "/auth/session"),
        (Method::POST, "/auth/login"),
        (Method::DELETE, "/users/1"),
        (Method::PATCH, "/users/1"),
    ] {
        let refused = program.json(method, path, json!({})).await.is(403);
        let _ = refused.says("API keys cannot be used here");
    }
    // Pages do not read keys.
    let _ = program.get("/admin/users").await.goes_to("/login?next=%2Fadmin%2Fusers");
    let (_, other) = key(&ann, json!({"scopes": ["tickets:write"]})).await;
    let other = app.stranger().with_key(&other);
    let _ = other.api(Method::GET, "/users").await.is(403).says("API key lacks the scope users:read");
    let (_, writer) = key(&ann, json!({"scopes": ["users:write"]})).await;
    let writer = app.stranger().with_key(&writer);
    let made = json!({"email": "x@example.com", "password": "correct horse battery"});
    let _ = writer.json(Method::POST, "/users", made).await.is(201);
    let by: Vec<(Option<i64>, Option<String>)> =
        app.rows(sql("SELECT user_id, api_key FROM audit_logs WHERE action = 'user.created' LIMIT 2")).await;
    assert!(by[0].0.is_none() && by[0].1.as_ref().unwrap().ends_with("••••"), "{by:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_key_of_one_company_sees_its_people_only() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (acme, blue) = (app.company("Acme").await, app.company("Blue").await);
    let ben = app.member("ben", &acme).await;
    app.member("cy", &blue).await;
    let (_, token) = key(&ann, json!({"scopes": ["users:write"], "company_id": acme.id})).await;
    let program = app.stranger().with_key(&token);
    let list = program.api(Method::GET, "/users").await.is(200).value();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["id"], ben.id);
    let _ = program.api(Method::GET, &format!("/users/{}", ben.id)).await.is(200);
    let _ = program.api(Method::GET, &format!("/users/{}", ann.id)).await.is(404);
    let new =
        |company: i64| json!({"email": "dee@example.com", "password": "correct horse battery", "company_id": company});
    let _ = program.json(Method::POST, "/users", new(blue.id)).await.refuses("company_id");
    let made = program.json(Method::POST, "/users", new(acme.id)).await.is(201).value();
    assert_eq!(made["company_id"], acme.id);
    app.finish().await;
}

/// Acceptance 34.
#[tokio::test]
async fn use_is_counted_by_address() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (id, token) = key(&ann, json!({})).await;
    key(&ann, json!({"description": "Never used"})).await;
    for ip in ["203.0.113.9", "203.0.113.9", "198.51.100.4", "203.0.113.9"] {
        app.advance(TimeDelta::seconds(10));
        let _ = app.stranger().at(ip).with_key(&token).api(Method::GET, "/users").await.is(200);
    }
    let all = list(&ann, "order_by=usage_count").await;
    assert_eq!((&all[0]["id"], &all[0]["usage_count"]), (&json!(id), &json!(4)));
    assert_eq!(all[0]["usage_addresses"], 2);
    let usage: Vec<(&str, i64)> = all[0]["usage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["ip_address"].as_str().unwrap(), row["usage_count"].as_i64().unwrap()))
        .collect();
    assert_eq!(usage, [("203.0.113.9", 3), ("198.51.100.4", 1)]);
    assert!(all[0]["last_seen_at"].as_str() > all[0]["last_used_at"].as_str());
    assert_eq!((&all[1]["usage_count"], all[1]["last_seen_at"].is_null()), (&json!(0), true));
    app.finish().await;
}

#[tokio::test]
async fn addresses_beyond_five_hundred_are_counted_together() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (id, token) = key(&ann, json!({})).await;
    for n in 0..500 {
        let row = sql("INSERT INTO api_key_usage (api_key_id, ip_address, usage_count, last_used_at) \
             VALUES (?, ?, 1, '2026-01-01 00:00:00.000000')");
        app.execute(row.bind(id).bind(format!("10.0.{}.{}", n / 250, n % 250))).await;
    }
    for ip in ["203.0.113.9", "203.0.113.10", "10.0.0.7"] {
        let _ = app.stranger().at(ip).with_key(&token).api(Method::GET, "/users").await.is(200);
    }
    let record = ann.api(Method::GET, &format!("/api-keys/{id}")).await.is(200).value();
    assert_eq!((&record["usage_count"], &record["usage_addresses"]), (&json!(503), &json!(501)));
    let top: Vec<&str> =
        record["usage"].as_array().unwrap()[..2].iter().map(|u| u["ip_address"].as_str().unwrap()).collect();
    assert_eq!(top, ["10.0.0.7", "other"]);
    assert_eq!(record["usage"].as_array().unwrap().len(), 501);
    assert_eq!(list(&ann, "").await[0]["usage"].as_array().unwrap().len(), 20);
    app.finish().await;
}

/// Acceptance 35.
#[tokio::test]
async fn a_key_works_through_its_last_day() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (id, token) = key(&ann, json!({"expiry_date": "2026-11-23"})).await;
    let program = app.stranger().with_key(&token);
    let _ = program.api(Method::GET, "/users").await.is(200);
    app.advance(TimeDelta::days(1));
    let ann = app.sign_in(ann.id).await;
    let refused = program.api(Method::GET, "/users").await.is(401);
    assert_eq!(refused.header("www-authenticate"), "ApiKey");
    let _ = refused.says("Invalid API key");
    assert!(list(&ann, "").await.is_empty());
    let hidden = list(&ann, "include_expired=true").await;
    assert_eq!((&hidden[0]["id"], &hidden[0]["is_expired"]), (&json!(id), &json!(true)));
    for bad in ["2026-11-23", "24/11/2026", "2026-02-30"] {
        let _ = ann.json(Method::POST, "/api-keys", json!({"expiry_date": bad})).await.refuses("expiry_date");
    }
    // Rotation needs another last day.
    let _ = ann.json(Method::POST, &format!("/api-keys/{id}/rotate"), json!({})).await.refuses("expiry_date");
    app.finish().await;
}

#[tokio::test]
async fn unusable_keys_are_counted_and_unknown_addresses_refused() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (_, token) = key(&ann, json!({"allowed_ips": ["203.0.113.0/24"]})).await;
    let _ = app.stranger().at("203.0.113.200").with_key(&token).api(Method::GET, "/users").await.is(200);
    let _ = app.stranger().at("198.51.100.1").with_key(&token).api(Method::GET, "/users").await.is(401);
    let guesser = app.stranger().at("198.51.100.2").with_key("0000");
    for _ in 0..20 {
        let _ = guesser.api(Method::GET, "/users").await.is(401);
    }
    let limited = guesser.api(Method::GET, "/users").await.is(429);
    assert!(limited.header("retry-after").parse::<i64>().unwrap() > 0);
    for bad in [json!(["nothing:read"]), json!([]), json!(["*:write"])] {
        let _ = ann.json(Method::POST, "/api-keys", json!({"scopes": bad})).await.refuses("scopes");
    }
    let _ = ann.json(Method::POST, "/api-keys", json!({"allowed_ips": ["203.0.113"]})).await.refuses("allowed_ips");
    let _ = ann.json(Method::POST, "/api-keys", json!({"company_id": 9})).await.refuses("company_id");
    app.finish().await;
}

/// Acceptance 36.
#[tokio::test]
async fn rotation_retires_the_old_key_at_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    let body = json!({"description": "Backup", "scopes": ["users:read"], "company_id": acme.id,
        "allowed_ips": ["203.0.113.0/24"], "expiry_date": "2027-01-01"});
    let (old, token) = key(&ann, body).await;
    let made = ann.json(Method::POST, &format!("/api-keys/{old}/rotate"), json!({})).await.is(200).value();
    let (new, next) = (made["id"].as_i64().unwrap(), made["api_key"].as_str().unwrap());
    for (field, value) in [
        ("description", json!("Backup")),
        ("scopes", json!(["users:read"])),
        ("company_id", json!(acme.id)),
        ("allowed_ips", json!(["203.0.113.0/24"])),
        ("expiry_date", json!("2027-01-01")),
    ] {
        assert_eq!(made[field], value);
    }
    let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(401);
    let _ = app.stranger().with_key(next).api(Method::GET, "/users").await.is(200);
    let trail: Vec<(String, i64, String)> = app
        .rows(sql(
            "SELECT action, entity_id, metadata FROM audit_logs WHERE entity_type = 'api_key' ORDER BY id LIMIT 9",
        ))
        .await;
    let actions: Vec<(&str, i64)> = trail.iter().map(|(action, id, _)| (action.as_str(), *id)).collect();
    assert_eq!(actions, [("api_keys.create", old), ("api_keys.rotate", new), ("api_keys.retire", old)]);
    assert!(
        trail[1].2.contains(&format!("\"rotated_from\":{old}")) && trail[1].2.contains("\"retired_previous\":true")
    );
    assert!(trail[2].2.contains(&format!("\"rotated_to\":{new}")));
    let _ = ann.json(Method::POST, &format!("/api-keys/{old}/rotate"), json!({})).await.is(409);
    let _ = ann.json(Method::POST, "/api-keys/999/rotate", json!({})).await.is(404).says("API key not found");
    app.finish().await;
}

#[tokio::test]
async fn a_grace_lets_the_old_key_work_for_a_while() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (old, token) = key(&ann, json!({})).await;
    let rotate = async |id: i64, body: Value| {
        ann.json(Method::POST, &format!("/api-keys/{id}/rotate"), body).await.is(200).value()
    };
    rotate(old, json!({"grace_hours": 2})).await;
    let program = app.stranger().with_key(&token);
    app.advance(TimeDelta::minutes(10));
    let _ = program.api(Method::GET, "/users").await.is(200);
    // A second rotation does not lengthen the grace.
    rotate(old, json!({"grace_hours": 100})).await;
    app.advance(TimeDelta::minutes(111));
    let _ = program.api(Method::GET, "/users").await.is(401);
    let ann = app.sign_in(ann.id).await;
    let (kept, token) = key(&ann, json!({})).await;
    let _ =
        ann.json(Method::POST, &format!("/api-keys/{kept}/rotate"), json!({"retire_previous": false})).await.is(200);
    let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(200);
    let _ = ann
        .json(Method::POST, &format!("/api-keys/{kept}/rotate"), json!({"grace_hours": 169}))
        .await
        .refuses("grace_hours");
    app.finish().await;
}

#[tokio::test]
async fn keys_are_for_super_administrators_with_a_fresh_password() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (id, token) = key(&ann, json!({})).await;
    let ben = app.requester("ben").await;
    let _ = ben.api(Method::GET, "/api-keys").await.is(403);
    let _ = ben.get("/admin/api-keys").await.goes_to("/");
    app.advance(TimeDelta::minutes(16));
    for (method, path) in [
        (Method::POST, "/api-keys".to_owned()),
        (Method::DELETE, format!("/api-keys/{id}")),
        (Method::POST, format!("/api-keys/{id}/rotate")),
    ] {
        let refused = ann.json(method, &path, json!({})).await.is(403);
        assert_eq!(refused.value()["code"], "reauthentication_required");
    }
    let _ = ann.get("/admin/api-keys/new").await.goes_to("/confirm-password?next=%2Fadmin%2Fapi-keys%2Fnew");
    let ann = app.sign_in(ann.id).await;
    let _ = ann.api(Method::DELETE, &format!("/api-keys/{id}")).await.is(204);
    let _ = ann.api(Method::DELETE, &format!("/api-keys/{id}")).await.is(404).says("API key not found");
    let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(401);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM api_key_usage")).await, 0);
    assert_eq!(app.audit().await, ["api_keys.create", "api_keys.delete"]);
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_searched_and_sorted_literally() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for description in ["100% done", "snake_case", "Backup"] {
        app.advance(TimeDelta::seconds(1));
        key(&ann, json!({"description": description})).await;
    }
    key(&ann, json!({"expiry_date": "2027-01-01"})).await;
    let found = async |query: &str| list(&ann, query).await.len();
    assert_eq!(found("search=%25").await, 1);
    assert_eq!(found("search=_").await, 1);
    assert_eq!(found("search=BACK").await, 1);
    let all = list(&ann, "order_by=description&order_direction=asc").await;
    assert!(all[3]["description"].is_null() && all[0]["description"] == "100% done", "{all:?}");
    assert!(list(&ann, "order_by=description").await[3]["description"].is_null());
    assert_eq!(list(&ann, "order_by=expiry_date").await[0]["expiry_date"], "2027-01-01");
    let preview = all[0]["key_preview"].as_str().unwrap()[..8].to_owned();
    assert_eq!(found(&format!("search={preview}")).await, 1);
    let page = ann.api(Method::GET, "/api-keys?limit=3&offset=3").await.is(200);
    assert_eq!((page.header("x-total-count"), page.value().as_array().unwrap().len()), ("4", 1));
    assert_eq!(ann.api(Method::GET, "/api-keys?offset=9").await.is(200).header("x-total-count"), "4");
    app.finish().await;
}

/// Acceptance 37.
#[tokio::test]
async fn the_page_shows_a_token_once_and_a_reload_makes_none() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/api-keys").await.is(200).shows("No keys yet");
    let _ = ann
        .get("/admin/api-keys/new?list=q%3Dback")
        .await
        .is(200)
        .shows("/admin/api-keys?q=back".replace('/', "&#x2f;").as_str());
    let bad = [
        ("description", "Backup"),
        ("expiry_date", "soon"),
        ("list", "q=back"),
        ("access", "chosen"),
        ("scopes", "users:read"),
    ];
    let page = ann.post("/admin/api-keys", &bad).await.refuses("expiry_date");
    let page = page.shows("Enter an expiry date in YYYY-MM-DD format.").shows("value=\"Backup\"");
    assert!(page.text().contains("aria-label=\"Read Users\" checked"));
    let good = [
        ("description", "Backup"),
        ("list", "q=back"),
        ("access", "chosen"),
        ("scopes", "users:read"),
        ("scopes", "roles:write"),
    ];
    let _ = ann.post("/admin/api-keys", &good).await.goes_to("/admin/api-keys?q=back");
    let note: Vec<(String,)> = app.rows(sql("SELECT body FROM session_notes WHERE kind = 'api_key' LIMIT 5")).await;
    let page = keys_page(&ann).await;
    let token = shown_token(&page).expect("a token");
    assert!(!note[0].0.contains(&token));
    assert!(page.contains("shown only once") && page.contains("Users: read, Roles: read and change"));
    let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(200);
    let reloaded = keys_page(&ann).await;
    assert!(!reloaded.contains(&token) && shown_token(&reloaded).is_none());
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM api_keys")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn the_page_rotates_and_revokes_and_keeps_its_filters() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (id, token) = key(&ann, json!({"description": "Backup"})).await;
    let text = id.to_string();
    let _ = ann.get(&format!("/admin/api-keys/{id}")).await.is(200).shows("The key was never used.");
    let _ = ann.get(&format!("/admin/api-keys/{id}/rotate?list=q%3Dback")).await.is(200).shows("q=back");
    let bad = [("api_key_id", text.as_str()), ("expiry_date", "1.1.2027"), ("list", "q=back")];
    let _ = ann.post("/admin/api-keys/rotate", &bad).await.refuses("expiry_date");
    let hours = [("api_key_id", text.as_str()), ("grace_hours", "many")];
    let _ = ann.post("/admin/api-keys/rotate", &hours).await.refuses("grace_hours");
    let good = [("api_key_id", text.as_str()), ("retire_previous", "true"), ("list", "q=back&include_expired=true")];
    let _ = ann.post("/admin/api-keys/rotate", &good).await.goes_to("/admin/api-keys?q=back&include_expired=true");
    let page = ann.get("/admin/api-keys?q=back&include_expired=true").await.is(200);
    let page = page.shows("API key rotated").shows("Revoked");
    let next = shown_token(&page.text().replace(&ann.csrf(), "csrf")).expect("a token");
    let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(401);
    let _ = app.stranger().with_key(&next).api(Method::GET, "/users").await.is(200);
    let _ = ann.post("/admin/api-keys/rotate", &good).await.goes_to("/admin/api-keys?q=back&include_expired=true");
    let _ = ann.get("/admin/api-keys").await.is(200).shows("The key was revoked. Create a new one.");
    let _ = ann.post("/admin/api-keys/rotate", &[("api_key_id", "999")]).await.goes_to("/admin/api-keys");
    let _ = ann.get("/admin/api-keys").await.is(200).shows("That API key no longer exists");
    let _ = ann.post("/admin/api-keys/delete", &[("api_key_id", "abc")]).await.goes_to("/admin/api-keys");
    let _ = ann.get("/admin/api-keys").await.is(200).shows("That is not an API key.");
    let _ = ann
        .get(&format!("/admin/api-keys/{id}/delete"))
        .await
        .is(200)
        .shows("Revoke Backup?")
        .shows("It was never used.");
    let _ = ann
        .post("/admin/api-keys/delete", &[("api_key_id", &text), ("list", "x\nq=1")])
        .await
        .goes_to("/admin/api-keys");
    let _ = ann.get("/admin/api-keys").await.is(200).shows("Backup revoked");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM api_keys")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_belongs_together_in_the_trail_is_shown() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.note(Change::new("tickets.create", "ticket", 7).meta("company_id", 4)).await;
    app.note(Change::new("webhooks.sent", "webhook", 8).meta("company_id", 4).meta("source_ip", "203.0.113.77")).await;
    app.note(Change::new("shop.order", "order", 9)).await;
    let page = ann.get("/admin/api-keys").await.is(200).shows("company_id:4").shows("tickets, webhooks");
    let _ = page.hides("<code>order:9");
    let _ = ann
        .get("/admin/api-keys?service_filter=shop")
        .await
        .is(200)
        .shows("No signals match")
        .hides("company_id:4</code>");
    let _ = ann.get("/admin/api-keys?correlation_search=COMPANY&q=x").await.is(200).shows("company_id:4");
    app.finish().await;
}

#[tokio::test]
async fn the_page_costs_the_same_for_one_key_and_for_many() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    key(&ann, json!({})).await;
    let cost = async || {
        let _ = ann.get("/admin/api-keys").await.is(200);
        let before = app.db().statements();
        let _ = ann.get("/admin/api-keys").await.is(200);
        app.db().statements() - before
    };
    let few = cost().await;
    for n in 0..30 {
        let (_, token) = key(&ann, json!({"description": format!("Key {n}")})).await;
        let _ = app.stranger().with_key(&token).api(Method::GET, "/users").await.is(200);
    }
    assert_eq!(cost().await, few);
    assert!(few <= 8, "{few} statements");
    app.finish().await;
}

#[tokio::test]
async fn expiry_is_told_fourteen_and_three_days_before_once_each() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    key(&ann, json!({"description": "Backup", "expiry_date": "2026-12-20"})).await;
    key(&ann, json!({"description": "Short", "expiry_date": "2026-11-25"})).await;
    let (old, _) = key(&ann, json!({"description": "Retired", "expiry_date": "2026-12-20"})).await;
    app.execute(sql("UPDATE api_keys SET revoked_at = created_at WHERE id = ?").bind(old)).await;
    let told = async || -> Vec<String> {
        app.run_jobs().await;
        app.run_jobs().await;
        let query = sql("SELECT message FROM notifications WHERE event_type = 'api_keys.expiring' ORDER BY id LIMIT 9");
        let rows: Vec<(String,)> = app.rows(query).await;
        rows.into_iter().map(|(message,)| message).collect()
    };
    assert!(told().await.is_empty());
    app.advance(TimeDelta::days(14));
    let first = told().await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(first[0].contains("Backup") && first[0].contains("in 13 days, on 20 Dec 2026"), "{first:?}");
    app.advance(TimeDelta::days(1));
    assert_eq!(told().await.len(), 1);
    app.advance(TimeDelta::days(11));
    let second = told().await;
    assert_eq!(second.len(), 2, "{second:?}");
    assert!(second[1].contains("tomorrow"), "{second:?}");
    app.advance(TimeDelta::days(1));
    assert_eq!(told().await.len(), 2);
    assert_eq!(app.mails_to("ann@example.com").len(), 2);
    app.finish().await;
}
