//! What people paste, read line by line, and what can become of a line.

use std::collections::HashSet;

use shared::accounts::users::{parse_email, parse_optional_name};

/// At most so many at once: what one person may invite in an hour.
pub const MOST: usize = 50;

/// One address as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As typed, at most 255 characters.
    pub typed: String,
    /// The address, where it is one and stands in the list for the first time.
    pub email: Option<String>,
    /// From `Ana Ruiz <ana@example.com>`.
    pub first_name: Option<String>,
    /// The rest of the name.
    pub last_name: Option<String>,
    /// The row of the directory that it comes from.
    pub staff_id: Option<i64>,
    /// `waiting`, or why nothing is tried.
    pub state: &'static str,
}

impl Line {
    /// A line that can be tried, or says why not.
    pub fn new(typed: &str, email: &str, name: &str) -> Self {
        let (first, last) = name.trim().split_once(char::is_whitespace).unwrap_or((name.trim(), ""));
        let part = |text: &str| parse_optional_name(text).ok().flatten();
        let email = parse_email(email).ok();
        Self {
            typed: typed.trim().chars().take(255).collect(),
            state: if email.is_some() { "waiting" } else { "invalid" },
            email,
            first_name: part(first),
            last_name: part(last),
            staff_id: None,
        }
    }
}

/// Addresses with or without a name, divided by lines, commas, semicolons, tabs or blanks.
pub fn read(text: &str) -> Vec<Line> {
    let parts = text.split(['\n', '\r', ';', ',', '\t']).map(str::trim).filter(|part| !part.is_empty());
    let mut lines: Vec<Line> = parts.flat_map(read_part).collect();
    once_each(&mut lines);
    lines
}

/// The second line with an address is told so.
pub fn once_each(lines: &mut [Line]) {
    let mut seen = HashSet::new();
    for line in lines {
        if line.email.as_ref().is_some_and(|email| !seen.insert(email.clone())) {
            (line.email, line.state) = (None, "repeated");
        }
    }
}

fn read_part(part: &str) -> Vec<Line> {
    if let Some((name, address)) = part.split_once('<') {
        return vec![Line::new(part, address.trim_end().trim_end_matches('>'), name.trim().trim_matches('"'))];
    }
    let words: Vec<&str> = part.split_whitespace().collect();
    let (addresses, names): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.contains('@'));
    match addresses.as_slice() {
        [] => vec![Line::new(part, part, "")],
        [address] => vec![Line::new(part, address, &names.join(" "))],
        several => several.iter().map(|address| Line::new(address, address, "")).collect(),
    }
}

/// What a state says, and its tone.
pub fn words(state: &str) -> (&'static str, &'static str) {
    match state {
        "waiting" => ("Waiting", "neutral"),
        "ready" => ("Will be invited", "info"),
        "invited" => ("Invited, a mail is on its way", "success"),
        "unsent" => ("Invited, but no mail server is set up", "warning"),
        "added" => ("Works here now, a mail tells them", "success"),
        "member" => ("A member already", "neutral"),
        "already" => ("Invited already", "neutral"),
        "suspended" => ("Suspended: give access again on the person’s page", "warning"),
        "invalid" => ("Not an email address", "danger"),
        "repeated" => ("Twice in the list", "neutral"),
        "no_email" => ("No email in the staff directory", "warning"),
        "limit" => ("Not sent: 50 invitations an hour are the most", "warning"),
        _ => ("Could not be invited. Try again.", "danger"),
    }
}

/// States that may be tried once more, after a correction or some time.
pub const AGAIN: [&str; 3] = ["invalid", "limit", "failed"];

#[cfg(test)]
mod tests {
    use super::*;

    fn emails(text: &str) -> Vec<String> {
        read(text).into_iter().filter_map(|line| line.email).collect()
    }

    #[test]
    fn addresses_are_found_however_they_are_divided() {
        let all = ["a@example.com", "b@example.com", "c@example.com"];
        for text in [
            "a@example.com\nb@example.com\r\n\r\nc@example.com\n",
            "a@example.com, B@Example.com;c@example.com",
            "a@example.com b@example.com\tc@example.com",
        ] {
            assert_eq!(emails(text), all, "{text:?}");
        }
    }

    #[test]
    fn names_are_taken_along() {
        for text in ["Ana Maria Ruiz <ana@example.com>", "Ana Maria Ruiz ana@example.com"] {
            let lines = read(text);
            assert_eq!(lines[0].email.as_deref(), Some("ana@example.com"));
            assert_eq!(
                (lines[0].first_name.as_deref(), lines[0].last_name.as_deref()),
                (Some("Ana"), Some("Maria Ruiz"))
            );
        }
        assert_eq!(read("\"Eva\" <eva@example.com>")[0].first_name.as_deref(), Some("Eva"));
    }

    #[test]
    fn nothing_that_was_typed_is_lost() {
        let lines = read("ana@example.com\nben\nANA@example.com\n<>");
        let told: Vec<(&str, &str)> = lines.iter().map(|line| (line.typed.as_str(), line.state)).collect();
        let expected =
            [("ana@example.com", "waiting"), ("ben", "invalid"), ("ANA@example.com", "repeated"), ("<>", "invalid")];
        assert_eq!(told, expected);
        assert!(read(" \n ,;").is_empty());
    }
}
