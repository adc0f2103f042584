//! From what was typed to a ticket or a reply (tickets 4.4, 4.6).

use shared::error::{Error, Invalid};
use shared::modules::Slug;

use super::{Priority, Status, tags};

/// Characters of a description or reply.
const LONGEST: usize = 50_000;

/// A ticket as it was sent, by whom ever.
#[derive(Debug, Clone, Default)]
pub struct RawTicket {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub description: Option<String>,
    /// Word.
    pub status: Option<String>,
    /// Word.
    pub priority: Option<String>,
    /// Free text.
    pub category: Option<String>,
    /// Slug of an integration module.
    pub module_slug: Option<String>,
    /// Row of `companies`.
    pub company_id: Option<i64>,
    /// Row of `users`.
    pub requester_id: Option<i64>,
    /// Row of `users`.
    pub assigned_user_id: Option<i64>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Id in another system.
    pub external_reference: Option<String>,
}

/// A ticket that may be stored, once company and people are found.
#[derive(Debug, Clone)]
pub struct NewTicket {
    /// 1 to 255 characters on one line.
    pub subject: String,
    /// At most 50,000 characters.
    pub description: Option<String>,
    /// Where it starts.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// At most 64 characters.
    pub category: Option<String>,
    /// Slug of a module of the catalogue.
    pub module_slug: Option<String>,
    /// Whom it is for.
    pub company_id: Option<i64>,
    /// Who asks.
    pub requester_id: Option<i64>,
    /// Who works on it.
    pub assigned_user_id: Option<i64>,
    /// At most 128 characters.
    pub external_reference: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

impl NewTicket {
    /// What the desk sent: every field counts.
    pub fn parse(raw: &RawTicket) -> Result<Self, Error> {
        let mut bad = Invalid::none();
        let subject = bad.check("subject", subject(&raw.subject));
        let description = bad.check("description", description(raw.description.as_deref()));
        let status = bad.check("status", raw.status.as_deref().map_or(Ok(Status::Open), Status::parse));
        let priority = bad.check("priority", raw.priority.as_deref().map_or(Ok(Priority::Normal), Priority::parse));
        let category = bad.check("category", category(raw.category.as_deref()));
        let module_slug = bad.check("module_slug", module(raw.module_slug.as_deref()));
        let reference = bad.check("external_reference", reference(raw.external_reference.as_deref()));
        let tags = bad.check("tags", tags(raw.tags.iter().map(String::as_str)));
        bad.finish()?;
        Ok(Self {
            tags: tags.unwrap_or_default(),
            subject: subject.unwrap_or_default(),
            description: description.flatten(),
            status: status.unwrap_or(Status::Open),
            priority: priority.unwrap_or(Priority::Normal),
            category: category.flatten(),
            module_slug: module_slug.flatten(),
            company_id: raw.company_id,
            requester_id: raw.requester_id,
            assigned_user_id: raw.assigned_user_id,
            external_reference: reference.flatten(),
        })
    }

    /// What a requester sent: subject and description count, everything else is given.
    pub fn parse_own(raw: RawTicket, requester_id: i64, company_id: Option<i64>) -> Result<Self, Error> {
        Self::parse(&RawTicket {
            subject: raw.subject,
            description: raw.description,
            requester_id: Some(requester_id),
            company_id,
            ..RawTicket::default()
        })
    }
}

/// A reply that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReply {
    /// 1 to 50,000 characters.
    pub body: String,
    /// Only the desk sees it.
    pub is_internal: bool,
    /// The status that the ticket gets with it.
    pub status: Option<Status>,
}

impl NewReply {
    /// Reads a reply. From people outside the desk the flag and the status are ignored.
    pub fn parse(body: &str, is_internal: bool, status: Option<&str>, is_desk: bool) -> Result<Self, Error> {
        let mut bad = Invalid::none();
        let text = body.trim();
        if text.is_empty() {
            bad.add("body", "Enter the text of the reply");
        } else if text.chars().count() > LONGEST {
            bad.add("body", "Use at most 50,000 characters");
        }
        let status = status.filter(|s| is_desk && !s.trim().is_empty());
        let status = status.and_then(|status| bad.check("status", Status::parse(status)));
        bad.finish()?;
        Ok(Self { body: text.to_owned(), is_internal: is_internal && is_desk, status })
    }
}

/// One line of 1 to 255 characters.
pub fn subject(text: &str) -> Result<String, &'static str> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.chars().count() {
        0 => Err("Enter a subject"),
        1..=255 => Ok(line.to_owned()),
        _ => Err("Use at most 255 characters"),
    }
}

/// Plain text; blank is none.
pub fn description(text: Option<&str>) -> Result<Option<String>, &'static str> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > LONGEST) {
        return Err("Use at most 50,000 characters");
    }
    Ok(text.map(str::to_owned))
}

/// Free text of at most 64 characters; blank is none.
pub fn category(text: Option<&str>) -> Result<Option<String>, &'static str> {
    short(text, 64, "Use at most 64 characters")
}

/// An id in another system; blank is none.
pub fn reference(text: Option<&str>) -> Result<Option<String>, &'static str> {
    short(text, 128, "Use at most 128 characters")
}

/// The slug of a module of the catalogue, on or off; blank is none.
pub fn module(text: Option<&str>) -> Result<Option<String>, &'static str> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let slug = Slug::parse(&text.to_lowercase()).ok_or("There is no module with that name")?;
    Ok(Some(slug.as_str().to_owned()))
}

fn short(text: Option<&str>, most: usize, too_long: &'static str) -> Result<Option<String>, &'static str> {
    let Some(text) = text else { return Ok(None) };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if line.chars().count() > most {
        return Err(too_long);
    }
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: Error) -> Vec<String> {
        let Error::Invalid(invalid) = error else { panic!("{error:?}") };
        invalid.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let raw = RawTicket {
            subject: " \n ".to_owned(),
            description: Some("x".repeat(50_001)),
            status: Some("done".to_owned()),
            priority: Some("asap".to_owned()),
            category: Some("c".repeat(65)),
            module_slug: Some("no-such-module".to_owned()),
            external_reference: Some("r".repeat(129)),
            ..RawTicket::default()
        };
        let all = ["subject", "description", "status", "priority", "category", "module_slug", "external_reference"];
        assert_eq!(fields(NewTicket::parse(&raw).unwrap_err()), all);
    }

    #[test]
    fn characters_count_and_not_bytes() {
        let raw = RawTicket {
            subject: "é".repeat(255),
            description: Some("😀".repeat(50_000)),
            category: Some("ü".repeat(64)),
            ..RawTicket::default()
        };
        assert!(NewTicket::parse(&raw).is_ok());
        assert_eq!(subject("Printer\r\nBcc: x").unwrap(), "Printer  Bcc: x");
        assert!(subject(&"é".repeat(256)).is_err());
    }

    #[test]
    fn a_requester_chooses_subject_and_description_only() {
        let raw = RawTicket {
            subject: "Help".to_owned(),
            status: Some("done".to_owned()),
            priority: Some("urgent".to_owned()),
            assigned_user_id: Some(1),
            company_id: Some(9),
            requester_id: Some(9),
            category: Some("x".to_owned()),
            ..RawTicket::default()
        };
        let new = NewTicket::parse_own(raw, 7, Some(3)).unwrap();
        assert_eq!((new.status, new.priority), (Status::Open, Priority::Normal));
        assert_eq!((new.requester_id, new.company_id, new.assigned_user_id), (Some(7), Some(3), None));
        assert_eq!(new.category, None);
    }

    #[test]
    fn replies_are_trimmed_and_limited() {
        assert_eq!(NewReply::parse("  a\nb \n", false, None, false).unwrap().body, "a\nb");
        for bad in ["", " \n\t ", &"é".repeat(50_001)] {
            assert_eq!(fields(NewReply::parse(bad, false, None, true).unwrap_err()), ["body"]);
        }
        assert!(NewReply::parse(&"é".repeat(50_000), false, None, true).is_ok());
    }

    #[test]
    fn only_the_desk_writes_notes_and_sets_a_status() {
        let own = NewReply::parse("x", true, Some("nonsense"), false).unwrap();
        assert_eq!((own.is_internal, own.status), (false, None));
        let desk = NewReply::parse("x", true, Some("resolved"), true).unwrap();
        assert_eq!((desk.is_internal, desk.status), (true, Some(Status::Resolved)));
        assert_eq!(fields(NewReply::parse("x", true, Some("nonsense"), true).unwrap_err()), ["status"]);
    }
}
