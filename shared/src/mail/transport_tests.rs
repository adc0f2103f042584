//! A conversation with a real, small mail server, and the other backends.

use std::time::Duration;

use super::*;
use crate::testing::sink::{Refusal, SmtpSink};
use crate::tokens::random_hex;

fn message() -> Message {
    Message {
        message_id: "<1.abc@portal.example.com>".to_owned(),
        to: vec!["ann@example.com".to_owned()],
        from: "Contoso Service Desk <desk@portal.example.com>".to_owned(),
        subject: "Ticket 7: Gr\u{fc}\u{df}e".to_owned(),
        text: "Hello Ann\n.a line with a dot\n".to_owned(),
        html: Some("<p>Hello Ann</p>".to_owned()),
        ..Message::default()
    }
}

fn backend(port: u16) -> Backend {
    let host = "127.0.0.1".to_owned();
    Backend::smtp(SmtpSettings { host, port, user: None, password: None, tls: Tls::Never })
}

async fn send_to(script: &[Refusal], message: &Message) -> (Result<Outcome, SendError>, SmtpSink) {
    let sink = SmtpSink::start(script).await.unwrap();
    (backend(sink.port()).send(message).await, sink)
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts_and_its_fixed_id() {
    let (sent, sink) = send_to(&[], &message()).await;
    assert_eq!(sent, Ok(Outcome::Sent));
    let [mail] = &sink.mails()[..] else { panic!("one mail expected") };
    assert_eq!(mail.from, "desk@portal.example.com");
    assert_eq!(mail.to, ["ann@example.com"]);
    assert_eq!(mail.login, None);
    for part in [
        "Message-ID: <1.abc@portal.example.com>\r\n",
        "From: \"Contoso Service Desk\" <desk@portal.example.com>\r\n",
        "Subject: Ticket 7: =?utf-8?b?",
        "multipart/alternative",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "\r\n.a line with a dot\r\n",
        "<p>Hello Ann</p>",
    ] {
        assert!(mail.raw.contains(part), "{part:?} in {}", mail.raw);
    }
    assert!(mail.raw.find("text/plain").unwrap() < mail.raw.find("text/html").unwrap());
}

#[tokio::test]
async fn recipients_are_trimmed_and_distinct() {
    let to = [" ann@example.com ", "", "ANN@example.com", "bob@example.com"].map(str::to_owned).to_vec();
    let (sent, sink) = send_to(&[], &Message { to, html: None, ..message() }).await;
    assert_eq!(sent, Ok(Outcome::Sent));
    assert_eq!(sink.mails()[0].to, ["ann@example.com", "bob@example.com"]);
    assert!(!sink.mails()[0].raw.contains("multipart"));
}

#[tokio::test]
async fn without_a_recipient_nothing_is_sent() {
    let (sent, sink) = send_to(&[], &Message { to: vec![" ".to_owned()], ..message() }).await;
    assert_eq!(sent, Ok(Outcome::Skipped));
    assert_eq!(sink.connections(), 0);
    assert_eq!(Backend::Off.send(&message()).await, Ok(Outcome::Skipped));
}

#[tokio::test]
async fn answers_of_the_server_decide_about_another_try() {
    for (script, is_permanent) in [
        (("MAIL", "550 no relaying"), true),
        (("RCPT", "550 no such person"), true),
        (("DATA", "554 no"), true),
        (("END", "552 too large"), true),
        (("MAIL", "421 closing"), false),
        (("RCPT", "450 greylisted"), false),
        (("END", "451 later"), false),
        (("DATA", "CUT"), false),
        (("EHLO", "CUT"), false),
    ] {
        let (sent, sink) = send_to(&[script], &message()).await;
        let error = sent.unwrap_err();
        assert_eq!(matches!(error, SendError::Permanent(_)), is_permanent, "{script:?} {error}");
        assert!(sink.mails().is_empty());
    }
    let (sent, _sink) = send_to(&[("RCPT", "550 no such person")], &message()).await;
    assert!(sent.unwrap_err().to_string().contains("no such person"));
}

#[tokio::test]
async fn after_a_refusal_the_next_mail_goes_through() {
    let sink = SmtpSink::start(&[("RCPT", "450 greylisted")]).await.unwrap();
    let backend = backend(sink.port());
    assert!(matches!(backend.send(&message()).await, Err(SendError::Temporary(_))));
    for _ in 0..3 {
        assert_eq!(backend.send(&message()).await, Ok(Outcome::Sent));
        // The connection goes back into the pool in a task of its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(sink.mails().len(), 3);
    assert!(sink.connections() <= 2, "{} connections", sink.connections());
}

#[tokio::test]
async fn without_a_server_another_try_may_succeed() {
    assert!(matches!(backend(9).send(&message()).await, Err(SendError::Temporary(_))));
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_when_tls_is_required() {
    let sink = SmtpSink::start(&[]).await.unwrap();
    let (host, port) = ("127.0.0.1".to_owned(), sink.port());
    let settings = SmtpSettings { host, port, user: None, password: None, tls: Tls::Upgraded };
    assert!(Backend::smtp(settings).send(&message()).await.is_err());
    assert!(sink.mails().is_empty());
}

#[test]
fn where_tls_is_wanted_port_465_begins_with_it() {
    let of = |secure, port| Tls::of(&crate::config::Smtp { secure, port, ..crate::config::Smtp::default() });
    assert_eq!((of(true, 465), of(true, 587), of(true, 25)), (Tls::FromTheStart, Tls::Upgraded, Tls::Upgraded));
    assert_eq!((of(false, 465), of(false, 25)), (Tls::Never, Tls::Never));
}

#[tokio::test]
async fn a_login_is_made_when_there_is_a_user() {
    let sink = SmtpSink::start(&[("AUTH", "535 wrong password")]).await.unwrap();
    let (host, port) = ("127.0.0.1".to_owned(), sink.port());
    let (user, password) = (Some("desk".to_owned()), Some("secret".to_owned()));
    let settings = SmtpSettings { host, port, user, password, tls: Tls::Never };
    assert!(!format!("{settings:?}").contains("secret"));
    let refused = Backend::smtp(settings.clone()).send(&message()).await.unwrap_err();
    assert!(matches!(&refused, SendError::Permanent(text) if text.contains("wrong password")), "{refused}");
    assert_eq!(Backend::smtp(settings).send(&message()).await, Ok(Outcome::Sent));
    assert!(sink.mails()[0].login.as_ref().unwrap().starts_with("PLAIN "));
}

#[tokio::test]
async fn no_value_can_write_headers() {
    let evil = "x\r\nBcc: all@example.com".to_owned();
    let messages = [
        Message { subject: evil.clone(), ..message() },
        Message { to: vec![evil.clone()], ..message() },
        Message { from: evil.clone(), ..message() },
        Message { reply_to: Some(evil.clone()), ..message() },
        Message { message_id: evil.clone(), ..message() },
        Message { headers: vec![("References".to_owned(), evil.clone())], ..message() },
        Message { headers: vec![(evil, "x".to_owned())], ..message() },
        Message { headers: vec![("Bcc".to_owned(), "all@example.com".to_owned())], ..message() },
        Message { to: vec!["not an address".to_owned()], ..message() },
    ];
    for message in messages {
        let backend = Backend::memory();
        assert!(matches!(backend.send(&message).await, Err(SendError::Permanent(_))), "{message:?}");
    }
}

#[tokio::test]
async fn threads_and_lists_have_their_headers() {
    let headers = [("in-reply-to", "<0@x>"), ("References", "<0@x>"), ("List-Unsubscribe", "<https://example.com/u>")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let reply_to = Some("desk+7@example.com".to_owned());
    let (sent, sink) = send_to(&[], &Message { reply_to, headers, ..message() }).await;
    assert_eq!(sent, Ok(Outcome::Sent));
    let raw = &sink.mails()[0].raw;
    for line in
        ["In-Reply-To: <0@x>", "References: <0@x>", "List-Unsubscribe: <https://", "Reply-To: desk+7@example.com"]
    {
        assert!(raw.contains(line), "{line} in {raw}");
    }
}

#[tokio::test]
async fn memory_and_folder_keep_mails_in_order() {
    let memory = Backend::memory();
    memory.send(&message()).await.unwrap();
    let Backend::Memory(list) = memory else { panic!() };
    assert_eq!(*list.lock().unwrap(), [message()]);

    let path = std::env::temp_dir().join(format!("portal-mail-{}", random_hex(6)));
    let folder = Backend::Folder(path.clone());
    for id in ["<1.a@x>", "../../etc/passwd"] {
        folder.send(&Message { message_id: id.to_owned(), ..message() }).await.unwrap();
    }
    let mut names: Vec<String> =
        std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names[0].ends_with("Z-1_a_x.eml") && names[1].ends_with("Z-etc_passwd.eml"), "{names:?}");
    let raw = std::fs::read_to_string(path.join(&names[0])).unwrap();
    assert!(raw.contains("Message-ID: <1.a@x>\r\n"));
    std::fs::remove_dir_all(path).unwrap();
}
