//! The mails whose words can be changed, each with what may stand in it and an example.

use serde_json::{Value, json};

/// A mail whose words can be changed.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// As stored.
    pub name: &'static str,
    /// In plain words.
    pub label: &'static str,
    /// Its fields as people write them.
    pub fields: &'static [&'static str],
    /// The mail is of no use without its link.
    pub needs_link: bool,
}

const fn template(
    name: &'static str,
    label: &'static str,
    fields: &'static [&'static str],
    needs_link: bool,
) -> Template {
    Template { name, label, fields, needs_link }
}

const TICKET: &[&str] = &[
    "ticket.id",
    "ticket.subject",
    "ticket.description",
    "ticket.status",
    "ticket.company",
    "ticket.requester",
    "link",
];

const REPLY: &[&str] = &["ticket.id", "ticket.subject", "ticket.status", "reply.author", "reply.body", "link"];

/// All of them, in the order of the page.
pub const TEMPLATES: &[Template] = &[
    template(
        "user_invitation",
        "Invitation to the portal",
        &["first_name", "inviter", "expires_in", "link", "token"],
        true,
    ),
    template(
        "staff_invitation",
        "Invitation from the staff directory",
        &["first_name", "company", "inviter", "expires_in", "link", "token"],
        true,
    ),
    template("company_invitation", "Invitation to a company", &["first_name", "company", "inviter", "link"], true),
    template("email_verification", "Confirm the address", &["first_name", "expires_in", "link", "token"], true),
    template("password_reset", "Reset the password", &["first_name", "expires_in", "link", "token"], true),
    template("password_changed", "The password was changed", &["first_name", "when", "ip", "browser"], false),
    template(
        "mfa_changed",
        "The sign-in protection was changed",
        &["first_name", "what", "when", "ip", "browser"],
        false,
    ),
    template("ticket_created", "New ticket, for the desk", TICKET, false),
    template("ticket_assigned", "A ticket was assigned", TICKET, false),
    template("ticket_reply", "Reply on a ticket", REPLY, false),
    template("ticket_status", "The status of a ticket changed", TICKET, false),
    template("notice", "Every other notification", &["label", "message", "link"], false),
    template("digest", "Several notifications in one mail", &["count", "items", "link"], false),
];

/// The template of a name.
pub fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

/// What stands in the mail of the preview.
pub fn example(brand: &str, portal_url: &str) -> Value {
    let link = format!("{portal_url}/tickets/10432");
    json!({
        "brand": brand,
        "portal_url": portal_url,
        "first_name": "Ana",
        "inviter": "Ben Okafor",
        "company": "Northwind Dental",
        "is_active": false,
        "expires_in": "24 hours",
        "link": link,
        "token": "4f0c…",
        "what": "An authenticator app was added.",
        "when": "23 Nov 2026, 09:12",
        "ip": "203.0.113.10",
        "browser": "Firefox on Windows",
        "label": "New reply on your ticket",
        "message": "Grace Lin replied on #10432: Printer in room 4 jams",
        "count": 2,
        "items": [
            {"label": "Announcement", "message": "The portal is read-only on Sunday", "link": null},
            {"label": "Ticket status changed", "message": "#10432 is now resolved", "link": link},
        ],
        "ticket": {
            "id": 10432, "subject": "Printer in room 4 jams", "description": "It stops after two pages.",
            "status": "In progress", "company": "Northwind Dental", "requester": "Ana Ruiz",
        },
        "reply": {"author": "Grace Lin", "body": "Is tray 2 empty?", "is_internal": false},
    })
}

#[cfg(test)]
mod tests {
    use shared::page::Templates;

    use super::*;

    #[test]
    fn every_default_can_be_shown_with_the_example() {
        let templates = Templates::new(None);
        for template in TEMPLATES {
            for file in ["subject.txt", "body.txt"] {
                let name = format!("emails/{}/{file}", template.name);
                let source = Templates::source(&name).unwrap_or_else(|| panic!("{name} is missing"));
                let example = example("Northstar IT", "https://portal.example.com");
                let shown = templates.render_text(source, minijinja::Value::from(minijinja::value::Serde(example)));
                assert!(shown.is_ok(), "{name}: {shown:?}");
            }
        }
    }
}
