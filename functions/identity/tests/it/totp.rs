//! Authenticators and recovery codes (identity 13; acceptance 15 to 20).
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{self, Actor, PASSWORD, TestApp};
use totp_rs::{Builder, Secret};

use crate::registration::{portal, portal_with};
use crate::sign_in::{credentials, login};

fn code_at(secret: &str, at: DateTime<Utc>) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
}

fn code(app: &TestApp, secret: &str, steps: i64) -> String {
    code_at(secret, app.app().now() + TimeDelta::seconds(30 * steps))
}

async fn set_up(actor: &Actor) -> Value {
    actor.api(Method::POST, "/auth/totp/setup").await.is(200).value()
}

async fn verify(actor: &Actor, code: &str) -> testing::Reply {
    actor.json(Method::POST, "/auth/totp/verify", json!({"code": code, "name": "Phone"})).await
}

/// Enrols; gives the secret and the recovery codes. The clock then stands two steps later.
async fn enrol(app: &TestApp, actor: &Actor) -> (String, Vec<String>) {
    let secret = set_up(actor).await["secret"].as_str().unwrap().to_owned();
    let reply = verify(actor, &code(app, &secret, 0)).await.is(200).value();
    let codes = reply["recovery_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    app.advance(TimeDelta::seconds(60));
    (secret, codes)
}

fn with_code(name: &str, code: &str) -> Value {
    let mut body = credentials("ann");
    body[name] = json!(code);
    body
}

#[tokio::test]
async fn acceptance_15_the_code_is_asked_for_without_counting() {
    let path = std::env::temp_dir().join(format!("myportal-totp-{}.log", shared::tokens::random_hex(8)));
    let mut config = testing::config();
    config.fail2ban_log_path = Some(path.display().to_string());
    let app = portal_with(config).await;
    let ann = app.requester("ann").await;
    let (secret, _) = enrol(&app, &ann).await;
    for _ in 0..7 {
        let reply = login(&app.stranger(), credentials("ann")).await.is(401).says("TOTP code required");
        assert_eq!(reply.value()["code"], "totp_required");
    }
    assert_eq!(app.number(sql("SELECT CAST(COALESCE(SUM(hits), 0) AS SIGNED) FROM rate_limits")).await, 0);
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(
        log.lines().all(|l| l.contains(" | INFO | AUTH LOGIN FAIL ") && l.ends_with("reason=totp_required")),
        "{log}"
    );
    let _ = login(&app.stranger(), with_code("totp_code", "12ab34")).await.refuses("totp_code");
    let reply = login(&app.stranger(), with_code("totpCode", "000 000")).await.is(401).says("Invalid TOTP code");
    assert_eq!(reply.value()["code"], "invalid_totp");
    let now = code(&app, &secret, 0);
    let spaced = format!("{} {}", &now[..3], &now[3..]);
    let _ = login(&app.stranger(), with_code("totpCode", &spaced)).await.is(200);
    std::fs::remove_file(path).unwrap();
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_16_codes_count_once_and_one_step_around_now() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (secret, _) = enrol(&app, &ann).await;
    let stranger = |n: i64| app.stranger().at(&format!("198.51.100.{n}"));
    let _ = login(&stranger(1), with_code("totp", &code(&app, &secret, -2))).await.is(401);
    let before = with_code("totp", &code(&app, &secret, -1));
    let _ = login(&stranger(2), before.clone()).await.is(200);
    let _ = login(&stranger(3), before).await.is(401).says("Invalid TOTP code");
    let after = with_code("totp", &code(&app, &secret, 1));
    let (one, two) = (stranger(4), stranger(5));
    let (one, two) = tokio::join!(login(&one, after.clone()), login(&two, after));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let _ = login(&stranger(6), with_code("totp", &code(&app, &secret, 0))).await.is(401);
    let _ = login(&stranger(7), with_code("totp", &code(&app, &secret, 2))).await.is(401);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_enrolment_code_is_used_up() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let secret = set_up(&ann).await["secret"].as_str().unwrap().to_owned();
    let first = code(&app, &secret, 0);
    let _ = verify(&ann, &first).await.is(200);
    let _ = login(&app.stranger(), with_code("totp", &first)).await.is(401);
    app.run_jobs().await;
    app.finish().await;
}

/// Draws our picture as a camera sees it.
fn photograph(data_uri: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let encoded = data_uri.strip_prefix("data:image/svg+xml;base64,").unwrap();
    let svg = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()).unwrap();
    let between = |text: &str, start: &str, end: char| {
        let rest = text.split_once(start).unwrap().1;
        rest.split(end).next().unwrap().to_owned()
    };
    let size: usize = between(&svg, "width=\"", '"').parse().unwrap();
    let mut photo = vec![vec![255; size]; size];
    for square in between(&svg, " d=\"", '"').split('M').skip(1) {
        // M{x} {y}h{w}v{h}H{x}V{y}
        let numbers: Vec<usize> = square.split([' ', 'h', 'v', 'H', 'V']).map(|n| n.parse().unwrap()).collect();
        for row in &mut photo[numbers[1]..numbers[1] + numbers[3]] {
            row[numbers[0]..numbers[0] + numbers[2]].fill(0);
        }
    }
    photo
}

#[tokio::test]
async fn acceptance_17_a_setup_is_a_secret_an_address_and_its_picture() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let setup = set_up(&ann).await;
    let secret = setup["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    assert!(secret.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')));
    let url = format!("otpauth://totp/MyPortal:ann%40example.com?secret={secret}&issuer=MyPortal");
    assert_eq!(setup["otpauth_url"], url);
    let photo = photograph(setup["qr_code"].as_str().unwrap());
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(photo.len(), photo.len(), |x, y| photo[y][x]);
    let grids = prepared.detect_grids();
    assert_eq!(grids[0].decode().unwrap().1, url);
    let again = set_up(&ann).await;
    assert_ne!(again["secret"], setup["secret"], "starting again replaces the secret");
    let _ = verify(&ann, &code(&app, secret, 0)).await.is(400).says("Invalid TOTP code");
    let stored: Vec<(String,)> = app.rows(sql("SELECT pending_totp_secret FROM user_sessions LIMIT 5")).await;
    assert!(stored[0].0.starts_with("v1:") && !stored[0].0.contains(again["secret"].as_str().unwrap()));
    app.finish().await;
}

#[tokio::test]
async fn acceptance_18_nothing_to_verify_without_a_setup_of_the_last_ten_minutes() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = verify(&ann, "123456").await.is(400).says("No pending TOTP secret");
    let secret = set_up(&ann).await["secret"].as_str().unwrap().to_owned();
    app.advance(TimeDelta::minutes(11));
    let _ = verify(&ann, &code(&app, &secret, 0)).await.is(400).says("No pending TOTP secret");
    let _ = verify(&ann, "12ab34").await.refuses("code");
    let _ = verify(&ann, " ").await.refuses("code");
    let long = json!({"code": "123456", "name": "x".repeat(101)});
    let _ = ann.json(Method::POST, "/auth/totp/verify", long).await.refuses("name");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_19_nobody_removes_an_authenticator_of_another() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    enrol(&app, &ann).await;
    let ben = app.requester("ben").await;
    let list = ann.api(Method::GET, "/auth/totp").await.is(200).value();
    let id = list["items"][0]["id"].as_i64().unwrap();
    let _ = ben.api(Method::DELETE, &format!("/auth/totp/{id}")).await.is(404);
    assert_eq!(ann.api(Method::GET, "/auth/totp").await.is(200).value()["items"].as_array().unwrap().len(), 1);
    let _ = ann.api(Method::DELETE, &format!("/auth/totp/{id}")).await.is(204);
    let _ = ann.api(Method::DELETE, &format!("/auth/totp/{id}")).await.is(404);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_recovery_codes")).await, 0, "they go with the last one");
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    app.run_jobs().await;
    let subjects: Vec<String> = app.mails_to("ann@example.com").iter().map(|mail| mail.subject.clone()).collect();
    assert_eq!(subjects.iter().filter(|s| s.contains("sign-in protection")).count(), 2, "{subjects:?}");
    assert_eq!(
        app.audit().await,
        ["auth.totp_added", "auth.recovery_codes_generated", "auth.totp_removed", "auth.login"]
    );
    app.finish().await;
}

#[tokio::test]
async fn acceptance_20_a_recovery_code_signs_in_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (_, codes) = enrol(&app, &ann).await;
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'));
    let typed = format!(" {} ", codes[0].to_uppercase());
    let reply = login(&app.stranger(), with_code("recovery_code", &typed)).await.is(200).value();
    assert_eq!(reply["recovery_codes_left"], 9);
    let _ = login(&app.stranger(), with_code("recovery_code", &codes[0])).await.is(401).says("Invalid TOTP code");
    let stored: Vec<(String,)> = app.rows(sql("SELECT code_hash FROM user_recovery_codes LIMIT 20")).await;
    assert!(stored.iter().all(|(hash,)| hash.len() == 64));
    app.run_jobs().await;
    let told = app.mails_to("ann@example.com").iter().any(|mail| mail.text.contains("A recovery code was used"));
    assert!(told);
    assert!(app.audit().await.contains(&"auth.recovery_code_used".to_owned()));
    let fresh = ann.api(Method::POST, "/auth/totp/recovery-codes").await.is(200).value();
    assert_eq!(fresh["codes"].as_array().unwrap().len(), 10);
    let _ = login(&app.stranger(), with_code("recovery_code", &codes[1])).await.is(401);
    let new = fresh["codes"][0].as_str().unwrap();
    let _ = login(&app.stranger(), with_code("recovery_code", new)).await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

/// The hidden field of the code step.
fn ticket(page: &testing::Reply) -> String {
    let text = page.text();
    let rest = text.split_once("name=\"ticket\" value=\"").expect("the code step").1;
    rest.split('"').next().unwrap().replace("&#x2f;", "/").replace("&#43;", "+")
}

#[tokio::test]
async fn the_form_asks_for_the_code_without_the_password_again() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (secret, codes) = enrol(&app, &ann).await;
    let visitor = app.stranger();
    let first = [("email", "ann@example.com"), ("password", PASSWORD), ("next", "/tickets")];
    let page = visitor.post("/auth/login", &first).await.is(401);
    let note = ticket(&page);
    let _ = page.shows("Enter your code").shows("one-time-code").shows("Use a recovery code").hides(PASSWORD);
    let step =
        |code: &'static str| [("email", "ann@example.com"), ("ticket", ""), ("next", "/tickets"), ("totp_code", code)];
    let mut wrong = step("000000");
    wrong[1].1 = &note;
    let page = visitor.post("/auth/login", &wrong).await.is(401);
    assert_eq!(ticket(&page), note);
    let _ = page.shows("That code is not right");
    let mut empty = step("");
    empty[1].1 = &note;
    let _ = visitor.post("/auth/login", &empty).await.is(422).shows("id=\"totp_code-error\"");
    // The note is for this address and this client only, and programs cannot use it.
    let good = code(&app, &secret, 0);
    let fields =
        [("email", "ann@example.com"), ("ticket", note.as_str()), ("totp_code", good.as_str()), ("next", "/tickets")];
    let elsewhere = app.stranger().at("198.51.100.9").post("/auth/login", &fields).await.is(401);
    let _ = elsewhere.shows("That took too long").shows("name=\"password\"");
    let body = json!({"email": "ann@example.com", "ticket": note, "totp_code": good});
    let _ = login(&app.stranger(), body).await.refuses("password");
    let _ = visitor.post("/auth/login", &fields).await.goes_to("/tickets");
    // By recovery code, with the count on the next page.
    let visitor = app.stranger();
    let page = visitor.post("/auth/login", &first).await.is(401);
    let note = ticket(&page);
    let fields = [("email", "ann@example.com"), ("ticket", note.as_str()), ("recovery_code", codes[0].as_str())];
    let _ = visitor.post("/auth/login", &fields).await.goes_to("/");
    let _ = visitor.get("/change-password").await.is(200).shows("You have 9 recovery codes left.");
    // The note does not live long.
    let late = app.stranger();
    let note = ticket(&late.post("/auth/login", &first).await.is(401));
    app.advance(TimeDelta::minutes(6));
    let good = code(&app, &secret, 0);
    let fields = [("email", "ann@example.com"), ("ticket", note.as_str()), ("totp_code", good.as_str())];
    let _ = late.post("/auth/login", &fields).await.is(401).shows("name=\"password\"");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn wrong_codes_are_counted_for_the_account() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (secret, _) = enrol(&app, &ann).await;
    for n in 0..10 {
        let visitor = app.stranger().at(&format!("198.51.100.{n}"));
        let _ = login(&visitor, with_code("totp", "000000")).await.is(401);
    }
    let visitor = app.stranger().at("198.51.100.50");
    let reply = login(&visitor, with_code("totp", &code(&app, &secret, 0))).await.is(429);
    let _ = reply.says("Too many login attempts");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn step_up_wants_the_code_of_people_who_use_one() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (secret, _) = enrol(&app, &ann).await;
    app.advance(TimeDelta::minutes(16));
    let path = "/auth/reauthenticate";
    let reply = ann.json(Method::POST, path, json!({"password": PASSWORD})).await.is(400).says("TOTP code required");
    assert_eq!(reply.value()["code"], "totp_required");
    let wrong = json!({"password": PASSWORD, "totp_code": "000000"});
    let _ = ann.json(Method::POST, path, wrong).await.is(400).says("Invalid TOTP code");
    let _ = ann.api(Method::POST, "/auth/totp/recovery-codes").await.is(403);
    let _ = ann.get("/confirm-password").await.is(200).shows("name=\"totp_code\"");
    let good = json!({"password": PASSWORD, "totp_code": code(&app, &secret, 0)});
    let _ = ann.json(Method::POST, path, good).await.is(204);
    let _ = ann.api(Method::POST, "/auth/totp/recovery-codes").await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn five_authenticators_are_enough_and_recovery_codes_need_one() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.api(Method::POST, "/auth/totp/recovery-codes").await.is(400);
    for n in 0..5 {
        let secret = set_up(&ann).await["secret"].as_str().unwrap().to_owned();
        let reply = verify(&ann, &code(&app, &secret, 0)).await.is(200).value();
        assert_eq!(reply["recovery_codes"].is_array(), n == 0, "with the first one only");
    }
    let _ = ann.api(Method::POST, "/auth/totp/setup").await.is(409);
    app.run_jobs().await;
    app.finish().await;
}
