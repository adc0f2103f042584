//! A contact as Syncro writes it (organisation 10.7). Records are odd in the field: every value may be
//! missing, null, blank, far too long, or a number in place of a text.

use serde_json::Value;
use shared::accounts::users::parse_email;

use super::{Incoming, Skipped};
use crate::staff::field::Field;
use crate::staff::model::{cut, parse_mobile};

/// The first of some members that says something, on one line.
fn first(contact: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = match contact.get(*name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    })
}

/// First and last name; `name` is split at its first space.
fn names(contact: &Value) -> (Option<String>, Option<String>) {
    let own = (first(contact, &["first_name"]), first(contact, &["last_name"]));
    if own.0.is_some() || own.1.is_some() {
        return own;
    }
    let Some(name) = first(contact, &["name"]) else { return (None, None) };
    match name.split_once(' ') {
        Some((first, last)) => (Some(first.to_owned()), Some(last.to_owned())),
        None => (Some(name), None),
    }
}

/// Reads a contact; people who have left are marked so in their name.
pub fn read(contact: &Value) -> Result<Incoming, Skipped> {
    let id = first(contact, &["id"]).filter(|id| id.chars().count() <= 255);
    let (given, family) = names(contact);
    let full = format!("{} {}", given.as_deref().unwrap_or_default(), family.as_deref().unwrap_or_default());
    let full = full.trim().to_owned();
    let label = match (full.is_empty(), &id) {
        (false, _) => cut(&full, 255),
        (true, Some(id)) => format!("Contact {id}"),
        (true, None) => "Contact without a number".to_owned(),
    };
    let skipped = |reason: &str| Err(Skipped { label: label.clone(), reason: reason.to_owned() });
    if full.is_empty() {
        return skipped("Has no name");
    }
    let whole = format!("{full} {}", first(contact, &["name"]).unwrap_or_default()).to_lowercase();
    if whole.contains("ex staff") {
        return skipped("Is marked as ex staff");
    }
    let mut incoming = Incoming { contact: id, label, ..Incoming::default() };
    put(&mut incoming, Field::FirstName, given);
    put(&mut incoming, Field::LastName, family);
    put_email(&mut incoming, first(contact, &["email", "email_address"]));
    put_mobile(&mut incoming, first(contact, &["mobile", "phone"]));
    for (field, members) in [
        (Field::Street, &["address1", "address"][..]),
        (Field::City, &["city"]),
        (Field::State, &["state"]),
        (Field::Postcode, &["zip"]),
        (Field::Country, &["country"]),
        (Field::Department, &["department"]),
        (Field::JobTitle, &["title"]),
    ] {
        put(&mut incoming, field, first(contact, members));
    }
    Ok(incoming)
}

/// Values that are too long are cut, with a note.
fn put(incoming: &mut Incoming, field: Field, text: Option<String>) {
    let Some(text) = text else { return };
    let most = if field == Field::Postcode { 20 } else { 255 };
    if text.chars().count() > most {
        incoming.notes.push(format!("{} was cut at {most} characters", field.label()));
    }
    incoming.values.push((field, cut(&text, most).trim().to_owned()));
}

fn put_email(incoming: &mut Incoming, text: Option<String>) {
    let Some(text) = text else { return };
    match parse_email(&text) {
        Ok(email) => incoming.values.push((Field::Email, email)),
        Err(_) => {
            incoming.notes.push(format!("\u{201c}{}\u{201d} is no email address and was left out", cut(&text, 80)));
        }
    }
}

fn put_mobile(incoming: &mut Incoming, text: Option<String>) {
    let Some(text) = text else { return };
    match parse_mobile(&text) {
        Ok(number) => incoming.values.push((Field::MobilePhone, number)),
        Err(_) => {
            incoming.notes.push(format!("\u{201c}{}\u{201d} is no phone number and was left out", cut(&text, 80)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_contact_is_mapped_from_either_name() {
        let read = |value: Value| read(&value).unwrap();
        let plain = read(json!({"id": 7, "first_name": " Ana ", "last_name": "Ruiz", "email": "Ana@Example.com",
            "mobile": "+44 7700 900123", "phone": "1", "address1": "12 Mill\nLane", "zip": "LS1 4AP", "title": "Desk"}));
        assert_eq!(plain.contact.as_deref(), Some("7"));
        assert_eq!((plain.text(Field::FirstName), plain.text(Field::LastName)), ("Ana", "Ruiz"));
        assert_eq!((plain.text(Field::Email), plain.text(Field::MobilePhone)), ("ana@example.com", "+447700900123"));
        assert_eq!((plain.text(Field::Street), plain.text(Field::JobTitle)), ("12 Mill Lane", "Desk"));
        assert!(plain.notes.is_empty());
        let other = read(json!({"id": "8", "first_name": null, "last_name": "", "name": "Ben de Vries",
            "email_address": "ben@example.com", "phone": "0770 0900124", "address": "Quay"}));
        assert_eq!((other.text(Field::FirstName), other.text(Field::LastName)), ("Ben", "de Vries"));
        assert_eq!((other.text(Field::MobilePhone), other.text(Field::Street)), ("0770 0900124", "Quay"));
        assert_eq!(read(json!({"last_name": "Only"})).text(Field::FirstName), "", "filled in when a row is made");
    }

    #[test]
    fn odd_values_are_cut_or_left_out_with_a_note() {
        let odd = read(&json!({"id": 9, "first_name": "x".repeat(300), "email": "not an address", "mobile": "ask Bob",
            "zip": 12345, "city": ["Leeds"], "country": {"a": 1}, "department": "\u{0}\u{7}"}))
        .unwrap();
        assert_eq!(odd.text(Field::FirstName).chars().count(), 255);
        assert_eq!((odd.text(Field::Postcode), odd.text(Field::City), odd.text(Field::Department)), ("12345", "", ""));
        assert_eq!(odd.notes.len(), 3, "{:?}", odd.notes);
    }

    #[test]
    fn nobody_and_former_people_are_left_out() {
        let reason = |value: Value| read(&value).unwrap_err().reason;
        assert_eq!(reason(json!({"id": 1})), "Has no name");
        assert_eq!(reason(json!({"id": 1, "first_name": " ", "name": ""})), "Has no name");
        assert_eq!(reason(json!("text")), "Has no name");
        assert_eq!(reason(json!({"id": 2, "name": "Ex Staff - Jo"})), "Is marked as ex staff");
        assert_eq!(reason(json!({"first_name": "Jo (EX", "last_name": "STAFF)"})), "Is marked as ex staff");
    }
}
