//! The outbox over a real SMTP conversation.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use minijinja::context;
use shared::app::{App, Parts};
use shared::db::sql;
use shared::jobs::{Counts, Jobs, Worker};
use shared::mail::transport::{Backend, SmtpSettings, Tls};
use shared::mail::{Draft, resend};
use shared::routes::{Routes, Table};
use shared::testing::sink::{Refusal, SmtpSink};
use shared::testing::{TestApp, config};
use tokio::sync::watch;

use crate::begin;

/// A portal with a mail server and one template of its own.
struct Post {
    app: TestApp,
    sender: App,
    sink: SmtpSink,
    templates: PathBuf,
}

impl Post {
    async fn new(script: &[Refusal]) -> Self {
        Self::paced(script, 60).await
    }

    async fn paced(script: &[Refusal], max_per_minute: i64) -> Self {
        let templates = std::env::temp_dir().join(format!("myportal-mail-{}", shared::tokens::random_hex(8)));
        let folder = templates.join("emails/probe");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("subject.txt"), "{{ brand }}: {{ about }}\n").unwrap();
        std::fs::write(folder.join("body.txt"), "Code {{ code }} at {{ portal_url }}\n").unwrap();
        std::fs::write(folder.join("body.html"), "<p>Code {{ code }}</p>").unwrap();
        std::fs::write(templates.join("emails/plain.html"), "<div>{{ body }}</div>").unwrap();
        let mut config = config();
        config.templates_dir = Some(templates.display().to_string());
        config.smtp.max_per_minute = max_per_minute;
        let app = TestApp::with(config, Routes::area("test", &["/"]), Jobs::kernel()).await;
        let sink = SmtpSink::start(script).await.unwrap();
        let mail = Backend::smtp(SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: sink.port(),
            user: None,
            password: None,
            tls: Tls::Never,
        });
        let parts = Parts { db: app.db().clone(), clock: app.app().clock().clone(), mail };
        let sender = App::new(app.app().config().clone(), Table::default(), parts);
        Self { app, sender, sink, templates }
    }

    async fn queue(&self, change: impl FnOnce(&mut Draft) -> &mut Draft) -> Option<i64> {
        let mut tx = begin(&self.app).await;
        let fields = context! { about => "Tickets & more", code => "<4711>" };
        let mut draft = Draft::template(self.app.app(), &mut tx, "probe", fields).await.unwrap();
        draft.to("ann@example.com");
        change(&mut draft);
        let id = draft.queue(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn tick(&self) -> Counts {
        let worker = Worker::new(self.sender.clone(), Jobs::kernel(), "test");
        let (_keep, stop) = watch::channel(false);
        worker.tick(Duration::from_mins(1), &stop).await.unwrap()
    }

    async fn row(&self, id: i64) -> Row {
        let query = sql("SELECT message_id, status, attempts, resends, last_error, text_body, html_body FROM \
             email_outbox WHERE id = ?");
        self.app.rows(query.bind(id)).await.pop().unwrap()
    }

    fn message_ids(&self) -> Vec<String> {
        let line = |raw: &str| raw.lines().find(|l| l.starts_with("Message-ID: ")).unwrap_or_default().to_owned();
        self.sink.mails().iter().map(|mail| line(&mail.raw)).collect()
    }

    async fn finish(mut self, leaves_work: bool) {
        if leaves_work {
            self.app.leave_work();
        }
        self.app.finish().await;
        std::fs::remove_dir_all(self.templates).unwrap();
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    message_id: String,
    status: String,
    attempts: i64,
    resends: i64,
    last_error: Option<String>,
    text_body: Option<String>,
    html_body: Option<String>,
}

#[tokio::test]
async fn a_mail_is_sent_once_under_its_fixed_id() {
    let post = Post::new(&[]).await;
    let id = post.queue(|draft| draft.reply_to("desk@example.com")).await.unwrap();
    let before = post.row(id).await;
    assert_eq!(post.tick().await.succeeded, 1);
    post.tick().await;
    let row = post.row(id).await;
    assert_eq!((row.status.as_str(), row.attempts, row.resends), ("sent", 1, 0));
    assert_eq!(post.message_ids(), [format!("Message-ID: {}", before.message_id)]);
    assert!(before.message_id.ends_with("@portal.test>"), "{}", before.message_id);
    let mail = &post.sink.mails()[0];
    assert_eq!(mail.to, ["ann@example.com"]);
    for part in [
        "From: MyPortal <no-reply@portal.test>\r\n",
        "Reply-To: desk@example.com\r\n",
        "Subject: MyPortal: Tickets & more\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Code <4711> at http://portal.test",
        "<p>Code &lt;4711&gt;</p>",
    ] {
        assert!(mail.raw.contains(part), "{part:?} in {}", mail.raw);
    }
    post.finish(false).await;
}

#[tokio::test]
async fn a_row_overrides_the_template() {
    let post = Post::new(&[]).await;
    let now = post.app.app().now();
    let own = "INSERT INTO email_templates (name, subject, body, created_at, updated_at) VALUES ('probe', \
         'Own {{ about }}', 'Own text <b> {{ code }}', ?, ?)";
    post.app.execute(sql(own).bind(now).bind(now)).await;
    post.app.execute(sql("UPDATE site_settings SET company_name = 'North \"star\" <x>' WHERE id = 1")).await;
    post.queue(|draft| draft).await;
    post.tick().await;
    let raw = &post.sink.mails()[0].raw;
    for part in [
        "From: \"North star x\" <",
        "Subject: Own Tickets & more",
        "Own text <b> <4711>",
        "<div>Own text &lt;b&gt; &lt;4711&gt;</div>",
    ] {
        assert!(raw.contains(part), "{part:?} in {raw}");
    }
    post.finish(false).await;
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_under_the_same_id() {
    let post = Post::new(&[("RCPT", "450 greylisted"), ("END", "451 later"), ("MAIL", "421 busy")]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 30)] {
        assert_eq!(post.tick().await.failed, 1, "try {attempt}");
        let row = post.row(id).await;
        assert_eq!((row.status.as_str(), row.attempts), ("queued", attempt));
        assert!(row.last_error.is_some());
        post.app.advance(TimeDelta::seconds(minutes * 54 - 1));
        assert_eq!(post.tick().await.failed, 0, "it waits {minutes} minutes");
        post.app.advance(TimeDelta::seconds(minutes * 12 + 1));
    }
    assert_eq!(post.tick().await.succeeded, 1);
    let row = post.row(id).await;
    assert_eq!((row.status.as_str(), row.attempts, row.last_error), ("sent", 4, None));
    assert_eq!(post.message_ids(), [format!("Message-ID: {}", row.message_id)]);
    post.finish(false).await;
}

#[tokio::test]
async fn after_the_last_try_the_mail_has_failed_and_may_be_sent_by_hand() {
    let post = Post::new(&[("MAIL", "421 a"), ("MAIL", "421 b"), ("MAIL", "421 c"), ("MAIL", "421 d")]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    for _ in 0..4 {
        post.tick().await;
        post.app.advance(TimeDelta::hours(1));
    }
    assert_eq!(post.row(id).await.status, "failed");
    let mut tx = begin(&post.app).await;
    assert!(resend(&mut tx, id).await.unwrap());
    assert!(!resend(&mut tx, id).await.unwrap(), "it is on its way");
    tx.commit().await.unwrap();
    assert_eq!(post.tick().await.succeeded, 1);
    assert_eq!(post.row(id).await.status, "sent");
    post.finish(true).await;
}

#[tokio::test]
async fn a_permanent_refusal_fails_at_once() {
    let post = Post::new(&[("RCPT", "550 no such person")]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    assert_eq!(post.tick().await.failed, 1);
    let row = post.row(id).await;
    assert_eq!((row.status.as_str(), row.attempts), ("failed", 1));
    assert!(row.last_error.unwrap().contains("no such person"));
    assert_eq!(post.app.number(sql("SELECT attempts FROM jobs WHERE status = 'failed'")).await, 1);
    post.app.advance(TimeDelta::hours(2));
    assert_eq!(post.tick().await.failed, 0);
    post.finish(true).await;
}

#[tokio::test]
async fn sensitive_bodies_are_erased_sent_or_not() {
    let post = Post::new(&[("RCPT", "550 no")]).await;
    for status in ["failed", "sent"] {
        let id = post.queue(|draft| draft.sensitive()).await.unwrap();
        assert!(post.row(id).await.text_body.unwrap().contains("4711"));
        post.tick().await;
        let row = post.row(id).await;
        assert_eq!((row.status.as_str(), row.text_body, row.html_body), (status, None, None));
        let mut tx = begin(&post.app).await;
        assert!(!resend(&mut tx, id).await.unwrap(), "there is nothing left to send");
    }
    post.finish(true).await;
}

#[tokio::test]
async fn a_mail_whose_sender_was_killed_is_sent_again_at_most_once() {
    let post = Post::new(&[]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    let killed = |resends: i64| {
        sql("UPDATE email_outbox SET status = 'sending', resends = ? WHERE id = ?").bind(resends).bind(id)
    };
    post.app.execute(killed(0)).await;
    assert_eq!(post.tick().await.succeeded, 1);
    let row = post.row(id).await;
    assert_eq!((row.status.as_str(), row.resends, post.sink.mails().len()), ("sent", 1, 1));
    post.app.execute(killed(1)).await;
    post.app.execute(sql("UPDATE jobs SET status = 'queued', attempts = 0")).await;
    assert_eq!(post.tick().await.succeeded, 1);
    assert_eq!((post.row(id).await.status.as_str(), post.sink.mails().len()), ("sent", 1));
    post.finish(false).await;
}

#[tokio::test]
async fn a_mail_without_its_job_does_not_wait_for_ever() {
    let post = Post::new(&[]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    post.app.execute(sql("UPDATE email_outbox SET status = 'sending' WHERE id = ?").bind(id)).await;
    post.app.execute(sql("DELETE FROM jobs")).await;
    post.tick().await;
    let row = post.row(id).await;
    assert_eq!((row.status.as_str(), row.last_error.as_deref()), ("failed", Some("the worker was lost")));
    post.finish(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_cause_makes_one_mail() {
    let post = std::sync::Arc::new(Post::new(&[]).await);
    let tasks = (0..6).map(|_| {
        let post = std::sync::Arc::clone(&post);
        tokio::spawn(async move { post.queue(|draft| draft.caused_by("reply-7")).await })
    });
    let queued = futures_util::future::join_all(tasks).await;
    assert_eq!(queued.into_iter().filter(|id| id.as_ref().unwrap().is_some()).count(), 1);
    post.tick().await;
    assert_eq!(post.message_ids(), ["Message-ID: <reply-7@portal.test>"]);
    std::sync::Arc::into_inner(post).unwrap().finish(false).await;
}

#[tokio::test]
async fn line_breaks_never_become_headers() {
    let post = Post::new(&[]).await;
    let evil = "x\r\nBcc: evil@example.com";
    post.queue(|draft| draft.header("In-Reply-To", evil).reply_to("desk@example.com\r\nBcc: evil@example.com")).await;
    let mut tx = begin(&post.app).await;
    let fields = context! { about => evil, code => "1" };
    let mut draft = Draft::template(post.app.app(), &mut tx, "probe", fields).await.unwrap();
    draft.to("ann@example.com").queue(&mut tx).await.unwrap();
    let mut draft =
        Draft::template(post.app.app(), &mut tx, "probe", context! { about => "", code => "1" }).await.unwrap();
    draft.to("ann@example.com\r\nRCPT TO:<evil@example.com>").queue(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    post.tick().await;
    for mail in post.sink.mails() {
        assert!(!mail.raw.contains("\nBcc"), "{}", mail.raw);
        assert_eq!(mail.to, ["ann@example.com"]);
    }
    assert_eq!(post.sink.mails().len(), 1, "cleaned where it is text, refused where it is an address");
    post.finish(true).await;
}

#[tokio::test]
async fn mail_to_nobody_is_skipped() {
    let post = Post::new(&[]).await;
    let mut tx = begin(&post.app).await;
    let fields = context! { about => "", code => "" };
    let draft = Draft::template(post.app.app(), &mut tx, "probe", fields).await.unwrap();
    let id = draft.queue(&mut tx).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    post.tick().await;
    assert_eq!((post.row(id).await.status.as_str(), post.sink.connections()), ("skipped", 0));
    post.finish(false).await;
}

#[tokio::test]
async fn no_more_mails_leave_in_a_minute_than_the_setting_says() {
    let post = Post::paced(&[], 2).await;
    for _ in 0..5 {
        post.queue(|draft| draft).await.unwrap();
    }
    let mut sent = Vec::new();
    for _ in 0..3 {
        post.tick().await;
        sent.push(post.sink.mails().len());
        post.app.advance(TimeDelta::seconds(70));
    }
    assert_eq!(sent, [2, 4, 5]);
    let tries: i64 = post.app.number(sql("SELECT MAX(attempts) FROM jobs WHERE kind = 'email.send'")).await;
    assert_eq!(tries, 1, "waiting is no failed try");
    post.finish(false).await;
}

#[tokio::test]
async fn a_wrong_address_is_remembered_until_mail_arrives_there_again() {
    let post = Post::new(&[("RCPT", "550 5.1.1 no such mailbox")]).await;
    let id = post.queue(|draft| draft).await.unwrap();
    post.tick().await;
    let known = || sql("SELECT COUNT(*) FROM email_bounces WHERE address = 'ann@example.com'");
    assert_eq!((post.row(id).await.status.as_str(), post.app.number(known()).await), ("failed", 1));
    let mut tx = begin(&post.app).await;
    assert!(resend(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    post.tick().await;
    assert_eq!((post.row(id).await.status.as_str(), post.app.number(known()).await), ("sent", 0));
    post.finish(true).await;
}

#[tokio::test]
async fn a_refusal_of_ourselves_is_no_wrong_address() {
    let post = Post::new(&[("RCPT", "550 5.7.1 relaying denied")]).await;
    post.queue(|draft| draft).await.unwrap();
    post.tick().await;
    assert_eq!(post.app.number(sql("SELECT COUNT(*) FROM email_bounces")).await, 0);
    post.finish(true).await;
}
