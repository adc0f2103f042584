//! Two customers side by side with something of everything, for the tests that ask who gets what.

use http::Method;
use serde_json::json;
use shared::audit::Stamp;
use shared::caller::Company;
use shared::db::{Tx, sql};
use shared::testing::{Actor, TestApp};

use crate::support::portal;

/// One customer: ids of what belongs to it.
#[derive(Debug, Clone)]
pub struct Side {
    pub company: Company,
    /// Stands in every text of this side.
    pub mark: &'static str,
    /// A member with all sections, who asked for the ticket.
    pub owner: i64,
    /// A plain member to whom things are done.
    pub target: i64,
    pub membership: i64,
    /// A membership that waits for its answer.
    pub invited: i64,
    pub ticket: i64,
    pub attachment: i64,
    pub domain: i64,
    /// A notification of the owner.
    pub notification: i64,
    /// A line of the trail of the company.
    pub audit: i64,
}

/// Who belongs to a side, as it is put back: person, role, status, all sections.
pub type Place = (i64, &'static str, &'static str, bool);

pub struct World {
    pub app: TestApp,
    pub acme: Side,
    pub beta: Side,
    pub provider: Company,
    /// A role that nobody has.
    pub role: i64,
    /// A key that nobody uses.
    pub key: i64,
    places: Vec<(i64, Place)>,
}

impl World {
    pub async fn new() -> Self {
        let mut app = portal().await;
        app.leave_work();
        let provider = app.provider("Northstar").await;
        let tech = app.technician("tess", &provider).await;
        let acme = Side::plant(&app, "Acme", "acmeside", &tech).await;
        let beta = Side::plant(&app, "Beta", "qzxmark7", &tech).await;
        let now = app.app().now();
        let role = sql("INSERT INTO roles (name, name_key, permissions, created_at, updated_at) \
             VALUES ('Nobody has it', 'nobody has it', '[\"portal.access\"]', ?, ?)");
        app.execute(role.bind(now).bind(now)).await;
        let role = app.number(sql("SELECT MAX(id) FROM roles")).await;
        app.execute(unused_key().bind(now)).await;
        let key = app.number(sql("SELECT MAX(id) FROM api_keys")).await;
        Self { app, acme, beta, provider, role, key, places: Vec::new() }
    }

    /// Notes who belongs to Acme, so that it can be put back.
    pub async fn settle(&mut self, places: Vec<Place>) {
        for place in places {
            let id = sql("SELECT id FROM company_memberships WHERE company_id = ? AND user_id = ?");
            let id = self.app.number(id.bind(self.acme.company.id).bind(place.0)).await;
            self.places.push((id, place));
        }
    }

    /// The same for the invitation that waits.
    pub async fn settle_invited(&mut self) {
        let user = sql("SELECT user_id FROM company_memberships WHERE id = ?").bind(self.acme.invited);
        let user = self.app.number(user).await;
        self.places.push((self.acme.invited, (user, "member", "invited", false)));
    }

    /// A path with its `{names}` replaced by what the side has, or by what nothing has.
    pub fn filled(&self, side: &Side, path: &str) -> String {
        let mut out: Vec<String> = Vec::new();
        for part in path.split('/') {
            let before = out.iter().rev().find(|part| part.parse::<i64>().is_err()).cloned().unwrap_or_default();
            let id = match part {
                "{company}" | "{company_id}" => Some(side.company.id),
                "{user}" => Some(side.target),
                "{member}" => Some(side.membership),
                "{domain}" | "{domain_id}" => Some(side.domain),
                "{attachment_id}" => Some(side.attachment),
                "{id}" => self.id_after(side, &before, path),
                _ => None,
            };
            out.push(match id {
                Some(id) => id.to_string(),
                None if part.starts_with('{') => "999999".to_owned(),
                None => part.to_owned(),
            });
        }
        out.join("/")
    }

    fn id_after(&self, side: &Side, before: &str, path: &str) -> Option<i64> {
        Some(match before {
            "companies" | "join" => side.company.id,
            "users" => side.target,
            "memberships" if path.contains("{company_id}") => side.membership,
            "memberships" | "invitations" => side.invited,
            "tickets" => side.ticket,
            "notifications" => side.notification,
            "audit-logs" | "access-review" => side.audit,
            "roles" => self.role,
            "api-keys" => self.key,
            _ => return None,
        })
    }

    /// Puts Acme back as it was, after somebody changed something.
    pub async fn restore(&mut self) {
        let now = self.app.app().now();
        let mut tx = self.app.db().begin(Stamp::system(now)).await.unwrap();
        tx.housekeeping();
        put_back(&mut tx, self).await;
        tx.commit().await.unwrap();
        let ticket = sql("SELECT COUNT(*) FROM ticket_attachments WHERE ticket_id = ? AND id = ?");
        let ticket = ticket.bind(self.acme.ticket).bind(self.acme.attachment);
        if self.app.number(ticket).await == 0 {
            let owner = self.app.sign_in(self.acme.owner).await;
            (self.acme.ticket, self.acme.attachment) = ticket_of(&self.app, &owner, self.acme.mark).await;
        }
    }
}

fn unused_key() -> shared::db::Sql {
    sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, created_at) VALUES ('unused', 'unused', '[]', ?)")
}

async fn put_back(tx: &mut Tx, world: &World) {
    let (side, now) = (&world.acme, tx.stamp().at);
    let company = side.company.id;
    let run = async |tx: &mut Tx, query: shared::db::Sql| query.execute(tx).await.unwrap();
    let name =
        "UPDATE companies SET name = 'Acme acmeside', name_key = 'acme acmeside', archived_at = NULL WHERE id = ?";
    run(tx, sql(name).bind(company)).await;
    let target = sql("UPDATE users SET is_active = TRUE, is_super_admin = FALSE WHERE id = ?").bind(side.target);
    if run(tx, target).await == 0 {
        let insert =
            sql("INSERT INTO users (id, email, first_name, is_active, created_at, updated_at, email_verified_at) \
             VALUES (?, 'acmeside-tara@example.com', 'acmeside-tara', TRUE, ?, ?, ?)");
        run(tx, insert.bind(side.target).bind(now).bind(now).bind(now)).await;
    }
    run(tx, sql("DELETE FROM company_memberships WHERE company_id = ?").bind(company)).await;
    for (id, place) in &world.places {
        run(tx, membership(*id, company, *place, now)).await;
    }
    run(tx, sql("DELETE FROM company_email_domains WHERE company_id = ?").bind(company)).await;
    run(tx, domain(Some(side.domain), company, side.mark, now)).await;
    run(tx, sql("DELETE FROM notifications WHERE id = ?").bind(side.notification)).await;
    run(tx, notification(Some(side.notification), side.owner, side.mark, now)).await;
    run(tx, sql("UPDATE tickets SET status = 'open', assigned_user_id = NULL WHERE id = ?").bind(side.ticket)).await;
    run(tx, sql("DELETE FROM roles WHERE id = ?").bind(world.role)).await;
    let role = sql("INSERT INTO roles (id, name, name_key, permissions, created_at, updated_at) \
         VALUES (?, 'Nobody has it', 'nobody has it', '[\"portal.access\"]', ?, ?)");
    run(tx, role.bind(world.role).bind(now).bind(now)).await;
    run(tx, sql("DELETE FROM api_keys WHERE rotated_from = ?").bind(world.key)).await;
    run(tx, sql("DELETE FROM api_keys WHERE id = ?").bind(world.key)).await;
    let key =
        "INSERT INTO api_keys (id, key_hash, key_prefix, scopes, created_at) VALUES (?, 'unused', 'unused', '[]', ?)";
    run(tx, sql(key).bind(world.key).bind(now)).await;
}

fn membership(id: i64, company: i64, place: Place, now: chrono::DateTime<chrono::Utc>) -> shared::db::Sql {
    let (user, role, status, all) = place;
    let insert = sql("INSERT INTO company_memberships (id, company_id, user_id, status, is_admin, staff_permission, \
         can_access_shop, can_access_cart, can_access_orders, can_access_forms, can_manage_assets, \
         can_manage_licenses, can_manage_invoices, can_manage_office_groups, can_order_licenses, invited_at, \
         created_at, updated_at, role_id) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, r.id FROM roles r \
         WHERE r.name_key = ?");
    let insert = insert.bind(id).bind(company).bind(user).bind(status).bind(role == "owner");
    let insert = (0..9).fold(insert.bind(if all { 3_i64 } else { 0 }), |insert, _| insert.bind(all));
    insert.bind(now).bind(now).bind(now).bind(role)
}

fn domain(id: Option<i64>, company: i64, mark: &str, now: chrono::DateTime<chrono::Utc>) -> shared::db::Sql {
    let insert = sql("INSERT INTO company_email_domains (id, company_id, domain, auto_join, created_at, updated_at) \
         VALUES (?, ?, ?, FALSE, ?, ?)");
    insert.bind(id).bind(company).bind(format!("{mark}.example")).bind(now).bind(now)
}

fn notification(id: Option<i64>, user: i64, mark: &str, now: chrono::DateTime<chrono::Utc>) -> shared::db::Sql {
    let insert =
        sql("INSERT INTO notifications (id, audience, user_id, event_type, message, owner_unread, created_at) \
         VALUES (?, 'user', ?, 'general', ?, TRUE, ?)");
    insert.bind(id).bind(user).bind(format!("{mark} is told")).bind(now)
}

/// A ticket with a reply, an internal note and a file; gives its id and that of the file.
async fn ticket_of(app: &TestApp, owner: &Actor, mark: &str) -> (i64, i64) {
    let body = json!({ "subject": format!("{mark} printer"), "description": format!("{mark} jams") });
    let made = owner.json(Method::POST, "/api/tickets", body).await.is(201).value();
    let id = made["id"].as_i64().unwrap();
    let file = format!("{mark}.txt");
    let content = format!("{mark} in a file");
    let files = [("files", file.as_str(), "text/plain", content.as_bytes())];
    let text = format!("{mark} replies");
    let _ = owner.upload(&format!("/tickets/{id}/replies"), &[("body", &text)], &files).await.is(303);
    let query = sql("SELECT MAX(id) FROM ticket_attachments WHERE ticket_id = ?").bind(id);
    (id, app.number(query).await)
}

impl Side {
    async fn plant(app: &TestApp, name: &str, mark: &'static str, tech: &Actor) -> Self {
        let company = app.company(&format!("{name} {mark}")).await;
        app.execute(
            sql("UPDATE companies SET address = ?, phone = ?, website = ?, contact_email = ?, syncro_company_id = ? WHERE id = ?")
                .bind(format!("{mark} street"))
                .bind(format!("{mark}-1"))
                .bind(format!("https://{mark}.example"))
                .bind(format!("office@{mark}.example"))
                .bind(format!("{mark}-syncro"))
                .bind(company.id),
        )
        .await;
        let owner = app.company_admin(&format!("{mark}-mia"), &company).await;
        let target = app.member(&format!("{mark}-tara"), &company).await.id;
        let invited = app.member(&format!("{mark}-ivan"), &company).await.id;
        let now = app.app().now();
        let state = sql("UPDATE company_memberships SET status = 'invited', invited_at = ? WHERE user_id = ?");
        app.execute(state.bind(now).bind(invited)).await;
        // All sections, without being an administrator.
        let plain = "UPDATE company_memberships SET is_admin = FALSE, role_id = (SELECT id FROM roles WHERE name_key = 'member') WHERE user_id = ?";
        app.execute(sql(plain).bind(owner.id)).await;
        let (ticket, attachment) = ticket_of(app, &owner, mark).await;
        let note = json!({ "body": format!("{mark} internally"), "is_internal": true });
        let _ = tech.json(Method::POST, &format!("/api/tickets/{ticket}/replies"), note).await.is(201);
        app.execute(domain(None, company.id, mark, now)).await;
        app.execute(notification(None, owner.id, mark, now)).await;
        app.execute(
            sql("INSERT INTO notifications (audience, company_id, event_type, message, dedupe_key, created_at, expires_at) \
                 VALUES ('company', ?, 'general', ?, ?, ?, ?)")
                .bind(company.id)
                .bind(format!("{mark} as a company"))
                .bind(format!("announcement:{mark}"))
                .bind(now)
                .bind(now + chrono::TimeDelta::days(30)),
        )
        .await;
        let line = sql(
            "INSERT INTO audit_logs (created_at, user_id, user_email, company_id, action, entity_type, entity_id, \
             entity_label, new_value) VALUES (?, ?, ?, ?, 'membership.updated', 'company_membership', ?, ?, ?)",
        );
        let line = line.bind(now).bind(owner.id).bind(format!("{mark}@example.com")).bind(company.id).bind(owner.id);
        app.execute(line.bind(format!("{mark} label")).bind(json!({ "note": mark }).to_string())).await;
        let of = async |query: &'static str| app.number(sql(query).bind(company.id)).await;
        let member = "SELECT id FROM company_memberships WHERE user_id = ?";
        Self {
            mark,
            owner: owner.id,
            membership: app.number(sql(member).bind(target)).await,
            invited: app.number(sql(member).bind(invited)).await,
            target,
            ticket,
            attachment,
            domain: of("SELECT MAX(id) FROM company_email_domains WHERE company_id = ?").await,
            notification: app
                .number(
                    sql("SELECT MAX(id) FROM notifications WHERE audience = 'user' AND message = ?")
                        .bind(format!("{mark} is told")),
                )
                .await,
            audit: of("SELECT MAX(id) FROM audit_logs WHERE company_id = ? AND action = 'membership.updated'").await,
            company,
        }
    }
}
