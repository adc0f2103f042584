//! From the parts of a mail to the text that goes over the wire.

use lettre::Message as Mail;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::transport::Message;

/// Headers that a mail may carry besides its own.
const ALLOWED: [&str; 8] = [
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Precedence",
    "X-Auto-Response-Suppress",
];

/// Builds the mail; nothing when it has no recipient, a sentence when it can never be sent.
pub(super) fn compose(message: &Message) -> Result<Option<Mail>, String> {
    check_lines(message)?;
    let recipients = recipients(&message.to);
    if recipients.is_empty() {
        return Ok(None);
    }
    let id = format!("<{}>", message.message_id.trim().trim_matches(['<', '>']));
    let mut builder = Mail::builder().message_id(Some(id)).date_now().from(mailbox(&message.from)?);
    for recipient in recipients {
        builder = builder.to(mailbox(recipient)?);
    }
    if let Some(reply_to) = &message.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    builder = builder.subject(&message.subject);
    for (name, value) in &message.headers {
        builder = with_header(builder, name, value)?;
    }
    let built = match &message.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone())),
        None => builder.singlepart(SinglePart::plain(message.text.clone())),
    };
    built.map(Some).map_err(|error| error.to_string())
}

/// Line breaks would let a value write headers of its own.
fn check_lines(message: &Message) -> Result<(), String> {
    let own = [&message.message_id, &message.from, &message.subject];
    let further = message.headers.iter().flat_map(|(name, value)| [name, value]);
    let mut values = own.into_iter().chain(&message.to).chain(&message.reply_to).chain(further);
    if values.any(|value| value.contains(['\r', '\n', '\0'])) {
        return Err("a header value contains a line break".to_owned());
    }
    Ok(())
}

fn recipients(to: &[String]) -> Vec<&str> {
    let mut distinct: Vec<&str> = Vec::new();
    for address in to.iter().map(|address| address.trim()).filter(|address| !address.is_empty()) {
        if !distinct.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            distinct.push(address);
        }
    }
    distinct
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.trim().parse().map_err(|error| format!("{text:?} is not an email address: {error}"))
}

fn with_header(builder: MessageBuilder, name: &str, value: &str) -> Result<MessageBuilder, String> {
    let Some(name) = ALLOWED.iter().find(|allowed| allowed.eq_ignore_ascii_case(name)) else {
        return Err(format!("the header {name:?} is not allowed"));
    };
    let name = HeaderName::new_from_ascii((*name).to_owned()).map_err(|error| error.to_string())?;
    Ok(builder.raw_header(HeaderValue::new(name, value.to_owned())))
}
