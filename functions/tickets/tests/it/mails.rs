//! Who is told of what, and by which mail (tickets 8, acceptance 13).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::notify;
use shared::testing::TestApp;

use crate::help::{desk, note, put, say};

async fn told(app: &TestApp, user: i64) -> Vec<String> {
    let rows = sql("SELECT event_type FROM notifications WHERE user_id = ? ORDER BY id LIMIT 100").bind(user);
    let rows: Vec<(String,)> = app.rows(rows).await;
    rows.into_iter().map(|(kind,)| kind).collect()
}

#[tokio::test]
async fn acceptance_13_a_public_answer_tells_the_requester_and_each_watcher_once_and_not_its_author() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let watchers = json!({ "user_ids": [desk.tom.id, grace.id] });
    desk.tom.json(Method::PUT, &format!("/api/tickets/{id}/watchers"), watchers).await.is(200);
    put(&desk.tom, id, json!({ "assigned_user_id": desk.tom.id })).await.is(200);
    desk.app.run_jobs().await;
    let reply = say(&desk.tom, id, "Is tray 2 empty?").await;
    desk.app.run_jobs().await;
    desk.app.run_jobs().await;
    assert_eq!(told(&desk.app, desk.ana.id).await, ["tickets.reply_added"]);
    assert_eq!(told(&desk.app, grace.id).await, ["tickets.reply_added"]);
    assert_eq!(told(&desk.app, desk.tom.id).await, Vec::<String>::new());
    let mails = desk.app.mails_to("ana@example.com");
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.subject, format!("[#{id}] Printer"));
    assert_eq!(mail.message_id, format!("<ticket-{id}-reply-{reply}-u{}@portal.test>", desk.ana.id));
    let thread = format!("<ticket-{id}@portal.test>");
    for name in ["In-Reply-To", "References"] {
        assert!(mail.headers.iter().any(|(n, v)| n == name && *v == thread), "{name}: {:?}", mail.headers);
    }
    for body in [&mail.text, mail.html.as_ref().unwrap()] {
        assert!(body.contains("Is tray 2 empty?") && body.contains("Tom Example"), "{body}");
        assert!(body.contains(&format!("#reply-{reply}")), "{body}");
    }
    assert!(mail.text.contains(&format!("http://portal.test/tickets/{id}#reply-{reply}")), "{}", mail.text);
    assert_eq!(mail.to, ["ana@example.com"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_requesters_reply_tells_the_assignee_and_the_watching_technicians() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    put(&desk.tom, id, json!({ "assigned_user_id": grace.id })).await.is(200);
    say(&desk.tom, id, "Hello").await;
    desk.app.run_jobs().await;
    say(&desk.ana, id, "Thanks <b>you</b> & co").await;
    desk.app.run_jobs().await;
    for address in ["tom@example.com", "grace@example.com"] {
        let mails = desk.app.mails_to(address);
        let mail = mails.last().unwrap();
        assert!(mail.text.contains("Thanks <b>you</b> & co"), "{}", mail.text);
        assert!(mail.html.as_ref().unwrap().contains("Thanks &lt;b&gt;you&lt;/b&gt; &amp; co"));
    }
    assert_eq!(desk.app.mails_to("ana@example.com").len(), 1);
    let grace_told = told(&desk.app, grace.id).await;
    assert_eq!(grace_told, ["tickets.assigned", "tickets.reply_added", "tickets.reply_added"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_note_never_reaches_the_requester_by_any_way() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    // Even as a watcher.
    let watchers = json!({ "user_ids": [desk.tom.id, desk.ana.id] });
    desk.tom.json(Method::PUT, &format!("/api/tickets/{id}/watchers"), watchers).await.is(200);
    let boss = desk.app.super_admin("Boss").await;
    note(&boss, id, "Secret of the desk").await;
    desk.app.run_jobs().await;
    assert_eq!(desk.app.mails_to("ana@example.com").len(), 0);
    assert_eq!(told(&desk.app, desk.ana.id).await, Vec::<String>::new());
    let mails = desk.app.mails_to("tom@example.com");
    assert!(mails[0].text.contains("Secret of the desk") && mails[0].text.contains("internal note"));
    desk.finish().await;
}

#[tokio::test]
async fn people_who_left_are_no_longer_told() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let nora = desk.app.member("Nora", &desk.northwind).await;
    let boss = desk.app.super_admin("Boss").await;
    let watchers = json!({ "user_ids": [desk.tom.id, nora.id] });
    boss.json(Method::PUT, &format!("/api/tickets/{id}/watchers"), watchers).await.is(200);
    let suspend = sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id IN (?, ?)");
    desk.app.execute(suspend.bind(desk.tom.id).bind(nora.id)).await;
    desk.app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(desk.ana.id)).await;
    say(&boss, id, "Anybody there?").await;
    desk.app.run_jobs().await;
    assert!(desk.app.mails().is_empty());
    desk.finish().await;
}

#[tokio::test]
async fn new_tickets_are_told_to_technicians_who_chose_so() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    desk.app.technician("Grace", &provider).await;
    for (user, kind) in [(desk.tom.id, notify::TICKET_CREATED.name), (desk.kim.id, notify::TICKET_CREATED.name)] {
        let insert = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
             channel_sms, created_at, updated_at) VALUES (?, ?, TRUE, TRUE, FALSE, ?, ?)");
        let now = desk.app.app().now();
        desk.app.execute(insert.bind(user).bind(kind).bind(now).bind(now)).await;
    }
    let id = desk.ticket(&desk.ana, "Printer").await;
    desk.ticket(&desk.tom, "Of Tom").await;
    desk.app.run_jobs().await;
    let mails = desk.app.mails();
    assert_eq!(mails.len(), 1, "the customer's own wish to be told of all tickets is not heard");
    assert_eq!(
        (mails[0].to.as_slice(), mails[0].subject.clone()),
        (["tom@example.com".to_owned()].as_slice(), format!("[#{id}] Printer"))
    );
    assert_eq!(mails[0].message_id, format!("<ticket-{id}-u{}@portal.test>", desk.tom.id));
    desk.finish().await;
}

#[tokio::test]
async fn new_tickets_reach_people_by_whichever_channel_they_chose() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let (grace, omar) = (desk.app.technician("Grace", &provider).await, desk.app.technician("Omar", &provider).await);
    // In the portal, by push, by text message, and nowhere.
    for (user, ways) in [
        (desk.tom.id, [true, false, false]),
        (grace.id, [false, true, false]),
        (omar.id, [false, false, true]),
        (desk.kim.id, [false, false, false]),
    ] {
        let insert = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
             channel_ntfy, channel_sms, created_at, updated_at) VALUES (?, ?, ?, FALSE, ?, ?, ?, ?)");
        let now = desk.app.app().now();
        let insert = insert.bind(user).bind(notify::TICKET_CREATED.name).bind(ways[0]).bind(ways[1]).bind(ways[2]);
        desk.app.execute(insert.bind(now).bind(now)).await;
    }
    desk.ticket(&desk.ana, "Printer").await;
    desk.app.run_jobs().await;
    assert!(desk.app.mails().is_empty(), "nobody wanted a mail");
    let rows: Vec<(i64, bool)> = desk
        .app
        .rows(sql(
            "SELECT user_id, in_app FROM notifications WHERE event_type = 'tickets.created' ORDER BY user_id LIMIT 9",
        ))
        .await;
    let mut expected = vec![(desk.tom.id, true), (grace.id, false), (omar.id, false)];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    let ways: Vec<(i64, String)> =
        desk.app.rows(sql("SELECT user_id, channel FROM notification_deliveries ORDER BY user_id LIMIT 9")).await;
    let mut expected = vec![(grace.id, "ntfy".to_owned()), (omar.id, "sms".to_owned())];
    expected.sort_unstable();
    assert_eq!(ways, expected);
    desk.finish().await;
}

#[tokio::test]
async fn preferences_decide_and_the_end_of_a_ticket_is_told() {
    let desk = desk().await;
    let insert = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
         channel_sms, created_at, updated_at) VALUES (?, 'tickets.reply_added', FALSE, FALSE, FALSE, ?, ?)");
    let now = desk.app.app().now();
    desk.app.execute(insert.bind(desk.ana.id).bind(now).bind(now)).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.tom, id, "Hello").await;
    put(&desk.tom, id, json!({ "status": "in_progress" })).await.is(200);
    put(&desk.tom, id, json!({ "status": "resolved" })).await.is(200);
    desk.app.run_jobs().await;
    assert_eq!(told(&desk.app, desk.ana.id).await, ["tickets.status_changed"]);
    assert!(desk.app.mails_to("ana@example.com").is_empty(), "a status is told in the feed unless mail is wanted");
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_deleted_before_anybody_was_told_leaves_no_failed_work() {
    let desk = desk().await;
    let boss = desk.app.super_admin("Boss").await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.tom, id, "Hello").await;
    boss.api(Method::DELETE, &format!("/api/tickets/{id}")).await.is(204);
    desk.app.run_jobs().await;
    assert!(desk.app.mails().is_empty());
    desk.finish().await;
}

#[tokio::test]
async fn a_subject_cannot_write_headers() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Hi\r\nBcc: evil@example.com").await;
    say(&desk.tom, id, "Hello").await;
    desk.app.run_jobs().await;
    assert_eq!(desk.app.mails_to("ana@example.com")[0].subject, format!("[#{id}] Hi  Bcc: evil@example.com"));
    desk.finish().await;
}
