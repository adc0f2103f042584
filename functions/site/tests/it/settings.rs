//! Name, sign-in text, registration, colours and logos of the portal.

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::TestApp;

use crate::portal;

const GENERAL: [(&str, &str); 6] = [
    ("company_name", "Northstar IT"),
    ("support_email", "help@northstar.example"),
    ("support_phone", "+44 20 7946 0000"),
    ("login_message", "Welcome to the desk"),
    ("registration_mode", "closed"),
    ("default_timezone", "Europe/London"),
];

/// A picture of one colour.
fn png(edge: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_fn(edge, edge, |x, y| {
        let noise = |n: u32| u8::try_from((x * 31 + y * 17 + x * y * n) % 251).unwrap_or(0);
        image::Rgba([noise(1), noise(7), noise(13), 255])
    });
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn logo(app: &TestApp) -> i64 {
    app.number(sql("SELECT COALESCE(login_logo, 0) FROM site_settings WHERE id = 1")).await
}

#[tokio::test]
async fn the_portal_gets_a_name_a_text_and_a_colour() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/site-settings").await.is(200).shows("Without one: MyPortal");
    let _ = ann.post("/admin/site-settings", &GENERAL).await.goes_to("/admin/site-settings");
    let page = ann.get("/admin/site-settings").await.is(200).shows("Settings saved").shows("Welcome to the desk");
    let _ = page.shows("– Northstar IT</title>");
    let _ = app.stranger().get("/help").await.is(200).shows("Northstar IT").shows("help@northstar.example");
    let _ = ann
        .post("/admin/site-settings/accent", &[("accent", "#E11D48")])
        .await
        .goes_to("/admin/site-settings/branding");
    let page = ann
        .get("/admin/site-settings/branding")
        .await
        .is(200)
        .shows("#e11d48")
        .shows("4.70")
        .shows("Link on a card, dark");
    let text = page.text();
    let sheet = text.split("&#x2f;branding&#x2f;theme-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let css = app.stranger().get(&format!("/branding/theme-{sheet}")).await.is(200);
    assert!(css.header("cache-control").contains("immutable"), "{}", css.header("cache-control"));
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    let _ = css.shows("--accent-solid:light-dark(#e11d48,#e11d48)");
    let stale = app.stranger().get("/branding/theme-0000000000.css").await.is(200);
    assert_eq!(stale.header("cache-control"), "no-cache");
    // The name stays when the colour is changed, and the other way round.
    let _ = ann.post("/admin/site-settings", &GENERAL).await.is(303);
    let _ = ann.get("/admin/site-settings").await.shows("<option value=\"Europe&#x2f;London\" selected>");
    let _ = ann.get("/admin/site-settings/branding").await.shows("#e11d48");
    let _ = ann.post("/admin/site-settings/accent", &[("reset", "1")]).await.is(303);
    let _ = ann.get("/admin/site-settings/branding").await.hides("#e11d48").shows("Northstar IT");
    let _ = app.stranger().get(&format!("/branding/theme-{sheet}")).await.is(404);
    // Saving the same again is no change.
    assert_eq!(app.audit().await, ["site_settings.updated"; 3]);
    app.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_said_at_its_field() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for (field, value) in [
        ("support_email", "nobody"),
        ("registration_mode", "maybe"),
        ("default_timezone", "Mars/Base"),
        ("login_message", &"x".repeat(2001)),
    ] {
        let fields: Vec<_> =
            GENERAL.into_iter().map(|(name, good)| (name, if name == field { value } else { good })).collect();
        let _ = ann.post("/admin/site-settings", &fields).await.refuses(field).shows("Northstar IT");
    }
    for colour in ["blue", "#12", "#12345g"] {
        let _ = ann.post("/admin/site-settings/accent", &[("accent", colour)]).await.refuses("accent").shows(colour);
    }
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn logos_are_shown_to_everybody() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let stranger = app.stranger();
    let empty = stranger.get("/branding/login").await.is(307);
    assert!(empty.header("location").starts_with("/static/dist/favicon."), "{}", empty.header("location"));
    let small = png(60);
    let form = "/admin/site-settings/logos/login";
    let _ = ann
        .upload(form, &[], &[("file", "logo.png", "image/png", &small)])
        .await
        .goes_to("/admin/site-settings/branding");
    let shown = stranger.get("/branding/login?v=1").await.is(200);
    assert_eq!((shown.header("content-type"), shown.header("cache-control")), ("image/png", "public, max-age=86400"));
    assert_eq!(image::load_from_memory(&shown.bytes).unwrap().width(), 60);
    let first = logo(&app).await;
    let _ = ann.get("/admin/site-settings/branding").await.is(200).shows(&format!("login?v={first}"));
    let _ = ann.upload(form, &[], &[("file", "next.png", "image/png", &png(40))]).await.is(303);
    assert_ne!(logo(&app).await, first);
    let reply = ann.api(Method::DELETE, "/api/site-settings/logos/login").await;
    assert_eq!((reply.status, logo(&app).await), (204, 0));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM files WHERE deleted_at IS NULL")).await, 0);
    let _ = stranger.get("/branding/other").await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn the_favicon_may_be_an_icon() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let mut icon = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_pixel(32, 32, image::Rgba([9, 9, 200, 255]));
    picture.write_to(&mut icon, image::ImageFormat::Ico).unwrap();
    let file = [("file", "favicon.ico", "image/x-icon", icon.get_ref().as_slice())];
    let _ = ann.upload("/admin/site-settings/logos/favicon", &[], &file).await.goes_to("/admin/site-settings/branding");
    let shown = app.stranger().get("/branding/favicon").await.is(200);
    assert_eq!(
        (shown.header("content-type"), image::load_from_memory(&shown.bytes).unwrap().width()),
        ("image/png", 32)
    );
    let refused = ann.upload("/admin/site-settings/logos/login", &[], &file).await.is(422);
    let _ = refused.shows("Choose a PNG, JPEG or WebP picture");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_small_picture_is_refused() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let large = [png(40), vec![0; 600 * 1024]].concat();
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    let form = "/admin/site-settings/logos/sidebar";
    let _ = ann.upload(form, &[], &[("file", "l.png", "image/png", &large)]).await.is(413).shows("The limit is 512 KB");
    let _ = ann
        .upload(form, &[], &[("file", "l.svg", "image/svg+xml", svg)])
        .await
        .is(422)
        .shows("Choose a PNG, JPEG or WebP picture");
    let _ = ann.upload(form, &[], &[("file", "l.png", "image/png", svg)]).await.is(422);
    let _ = ann.upload(form, &[], &[]).await.is(422).shows("Choose a picture");
    let _ =
        ann.upload("/admin/site-settings/logos/attic", &[], &[("file", "l.png", "image/png", &png(8))]).await.is(404);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM site_settings WHERE sidebar_logo IS NOT NULL")).await, 0);
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn programs_of_administrators_replace_the_settings() {
    let app = portal().await;
    let (ann, rob) = (app.super_admin("ann").await, app.requester("rob").await);
    let new = json!({"company_name": "Northstar IT", "registration_mode": "open", "default_timezone": "UTC", "accent": "#00A86B"});
    let saved = ann.json(Method::PUT, "/api/site-settings", new.clone()).await.is(200).value();
    assert_eq!((&saved["accent"], &saved["support_email"]), (&json!("#00a86b"), &json!(null)));
    assert_eq!(ann.api(Method::GET, "/api/site-settings").await.is(200).value(), saved);
    let _ = ann
        .json(Method::PUT, "/api/site-settings", json!({"registration_mode": "x"}))
        .await
        .refuses("registration_mode");
    for actor in [&rob, &app.stranger()] {
        let refused = if actor.id == 0 { 401 } else { 403 };
        let _ = actor.api(Method::GET, "/api/site-settings").await.is(refused);
        let _ = actor.json(Method::PUT, "/api/site-settings", new.clone()).await.is(refused);
        let _ = actor.api(Method::DELETE, "/api/site-settings/logos/login").await.is(refused);
        for page in ["/admin/site-settings", "/admin/site-settings/branding"] {
            let _ = actor.get(page).await.is(303);
        }
    }
    let _ = rob.post("/admin/site-settings", &GENERAL).await.goes_to("/");
    let _ = rob.post("/admin/site-settings/accent", &[("accent", "#000000")]).await.goes_to("/");
    app.finish().await;
}

#[tokio::test]
async fn mails_carry_the_brand() {
    let app = portal().await;
    app.execute(sql("UPDATE site_settings SET company_name = 'Northstar IT', accent = '#e11d48'")).await;
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    let fields = minijinja::context! { first_name => "Ana", link => "http://portal.test/x", token => "abc", expires_in => "1 hour" };
    let mut mail = shared::mail::Draft::template(app.app(), &mut tx, "password_reset", fields).await.unwrap();
    mail.to("ana@example.com").queue(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    let html = app.mails_to("ana@example.com").remove(0).html.unwrap();
    assert!(html.contains("#d70540") && !html.contains("#1f4fd8") && html.contains("Northstar IT"), "{html}");
    app.finish().await;
}
