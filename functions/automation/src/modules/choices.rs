//! People and companies that settings may name.

use serde::Serialize;
use shared::app::App;
use shared::db::sql;
use shared::error::Result;
use shared::modules::{Field, Kind, Module};

/// One choice of a list.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Choice {
    /// As stored.
    pub value: String,
    /// For people.
    pub label: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// What a field offers; empty where it is typed in.
pub async fn of(app: &App, module: &Module, field: &Field) -> Result<Vec<Choice>> {
    match field.kind {
        Kind::Choices(all) => Ok(all.iter().map(|(value, label)| Choice::new(*value, *label)).collect()),
        Kind::Person => people(app, module.value(field.key).as_i64()).await,
        Kind::Companies => companies(app).await,
        _ => Ok(Vec::new()),
    }
}

#[derive(sqlx::FromRow)]
struct Person {
    id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// Active people of the provider and super administrators, with whoever is chosen now.
async fn people(app: &App, chosen: Option<i64>) -> Result<Vec<Choice>> {
    let rows: Vec<Person> = sql("SELECT u.id, u.email, u.first_name, u.last_name FROM users u \
         WHERE u.id = ? OR (u.is_active = TRUE AND (u.is_super_admin = TRUE OR EXISTS (SELECT 1 FROM \
         company_memberships m JOIN companies c ON c.id = m.company_id WHERE m.user_id = u.id \
         AND m.status = 'active' AND c.is_provider = TRUE))) ORDER BY u.email LIMIT 200")
    .bind(chosen)
    .fetch_all(app.db())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let name = [row.first_name, row.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let label = if name.is_empty() { row.email } else { format!("{name} ({})", row.email) };
            Choice::new(row.id.to_string(), label)
        })
        .collect())
}

async fn companies(app: &App) -> Result<Vec<Choice>> {
    let rows: Vec<(i64, String)> =
        sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY name LIMIT 200")
            .fetch_all(app.db())
            .await?;
    Ok(rows.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect())
}
