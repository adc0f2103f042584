//! Outgoing mail.

use chrono::TimeDelta;
use shared::db::sql;
use shared::testing::TestApp;

use crate::portal;

async fn mail(app: &TestApp, subject: &str, status: &str, is_sensitive: bool, has_body: bool) -> i64 {
    app.advance(TimeDelta::seconds(1));
    app.execute(
        sql("INSERT INTO email_outbox (message_id, kind, sender, to_addresses, headers, subject, text_body, status, last_error, \
             is_sensitive, created_at) VALUES (?, 'notice', 'no-reply@portal.test', '[\"ana@example.com\"]', '[]', ?, ?, ?, '550 no such box', ?, ?)")
        .bind(format!("<{}@portal.test>", shared::tokens::random_hex(8)))
        .bind(subject)
        .bind(has_body.then_some("The text of the mail"))
        .bind(status)
        .bind(is_sensitive)
        .bind(app.app().now()),
    )
    .await;
    app.number(sql("SELECT MAX(id) FROM email_outbox")).await
}

#[tokio::test]
async fn mails_are_listed_and_filtered() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/email").await.is(200).shows("No mail yet");
    mail(&app, "Sent one", "sent", false, true).await;
    mail(&app, "Lost one", "failed", false, true).await;
    mail(&app, "Held one", "skipped", false, true).await;
    let _ = ann.get("/admin/email").await.is(200).shows("Sent one").shows("ana@example.com").shows("550 no such box");
    let _ = ann.get("/admin/email?status=failed").await.shows("Lost one").hides("Sent one");
    let _ = ann.get("/admin/email?q=held").await.shows("Held one").hides("Lost one");
    let _ = ann.get("/admin/email?q=%25").await.shows("No mail matches");
    let _ = ann.get("/admin/email?status=nonsense").await.is(200).shows("Sent one");
    let _ = ann.region("/admin/email?status=sent", "email-list").await.shows("Sent one").hides("<html");
    app.finish().await;
}

#[tokio::test]
async fn what_was_not_sent_can_be_sent_again() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = mail(&app, "Lost one", "failed", false, true).await;
    let path = format!("/admin/email/{id}");
    let _ = ann.get(&path).await.is(200).shows("The text of the mail").shows("Send again");
    let _ = ann.post(&format!("{path}/resend"), &[]).await.goes_to(&path);
    let _ = ann.get(&path).await.shows("Mail queued").shows("Queued");
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 1);
    let _ = ann.get(&path).await.shows("Sent").hides("Send again");
    let _ = ann.post(&format!("{path}/resend"), &[]).await.goes_to(&path);
    let _ = ann.get(&path).await.shows("That mail cannot be sent again");
    assert_eq!(app.audit().await, ["email.resent"]);
    let _ = ann.get("/admin/email/999").await.is(404);
    let _ = ann.post("/admin/email/999/resend", &[]).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_never_shown() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let kept = mail(&app, "Invitation", "queued", true, true).await;
    let erased = mail(&app, "Invitation", "failed", true, false).await;
    let _ = ann.get(&format!("/admin/email/{kept}")).await.is(200).hides("The text of the mail").shows("not shown");
    let _ = ann.get(&format!("/admin/email/{erased}")).await.is(200).shows("has been erased").hides("Send again");
    app.finish().await;
}

#[tokio::test]
async fn long_lists_page_both_ways() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for n in 0..120 {
        mail(&app, &format!("Mail-{n:03}"), "sent", false, true).await;
    }
    let link = |text: String, rel: &str| -> Option<String> {
        let at = text.find(&format!("rel=\"{rel}\""))?;
        let start = text[..at].rfind("href=\"")? + 6;
        Some(text[start..at].split('"').next()?.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3f;", "?"))
    };
    let mut seen = Vec::new();
    let mut path = "/admin/email".to_owned();
    let mut last = String::new();
    for _ in 0..3 {
        let text = ann.get(&path).await.is(200).text();
        seen.extend((0..120).filter(|n| text.contains(&format!("Mail-{n:03}"))));
        last = path.clone();
        match link(text, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 120);
    let text = ann.get(&last).await.text();
    assert!(link(text.clone(), "next").is_none());
    let back = ann.get(&link(text, "prev").unwrap()).await.is(200);
    let _ = back.shows("Mail-069").shows("Mail-020").hides("Mail-019").hides("Mail-070");
    app.finish().await;
}

#[tokio::test]
async fn all_failed_mails_are_sent_again_at_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for n in 0..3 {
        mail(&app, &format!("Lost {n}"), "failed", false, true).await;
    }
    mail(&app, "Erased", "failed", true, false).await;
    mail(&app, "Held", "skipped", false, true).await;
    let _ = ann.get("/admin/email").await.hides("Send all failed again");
    let _ = ann.get("/admin/email?status=failed").await.shows("Send all failed again");
    let _ = app.requester("ben").await.post("/admin/email/resend-failed", &[]).await.is(303);
    let _ = ann.post("/admin/email/resend-failed", &[]).await.goes_to("/admin/email");
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 3);
    assert_eq!(app.audit().await, ["email.failed_resent"]);
    app.finish().await;
}
