//! SMTP Relay: mails of automations go into the portal's own outbox; the test speaks with the server.

use serde_json::{Map, Value, json};

use super::{Found, Outcome, text};
use crate::accounts::users::parse_email;
use crate::app::App;
use crate::audit::Stamp;
use crate::error::Result;
use crate::mail::Draft;
use crate::mail::transport::{Backend, Message, Outcome as Sent};
use crate::modules::Module;
use crate::modules::settings::Smtp;

/// Recipients of one step.
const MOST: usize = 20;

fn recipients(payload: &Map<String, Value>, settings: &Smtp) -> Result<Vec<String>, String> {
    let given: Vec<String> = match payload.get("recipients").or_else(|| payload.get("to")) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => text.split([',', ';']).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut all: Vec<String> = Vec::new();
    for text in given.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let email = parse_email(text).map_err(|_| format!("{} is no email address", super::one_line(text)))?;
        if !all.contains(&email) {
            all.push(email);
        }
    }
    if all.is_empty() {
        all.clone_from(&settings.default_recipients);
    }
    if all.len() > MOST { Err(format!("A step has at most {MOST} recipients")) } else { Ok(all) }
}

fn subject(payload: &Map<String, Value>, settings: &Smtp) -> Result<String, String> {
    let own = text(payload, &["subject"]).unwrap_or("Automation notification");
    if own.contains(['\r', '\n']) {
        return Err("The subject has a line break".to_owned());
    }
    Ok(format!("{} {own}", settings.subject_prefix).trim().to_owned())
}

/// Plain text of a mail that was given as HTML only.
fn stripped(html: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    words.join(" ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

pub(super) async fn run(app: &App, module: &Module, payload: &Map<String, Value>) -> Result<Outcome> {
    let settings: Smtp = module.settings()?;
    let (to, subject) = match (recipients(payload, &settings), subject(payload, &settings)) {
        (Ok(to), Ok(subject)) => (to, subject),
        (Err(error), _) | (_, Err(error)) => return Ok(Outcome::Failed(error)),
    };
    if to.is_empty() {
        return Ok(Outcome::Skipped("There are no recipients".to_owned()));
    }
    if matches!(app.mail(), Backend::Off) {
        return Ok(Outcome::Skipped("No mail server is set up".to_owned()));
    }
    let html = text(payload, &["html", "body"]);
    let plain = text(payload, &["text"]).map_or_else(|| stripped(html.unwrap_or_default()), str::to_owned);
    let mut draft = Draft::own_words(app, "automation", &subject, plain, html.map(str::to_owned));
    if !settings.from_address.is_empty() {
        draft.from(&settings.from_address);
    }
    for address in &to {
        draft.to(address);
    }
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    draft.queue(&mut tx).await?;
    tx.commit().await?;
    Ok(Outcome::Succeeded(json!({ "recipients": to, "subject": subject })))
}

pub(super) async fn test(app: &App, module: &Module, tester: &str) -> Result<Result<Found, String>> {
    let settings: Smtp = module.settings()?;
    let name = &app.config().app_name;
    let mut draft = Draft::own_words(app, "automation", "", String::new(), None);
    if !settings.from_address.is_empty() {
        draft.from(&settings.from_address);
    }
    let message = Message {
        message_id: draft.fresh_id(),
        to: vec![tester.to_owned()],
        from: draft.sender().to_owned(),
        subject: format!("{} {name} test", settings.subject_prefix).trim().to_owned(),
        text: "The connection to the mail server works.".to_owned(),
        ..Message::default()
    };
    Ok(match app.mail().send(&message).await {
        Ok(Sent::Sent) => {
            Ok(Found::new(format!("A test mail to {tester} was accepted."), json!({ "recipient": tester })))
        }
        Ok(Sent::Skipped) => Err("No mail server is set up. Set SMTP_HOST.".to_owned()),
        Err(error) => Err(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn recipients_come_from_the_step_or_the_setting() {
        let settings = Smtp { default_recipients: vec!["desk@example.com".to_owned()], ..Smtp::default() };
        let of = |value: Value| recipients(&payload(json!({ "recipients": value })), &settings);
        assert_eq!(
            of(json!("a@example.com, B@example.com;a@example.com")).unwrap(),
            ["a@example.com", "b@example.com"]
        );
        assert_eq!(of(json!("a@example.com, A@Example.com")).unwrap(), ["a@example.com"], "one recipient");
        assert_eq!(of(json!([""])).unwrap(), ["desk@example.com"]);
        assert!(of(json!("a@example.com\r\nBcc: x@example.com")).is_err());
        let many: Vec<String> = (0..21).map(|n| format!("p{n}@example.com")).collect();
        assert!(of(json!(many)).is_err());
    }

    #[test]
    fn subjects_carry_the_prefix_and_no_line_break() {
        let settings = Smtp { subject_prefix: "[Desk]".to_owned(), ..Smtp::default() };
        assert_eq!(subject(&Map::new(), &settings).unwrap(), "[Desk] Automation notification");
        assert!(subject(&payload(json!({ "subject": "a\r\nBcc: b" })), &settings).is_err());
        assert_eq!(stripped("<p>Hello <b>you</b> &amp; me</p>"), "Hello you & me");
    }
}
