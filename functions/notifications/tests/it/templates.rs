//! The words of mails: preview, saving, test, default, and what happens to words that cannot be used.

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::notify::GENERAL;

use crate::{portal, tell};

const PATH: &str = "/admin/email-templates/notice";

#[tokio::test]
async fn words_are_previewed_saved_used_and_reset() {
    let app = portal().await;
    let boss = app.super_admin("boss").await;
    let ana = app.requester("ana").await;
    app.stranger().get(PATH).await.is(303);
    ana.get("/admin/email-templates").await.is(303);
    ana.post(PATH, &[("do", "reset")]).await.is(303);
    boss.get("/admin/email-templates").await.is(200).shows("Every other notification").hides("Your own");
    boss.get(PATH).await.is(200).shows("Grace Lin replied").hides("Restore default");
    boss.get("/admin/email-templates/nothing").await.is(404);
    let words = [("subject", "News: {{ label }}"), ("body", "Dear colleague,\n{{ message }} <b>")];
    let with = |what: &'static str| [words.as_slice(), &[("do", what)]].concat();
    boss.post(PATH, &with("preview")).await.is(200).shows("News: New reply").shows("Dear colleague");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM email_templates")).await, 0);
    boss.post(PATH, &with("test")).await.goes_to(PATH);
    app.run_jobs().await;
    assert!(app.mails_to("boss@example.com")[0].subject.starts_with("News: "));
    boss.post(PATH, &with("save")).await.goes_to(PATH);
    boss.get("/admin/email-templates").await.shows("Your own").shows("boss@example.com");
    let on = json!({"preferences": [{"event_type": "general", "channel_email": true}]});
    ana.json(Method::PUT, "/api/notifications/preferences", on).await.is(200);
    tell(&app, ana.id, GENERAL, "Lunch").await;
    app.run_jobs().await;
    let mail = app.mails_to("ana@example.com").remove(0);
    assert_eq!(mail.subject, "News: Announcement");
    assert!(mail.text.contains("Lunch <b>") && mail.html.unwrap().contains("Lunch &lt;b&gt;"));
    boss.post(PATH, &[("do", "reset")]).await.goes_to(PATH);
    boss.get(PATH).await.shows("The words of the product").hides("Restore default");
    assert_eq!(app.audit().await[0], "email_template.changed");
    app.finish().await;
}

#[tokio::test]
async fn words_that_cannot_be_used_are_refused_and_never_keep_a_mail_back() {
    let app = portal().await;
    let boss = app.super_admin("boss").await;
    let save = async |path: &str, subject: &str, body: &str| {
        boss.post(path, &[("subject", subject), ("body", body), ("do", "save")]).await
    };
    save(PATH, "", "x").await.refuses("subject");
    save(PATH, "x", " ").await.refuses("body");
    save(PATH, "x", "{{ nonsense }}").await.refuses("body");
    save(PATH, "{{ unclosed", "x").await.refuses("subject");
    save("/admin/email-templates/password_reset", "Reset", "No way in").await.refuses("body");
    save("/admin/email-templates/password_reset", "Reset", "Open {{ link }}").await.is(303);
    // Words from before a field was dropped: the default is sent instead.
    let now = app.app().now();
    let old = sql(
        "INSERT INTO email_templates (name, subject, body, created_at, updated_at) VALUES ('notice', 'x', '{{ gone }}', ?, ?)",
    );
    app.execute(old.bind(now).bind(now)).await;
    let ana = app.requester("ana").await;
    let on = json!({"preferences": [{"event_type": "general", "channel_email": true}]});
    ana.json(Method::PUT, "/api/notifications/preferences", on).await.is(200);
    tell(&app, ana.id, GENERAL, "Lunch").await;
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com")[0].subject, "MyPortal: Announcement");
    app.finish().await;
}
