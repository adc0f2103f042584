//! One change to many tickets (tickets 4.7).

use super::{Priority, Status, category, tag};

/// What is done to each of the tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bulk {
    /// Where they stand from now on.
    Status(Status),
    /// How much they matter.
    Priority(Priority),
    /// Who works on them.
    Assign(Option<i64>),
    /// Free text, or none.
    Category(Option<String>),
    /// Puts a tag on.
    Tag(String),
    /// Takes a tag off.
    Untag(String),
    /// Super administrators only.
    Delete,
}

impl Bulk {
    /// Reads an action and its value.
    pub fn parse(action: &str, value: Option<&str>, me: Option<i64>) -> Result<Self, (&'static str, &'static str)> {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        let wrong = |text| ("value", text);
        match action.trim() {
            "status" => Status::parse(value.unwrap_or_default()).map(Self::Status).map_err(wrong),
            "priority" => Priority::parse(value.unwrap_or_default()).map(Self::Priority).map_err(wrong),
            "assign" => match value {
                None | Some("none") => Ok(Self::Assign(None)),
                Some("me") if me.is_some() => Ok(Self::Assign(me)),
                Some(id) => {
                    let id = id.parse().ok().filter(|id| *id >= 1);
                    id.map(|id| Self::Assign(Some(id))).ok_or(wrong("Enter me, none or an ID"))
                }
            },
            "category" => category(value).map(Self::Category).map_err(wrong),
            "tag" => tag(value.unwrap_or_default()).map(Self::Tag).map_err(wrong),
            "untag" => tag(value.unwrap_or_default()).map(Self::Untag).map_err(wrong),
            "delete" => Ok(Self::Delete),
            _ => Err(("action", "Choose status, priority, assign, category, tag, untag or delete")),
        }
    }
}

/// What became of one of the tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The ticket.
    pub id: i64,
    /// Why nothing changed; none when it did.
    pub problem: Option<&'static str>,
}

/// The outcome in one sentence: "47 changed, 3 left alone: already so (2), not found (1)".
pub fn told(verb: &str, fates: &[Fate]) -> String {
    let changed = fates.iter().filter(|fate| fate.problem.is_none()).count();
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for reason in fates.iter().filter_map(|fate| fate.problem) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    if reasons.is_empty() {
        return format!("{changed} {verb}");
    }
    let left = fates.len() - changed;
    let reasons: Vec<String> = reasons.iter().map(|(text, count)| format!("{text} ({count})")).collect();
    format!("{changed} {verb}, {left} left alone: {}", reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_with_their_values() {
        assert_eq!(Bulk::parse("status", Some("Resolved"), None), Ok(Bulk::Status(Status::Resolved)));
        assert_eq!(Bulk::parse("assign", Some("me"), Some(4)), Ok(Bulk::Assign(Some(4))));
        assert_eq!(Bulk::parse("assign", Some(""), None), Ok(Bulk::Assign(None)));
        assert_eq!(Bulk::parse("category", Some(" "), None), Ok(Bulk::Category(None)));
        assert_eq!(Bulk::parse("tag", Some("Paper Jam"), None), Ok(Bulk::Tag("paper-jam".to_owned())));
        assert_eq!(Bulk::parse("untag", Some("vip"), None), Ok(Bulk::Untag("vip".to_owned())));
        for (action, value) in
            [("status", "done"), ("tag", "!"), ("untag", ""), ("priority", ""), ("assign", "you"), ("assign", "-1")]
        {
            assert_eq!(Bulk::parse(action, Some(value), Some(4)).unwrap_err().0, "value", "{action}");
        }
        assert_eq!(Bulk::parse("merge", None, None).unwrap_err().0, "action");
    }

    #[test]
    fn the_outcome_is_told_with_reasons() {
        let fate = |id, problem| Fate { id, problem };
        assert_eq!(told("changed", &[fate(1, None), fate(2, None)]), "2 changed");
        let mixed =
            [fate(1, None), fate(2, Some("not found")), fate(3, Some("already so")), fate(4, Some("already so"))];
        assert_eq!(told("changed", &mixed), "1 changed, 3 left alone: not found (1), already so (2)");
    }
}
