//! What a ticket is, without database and HTTP: words, parsing, rules.

mod address;
mod bulk;
mod change;
mod filter;
mod link;
mod new;
mod out;
mod rules;
mod tag;
mod template;
mod view;
mod words;

pub use address::{read_reply_address, reply_address};
pub use bulk::{Bulk, Fate, told};
pub use change::{Change, describe, differences};
pub use filter::{Assigned, Sort, TicketFilter};
pub use link::Relation;
pub use new::{NewReply, NewTicket, RawTicket, category, description, module, reference, subject};
pub use out::{ActivityOut, AttachmentOut, ReplyOut, TicketDetail, TicketOut, WatcherOut};
pub use rules::{Side, State, TooLate, after_reply, closed_at, may_close, may_reopen};
pub use tag::{MOST_TAGS, Retag, tag, tags, typed_tags};
pub use template::{NewTemplate, WORDS as TEMPLATE_WORDS, fill};
pub use view::{Column, NewView};
pub use words::{Priority, Status};

/// First and last name joined, the address when there is none, `Former user` when nobody is left.
pub fn person_name(first: Option<&str>, last: Option<&str>, email: Option<&str>) -> Option<String> {
    let email = email?;
    let name = format!("{} {}", first.unwrap_or_default().trim(), last.unwrap_or_default().trim());
    let name = name.trim();
    Some(if name.is_empty() { email.to_owned() } else { name.to_owned() })
}
