//! Working together: who is here, drafts, texts that are written again and again, answers by mail.

use serde_json::json;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::TestApp;

use crate::help::{desk, put, read, say};

#[tokio::test]
async fn a_draft_waits_on_the_server_until_it_is_sent() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let (page, path) = (format!("/tickets/{id}"), format!("/tickets/{id}/draft"));
    desk.tom.post(&path, &[("body", "Half a <sentence>"), ("is_internal", "true")]).await.is(204);
    desk.tom.post(&path, &[("body", "Half a <sentence> more"), ("is_internal", "true")]).await.is(204);
    let shown = desk.tom.get(&page).await.is(200).shows("Half a &lt;sentence&gt; more").shows("Draft from");
    let _ = shown.shows("value=\"true\" checked").hides("wrote");
    desk.ana.get(&page).await.is(200).hides("Half a");
    desk.ana.post(&path, &[("body", "Of Ana"), ("is_internal", "true")]).await.is(204);
    desk.ana.get(&page).await.is(200).shows("Of Ana");
    let notes = sql("SELECT COUNT(*) FROM ticket_drafts WHERE is_internal = TRUE");
    assert_eq!(desk.app.number(notes).await, 1, "a requester writes no notes");
    desk.kim.post(&path, &[("body", "Not mine")]).await.is(404);
    desk.tom.post(&path, &[("body", &"x".repeat(50_001))]).await.is(422);
    desk.tom.post(&format!("{page}/replies"), &[("body", "Half a sentence more, and sent")]).await.is(303);
    desk.tom.get(&page).await.is(200).hides("Draft from");
    desk.ana.post(&path, &[("body", "  ")]).await.is(204);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_drafts")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn the_desk_sees_who_else_is_here_for_as_long_as_they_are() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/tickets/{id}/presence");
    desk.tom.post(&path, &[("writing", "")]).await.is(200).hides("is viewing");
    grace.post(&path, &[("writing", "1")]).await.is(200).shows("Tom Example is viewing").hides("Grace Example is");
    desk.tom.post(&path, &[("writing", "")]).await.is(200).shows("Grace Example is writing a reply");
    desk.app.advance(chrono::TimeDelta::seconds(60));
    desk.tom.post(&path, &[("writing", "")]).await.is(200).hides("Grace Example is");
    desk.ana.post(&path, &[("writing", "1")]).await.goes_to("/");
    desk.tom.post("/tickets/9999/presence", &[]).await.is(404);
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("ticket-presence").shows("data-topic=\"ticket-");
    desk.finish().await;
}

#[tokio::test]
async fn the_conversation_alone_is_asked_for_again() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let before = desk.ana.get(&format!("/tickets/{id}")).await.is(200).text();
    say(&desk.tom, id, "News for you").await;
    put(&desk.tom, id, json!({ "status": "in_progress" })).await.is(200);
    let region = desk.ana.region(&format!("/tickets/{id}"), "ticket-timeline").await.is(200);
    let region = region.shows("News for you").shows("hx-target=\"#ticket-state\"").shows("We are working on it");
    let _ = region.hides("<html").hides("ticket-composer");
    let after = desk.ana.get(&format!("/tickets/{id}")).await.is(200).text();
    let stamp = |text: &str| text.split("data-since=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_ne!(stamp(&before), stamp(&after));
    desk.finish().await;
}

#[tokio::test]
async fn texts_of_the_desk_are_filled_in_from_the_ticket() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    desk.tom.get("/tickets/templates").await.is(200).shows("No templates yet").shows("{requester_name}");
    desk.tom.post("/tickets/templates", &[("name", " "), ("body", "x")]).await.refuses("name");
    let body = "Hello {requester_first_name} of {company},\nabout {subject} ({ticket_number}).\n{my_name} {unknown}";
    desk.tom
        .post("/tickets/templates", &[("name", "Greeting"), ("body", body), ("is_shared", "true")])
        .await
        .goes_to("/tickets/templates");
    desk.tom.post("/tickets/templates", &[("name", "Own"), ("body", "Mine only")]).await.is(303);
    let rows: Vec<(i64,)> = desk.app.rows(sql("SELECT id FROM ticket_templates ORDER BY id LIMIT 10")).await;
    let (shared, own) = (rows[0].0, rows[1].0);
    let id = desk.ticket(&desk.ana, "Printer").await;
    grace.get(&format!("/tickets/{id}")).await.is(200).shows("Greeting").hides(">Own<");
    let page = grace.get(&format!("/tickets/{id}?template={shared}")).await.is(200);
    let page = page
        .shows("Hello Ana of Northwind,")
        .shows(&format!("about Printer (#{id})."))
        .shows("Grace Example {unknown}");
    let _ = page.hides("{my_name}");
    desk.tom.post(&format!("/tickets/{id}/draft"), &[("body", "Begun")]).await.is(204);
    let text = desk.tom.get(&format!("/tickets/{id}?template={own}&n=1")).await.is(200).text();
    assert!(text.contains("Begun\n\nMine only"), "what was typed stays in front");
    grace.get(&format!("/tickets/{id}?template={own}")).await.is(200).hides("Mine only");
    grace.get(&format!("/tickets/templates/{own}")).await.is(404);
    grace.post(&format!("/tickets/templates/{own}"), &[("name", "x"), ("body", "x")]).await.is(404);
    grace.post(&format!("/tickets/templates/{own}/delete"), &[]).await.is(404);
    grace
        .post(&format!("/tickets/templates/{shared}"), &[("name", "Hi"), ("body", "Hi"), ("is_shared", "on")])
        .await
        .is(303);
    desk.tom.get(&format!("/tickets/templates/{shared}")).await.is(200).shows("value=\"Hi\"");
    desk.tom.post(&format!("/tickets/templates/{shared}/delete"), &[]).await.is(303);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_templates")).await, 1);
    for path in ["/tickets/templates", "/tickets/templates/1"] {
        desk.ana.get(path).await.is(303);
    }
    desk.ana.post("/tickets/templates", &[("name", "x"), ("body", "x")]).await.goes_to("/");
    desk.ana.get(&format!("/tickets/{id}?template={own}")).await.is(200).hides("Mine only").hides("Templates");
    desk.finish().await;
}

/// `dot-atom` of RFC 5322 3.2.3.
fn is_dot_atom(text: &str) -> bool {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// `msg-id` of RFC 5322 3.6.4, without obsolete forms.
fn is_message_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    let sides = inner.and_then(|inner| inner.split_once('@'));
    sides.is_some_and(|(left, right)| is_dot_atom(left) && is_dot_atom(right))
}

/// `addr-spec` of RFC 5322 3.4.1 within the lengths of RFC 5321 4.5.3.1.
fn is_address(text: &str) -> bool {
    let sides = text.rsplit_once('@');
    sides.is_some_and(|(local, host)| local.len() <= 64 && is_dot_atom(local) && is_dot_atom(host) && text.len() <= 254)
}

#[tokio::test]
async fn every_mail_of_a_ticket_threads_and_names_where_answers_go() {
    let mut config = shared::testing::config();
    config.ticket_reply_address = Some("desk@portal.test".to_owned());
    let secret = config.session_secret.clone();
    let app = TestApp::with(config, tickets::routes(), tickets::jobs().merge(Jobs::kernel())).await;
    let provider = app.provider("Northstar").await;
    let northwind = app.company("Northwind").await;
    let tom = app.technician("Tom", &provider).await;
    let ana = app.member("Ana", &northwind).await;
    let id = crate::help::raise(&ana, json!({ "subject": "Drucker: é & \"x\"" })).await;
    let insert = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
         channel_sms, created_at, updated_at) VALUES (?, ?, TRUE, TRUE, FALSE, ?, ?)");
    let now = app.app().now();
    for kind in ["tickets.status_changed", "tickets.created"] {
        app.execute(insert.clone().bind(ana.id).bind(kind).bind(now).bind(now)).await;
        app.execute(insert.clone().bind(tom.id).bind(kind).bind(now).bind(now)).await;
    }
    app.run_jobs().await;
    say(&tom, id, "Is tray 2 empty?").await;
    say(&ana, id, "It is").await;
    put(&ana, id, json!({})).await.is(403);
    put(&tom, id, json!({ "assigned_user_id": tom.id })).await.is(200);
    put(&tom, id, json!({ "status": "resolved" })).await.is(200);
    app.run_jobs().await;
    let mails = app.mails();
    assert!(mails.len() >= 4, "{}", mails.len());
    let thread = format!("<ticket-{id}@portal.test>");
    let mut seen = std::collections::HashSet::new();
    for mail in &mails {
        assert!(is_message_id(&mail.message_id) && seen.insert(mail.message_id.clone()), "{}", mail.message_id);
        for name in ["In-Reply-To", "References"] {
            let value = &mail.headers.iter().find(|(n, _)| n == name).unwrap().1;
            assert!(value.split(' ').all(is_message_id) && *value == thread, "{name}: {value}");
        }
        assert!(mail.subject.starts_with(&format!("[#{id}] ")), "{}", mail.subject);
        let address = mail.reply_to.clone().unwrap();
        assert!(is_address(&address), "{address}");
        let user = if mail.to[0] == "ana@example.com" { ana.id } else { tom.id };
        assert_eq!(tickets::desk::read_reply_address(&secret, &address), Some((id, user)));
    }
    let other = desk().await;
    let id = other.ticket(&other.ana, "Printer").await;
    say(&other.tom, id, "Hello").await;
    other.app.run_jobs().await;
    assert!(other.app.mails().iter().all(|mail| mail.reply_to.is_none()), "without a mailbox nothing is promised");
    assert_eq!(read(&other.ana, id).await["replies"].as_array().unwrap().len(), 1);
    other.finish().await;
    app.run_jobs().await;
    app.finish().await;
}
