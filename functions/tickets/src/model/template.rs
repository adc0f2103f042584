//! Texts that are written again and again, with words that each ticket fills in.

use shared::error::{Error, Invalid};

/// A text that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTemplate {
    /// 1 to 100 characters.
    pub name: String,
    /// 1 to 10,000 characters.
    pub body: String,
    /// Everybody at the desk uses it.
    pub is_shared: bool,
}

impl NewTemplate {
    /// Reads what was typed.
    pub fn parse(name: &str, body: &str, is_shared: bool) -> Result<Self, Error> {
        let mut bad = Invalid::none();
        let (name, body) = (name.trim(), body.trim());
        match name.chars().count() {
            0 => bad.add("name", "Enter a name"),
            1..=100 => {}
            _ => bad.add("name", "Use at most 100 characters"),
        }
        match body.chars().count() {
            0 => bad.add("body", "Enter the text"),
            1..=10_000 => {}
            _ => bad.add("body", "Use at most 10,000 characters"),
        }
        bad.finish()?;
        Ok(Self { name: name.to_owned(), body: body.to_owned(), is_shared })
    }
}

/// The words that a ticket fills in, and what they stand for.
pub const WORDS: [(&str, &str); 6] = [
    ("{requester_name}", "Full name of who asks"),
    ("{requester_first_name}", "First name of who asks"),
    ("{company}", "Company of the ticket"),
    ("{ticket_number}", "Number of the ticket, as #10432"),
    ("{subject}", "Subject of the ticket"),
    ("{my_name}", "Your own name"),
];

/// Puts values in the place of words; what is not known stays as it was typed.
pub fn fill(body: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let found = values.iter().find(|(word, _)| from.starts_with(word));
        let taken = found.map_or(1, |(word, _)| word.len());
        out.push_str(found.map_or("{", |(_, value)| value));
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_filled_in_once_and_others_stay() {
        let values = [("{subject}", "Printer {my_name}".to_owned()), ("{my_name}", "Ben".to_owned())];
        assert_eq!(fill("About {subject}: {what} {", &values), "About Printer {my_name}: {what} {");
        assert_eq!(fill("{my_name}{my_name}é{", &values), "BenBené{");
    }

    #[test]
    fn names_and_texts_have_limits() {
        assert!(NewTemplate::parse("Greeting", " Hello ", true).is_ok_and(|t| t.body == "Hello"));
        assert!(NewTemplate::parse("", "", false).is_err());
        assert!(NewTemplate::parse(&"n".repeat(101), "x", false).is_err());
        assert!(NewTemplate::parse("n", &"x".repeat(10_001), false).is_err());
    }
}
