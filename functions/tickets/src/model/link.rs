//! How two tickets belong together, and how merging, splitting and linking are told.

use serde_json::{Map, Value};

/// A link as it is seen from one of its tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They have to do with each other.
    Relates,
    /// The other one asks the same and is the one worked on.
    DuplicateOf,
    /// The other one asks the same.
    DuplicatedBy,
    /// The other one waits for this one.
    Blocks,
    /// This one waits for the other one.
    BlockedBy,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 5] = [Self::Relates, Self::DuplicateOf, Self::DuplicatedBy, Self::Blocks, Self::BlockedBy];

    /// As sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relates => "relates",
            Self::DuplicateOf => "duplicate_of",
            Self::DuplicatedBy => "duplicated_by",
            Self::Blocks => "blocks",
            Self::BlockedBy => "blocked_by",
        }
    }

    /// As people read it in front of the other ticket.
    pub fn label(self) -> &'static str {
        match self {
            Self::Relates => "Related to",
            Self::DuplicateOf => "Duplicate of",
            Self::DuplicatedBy => "Duplicated by",
            Self::Blocks => "Blocks",
            Self::BlockedBy => "Blocked by",
        }
    }

    /// Reads what was sent.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|relation| relation.as_str() == text)
            .ok_or("Choose relates, duplicate_of, duplicated_by, blocks or blocked_by")
    }

    /// From the other end.
    pub fn turned(self) -> Self {
        match self {
            Self::Relates => Self::Relates,
            Self::DuplicateOf => Self::DuplicatedBy,
            Self::DuplicatedBy => Self::DuplicateOf,
            Self::Blocks => Self::BlockedBy,
            Self::BlockedBy => Self::Blocks,
        }
    }

    /// As stored: from which ticket, to which, and of which kind.
    pub fn stored(self, ticket_id: i64, other_id: i64) -> (i64, i64, &'static str) {
        match self {
            Self::Relates => (ticket_id.min(other_id), ticket_id.max(other_id), self.as_str()),
            Self::DuplicateOf | Self::Blocks => (ticket_id, other_id, self.as_str()),
            Self::DuplicatedBy | Self::BlockedBy => (other_id, ticket_id, self.turned().as_str()),
        }
    }
}

/// A change of this family as a sentence without its subject; none when it is of another.
pub(super) fn told_link(kind: &str, changes: &Map<String, Value>) -> Option<String> {
    let number = |name: &str| changes.get(name).and_then(|c| c.get(1)).and_then(Value::as_i64).unwrap_or_default();
    let relation = || {
        let word = changes.get("relation").and_then(|c| c.get(1)).and_then(Value::as_str).unwrap_or_default();
        Relation::parse(word).unwrap_or(Relation::Relates).label().to_lowercase()
    };
    let other = number("other_id");
    Some(match kind {
        "merged" => format!("merged this ticket into #{other}"),
        "merged_here" => format!("merged #{other} into this ticket"),
        "unmerged" => format!("took this ticket out of #{other} again"),
        "unmerged_here" => format!("took #{other} out of this ticket again"),
        "split" => format!("made a reply into ticket #{other}"),
        "split_from" => format!("made this ticket from a reply of #{other}"),
        "linked" => format!("linked it: {} #{other}", relation()),
        "unlinked" => format!("removed the link: {} #{other}", relation()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_link_is_stored_once_whichever_end_it_is_made_from() {
        for relation in Relation::ALL {
            assert_eq!(relation.stored(7, 3), relation.turned().stored(3, 7), "{relation:?}");
            assert_eq!(relation.turned().turned(), relation);
            assert_eq!(Relation::parse(relation.as_str()), Ok(relation));
        }
        assert_eq!(Relation::Relates.stored(7, 3), (3, 7, "relates"));
        assert_eq!(Relation::BlockedBy.stored(7, 3), (3, 7, "blocks"));
        assert!(Relation::parse("parent").is_err());
    }

    #[test]
    fn links_are_told_as_words() {
        let told = |kind, value: Value| told_link(kind, value.as_object().unwrap());
        assert_eq!(told("merged", json!({"other_id": [null, 4]})).unwrap(), "merged this ticket into #4");
        let link = json!({"other_id": [null, 4], "relation": [null, "blocked_by"]});
        assert_eq!(told("linked", link).unwrap(), "linked it: blocked by #4");
        assert_eq!(told("created", json!({})), None);
    }
}
