//! Template variables: `{{user.email}}` and its eight companions in form addresses, embed codes and
//! external links (organisation 18, notifications-forms 14).
//!
//! | Written | Gives |
//! | --- | --- |
//! | `{{user.email}}` | the value |
//! | `{{ user.email }}` | the same |
//! | `{{user.emailUrlEncoded}}` | the value as `encodeURIComponent` writes it |
//! | `{{user.email}}UrlEncoded` | the same |
//!
//! A value that is missing is empty, a name that is none of the nine stays as written, and what came from
//! a value is never searched again. Where the text goes decides how values are written: [`fill`] for
//! plain text, [`fill_html`] for HTML, [`fill_address`] for addresses.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use crate::context::{By, encode_component};
use crate::page::escape;

/// One of the nine variables.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Variable {
    /// What stands between the braces.
    pub name: &'static str,
    /// One sentence for the picker.
    pub description: &'static str,
}

const fn variable(name: &'static str, description: &'static str) -> Variable {
    Variable { name, description }
}

/// All of them, in the order of the picker.
pub const VARIABLES: [Variable; 9] = [
    variable("user.email", "Email address of the signed-in person"),
    variable("user.firstName", "First name of the signed-in person"),
    variable("user.lastName", "Last name of the signed-in person"),
    variable("user.fullName", "First and last name of the signed-in person"),
    variable("company.id", "Number of the active company"),
    variable("company.name", "Name of the active company"),
    variable("company.syncroId", "Number of the active company in Syncro"),
    variable("portal.baseUrl", "Address of the portal, without a slash at the end"),
    variable("portal.loginUrl", "Address of the sign-in page"),
];

/// Stands after a name, or after the braces, where the encoded value is wanted.
const ENCODED: &str = "UrlEncoded";

/// What the variables stand for; whatever is missing is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// Address of the person.
    pub email: String,
    /// First name, trimmed when it is used.
    pub first_name: String,
    /// Last name, trimmed when it is used.
    pub last_name: String,
    /// The active company.
    pub company_id: Option<i64>,
    /// Its name.
    pub company_name: String,
    /// Its number in Syncro.
    pub company_syncro_id: String,
    /// Address of the portal without a slash at the end.
    pub base_url: String,
}

impl Values {
    /// The values of a request: its person, their active company and the portal's public address.
    pub fn of(by: &By) -> Self {
        let base_url = by.base_url().unwrap_or_default();
        let Some(person) = by.person() else { return Self { base_url, ..Self::default() } };
        let company = person.company.as_ref();
        Self {
            email: person.user.email.clone(),
            first_name: person.user.first_name.clone().unwrap_or_default(),
            last_name: person.user.last_name.clone().unwrap_or_default(),
            company_id: company.map(|company| company.id),
            company_name: company.map(|company| company.name.clone()).unwrap_or_default(),
            company_syncro_id: company.and_then(|company| company.syncro_company_id.clone()).unwrap_or_default(),
            base_url,
        }
    }

    /// The value of a variable by name; none for a name that is no variable.
    pub fn get(&self, name: &str) -> Option<String> {
        let (first, last) = (self.first_name.trim(), self.last_name.trim());
        let base = self.base_url.trim_end_matches('/');
        Some(match name {
            "user.email" => self.email.clone(),
            "user.firstName" => first.to_owned(),
            "user.lastName" => last.to_owned(),
            "user.fullName" => format!("{first} {last}").trim().to_owned(),
            "company.id" => self.company_id.map(|id| id.to_string()).unwrap_or_default(),
            "company.name" => self.company_name.clone(),
            "company.syncroId" => self.company_syncro_id.clone(),
            "portal.baseUrl" => base.to_owned(),
            "portal.loginUrl" if base.is_empty() => String::new(),
            "portal.loginUrl" => format!("{base}/login"),
            _ => return None,
        })
    }
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    /// Copied as it is.
    Text(&'t str),
    /// Name of a variable, and whether its encoded form is wanted.
    Value(&'t str, bool),
    /// Braces around a name that is none of ours; copied as they are.
    Unknown(&'t str, &'t str),
}

/// The pieces in order; together they are the whole text.
fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let (before, after) = rest.split_at(start);
        if let Some((piece, length)) = braces(after) {
            found.extend([Piece::Text(before), piece]);
            rest = &after[length..];
        } else {
            found.push(Piece::Text(&rest[..start + 2]));
            rest = &rest[start + 2..];
        }
    }
    found.push(Piece::Text(rest));
    found
}

/// What stands at the beginning of a text that begins with braces, and its length.
fn braces(text: &str) -> Option<(Piece<'_>, usize)> {
    let close = text.find("}}")?;
    let name = text.get(2..close)?.trim_matches([' ', '\t']);
    let end = close + 2;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !is_name {
        return None;
    }
    let is_ours = |name: &str| VARIABLES.iter().any(|variable| variable.name == name);
    if is_ours(name) {
        let is_encoded = text[end..].starts_with(ENCODED);
        return Some((Piece::Value(name, is_encoded), if is_encoded { end + ENCODED.len() } else { end }));
    }
    match name.strip_suffix(ENCODED).filter(|name| is_ours(name)) {
        Some(name) => Some((Piece::Value(name, true), end)),
        None => Some((Piece::Unknown(name, &text[..end]), end)),
    }
}

fn filled(template: &str, values: &Values, raw: impl Fn(&str) -> String, encoded: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) | Piece::Unknown(_, text) => out.push_str(text),
            Piece::Value(name, is_encoded) => {
                let value = values.get(name).unwrap_or_default();
                out.push_str(&if is_encoded { encoded(&value) } else { raw(&value) });
            }
        }
    }
    out
}

/// Fills a plain text.
pub fn fill(template: &str, values: &Values) -> String {
    filled(template, values, str::to_owned, encode_component)
}

/// Fills HTML: values are escaped, the template is not.
pub fn fill_html(template: &str, values: &Values) -> String {
    filled(template, values, escape, |value| escape(&encode_component(value)))
}

/// Stays in an address when a raw value is written into it; everything else could change its structure.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b';')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// Fills an address; none when the result is no web address or leads to another host than the template.
pub fn fill_address(template: &str, values: &Values) -> Option<String> {
    let address =
        filled(template, values, |value| utf8_percent_encode(value, IN_ADDRESS).to_string(), encode_component);
    let (wanted, given) = (web_address(template)?, web_address(&address)?);
    let origin = |url: &Url| (url.origin(), url.username().to_owned(), url.password().map(str::to_owned));
    (origin(&wanted) == origin(&given)).then_some(address)
}

fn web_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Refuses an address in which a variable stands before the path, so that no value decides the host.
pub fn check_address(template: &str) -> Result<(), &'static str> {
    let after_scheme = template.find("://").map_or(0, |at| at + 3);
    let path = template[after_scheme..].find(['/', '?', '#']).map_or(template.len(), |at| after_scheme + at);
    if template[..path].contains("{{") {
        return Err("Put variables after the host of the address");
    }
    web_address(template).map(|_| ()).ok_or("Enter an address such as https://forms.example.com/start")
}

/// Names between braces that are no variables, each once, for the editor's warning.
pub fn unknown(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    for piece in pieces(template) {
        if let Piece::Unknown(name, _) = piece
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Values {
        Values {
            email: "ada@example.com".to_owned(),
            first_name: " Ada ".to_owned(),
            last_name: "Lovelace".to_owned(),
            company_id: Some(42),
            company_name: "ACME Corp".to_owned(),
            company_syncro_id: "S-7".to_owned(),
            base_url: "https://portal.example.com/".to_owned(),
        }
    }

    #[test]
    fn every_variable_has_its_value_in_all_four_spellings() {
        let table = [
            ("user.email", "ada@example.com", "ada%40example.com"),
            ("user.firstName", "Ada", "Ada"),
            ("user.lastName", "Lovelace", "Lovelace"),
            ("user.fullName", "Ada Lovelace", "Ada%20Lovelace"),
            ("company.id", "42", "42"),
            ("company.name", "ACME Corp", "ACME%20Corp"),
            ("company.syncroId", "S-7", "S-7"),
            ("portal.baseUrl", "https://portal.example.com", "https%3A%2F%2Fportal.example.com"),
            ("portal.loginUrl", "https://portal.example.com/login", "https%3A%2F%2Fportal.example.com%2Flogin"),
        ];
        assert_eq!(table.map(|(name, ..)| name), VARIABLES.map(|variable| variable.name));
        for (name, raw, encoded) in table {
            for template in [format!("{{{{{name}}}}}"), format!("{{{{ {name}\t}}}}")] {
                assert_eq!(fill(&template, &ada()), raw, "{template}");
            }
            for template in [format!("{{{{{name}UrlEncoded}}}}"), format!("{{{{{name}}}}}UrlEncoded")] {
                assert_eq!(fill(&template, &ada()), encoded, "{template}");
            }
        }
    }

    #[test]
    fn the_examples_of_the_specification() {
        let hello = "Hello {{user.fullName}} from {{company.name}}";
        assert_eq!(fill(hello, &ada()), "Hello Ada Lovelace from ACME Corp");
        assert_eq!(fill("{{user.email}}-{{company.id}}-{{portal.baseUrl}}", &Values::default()), "--");
        let odd = Values { company_name: "A&B (x)".to_owned(), ..ada() };
        for template in ["{{company.name}}UrlEncoded", "{{company.nameUrlEncoded}}"] {
            assert_eq!(fill(template, &odd), "A%26B%20(x)");
        }
        let address =
            "https://forms.example.com/start?email={{user.emailUrlEncoded}}&company={{company.nameUrlEncoded}}";
        let filled = "https://forms.example.com/start?email=ada%40example.com&company=ACME%20Corp";
        assert_eq!(fill_address(address, &ada()).as_deref(), Some(filled));
    }

    #[test]
    fn encoding_is_that_of_browsers() {
        let odd = Values { company_name: "é !*'()-_.~ ü/?#[]@:;=+$,\"<>%".to_owned(), ..ada() };
        let expected = "%C3%A9%20!*'()-_.~%20%C3%BC%2F%3F%23%5B%5D%40%3A%3B%3D%2B%24%2C%22%3C%3E%25";
        assert_eq!(fill("{{company.nameUrlEncoded}}", &odd), expected);
    }

    #[test]
    fn values_are_never_searched_again() {
        let sly = Values { company_name: "{{user.email}}".to_owned(), first_name: "{{".to_owned(), ..ada() };
        assert_eq!(fill("{{company.name}}", &sly), "{{user.email}}");
        assert_eq!(fill("{{user.firstName}}user.email}}", &sly), "{{user.email}}");
        assert_eq!(fill("{{company.name}}UrlEncoded", &sly), "%7B%7Buser.email%7D%7D");
    }

    #[test]
    fn what_is_no_variable_stays_as_written() {
        for text in [
            "{{nobody}}",
            "{{ user.phone }}",
            "{{}}",
            "{{user.email",
            "{user.email}",
            "{{User.Email}}",
            "}}",
            "{{a b}}",
        ] {
            assert_eq!(fill(text, &ada()), text);
        }
        assert_eq!(fill("{{{{user.email}}}}", &ada()), "{{ada@example.com}}");
        assert_eq!(
            fill("{{x}}UrlEncoded {{user.emailUrlEncoded}}UrlEncoded", &ada()),
            "{{x}}UrlEncoded ada%40example.comUrlEncoded"
        );
        assert_eq!(unknown("{{a}} {{user.email}} {{ b.c }} {{a}} {{user.emailUrlEncoded}}"), ["a", "b.c"]);
    }

    #[test]
    fn html_is_escaped_whatever_the_value() {
        let sly = Values { first_name: "\"><script>alert('x')</script>".to_owned(), ..ada() };
        let embed = "<iframe title=\"{{user.firstName}}\" src=\"/f?n={{user.firstNameUrlEncoded}}\"></iframe>";
        let html = fill_html(embed, &sly);
        assert!(html.contains("title=\"&quot;&gt;&lt;script&gt;"), "{html}");
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("%3Cscript%3Ealert(&#39;x&#39;)"), "{html}");
    }

    #[test]
    fn raw_values_do_not_change_the_structure_of_an_address() {
        let sly = Values { company_name: "a&b=c#d e\"f?g".to_owned(), ..ada() };
        let address =
            fill_address("https://forms.example.com/{{company.id}}?c={{company.name}}&e={{user.email}}", &sly).unwrap();
        let url = Url::parse(&address).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(
            pairs,
            [("c".to_owned(), "a&b=c#d e\"f?g".to_owned()), ("e".to_owned(), "ada@example.com".to_owned())]
        );
        assert!(address.contains("e=ada@example.com"), "{address}");
    }

    #[test]
    fn no_value_decides_the_host() {
        let sly = Values { company_name: "@evil.example/".to_owned(), ..ada() };
        for template in [
            "https://forms.example.com{{company.name}}",
            "https://{{company.name}}",
            "{{portal.baseUrl}}/x",
            "javascript:{{user.email}}",
            "/relative/{{user.email}}",
        ] {
            assert_eq!(fill_address(template, &sly), None, "{template}");
            assert!(check_address(template).is_err(), "{template}");
        }
        for template in [
            "https://forms.example.com/{{company.id}}",
            "https://forms.example.com?e={{user.email}}",
            "http://intranet:8080#{{user.email}}",
        ] {
            assert_eq!(check_address(template), Ok(()), "{template}");
        }
    }
}
