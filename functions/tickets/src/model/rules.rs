//! What follows from what (tickets 3): closing times, reopening, the fourteen days.

use chrono::{DateTime, TimeDelta, Utc};

use super::Status;

/// A closed ticket is reopened by its requester within this time; after it a follow-up is raised.
const REOPENS_WITHIN: TimeDelta = TimeDelta::days(14);

/// Who replied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who asked.
    Requester,
    /// Who answers.
    Technician,
}

impl Side {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Technician => "technician",
        }
    }
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Where the ticket stands.
    pub status: Status,
    /// Since when it is done.
    pub closed_at: Option<DateTime<Utc>>,
}

/// The ticket was closed too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLate;

impl State {
    fn is_too_old(self, now: DateTime<Utc>) -> bool {
        self.status == Status::Closed && self.closed_at.is_some_and(|at| now - at > REOPENS_WITHIN)
    }
}

/// The status after a reply, if it changes. An asked status wins over what follows by itself.
pub fn after_reply(
    state: State,
    side: Side,
    is_internal: bool,
    asked: Option<Status>,
    now: DateTime<Utc>,
) -> Result<Option<Status>, TooLate> {
    let wakes = side == Side::Requester && !is_internal;
    if wakes && asked.is_none() && state.is_too_old(now) {
        return Err(TooLate);
    }
    let reopens = wakes && matches!(state.status, Status::Pending | Status::Resolved | Status::Closed);
    let next = asked.or(reopens.then_some(Status::Open));
    Ok(next.filter(|next| *next != state.status))
}

/// The closing time after a change of status: kept while done, cleared on leaving.
pub fn closed_at(before: Option<DateTime<Utc>>, next: Status, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if next.is_done() { before.or(Some(now)) } else { None }
}

/// Whether there is something to close.
pub fn may_close(state: State) -> bool {
    state.status != Status::Closed
}

/// Whether it may be reopened; the desk always may.
pub fn may_reopen(state: State, is_desk: bool, now: DateTime<Utc>) -> Result<bool, TooLate> {
    if !is_desk && state.is_too_old(now) {
        return Err(TooLate);
    }
    Ok(state.status.is_done())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_425_120, 0).unwrap() + TimeDelta::days(days)
    }

    fn state(status: Status) -> State {
        State { status, closed_at: status.is_done().then(|| at(0)) }
    }

    #[test]
    fn a_requesters_reply_reopens_what_waits_or_is_done() {
        for (status, next) in [
            (Status::Open, None),
            (Status::InProgress, None),
            (Status::Pending, Some(Status::Open)),
            (Status::Resolved, Some(Status::Open)),
            (Status::Closed, Some(Status::Open)),
        ] {
            assert_eq!(after_reply(state(status), Side::Requester, false, None, at(1)), Ok(next), "{status:?}");
            assert_eq!(after_reply(state(status), Side::Technician, false, None, at(1)), Ok(None), "{status:?}");
            assert_eq!(after_reply(state(status), Side::Requester, true, None, at(1)), Ok(None), "{status:?}");
        }
    }

    #[test]
    fn fourteen_days_after_closing_a_follow_up_is_needed() {
        let reply = |status, day| after_reply(state(status), Side::Requester, false, None, at(day));
        assert_eq!(reply(Status::Closed, 14), Ok(Some(Status::Open)));
        assert_eq!(reply(Status::Closed, 15), Err(TooLate));
        assert_eq!(reply(Status::Resolved, 400), Ok(Some(Status::Open)));
        assert_eq!(after_reply(state(Status::Closed), Side::Technician, false, None, at(15)), Ok(None));
        assert_eq!(may_reopen(state(Status::Closed), false, at(15)), Err(TooLate));
        assert_eq!(may_reopen(state(Status::Closed), true, at(15)), Ok(true));
        assert_eq!(may_reopen(state(Status::Open), true, at(15)), Ok(false));
    }

    #[test]
    fn an_asked_status_wins() {
        let asked = Some(Status::Resolved);
        assert_eq!(after_reply(state(Status::Pending), Side::Technician, false, asked, at(1)), Ok(asked));
        assert_eq!(after_reply(state(Status::Resolved), Side::Technician, true, asked, at(1)), Ok(None));
        assert_eq!(after_reply(state(Status::Pending), Side::Requester, false, asked, at(1)), Ok(asked));
    }

    #[test]
    fn the_closing_time_is_set_once_and_cleared_on_leaving() {
        assert_eq!(closed_at(None, Status::Resolved, at(3)), Some(at(3)));
        assert_eq!(closed_at(Some(at(3)), Status::Closed, at(5)), Some(at(3)));
        for status in Status::UNDONE {
            assert_eq!(closed_at(Some(at(3)), status, at(5)), None);
        }
    }
}
