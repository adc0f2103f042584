//! One setting of a module: how it is typed in, checked and kept.

use serde_json::{Value, json};
use url::Url;

use crate::accounts::users;
use crate::config::Config;

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line of at most so many characters.
    Text(usize),
    /// Several lines of at most so many characters.
    LongText(usize),
    /// An http or https address without a trailing slash.
    Address,
    /// The same with https; http only for hosts of `OUTBOUND_ALLOW_PRIVATE_HOSTS`.
    HttpsAddress,
    /// A whole number between two bounds.
    Whole(i64, i64),
    /// Yes or no.
    Switch,
    /// An email address, or `Name <address>`, or nothing.
    Mailbox,
    /// Email addresses.
    Mails,
    /// A topic of ntfy.
    Topic,
    /// Some of these values, each with its label; none is a choice too.
    Choices(&'static [(&'static str, &'static str)]),
    /// The id of a person, or nothing.
    Person,
    /// Ids of companies.
    Companies,
    /// Origins of browsers.
    Origins,
    /// A country's calling code without the plus.
    CallingCode,
    /// A secret of at least so many characters, kept as its SHA-256.
    Hashed(usize),
}

/// One setting of a module.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As stored and as the API names it.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What holds until somebody says otherwise, as it would be typed in.
    pub default: &'static str,
    /// The variable of the environment that comes before the default; empty for none.
    pub variable: &'static str,
    /// One sentence below the field; empty for none.
    pub help: &'static str,
    /// Write-only, sealed at rest.
    pub is_secret: bool,
    /// The module cannot be on without it.
    pub is_required: bool,
}

impl Field {
    pub(super) const fn new(key: &'static str, label: &'static str, kind: Kind) -> Self {
        let (default, variable, help) = ("", "", "");
        Self { key, label, kind, default, variable, help, is_secret: false, is_required: false }
    }

    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    pub(super) const fn from(mut self, variable: &'static str) -> Self {
        self.variable = variable;
        self
    }

    pub(super) const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// What holds until somebody says otherwise: the environment, then the default. A variable that cannot
    /// be read counts as unset.
    pub fn fallback(&self, config: &Config) -> Value {
        let given = config.module_defaults.get(self.variable).map(|text| json!(text));
        given
            .and_then(|text| self.read(&text, config).ok())
            .or_else(|| self.read(&json!(self.default), config).ok())
            .unwrap_or_default()
    }

    /// Reads a value from JSON or from a form, where everything is text.
    pub fn read(&self, value: &Value, config: &Config) -> Result<Value, String> {
        match self.kind {
            Kind::Text(max) => line(value, max).map(Value::from),
            Kind::LongText(max) => long_text(value, max).map(Value::from),
            Kind::Address => address(value).map(Value::from),
            Kind::HttpsAddress => https_address(value, config).map(Value::from),
            Kind::Whole(min, max) => whole(value, min, max).map(Value::from),
            Kind::Switch => switch(value).map(Value::from),
            Kind::Mailbox => mailbox(value).map(Value::from),
            Kind::Mails => each(value, 50, |text| users::parse_email(text).map_err(str::to_owned)),
            Kind::Topic => topic(value).map(Value::from),
            Kind::Choices(all) => each(value, all.len(), |text| choice(text, all)),
            Kind::Person => person(value),
            Kind::Companies => companies(value),
            Kind::Origins => each(value, 20, origin),
            Kind::CallingCode => calling_code(value).map(Value::from),
            Kind::Hashed(min) => hashed(value, min).map(Value::from),
        }
    }
}

/// Whether a value says nothing.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text.trim()),
        _ => Err("Enter a text".to_owned()),
    }
}

fn line(value: &Value, max: usize) -> Result<String, String> {
    let text = text(value)?;
    if text.chars().any(char::is_control) {
        return Err("Leave out line breaks".to_owned());
    }
    if text.chars().count() > max { Err(format!("Use at most {max} characters")) } else { Ok(text.to_owned()) }
}

fn long_text(value: &Value, max: usize) -> Result<String, String> {
    let text = text(value)?.replace("\r\n", "\n");
    if text.chars().count() > max { Err(format!("Use at most {max} characters")) } else { Ok(text) }
}

fn parsed(value: &Value) -> Result<Option<Url>, String> {
    let text = line(value, 500)?;
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("Enter an address that begins with https:// or http://")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave out the user name and password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("Leave out what follows ? or #".to_owned());
    }
    Ok(Some(url))
}

fn plain(url: Option<Url>) -> String {
    url.map(|url| url.as_str().trim_end_matches('/').to_owned()).unwrap_or_default()
}

fn address(value: &Value) -> Result<String, String> {
    parsed(value).map(plain)
}

fn https_address(value: &Value, config: &Config) -> Result<String, String> {
    let url = parsed(value)?;
    if url.as_ref().is_some_and(|url| url.scheme() != "https" && !config.outbound_exceptions.name(url)) {
        return Err("Enter an address that begins with https://".to_owned());
    }
    Ok(plain(url))
}

fn whole(value: &Value, min: i64, max: i64) -> Result<i64, String> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("Enter a whole number from {min} to {max}"))
}

fn switch(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(is_on) => Ok(*is_on),
        Value::Null => Ok(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "1" | "yes" => Ok(true),
            "false" | "off" | "0" | "no" | "" => Ok(false),
            _ => Err("Enter true or false".to_owned()),
        },
        _ => Err("Enter true or false".to_owned()),
    }
}

fn mailbox(value: &Value) -> Result<String, String> {
    let text = line(value, 320)?;
    let Some((name, rest)) = text.split_once('<') else {
        return if text.is_empty() { Ok(text) } else { users::parse_email(&text).map_err(str::to_owned) };
    };
    let email = rest.strip_suffix('>').ok_or("Write it as Name <name@example.com>")?;
    Ok(format!("{} <{}>", name.trim(), users::parse_email(email)?))
}

/// A list, or text with commas, semicolons, spaces or lines between.
fn entries(value: &Value) -> Result<Vec<&str>, String> {
    let cut = |text| str::split(text, |c: char| c == ',' || c == ';' || c.is_whitespace());
    let entries: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => cut(text).collect(),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.ok_or("Enter a list of texts")?
        }
        _ => return Err("Enter a list".to_owned()),
    };
    Ok(entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()).collect())
}

fn each(value: &Value, max: usize, read: impl Fn(&str) -> Result<String, String>) -> Result<Value, String> {
    let mut list: Vec<String> = Vec::new();
    for entry in entries(value)? {
        let entry = read(entry)?;
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
    if list.len() > max { Err(format!("Enter at most {max}")) } else { Ok(json!(list)) }
}

fn choice(text: &str, all: &[(&str, &str)]) -> Result<String, String> {
    let known = all.iter().find(|(value, _)| *value == text);
    known.map(|(value, _)| (*value).to_owned()).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(value, _)| *value).collect();
        format!("Choose among {}", names.join(", "))
    })
}

fn topic(value: &Value) -> Result<String, String> {
    let text = line(value, 64)?;
    let is_good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_good { Ok(text) } else { Err("Use letters, digits, - and _ only".to_owned()) }
}

fn person(value: &Value) -> Result<Value, String> {
    if is_blank(value) {
        return Ok(Value::Null);
    }
    whole(value, 1, i64::MAX).map(Value::from).map_err(|_| "Choose a person".to_owned())
}

fn companies(value: &Value) -> Result<Value, String> {
    let wrong = || "Choose companies".to_owned();
    let ids: Vec<i64> = match value {
        Value::Array(list) => {
            let ids: Result<Vec<i64>, String> = list.iter().map(|id| whole(id, 1, i64::MAX)).collect();
            ids.map_err(|_| wrong())?
        }
        other => {
            let ids: Result<Vec<i64>, _> = entries(other)?.into_iter().map(str::parse).collect();
            ids.map_err(|_| wrong())?
        }
    };
    if ids.len() > 200 || ids.iter().any(|id| *id < 1) { Err(wrong()) } else { Ok(json!(ids)) }
}

fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.filter(|url| url.path() == "/" && url.query().is_none());
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| "Enter origins such as https://chatgpt.com".to_owned())
}

fn calling_code(value: &Value) -> Result<String, String> {
    let text = line(value, 5)?;
    let digits = text.trim_start_matches('+');
    let is_good = digits.len() <= 3 && digits.chars().all(|c| c.is_ascii_digit()) && !digits.starts_with('0');
    if is_good { Ok(digits.to_owned()) } else { Err("Enter a calling code such as 44".to_owned()) }
}

fn hashed(value: &Value, min: usize) -> Result<String, String> {
    let text = line(value, 512)?;
    if text.is_empty() {
        return Ok(text);
    }
    if text.chars().count() < min {
        return Err(format!("Use at least {min} characters"));
    }
    Ok(crate::tokens::sha256_hex(text.as_bytes()))
}
