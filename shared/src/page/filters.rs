//! Filters of the templates.

use chrono::{DateTime, Utc};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, ErrorKind, Value};

use super::text::{escape, lines};
use crate::format;

/// An error of the template's author.
pub(super) fn unknown(text: &str) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, text.to_owned())
}

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("attrs", attrs);
    environment.add_filter("iso", |at: &str| at.to_owned());
    environment.add_filter("when", |at: &str, zone: &str| time(at).map(|t| format::date_time(t, format::zone(zone))));
    environment.add_filter("day", |at: &str, zone: &str| time(at).map(|t| format::day(t, format::zone(zone))));
    environment.add_filter("ago", |at: &str, now: &str, kwargs: Kwargs| {
        let zone: Option<&str> = kwargs.get("zone")?;
        Ok::<_, minijinja::Error>(format::ago(time(at)?, time(now)?, format::zone(zone.unwrap_or("UTC"))))
    });
    environment.add_filter("filesize", format::file_size);
    environment.add_filter("lines", |text: &str| Value::from_safe_string(lines(text)));
    environment.add_filter("initials", format::initials);
    environment.add_filter("hue", |id: i64| id.rem_euclid(7));
    environment.add_filter("plural", |count: i64, noun: &str| format::plural(count, noun));
    environment.add_filter("grouped", format::grouped);
    environment.add_filter("urlquote", crate::context::encode_component);
}

fn time(text: &str) -> Result<DateTime<Utc>, minijinja::Error> {
    text.parse().map_err(|_| unknown(&format!("not a time: {text}")))
}

/// A map as HTML attributes: true stands bare, none and false are left out. Names that could run
/// script or carry style are refused (interface 5).
fn attrs(map: &Value) -> Result<Value, minijinja::Error> {
    let mut out = String::new();
    if map.kind() != ValueKind::Map {
        return Ok(Value::from_safe_string(out));
    }
    for name in map.try_iter()? {
        let (value, name) = (map.get_item(&name)?, name.to_string());
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_'));
        if name.starts_with("on") || name == "style" || !is_plain {
            return Err(unknown(&format!("attribute {name} is refused")));
        }
        if value.is_none() || value.is_undefined() || value == Value::from(false) {
            continue;
        }
        out.push(' ');
        out.push_str(&name);
        if value != Value::from(true) {
            out.push_str("=\"");
            out.push_str(&escape(&value.to_string()));
            out.push('"');
        }
    }
    Ok(Value::from_safe_string(out))
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use crate::page::templates::environment;

    #[test]
    fn attributes_that_run_script_are_refused() {
        let environment = environment(None);
        let render = |text: &str| environment.render_str(text, context! {});
        assert_eq!(render("{{ {'a': 'x\"y', 'b': true, 'c': none}|attrs }}").unwrap(), " a=\"x&quot;y\" b");
        assert!(render("{{ {'onclick': 'x'}|attrs }}").is_err());
        assert!(render("{{ {'style': 'x'}|attrs }}").is_err());
    }
}
