//! The same thing for several people of the directory (organisation 10.1): enable, disable, invite, or a file.

use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use shared::accounts::invitations;
use shared::audit::Change;
use shared::caller::Member;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::events::{emit_all, names};
use shared::web::Form;
use shared::{Flash, Tone};

use super::change::trail;
use super::model::{Staff, Values};
use super::scope::{Directory, Viewer};
use super::{list, store};
use crate::members::access::Flags;
use crate::members::batch::model::{self as batches, Line};
use crate::members::batch::store::{self as batch, Terms};

/// At most so many at once: a page of the list.
const MOST: usize = 100;

/// What the bar below the list sends; the rows are in `ids`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bulk {
    /// `enable`, `disable`, `invite` or `export`.
    r#do: String,
    /// The query of the list that the person looks at.
    back: String,
}

/// Does it to the ticked rows.
pub async fn run(by: Member<Directory>, form: Form<Bulk>) -> Result<Response> {
    let viewer = Viewer::of(&by).await?;
    let back = match form.back.strip_prefix('?') {
        Some(query) => format!("/staff?{query}"),
        None => "/staff".to_owned(),
    };
    let mut ids: Vec<i64> = form.all("ids").iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    let done = match form.r#do.as_str() {
        _ if ids.is_empty() => Err(Error::bad_request("Tick the people first")),
        _ if ids.len() > MOST => Err(Error::bad_request("Tick at most 100 people")),
        "enable" => set_enabled(&by, &viewer, &ids, true, &back).await,
        "disable" => set_enabled(&by, &viewer, &ids, false, &back).await,
        "invite" => invite(&by, &viewer, &ids).await,
        "export" => export(&by, &viewer, &ids).await,
        _ => Err(Error::bad_request("Choose what to do with the people you ticked")),
    };
    done.map_err(|error| error.or_see(back))
}

/// "3 people disabled. 2 left alone: already so (1), not in your directory (1)."
fn told(changed: usize, verb: &str, left: &[(usize, &str)]) -> Flash {
    let people = if changed == 1 { "1 person".to_owned() } else { format!("{changed} people") };
    let reasons: Vec<String> = left.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{why} ({n})")).collect();
    if reasons.is_empty() {
        return Flash::done(format!("{people} {verb}"));
    }
    let all: usize = left.iter().map(|(n, _)| n).sum();
    let text = format!("{people} {verb}. {all} left alone: {}.", reasons.join(", "));
    Flash::new(if changed == 0 { Tone::Warning } else { Tone::Info }, text)
}

async fn set_enabled(by: &By, viewer: &Viewer, ids: &[i64], enabled: bool, back: &str) -> Result<Response> {
    if !viewer.may_disable() {
        return Err(Error::forbidden("You can look at the staff of your department, but not change them"));
    }
    let mut tx = by.begin().await?;
    // Touching the rows first makes parallel changes wait for each other on both engines.
    sql("UPDATE staff SET updated_at = updated_at").push_in(" WHERE id IN", ids).execute(&mut tx).await?;
    let found = store::some(&mut tx, viewer, ids, by.now()).await?;
    let unknown = ids.len() - found.len();
    let (changing, already): (Vec<Staff>, Vec<Staff>) =
        found.into_iter().partition(|staff| staff.values.enabled != enabled);
    write(&mut tx, &changing, enabled).await?;
    if !changing.is_empty() {
        tx.commit().await?;
    }
    let verb = if enabled { "enabled" } else { "disabled" };
    let left = [(already.len(), "already so"), (unknown, "not in your directory")];
    by.see(back, told(changing.len(), verb, &left)).await
}

async fn write(tx: &mut Tx, changing: &[Staff], enabled: bool) -> Result<()> {
    let ids: Vec<i64> = changing.iter().map(|staff| staff.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (now, actor) = (tx.stamp().at, tx.stamp().user_id);
    let update = sql("UPDATE staff SET enabled = ?, updated_at = ?").bind(enabled).bind(now);
    update.push_in(" WHERE id IN", &ids).execute(tx).await?;
    let told: Vec<_> = changing
        .iter()
        .map(|s| (names::STAFF_UPDATED, json!({ "staff_id": s.id, "company_id": s.company_id, "actor_id": actor })))
        .collect();
    emit_all(tx, &told).await?;
    for staff in changing {
        let after = Values { enabled, ..staff.values.clone() };
        let action = if enabled { "staff.enabled" } else { "staff.disabled" };
        tx.audit(trail(action, staff).changed(&staff.values, &after).meta("together", ids.len()));
    }
    Ok(())
}

/// Invitations go out in the background; each person has a result of their own.
async fn invite(by: &By, viewer: &Viewer, ids: &[i64]) -> Result<Response> {
    if !viewer.may_edit() {
        return Err(Error::forbidden("Access denied"));
    }
    if ids.len() > batches::MOST {
        return Err(Error::bad_request("Tick at most 50 people to invite"));
    }
    let found = store::some(by.db(), viewer, ids, by.now()).await?;
    let company = found.first().map(|staff| staff.company_id).ok_or_else(store::unknown)?;
    let mut lines: Vec<Line> = found.iter().filter(|staff| staff.company_id == company).map(line).collect();
    batches::once_each(&mut lines);
    let terms =
        Terms { company_id: company, is_staff: true, role_id: None, flags: Flags::default(), staff_permission: 0 };
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    let id = batch::add(by, &terms, &base, &lines, false).await?;
    Ok(by.go(&format!("/staff/invited/{id}")))
}

fn line(staff: &Staff) -> Line {
    let name = staff.name();
    let line = Line::new(&name, staff.values.email.as_deref().unwrap_or_default(), &name);
    let state = if staff.values.email.is_none() { "no_email" } else { line.state };
    Line { staff_id: Some(staff.id), state, ..line }
}

async fn export(by: &By, viewer: &Viewer, ids: &[i64]) -> Result<Response> {
    if !viewer.is_super_admin {
        return Err(Error::forbidden("Access denied"));
    }
    let mut tx = by.begin().await?;
    let rows = store::some(&mut tx, viewer, ids, by.now()).await?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    tx.audit(Change::of_many("staff.exported", "staff").company(viewer.company_id()).meta("rows", count));
    tx.commit().await?;
    Ok(list::attachment(by, &rows).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_alone_is_told() {
        assert_eq!(told(1, "disabled", &[(0, "already so")]).text, "1 person disabled");
        let text = told(0, "enabled", &[(2, "already so"), (1, "not in your directory")]).text;
        assert_eq!(text, "0 people enabled. 3 left alone: already so (2), not in your directory (1).");
    }
}
