//! One change to many memberships: the same rules for each, one statement for all (organisation 7.3).

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::accounts::memberships::Status;
use shared::caller::User;
use shared::db::{MAX_IN, Tx, sql};
use shared::error::{Error, Result};
use shared::events::emit_all;

use super::access::Field;
use super::change::{Wish, audited, event, hold_companies, is_admin, planned, set_flag, trail};
use super::manager::Manager;
use super::record::{self, Held, Record};

/// At most so many at once: a page of the matrix.
pub const MOST: usize = 100;

/// What is done to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// Another role.
    Role(i64),
    /// A section switched on or off.
    Section(Field, bool),
    /// Taken away, kept for the record.
    Suspend,
}

impl Together {
    /// From the word of the form: `role:3`, `on:can_access_shop`, `off:can_access_shop`, `suspend`.
    pub fn parse(word: &str) -> Option<Self> {
        match word.split_once(':') {
            None => (word == "suspend").then_some(Self::Suspend),
            Some(("role", id)) => id.parse().ok().map(Self::Role),
            Some(("on", name)) => Field::parse(name).map(|field| Self::Section(field, true)),
            Some(("off", name)) => Field::parse(name).map(|field| Self::Section(field, false)),
            Some(_) => None,
        }
    }

    fn wish(self) -> Wish {
        match self {
            Self::Role(id) => Wish { role_id: Some(id), ..Wish::default() },
            Self::Section(field, on) => Wish::flag(field, on),
            Self::Suspend => Wish { status: Some(Status::Suspended), ..Wish::default() },
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Role(_) => "membership.role_changed",
            Self::Section(..) => "membership.permissions_changed",
            Self::Suspend => "membership.suspended",
        }
    }
}

/// What became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many are different now.
    pub changed: i64,
    /// Why others are not, each reason once with how many.
    pub left: Vec<(String, i64)>,
}

impl Outcome {
    fn leave(&mut self, why: &str) {
        match self.left.iter_mut().find(|(known, _)| known == why) {
            Some((_, count)) => *count += 1,
            None => self.left.push((why.to_owned(), 1)),
        }
    }
}

/// Changes at most [`MOST`] memberships; each that the caller may not change stays as it is.
pub async fn change_all(by: &User, ids: &[i64], together: Together) -> Result<Outcome> {
    let wish = together.wish();
    let mut tx = by.begin().await?;
    if wish.may_take_an_admin() {
        let companies: Vec<i64> = by.me().memberships.iter().map(|m| m.company.id).take(MAX_IN).collect();
        let manager = companies.first().and_then(|id| Manager::of(by.me(), *id));
        if let Some(manager) = manager {
            hold_companies(&mut tx, &manager, &companies).await?;
        }
    }
    let held = record::hold_all(&mut tx, ids, wish.role_id).await?;
    let (pairs, mut outcome) = plan(by, held, &wish, &tx)?;
    for _ in 0..ids.len().saturating_sub(pairs.len() + outcome.left.iter().fold(0, |sum, (_, n)| sum + to_size(*n))) {
        outcome.leave("Membership not found");
    }
    if pairs.is_empty() {
        return Ok(outcome);
    }
    write(&mut tx, &pairs, together).await?;
    outcome.changed = i64::try_from(pairs.len()).unwrap_or_default();
    tx.commit().await?;
    Ok(outcome)
}

fn to_size(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

/// Before and after of those that may change, and why the others may not.
fn plan(by: &User, held: Vec<Held>, wish: &Wish, tx: &Tx) -> Result<(Vec<(Record, Record)>, Outcome)> {
    let (mut pairs, mut outcome) = (Vec::new(), Outcome::default());
    let mut gone: HashMap<i64, i64> = HashMap::new();
    for mut held in held {
        let company = held.record.company_id;
        let Some(manager) = Manager::of(by.me(), company) else {
            outcome.leave("Membership not found");
            continue;
        };
        let lost = gone.entry(company).or_default();
        held.other_admins -= *lost;
        match planned(&manager, &held, wish, tx.stamp().at) {
            Ok(None) => outcome.leave("Already so"),
            Ok(Some(after)) => {
                *lost += i64::from(is_admin(&held.record) && !is_admin(&after));
                pairs.push((held.record, after));
            }
            Err(error @ (Error::Internal(_) | Error::Unauthenticated)) => return Err(error),
            Err(error) => outcome.leave(&error.detail()),
        }
    }
    Ok((pairs, outcome))
}

async fn write(tx: &mut Tx, pairs: &[(Record, Record)], together: Together) -> Result<()> {
    let ids: Vec<i64> = pairs.iter().map(|(before, _)| before.id).collect();
    let update = sql("UPDATE company_memberships SET updated_at = ?").bind(tx.stamp().at);
    let update = match together {
        Together::Role(id) => update.push(", role_id = ?").bind(id),
        Together::Section(field, on) => set_flag(update, field).bind(on),
        Together::Suspend => update.push(", status = 'suspended'"),
    };
    update.push_in(" WHERE id IN", &ids).execute(&mut *tx).await?;
    if together == Together::Suspend {
        leave(tx, &ids).await?;
    }
    let actor = tx.stamp().user_id;
    let told = pairs.iter().filter_map(|(before, after)| {
        let payload = json!({ "company_id": after.company_id, "user_id": after.user_id, "actor_id": actor });
        event(before.is_active(), after.is_active()).map(|event| (event, payload))
    });
    let told: Vec<(&'static str, Value)> = told.collect();
    emit_all(tx, &told).await?;
    for (before, after) in pairs {
        tx.audit(trail(together.action(), after).changed(audited(before), audited(after)).meta("together", ids.len()));
    }
    Ok(())
}

/// Moves the sessions of all of them off the companies they lost.
async fn leave(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    sql("UPDATE user_sessions SET active_company_id = NULL WHERE active_company_id IS NOT NULL \
         AND EXISTS (SELECT 1 FROM company_memberships m WHERE m.user_id = user_sessions.user_id \
         AND m.company_id = user_sessions.active_company_id")
    .push_in(" AND m.id IN", ids)
    .push(") AND user_id IN (SELECT g.user_id FROM company_memberships g WHERE 1 = 1")
    .push_in(" AND g.id IN", ids)
    .push(")")
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_is_one_word() {
        assert_eq!(Together::parse("role:3"), Some(Together::Role(3)));
        assert_eq!(Together::parse("on:can_access_shop"), Some(Together::Section(Field::Shop, true)));
        assert_eq!(Together::parse("off:is_admin"), Some(Together::Section(Field::Admin, false)));
        assert_eq!(Together::parse("suspend"), Some(Together::Suspend));
        for word in ["", "role:", "role:x", "on:can_manage_staff", "delete", "up:is_admin"] {
            assert_eq!(Together::parse(word), None, "{word}");
        }
    }
}
