//! The closed sets of statuses and priorities (tickets 3).

use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// New or waiting for a technician.
    Open,
    /// Being worked on.
    InProgress,
    /// Waiting on customer, vendor or parts.
    Pending,
    /// Fixed; a requester's reply reopens it.
    Resolved,
    /// Done.
    Closed,
}

impl Status {
    /// In the order of a ticket's life.
    pub const ALL: [Self; 5] = [Self::Open, Self::InProgress, Self::Pending, Self::Resolved, Self::Closed];
    /// Somebody still has to do something.
    pub const UNDONE: [Self; 3] = [Self::Open, Self::InProgress, Self::Pending];
    /// Nobody has to.
    pub const DONE: [Self; 2] = [Self::Resolved, Self::Closed];

    /// As stored and as programs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Pending => "pending",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::InProgress => "In progress",
            Self::Pending => "Pending",
            Self::Resolved => "Resolved",
            Self::Closed => "Closed",
        }
    }

    /// What a requester is told.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Open => "We have your request",
            Self::InProgress => "We are working on it",
            Self::Pending => "We are waiting for an answer or for parts",
            Self::Resolved => "We think this is solved",
            Self::Closed => "This is done",
        }
    }

    /// Reads what was sent.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().to_lowercase();
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or("Choose open, in_progress, pending, resolved or closed")
    }

    /// Reads what is stored.
    pub fn stored(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Open)
    }

    /// Resolved or closed.
    pub fn is_done(self) -> bool {
        Self::DONE.contains(&self)
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Priority {
    /// Work stands still.
    Urgent,
    /// Before others.
    High,
    /// In turn.
    Normal,
    /// When there is time.
    Low,
}

impl Priority {
    /// From high to low.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// As stored and as programs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Urgent => "Urgent",
            Self::High => "High",
            Self::Normal => "Normal",
            Self::Low => "Low",
        }
    }

    /// What lists sort by.
    pub fn order(self) -> i64 {
        match self {
            Self::Urgent => 3,
            Self::High => 2,
            Self::Normal => 1,
            Self::Low => 0,
        }
    }

    /// Reads what was sent.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().to_lowercase();
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or("Choose urgent, high, normal or low")
    }

    /// Reads what is stored.
    pub fn stored(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sets_are_closed_and_input_is_trimmed_and_lower_cased() {
        assert_eq!(Status::parse("  In_Progress\n"), Ok(Status::InProgress));
        assert_eq!(Priority::parse("URGENT"), Ok(Priority::Urgent));
        for bad in ["", "done", "open ; drop", "in progress", "öpen"] {
            assert!(Status::parse(bad).is_err() && Priority::parse(bad).is_err(), "{bad}");
        }
        for status in Status::ALL {
            assert_eq!(Status::stored(status.as_str()), status);
        }
    }

    #[test]
    fn priorities_sort_by_rank() {
        assert_eq!(Priority::ALL.map(Priority::order), [3, 2, 1, 0]);
    }
}
