//! What selects offer.

use serde::Serialize;

use crate::model::{Priority, Status};
use crate::store::Choice;

/// One option of a select.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opt {
    value: String,
    label: String,
}

impl Opt {
    /// An option.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }

    /// What is sent.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is read.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// Every status.
pub fn statuses() -> Vec<Opt> {
    Status::ALL.iter().map(|s| Opt::new(s.as_str(), s.label())).collect()
}

/// Every priority.
pub fn priorities() -> Vec<Opt> {
    Priority::ALL.iter().map(|p| Opt::new(p.as_str(), p.label())).collect()
}

/// People or companies; the one in use is always among them.
pub fn options(choices: &[Choice], current: Option<(i64, Option<String>)>) -> Vec<Opt> {
    let mut all: Vec<Opt> = choices.iter().map(|c| Opt::new(c.id.to_string(), &c.name)).collect();
    if let Some((id, name)) = current
        && !choices.iter().any(|c| c.id == id)
    {
        all.insert(0, Opt::new(id.to_string(), name.unwrap_or_else(|| format!("#{id}"))));
    }
    all
}

/// Tags in use; those asked for are always among them.
pub fn tags(in_use: &[String], asked: &[String]) -> Vec<Opt> {
    let mut all: Vec<&String> = in_use.iter().chain(asked).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|tag| Opt::new(tag, tag)).collect()
}

/// People with their addresses, where names may be alike.
pub fn people(choices: &[Choice]) -> Vec<Opt> {
    let label = |c: &Choice| match &c.email {
        Some(email) if *email != c.name => format!("{} ({email})", c.name),
        _ => c.name.clone(),
    };
    choices.iter().map(|c| Opt::new(c.id.to_string(), label(c))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_in_use_is_always_offered() {
        let choices = [Choice { id: 4, name: "Ana".to_owned(), email: Some("ana@example.com".to_owned()) }];
        assert_eq!(options(&choices, Some((4, None))), [Opt::new("4", "Ana")]);
        assert_eq!(options(&choices, Some((9, Some("Ben".to_owned()))))[0], Opt::new("9", "Ben"));
        assert_eq!(people(&choices), [Opt::new("4", "Ana (ana@example.com)")]);
    }
}
