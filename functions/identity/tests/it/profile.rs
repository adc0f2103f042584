//! The profile: details, security, devices, preferences.
use chrono::TimeDelta;
use identity::profile::{
    DevicesPage, PreferencesPage, ProfilePage, RecoveryCodesPage, RemoveAuthenticatorPage, SecurityPage, SetUpPage,
};
use shared::db::sql;
use shared::testing::{Actor, PASSWORD, Reply, TestApp, render_samples};

use crate::registration::{portal, portal_with};

const NEW: &str = "/profile/security/authenticators/new";
const VERIFY: &str = "/profile/security/authenticators/verify";

#[test]
fn every_page_draws_its_samples() {
    render_samples::<ProfilePage>();
    render_samples::<SecurityPage>();
    render_samples::<SetUpPage>();
    render_samples::<RemoveAuthenticatorPage>();
    render_samples::<RecoveryCodesPage>();
    render_samples::<DevicesPage>();
    render_samples::<PreferencesPage>();
}

#[tokio::test]
async fn everybody_signed_in_has_a_profile() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ben = app.member("ben", &acme).await;
    let _ = ben.get("/profile").await.is(200).shows("ben@example.com").shows("Acme").shows("Member");
    let moved = ben.get("/admin/profile?tab=x").await.is(308);
    assert_eq!(moved.header("location"), "/profile?tab=x");
    let _ = app.requester("cy").await.get("/profile").await.is(200).shows("You are not a member of a company");
    let _ = app.stranger().get("/profile").await.goes_to("/login?next=%2Fprofile");
    app.finish().await;
}

#[tokio::test]
async fn details_are_saved_or_shown_again() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let good = [("first_name", " Benedict "), ("last_name", "Long"), ("mobile_phone", "+44 (20) 7946-0000")];
    let _ = ben.post("/profile", &good).await.goes_to("/profile");
    let page = ben.get("/profile").await.is(200).shows("Profile saved").shows("+442079460000");
    let _ = page.shows("value=\"Benedict\"");
    let bad = [("first_name", ""), ("last_name", "<b>"), ("mobile_phone", "0400")];
    let again = ben.post("/profile", &bad).await.refuses("mobile_phone").refuses("first_name");
    let _ = again.shows("&lt;b&gt;").shows("Error: ");
    // Fields of administrators are not read from this form.
    let sly = [("first_name", "Ben"), ("last_name", "Long"), ("is_super_admin", "true"), ("company_id", "1")];
    let _ = ben.post("/profile", &sly).await.goes_to("/profile");
    let plain = sql("SELECT COUNT(*) FROM users WHERE is_super_admin = FALSE AND company_id IS NULL");
    assert_eq!(app.number(plain).await, 1);
    assert_eq!(app.audit().await, ["user.updated", "user.updated"]);
    app.finish().await;
}

#[tokio::test]
async fn people_who_must_change_their_password_do_that_first() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    app.execute(sql("UPDATE users SET force_password_change = TRUE WHERE id = ?").bind(ben.id)).await;
    for path in ["/profile", "/profile/security", "/profile/devices", "/profile/preferences", NEW] {
        let _ = ben.get(path).await.goes_to("/change-password");
    }
    let _ = ben.post("/profile", &[("first_name", "B"), ("last_name", "L")]).await.goes_to("/change-password");
    app.finish().await;
}

#[tokio::test]
async fn people_who_must_confirm_their_address_have_a_profile() {
    let mut config = shared::testing::config();
    config.require_email_verification = true;
    let app = portal_with(config).await;
    let id = app
        .user("ben", |new| {
            new.is_self_registered = true;
            new.email_verified_at = None;
        })
        .await;
    let ben = app.sign_in(id).await;
    let _ = ben.get("/profile").await.is(200).shows("Confirm your email");
    let _ = ben.get("/profile/security").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn the_password_is_changed_here_and_other_browsers_go() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let elsewhere = app.sign_in(ben.id).await;
    let wrong = [
        ("current_password", "not it at all"),
        ("new_password", "staple wagon lantern"),
        ("confirm_password", "staple wagon lantern"),
    ];
    let page = ben.post("/profile/security/password", &wrong).await.refuses("current_password");
    let _ = page.hides("staple wagon");
    let unequal =
        [("current_password", PASSWORD), ("new_password", "staple wagon lantern"), ("confirm_password", "other")];
    let _ = ben.post("/profile/security/password", &unequal).await.refuses("confirm_password");
    let before = ben.cookie("myportal_session");
    let good = [
        ("current_password", PASSWORD),
        ("new_password", "staple wagon lantern"),
        ("confirm_password", "staple wagon lantern"),
    ];
    let _ = ben.post("/profile/security/password", &good).await.goes_to("/profile/security");
    assert_ne!(ben.cookie("myportal_session"), before);
    let _ = ben.get("/profile/security").await.is(200).shows("Password changed.");
    let _ = elsewhere.get("/profile").await.goes_to("/login?next=%2Fprofile");
    app.run_jobs().await;
    app.finish().await;
}

/// The code that an app shows now.
fn code_now(app: &TestApp, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).with_skew(0).build_noncompliant();
    totp.generate(u64::try_from(app.app().now().timestamp()).unwrap()).to_string()
}

/// What a page says the secret is.
fn secret_of(page: &Reply) -> String {
    let text = page.text();
    let at = text.find("id=\"secret\"").expect("the secret");
    let at = at + text[at..].find("value=\"").expect("its value") + 7;
    text[at..at + 32].to_owned()
}

async fn add_authenticator(app: &TestApp, person: &Actor, name: &str) -> Reply {
    let _ = person.post("/profile/security/authenticators", &[]).await.goes_to(NEW);
    let page = person.get(NEW).await.is(200).shows("<svg");
    let code = code_now(app, &secret_of(&page));
    person.post(VERIFY, &[("name", name), ("code", &code)]).await
}

#[tokio::test]
async fn an_authenticator_is_added_and_its_recovery_codes_are_shown_once() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let _ = ben.get("/profile/security").await.is(200).shows("protected by your password alone");
    let _ = ben.get(NEW).await.is(200).shows("Show QR code").hides("id=\"secret\"");
    let _ = ben.post("/profile/security/authenticators", &[]).await.goes_to(NEW);
    let page = ben.get(NEW).await.is(200).shows("otpauth:").shows("<svg").hides("<script src=\"data");
    let secret = secret_of(&page);
    let wrong = ben.post(VERIFY, &[("name", "Phone"), ("code", "000000")]).await.refuses("code");
    let wrong = wrong.shows("value=\"Phone\"").hides("000000");
    assert_eq!(secret_of(&wrong), secret);
    let _ = ben.post(VERIFY, &[("code", "12ab34")]).await.refuses("code");
    let code = code_now(&app, &secret);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let _ = ben.post(VERIFY, &[("name", "Phone"), ("code", &spaced)]).await.goes_to("/profile/security/recovery-codes");
    let page = ben.get("/profile/security/recovery-codes").await.is(200).shows("shown only once").shows("Phone added");
    assert!(page.text().contains('-'));
    let _ = ben.get("/profile/security/recovery-codes").await.is(200).hides("shown only once").shows("10 codes left");
    let _ = ben.get("/profile/security").await.is(200).shows("Phone").shows("10 codes left").hides(&secret);
    // The second one brings no codes.
    app.advance(TimeDelta::seconds(30));
    let _ = add_authenticator(&app, &ben, "Tablet").await.goes_to("/profile/security");
    let _ = ben.get(NEW).await.is(200).hides("id=\"secret\"");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_setup_can_be_cancelled_and_ends_by_itself() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let _ = ben.post("/profile/security/authenticators", &[]).await.goes_to(NEW);
    let _ = ben.post("/profile/security/authenticators/cancel", &[]).await.goes_to("/profile/security");
    let _ = ben.get("/profile/security").await.is(200).shows("Setup cancelled");
    let _ = ben.get(NEW).await.is(200).hides("id=\"secret\"");
    let _ = ben.post("/profile/security/authenticators", &[]).await.goes_to(NEW);
    app.advance(TimeDelta::minutes(11));
    let _ = ben.post(VERIFY, &[("code", "123456")]).await.goes_to(NEW);
    let _ = ben.get(NEW).await.is(200).shows("The setup has ended. Begin again.");
    app.finish().await;
}

#[tokio::test]
async fn authenticators_and_codes_want_a_fresh_password() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let _ = add_authenticator(&app, &ben, "Phone").await;
    let id = app.number(sql("SELECT id FROM user_totp_authenticators")).await;
    app.advance(TimeDelta::minutes(16));
    let remove = format!("/profile/security/authenticators/{id}/delete");
    let _ = ben.get(NEW).await.goes_to("/confirm-password?next=%2Fprofile%2Fsecurity%2Fauthenticators%2Fnew");
    for path in ["/profile/security/authenticators", VERIFY, "/profile/security/recovery-codes", &remove] {
        let reply = ben.post(path, &[]).await.is(303);
        assert!(reply.header("location").starts_with("/confirm-password?next="), "{path}");
    }
    let ben = app.sign_in(ben.id).await;
    let _ = ben.post("/profile/security/recovery-codes", &[]).await.goes_to("/profile/security/recovery-codes");
    let _ = ben
        .get("/profile/security/recovery-codes")
        .await
        .is(200)
        .shows("New recovery codes made")
        .shows("shown only once");
    let _ = app.requester("cy").await.get(&remove).await.is(404);
    let _ = ben.get(&remove).await.is(200).shows("Remove Phone?").shows("It is your only authenticator");
    let _ = ben.post(&remove, &[]).await.goes_to("/profile/security");
    let _ = ben.get("/profile/security").await.is(200).shows("Phone removed");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_recovery_codes")).await, 0);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn devices_are_listed_and_signed_out() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let (one, two, three) = (app.sign_in(ben.id).await, app.sign_in(ben.id).await, app.sign_in(ben.id).await);
    let _ = ben.get("/profile/devices").await.is(200).shows("This device").shows("Sign out everywhere else");
    let ids: Vec<(i64,)> = app.rows(sql("SELECT id FROM user_sessions ORDER BY id LIMIT 9")).await;
    let _ = ben.post(&format!("/profile/devices/{}/revoke", ids[1].0), &[]).await.goes_to("/profile/devices");
    let _ = one.get("/profile").await.is(303);
    let _ = two.get("/profile").await.is(200);
    let cy = app.requester("cy").await;
    let _ = cy.post(&format!("/profile/devices/{}/revoke", ids[2].0), &[]).await.goes_to("/profile/devices");
    let _ = two.get("/profile").await.is(200);
    let _ = ben.post("/profile/devices/revoke-all", &[]).await.goes_to("/profile/devices");
    let _ = ben.get("/profile/devices").await.is(200).shows("2 sessions ended").shows("signed in nowhere else");
    let _ = three.get("/profile").await.is(303);
    app.finish().await;
}

#[tokio::test]
async fn preferences_reach_the_shell() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    let _ = ben
        .get("/profile/preferences")
        .await
        .is(200)
        .shows("As the portal (UTC)")
        .shows("data-density=\"comfortable\"");
    let dark = [("theme", "dark"), ("density", "compact"), ("zone", "Australia/Brisbane"), ("single_keys", "true")];
    let _ = ben.post("/profile/preferences", &dark).await.goes_to("/profile/preferences");
    let page = ben.get("/profile/preferences").await.is(200).shows("Preferences saved").shows("data-theme=\"dark\"");
    let page = page.shows("data-density=\"compact\"").shows("data-keys=\"on\"");
    let _ = page.shows("<option value=\"Australia&#x2f;Brisbane\" selected>");
    let _ = ben.post("/profile/preferences", &dark).await.goes_to("/profile/preferences");
    let bad = [("theme", "neon"), ("density", "compact"), ("zone", "Mars/Olympus")];
    let _ = ben.post("/profile/preferences", &bad).await.refuses("zone");
    let plain = [("theme", "auto"), ("density", "comfortable"), ("zone", "")];
    let _ = ben.post("/profile/preferences", &plain).await.goes_to("/profile/preferences");
    let rows: Vec<(String, String)> =
        app.rows(sql("SELECT name, value FROM user_preferences ORDER BY name LIMIT 9")).await;
    let rows: Vec<(&str, &str)> = rows.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(rows, [("density", "comfortable"), ("single_keys", "false"), ("theme", "auto")]);
    app.finish().await;
}

#[tokio::test]
async fn every_tab_costs_a_few_statements() {
    let app = portal().await;
    let ben = app.requester("ben").await;
    for path in ["/profile", "/profile/security", "/profile/devices", "/profile/preferences", NEW] {
        let _ = ben.get(path).await.is(200);
        let before = app.db().statements();
        let _ = ben.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path}: {spent} statements");
    }
    app.finish().await;
}
