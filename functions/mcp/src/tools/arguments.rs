//! Arguments of a tool: both spellings of a name, and one sentence about what is wrong.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Fault;

/// Spellings that are taken beside ours.
const OTHER_SPELLINGS: [(&str, &str); 6] = [
    ("ticketId", "ticket_id"),
    ("companyId", "company_id"),
    ("assignedUserId", "assigned_user_id"),
    ("moduleSlug", "module_slug"),
    ("isInternal", "is_internal"),
    ("authorId", "author_id"),
];

/// What was sent, under our names.
#[derive(Debug, Default)]
pub struct Arguments {
    known: Map<String, Value>,
    /// Names that the tool does not know.
    pub ignored: Vec<String>,
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Arguments(text.into()))
}

impl Arguments {
    /// Reads the arguments of a tool with these names.
    pub fn read(names: &[&str], sent: Option<&Value>) -> Result<Self, Fault> {
        let sent = match sent {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(map)) => map,
            Some(_) => return wrong("Send the arguments as an object"),
        };
        let mut read = Self::default();
        for (name, value) in sent {
            let ours = OTHER_SPELLINGS.iter().find(|(other, _)| other == name).map_or(name.as_str(), |(_, ours)| ours);
            if !names.contains(&ours) {
                read.ignored.push(name.clone());
                continue;
            }
            if read.known.get(ours).is_some_and(|first| first != value) {
                return wrong(format!("{ours} was sent twice with different values"));
            }
            read.known.insert(ours.to_owned(), value.clone());
        }
        Ok(read)
    }

    /// True when the name was sent, also as null.
    pub fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// The value that was sent; null is none.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.known.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most so many characters; blank is none.
    pub fn text(&self, name: &str, most: usize) -> Result<Option<String>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Some(text) = value.as_str() else { return wrong(format!("Send {name} as text")) };
        if text.contains('\0') {
            return wrong(format!("Remove the character from {name} that cannot be shown"));
        }
        let text = text.trim();
        if text.chars().count() > most {
            return wrong(format!("Send at most {most} characters as {name}"));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A whole number in a range.
    pub fn whole(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        // Some clients write every number with a point.
        let number = value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).and_then(whole));
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => wrong(format!("Send {name} as a whole number of {} or more", range.start())),
        }
    }

    /// The id of a row.
    pub fn id(&self, name: &str) -> Result<Option<i64>, Fault> {
        self.whole(name, 1..=i64::MAX)
    }

    /// The id of a row that must be there.
    pub fn needed_id(&self, name: &str) -> Result<i64, Fault> {
        match self.id(name)? {
            Some(id) => Ok(id),
            None => wrong(format!("Send {name}: a whole number of 1 or more")),
        }
    }

    /// True or false; false when absent.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => wrong(format!("Send {name} as true or false")),
        }
    }

    /// A word that a parser knows.
    pub fn word<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, &'static str>) -> Result<Option<T>, Fault> {
        match self.text(name, 64)? {
            None => Ok(None),
            Some(text) => parse(&text).map(Some).map_err(|what| Fault::Arguments(format!("{what} as {name}"))),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers that a float holds exactly come here")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<Arguments, Fault> {
        Arguments::read(&["ticket_id", "is_internal", "body"], Some(value))
    }

    #[test]
    fn both_spellings_are_one_name_and_the_rest_is_noted() {
        let arguments = read(&json!({"ticketId": 4, "isInternal": true, "colour": "red"})).unwrap();
        assert_eq!(arguments.needed_id("ticket_id").unwrap(), 4);
        assert!(arguments.flag("is_internal").unwrap());
        assert_eq!(arguments.ignored, ["colour"]);
        assert!(read(&json!({"ticketId": 4, "ticket_id": 4})).is_ok());
        assert!(matches!(read(&json!({"ticketId": 4, "ticket_id": 5})), Err(Fault::Arguments(_))));
        assert!(matches!(read(&json!([])), Err(Fault::Arguments(_))));
    }

    #[test]
    fn numbers_flags_and_texts_are_what_they_say() {
        for bad in [json!("4"), json!(0), json!(-1), json!(1.5), json!(true), json!(1e300)] {
            assert!(read(&json!({ "ticket_id": bad })).unwrap().needed_id("ticket_id").is_err(), "{bad}");
        }
        assert_eq!(read(&json!({"ticket_id": 4.0})).unwrap().needed_id("ticket_id").unwrap(), 4);
        assert!(read(&json!({"is_internal": "yes"})).unwrap().flag("is_internal").is_err());
        assert_eq!(read(&json!({"body": "  "})).unwrap().text("body", 5).unwrap(), None);
        for bad in [json!("123456"), json!(1), json!("a\0")] {
            assert!(read(&json!({ "body": bad })).unwrap().text("body", 5).is_err(), "{bad}");
        }
    }
}
