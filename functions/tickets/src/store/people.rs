//! The people and companies a ticket may be given to, read only.

use shared::accounts::desk::{IS_DESK_PERSON, desk_people};
use shared::db::{At, sql};
use shared::error::Result;

use super::links::Related;
use super::views::{ListSettings, View};
use crate::model::{Relation, person_name};

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Row of `users` or `companies`.
    pub id: i64,
    /// As people read it.
    pub name: String,
    /// The address, for people.
    pub email: Option<String>,
}

/// What the forms of the desk offer.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Who may work on a ticket, by address.
    pub assignees: Vec<Choice>,
    /// Companies by name.
    pub companies: Vec<Choice>,
    /// Who may ask in the name of the company.
    pub requesters: Vec<Choice>,
    /// Categories used in the last 180 days.
    pub categories: Vec<String>,
    /// Who is told of what happens on the ticket.
    pub watchers: Vec<Choice>,
    /// Texts to reply with.
    pub templates: Vec<Choice>,
    /// Tags in use.
    pub tags: Vec<String>,
    /// Views of the list, by name.
    pub views: Vec<View>,
    /// How the person likes the list.
    pub settings: ListSettings,
    /// Tickets that belong to the ticket.
    pub related: Vec<Related>,
    /// Tickets that became part of the ticket.
    pub merged: Vec<Related>,
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    id: i64,
    name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
}

/// Everything the desk's forms offer, in one statement; lists end at 200.
pub async fn choices(
    at: impl Into<At<'_>>,
    now: chrono::DateTime<chrono::Utc>,
    company_id: Option<i64>,
    ticket_id: Option<i64>,
    me: Option<i64>,
) -> Result<Choices> {
    let rows: Vec<Row> = sql("SELECT * FROM (SELECT 'assignee' AS kind, u.id AS id, u.first_name AS name, \
           u.last_name AS last_name, u.email AS email FROM")
    .append(desk_people())
    .push(
        " ORDER BY u.email LIMIT 200) s1 \
         UNION ALL SELECT * FROM (SELECT 'company' AS kind, c.id AS id, c.name AS name, NULL AS last_name, NULL AS email FROM companies c \
           WHERE c.archived_at IS NULL ORDER BY c.name LIMIT 200) s2 \
         UNION ALL SELECT * FROM (SELECT 'requester', u.id, u.first_name, u.last_name, u.email FROM users u \
           WHERE u.is_active = TRUE AND u.id IN (SELECT m.user_id FROM company_memberships m \
             WHERE m.company_id = ? AND m.status = 'active' UNION SELECT k.id FROM staff s JOIN users k ON k.email = s.email \
             WHERE s.company_id = ? AND s.enabled = TRUE AND k.email_verified_at IS NOT NULL) ORDER BY u.email LIMIT 200) s3 \
         UNION ALL SELECT * FROM (SELECT DISTINCT 'category' AS kind, 0 AS id, l.category AS name, NULL AS last_name, NULL AS email FROM \
           (SELECT category FROM tickets WHERE updated_at >= ? ORDER BY updated_at DESC LIMIT 2000) l \
           WHERE l.category IS NOT NULL LIMIT 100) s4 \
         UNION ALL SELECT * FROM (SELECT 'watcher', u.id, u.first_name, u.last_name, u.email FROM ticket_watchers w \
           JOIN users u ON u.id = w.user_id WHERE w.ticket_id = ? ORDER BY w.id LIMIT 100) s5 \
         UNION ALL SELECT * FROM (SELECT 'template' AS kind, m.id AS id, m.name AS name, NULL AS last_name, NULL AS email \
           FROM ticket_templates m WHERE m.owner_id IS NULL OR m.owner_id = ? ORDER BY m.name LIMIT 50) s6 \
         UNION ALL SELECT * FROM (SELECT 'tag' AS kind, 0 AS id, w.word AS name, NULL AS last_name, NULL AS email \
           FROM ticket_tag_words w ORDER BY w.used_at DESC LIMIT 100) s7 \
         UNION ALL SELECT * FROM (SELECT CASE WHEN v.owner_id IS NULL THEN 'desk_view' ELSE 'own_view' END AS kind, v.id AS id, v.name AS name, \
           v.query_text AS last_name, v.shown_columns AS email FROM ticket_views v \
           WHERE v.owner_id IS NULL OR v.owner_id = ? ORDER BY v.name, v.id LIMIT 50) s8 \
         UNION ALL SELECT * FROM (SELECT 'settings' AS kind, COALESCE(z.default_view_id, 0) AS id, z.shown_columns AS name, \
           z.sort_key AS last_name, z.page_size AS email FROM ticket_list_settings z WHERE z.user_id = ?) s9 \
         UNION ALL SELECT * FROM (SELECT CASE l.kind WHEN 'blocks' THEN 'link:blocks' WHEN 'duplicate_of' THEN 'link:duplicate_of' \
           ELSE 'link:relates' END AS kind, o.id AS id, o.subject AS name, o.status AS last_name, NULL AS email \
           FROM ticket_links l JOIN tickets o ON o.id = l.other_id WHERE l.ticket_id = ? ORDER BY l.id LIMIT 50) s10 \
         UNION ALL SELECT * FROM (SELECT CASE l.kind WHEN 'blocks' THEN 'link:blocked_by' WHEN 'duplicate_of' THEN 'link:duplicated_by' \
           ELSE 'link:relates' END AS kind, o.id AS id, o.subject AS name, o.status AS last_name, NULL AS email \
           FROM ticket_links l JOIN tickets o ON o.id = l.ticket_id WHERE l.other_id = ? ORDER BY l.id LIMIT 50) s11 \
         UNION ALL SELECT * FROM (SELECT 'merged' AS kind, o.id AS id, o.subject AS name, o.status AS last_name, NULL AS email \
           FROM ticket_merges y JOIN tickets o ON o.id = y.ticket_id WHERE y.target_id = ? ORDER BY o.id LIMIT 50) s12",
    )
    .bind(company_id)
    .bind(company_id)
    .bind(now - chrono::TimeDelta::days(180))
    .bind(ticket_id)
    .bind(me)
    .bind(me)
    .bind(me)
    .bind(ticket_id)
    .bind(ticket_id)
    .bind(ticket_id)
    .fetch_all(at)
    .await?;
    Ok(sorted(rows))
}

fn sorted(rows: Vec<Row>) -> Choices {
    let mut choices = Choices::default();
    for row in rows {
        let Some(row) = choices.take_view(row).and_then(|row| choices.take_related(row)) else { continue };
        let person = person_name(row.name.as_deref(), row.last_name.as_deref(), row.email.as_deref());
        let name = person.or(row.name).unwrap_or_default();
        let choice = Choice { id: row.id, name, email: row.email };
        match row.kind.as_str() {
            "assignee" => choices.assignees.push(choice),
            "company" => choices.companies.push(choice),
            "requester" => choices.requesters.push(choice),
            "watcher" => choices.watchers.push(choice),
            "template" => choices.templates.push(choice),
            "tag" => choices.tags.push(choice.name),
            _ => choices.categories.push(choice.name),
        }
    }
    choices.categories.sort();
    choices.tags.sort();
    choices
}

impl Choices {
    /// Takes what is about other tickets; gives back what is not.
    fn take_related(&mut self, row: Row) -> Option<Row> {
        let relation = match row.kind.strip_prefix("link:") {
            Some(kind) => Relation::parse(kind).unwrap_or(Relation::Relates),
            None if row.kind == "merged" => Relation::Relates,
            None => return Some(row),
        };
        let (subject, status) = (row.name.unwrap_or_default(), row.last_name.unwrap_or_default());
        let related = Related { link_id: 0, relation, id: row.id, subject, status };
        if row.kind == "merged" {
            self.merged.push(related);
        } else {
            self.related.push(related);
        }
        None
    }

    /// Takes what is about views; gives back what is not.
    fn take_view(&mut self, row: Row) -> Option<Row> {
        match row.kind.as_str() {
            "desk_view" | "own_view" => {
                let (name, query) = (row.name.unwrap_or_default(), row.last_name.unwrap_or_default());
                self.views.push(View::of(row.id, name, query, row.email.as_deref(), row.kind == "desk_view"));
            }
            "settings" => {
                let view = Some(row.id).filter(|id| *id > 0);
                self.settings = ListSettings::of(row.name.as_deref(), row.last_name, row.email.as_deref(), view);
            }
            _ => return Some(row),
        }
        None
    }
}

/// The other people of a company, by name; at most 500.
pub async fn colleagues(at: impl Into<At<'_>>, company_id: i64, me: i64) -> Result<Vec<Choice>> {
    let rows: Vec<Row> =
        sql("SELECT 'requester' AS kind, u.id, u.first_name AS name, u.last_name, u.email FROM users u \
         JOIN company_memberships m ON m.user_id = u.id AND m.status = 'active' AND m.company_id = ? \
         WHERE u.is_active = TRUE AND u.id <> ? ORDER BY u.first_name, u.last_name, u.email LIMIT 500")
        .bind(company_id)
        .bind(me)
        .fetch_all(at)
        .await?;
    Ok(sorted(rows).requesters)
}

/// True for an active person of the desk.
pub async fn is_assignable(at: impl Into<At<'_>>, user_id: i64) -> Result<bool> {
    let found: Option<(i64,)> = sql("SELECT u.id FROM users u WHERE u.id = ? AND u.is_active = TRUE AND")
        .bind(user_id)
        .push(IS_DESK_PERSON)
        .fetch_optional(at)
        .await?;
    Ok(found.is_some())
}

/// True for an active person with an active membership of the company, or whose proven address is that of
/// somebody enabled in its staff directory (tickets 1).
pub async fn is_requester_of(at: impl Into<At<'_>>, user_id: i64, company_id: i64) -> Result<bool> {
    let found: Option<(i64,)> = sql("SELECT u.id FROM users u WHERE u.id = ? AND u.is_active = TRUE AND ( \
         EXISTS (SELECT 1 FROM company_memberships m WHERE m.user_id = u.id AND m.company_id = ? AND m.status = 'active') \
         OR (u.email_verified_at IS NOT NULL AND EXISTS (SELECT 1 FROM staff s \
           WHERE s.company_id = ? AND s.email = u.email AND s.enabled = TRUE)))")
    .bind(user_id)
    .bind(company_id)
    .bind(company_id)
    .fetch_optional(at)
    .await?;
    Ok(found.is_some())
}

/// True for somebody who is an active member of any company.
pub async fn is_member_of_any(at: impl Into<At<'_>>, user_id: i64) -> Result<bool> {
    let found: Option<(i64,)> =
        sql("SELECT m.id FROM company_memberships m WHERE m.user_id = ? AND m.status = 'active' LIMIT 1")
            .bind(user_id)
            .fetch_optional(at)
            .await?;
    Ok(found.is_some())
}

/// True for a company that is not archived.
pub async fn company_exists(at: impl Into<At<'_>>, id: i64) -> Result<bool> {
    let found: Option<(i64,)> = sql("SELECT c.id FROM companies c WHERE c.id = ? AND c.archived_at IS NULL")
        .bind(id)
        .fetch_optional(at)
        .await?;
    Ok(found.is_some())
}

/// The name of an active person, for acting in their name by key.
pub async fn active_person(at: impl Into<At<'_>>, id: i64) -> Result<Option<String>> {
    let row: Option<(Option<String>, Option<String>, String)> =
        sql("SELECT first_name, last_name, email FROM users WHERE id = ? AND is_active = TRUE")
            .bind(id)
            .fetch_optional(at)
            .await?;
    Ok(row.and_then(|(first, last, email)| person_name(first.as_deref(), last.as_deref(), Some(&email))))
}
