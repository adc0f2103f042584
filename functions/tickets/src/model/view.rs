//! How the desk looks at its list: columns, and views that are kept under a name.

use shared::error::{Error, Invalid};

/// A column of the desk's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The number, always there.
    Id,
    /// With company and requester below it, always there.
    Subject,
    /// Where the ticket stands.
    Status,
    /// How much it matters.
    Priority,
    /// Whom it is for.
    Company,
    /// Who asks.
    Requester,
    /// Who works on it.
    Assignee,
    /// Words to find it by.
    Tags,
    /// Free text.
    Category,
    /// When and by whom.
    LastReply,
    /// When it was raised.
    Created,
    /// When it last changed.
    Updated,
}

impl Column {
    /// Every column, in the order in which they are offered.
    pub const ALL: [Self; 12] = [
        Self::Id,
        Self::Subject,
        Self::Status,
        Self::Priority,
        Self::Company,
        Self::Requester,
        Self::Assignee,
        Self::Tags,
        Self::Category,
        Self::LastReply,
        Self::Created,
        Self::Updated,
    ];

    /// What somebody sees who has chosen nothing.
    pub const USUAL: [Self; 6] = [Self::Id, Self::Subject, Self::Status, Self::Priority, Self::Assignee, Self::Updated];

    /// As stored and sent; sortable columns go by the name of their sort.
    pub fn key(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Subject => "subject",
            Self::Status => "status",
            Self::Priority => "priority",
            Self::Company => "company",
            Self::Requester => "requester",
            Self::Assignee => "assignee",
            Self::Tags => "tags",
            Self::Category => "category",
            Self::LastReply => "last_reply",
            Self::Created => "created_at",
            Self::Updated => "updated_at",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Id => "No.",
            Self::Subject => "Subject",
            Self::Status => "Status",
            Self::Priority => "Priority",
            Self::Company => "Company",
            Self::Requester => "Requester",
            Self::Assignee => "Assignee",
            Self::Tags => "Tags",
            Self::Category => "Category",
            Self::LastReply => "Last reply",
            Self::Created => "Opened",
            Self::Updated => "Updated",
        }
    }

    /// Cannot be hidden.
    pub fn is_fixed(self) -> bool {
        matches!(self, Self::Id | Self::Subject)
    }

    /// The list can be sorted by it.
    pub fn is_sortable(self) -> bool {
        matches!(self, Self::Id | Self::Status | Self::Priority | Self::Created | Self::Updated)
    }

    fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.key() == key.trim())
    }

    /// Reads columns in their order; number and subject come first where they are missing, what is
    /// unknown is left out.
    pub fn list<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut columns: Vec<Self> = Vec::new();
        for column in keys.into_iter().filter_map(Self::parse) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        for (index, fixed) in [Self::Id, Self::Subject].into_iter().enumerate() {
            if !columns.contains(&fixed) {
                columns.insert(index.min(columns.len()), fixed);
            }
        }
        columns
    }

    /// Columns as one text: `id,subject,status`.
    pub fn join(columns: &[Self]) -> String {
        columns.iter().map(|column| column.key()).collect::<Vec<_>>().join(",")
    }

    /// Puts a column one place nearer to the beginning or to the end.
    pub fn shift(columns: &mut [Self], key: &str, is_up: bool) {
        let Some(at) = columns.iter().position(|column| column.key() == key) else { return };
        let to = if is_up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < columns.len()) };
        if let Some(to) = to {
            columns.swap(at, to);
        }
    }
}

/// A view that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// 1 to 60 characters.
    pub name: String,
    /// What narrows and sorts the list, as in its address: `status=open&sort=-priority`.
    pub query: String,
    /// The columns it shows; none for those that each person has chosen.
    pub columns: Option<Vec<Column>>,
    /// Everybody at the desk uses it and may change it.
    pub is_shared: bool,
}

impl NewView {
    /// Reads what was typed; the address was read before.
    pub fn parse(name: &str, query: &str, columns: Option<Vec<Column>>, is_shared: bool) -> Result<Self, Error> {
        let mut bad = Invalid::none();
        let name = bad.check("name", view_name(name));
        if query.chars().count() > 1000 {
            bad.add("query", "This list is narrowed by too much to be saved");
        }
        bad.finish()?;
        Ok(Self { name: name.unwrap_or_default(), query: query.to_owned(), columns, is_shared })
    }
}

/// Reads the name of a view.
fn view_name(text: &str) -> Result<String, &'static str> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0 => Err("Enter a name for the view"),
        1..=60 => Ok(name),
        _ => Err("Use at most 60 characters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_subject_are_always_there() {
        let list = |text: &str| Column::join(&Column::list(text.split(',')));
        assert_eq!(list("status,updated_at"), "id,subject,status,updated_at");
        assert_eq!(list(""), "id,subject");
        assert_eq!(list("subject,x,tags,id,tags"), "subject,tags,id");
        for column in Column::ALL {
            assert_eq!(Column::parse(column.key()), Some(column));
        }
    }

    #[test]
    fn columns_change_places_with_their_neighbours() {
        let mut columns = Column::USUAL.to_vec();
        Column::shift(&mut columns, "status", true);
        assert_eq!(Column::join(&columns), "id,status,subject,priority,assignee,updated_at");
        Column::shift(&mut columns, "updated_at", false);
        Column::shift(&mut columns, "id", true);
        Column::shift(&mut columns, "nothing", true);
        assert_eq!(Column::join(&columns), "id,status,subject,priority,assignee,updated_at");
    }

    #[test]
    fn views_have_a_name_and_an_address_of_bearable_length() {
        assert_eq!(NewView::parse("  Very  important ", "tag=vip", None, true).unwrap().name, "Very important");
        for bad in ["", " ", &"x".repeat(61)] {
            assert!(NewView::parse(bad, "", None, false).is_err());
        }
        assert!(NewView::parse("x", &"q".repeat(1001), None, false).is_err());
    }
}
