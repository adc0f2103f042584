//! Tickets and replies in masses, written by the database itself: a few thousand texts, spread over three years.

use anyhow::Result;
use chrono::{DateTime, Utc};
use shared::app::App;
use shared::audit::Stamp;
use shared::db::{Sql, Tx, Value, sql, sql_by_engine};
use shared::search;

use super::Amounts;
use super::fill::{Shape, count, in_batches, pick};

/// Tickets that one transaction writes.
const STEP: i64 = 20_000;

/// Texts that the tickets and replies take in turn.
const TEXTS: i64 = 4_000;

/// Three years in seconds.
const SPAN: i64 = 3 * 365 * 86_400;

const COMMON: [&str; 24] = [
    "printer", "password", "laptop", "screen", "email", "account", "network", "slow", "update", "install", "licence",
    "phone", "drive", "access", "error", "meeting", "monitor", "keyboard", "backup", "server", "login", "browser",
    "shared", "folder",
];

const PLAIN: [&str; 31] = [
    "since",
    "morning",
    "again",
    "please",
    "cannot",
    "open",
    "after",
    "restart",
    "works",
    "upstairs",
    "office",
    "yesterday",
    "colleague",
    "tried",
    "nothing",
    "happens",
    "help",
    "urgent",
    "today",
    "new",
    "starter",
    "needs",
    "before",
    "friday",
    "still",
    "waiting",
    "checked",
    "replaced",
    "cable",
    "pc",
    "thanks",
];

const SELDOM: [&str; 7] = ["certificate", "firewall", "mailbox", "scanner", "projector", "turnstile", "plotter"];

/// Brings the tickets and their replies up to the amounts. `first` are the first company and the first person.
pub async fn fill(app: &App, amounts: Amounts, first: (i64, i64)) -> Result<()> {
    let mut have = count(app, "SELECT COALESCE(MAX(id), 0) FROM tickets").await?;
    if have >= amounts.tickets {
        return Ok(());
    }
    for statement in BEFORE {
        once(app, statement()).await?;
    }
    in_batches(app, 0, STEP, |n| vec![n.into()], NUMBER).await?;
    in_batches(app, 0, TEXTS, text, TEXT).await?;
    while have < amounts.tickets {
        let more = STEP.min(amounts.tickets - have);
        let mut tx = app.db().begin(Stamp::system(app.now())).await.map_err(crate::plain)?;
        tx.housekeeping();
        step(&mut tx, amounts, first, (have, more), app.now()).await?;
        tx.commit().await.map_err(crate::plain)?;
        have += more;
    }
    for statement in AFTER {
        once(app, statement()).await?;
    }
    Ok(())
}

async fn once(app: &App, statement: Sql) -> Result<()> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await.map_err(crate::plain)?;
    tx.housekeeping();
    statement.execute(&mut tx).await?;
    tx.commit().await.map_err(crate::plain)?;
    Ok(())
}

/// What one engine has nothing to do for.
const NOTHING: &str = "DELETE FROM companies WHERE 1 = 0";

/// MySQL builds a full-text index of everything in a fraction of the time that it takes row by row.
const BEFORE: [fn() -> Sql; 7] = [
    || sql("DROP TABLE IF EXISTS measure_numbers"),
    || sql("DROP TABLE IF EXISTS measure_texts"),
    || sql("CREATE TABLE measure_numbers (n BIGINT PRIMARY KEY)"),
    || {
        sql(
            "CREATE TABLE measure_texts (n BIGINT PRIMARY KEY, subject VARCHAR(200), body VARCHAR(1000), words VARCHAR(1000))",
        )
    },
    || sql_by_engine(NOTHING, "ALTER TABLE tickets DROP INDEX tickets_search"),
    || sql_by_engine(NOTHING, "ALTER TABLE ticket_texts DROP INDEX ticket_texts_desk"),
    || sql_by_engine(NOTHING, "ALTER TABLE ticket_texts DROP INDEX ticket_texts_public"),
];

const AFTER: [fn() -> Sql; 6] = [
    || sql("DROP TABLE measure_numbers"),
    || sql("DROP TABLE measure_texts"),
    || {
        sql("INSERT INTO ticket_tag_words (word, used_at) SELECT g.tag, MAX(g.created_at) FROM ticket_tags g \
             WHERE g.tag NOT IN (SELECT w.word FROM ticket_tag_words w) GROUP BY g.tag")
    },
    || sql_by_engine(NOTHING, "CREATE FULLTEXT INDEX tickets_search ON tickets (search_text)"),
    || sql_by_engine(NOTHING, "CREATE FULLTEXT INDEX ticket_texts_desk ON ticket_texts (public_text, internal_text)"),
    || sql_by_engine(NOTHING, "CREATE FULLTEXT INDEX ticket_texts_public ON ticket_texts (public_text)"),
];

const NUMBER: Shape = ("INSERT INTO measure_numbers (n) VALUES", " (?)", ", (?)");

const TEXT: Shape = ("INSERT INTO measure_texts (n, subject, body, words) VALUES", " (?, ?, ?, ?)", ", (?, ?, ?, ?)");

/// One or two common words, now and then a seldom one, and what people say around them.
fn text(n: i64) -> Vec<Value> {
    let mut words = vec![pick(&COMMON, n * n), pick(&PLAIN, n * 7), pick(&PLAIN, n * 11 + 3)];
    if n % 97 == 0 {
        words.push(pick(&SELDOM, n / 97));
    }
    let subject = words.join(" ");
    words.extend((0..6).map(|at| pick(&PLAIN, n * (at + 3) + at * at)));
    words.push(pick(&COMMON, n / 24));
    let body = words.join(" ");
    let folded = search::fold(&body);
    vec![n.into(), subject.into(), body.into(), folded.into()]
}

/// A time so many seconds ago: what follows is the number, and then [`ago_end`].
fn ago(query: Sql, now: DateTime<Utc>) -> Sql {
    query.push_by_engine("strftime('%Y-%m-%dT%H:%M:%S+00:00', ?, '-' || (", "DATE_SUB(?, INTERVAL (").bind(now)
}

fn ago_end(query: Sql) -> Sql {
    query.push_by_engine(") || ' seconds')", ") SECOND)")
}

/// The tickets of a step as `s`: their numbers `i`, and how old they are.
fn numbers(amounts: Amounts, (have, more): (i64, i64)) -> Sql {
    sql(" (SELECT n + ? AS i, (? - n) * ? AS age FROM measure_numbers WHERE n < ?) s")
        .bind(have + 1)
        .bind(amounts.tickets - have)
        .bind((SPAN / amounts.tickets).max(1))
        .bind(more)
}

const CHANGED: &str = "CASE WHEN s.age > s.i * 7919 % 604800 THEN s.age - s.i * 7919 % 604800 ELSE 0 END";

const STATUS: &str = "CASE WHEN s.i * 17 % 997 % 100 < 92 THEN 'closed' WHEN s.i * 17 % 997 % 100 < 96 THEN 'resolved' \
     WHEN s.i * 17 % 997 % 100 < 97 THEN 'pending' WHEN s.i * 17 % 997 % 100 < 98 THEN 'in_progress' ELSE 'open' END, ";

const PRIORITY: &str = "CASE WHEN s.i * 31 % 1009 % 20 = 0 THEN 'urgent' WHEN s.i * 31 % 1009 % 20 < 5 THEN 'high' \
     WHEN s.i * 31 % 1009 % 20 < 17 THEN 'normal' ELSE 'low' END, CASE WHEN s.i * 31 % 1009 % 20 = 0 THEN 3 \
     WHEN s.i * 31 % 1009 % 20 < 5 THEN 2 WHEN s.i * 31 % 1009 % 20 < 17 THEN 1 ELSE 0 END, ";

/// Every tenth ticket has a number in it that no other has.
const SERIAL: &str = "CASE WHEN s.i % 10 = 0 THEN CONCAT(' serial', s.i) ELSE '' END";

async fn step(tx: &mut Tx, amounts: Amounts, first: (i64, i64), part: (i64, i64), now: DateTime<Utc>) -> Result<()> {
    tickets(amounts, first, part, now).execute(tx).await?;
    if amounts.replies >= amounts.tickets {
        replies(amounts, first.1, part, now).execute(tx).await?;
    }
    sql_by_engine(NOTHING, "SET SESSION group_concat_max_len = 16000000").execute(tx).await?;
    sql("INSERT INTO ticket_texts (id, public_text, internal_text) SELECT t.id, CONCAT(' ', t.search_text, ' ', COALESCE(")
        .push_by_engine(
            "(SELECT GROUP_CONCAT(r.search_text, ' ') FROM",
            "(SELECT GROUP_CONCAT(r.search_text SEPARATOR ' ') FROM",
        )
        .push(" ticket_replies r WHERE r.ticket_id = t.id AND r.is_internal = FALSE), '')), \
               CASE WHEN t.id % 10 = 0 THEN CONCAT(' escalate', t.id) ELSE '' END FROM tickets t WHERE t.id > ?")
        .bind(part.0)
        .execute(tx)
        .await?;
    let tags = "INSERT INTO ticket_tags (ticket_id, tag, created_at) SELECT t.id, CASE WHEN t.id % 5000 = 0 THEN 'recall' \
         WHEN t.id % 4 = 0 THEN 'hardware' ELSE 'network' END, t.created_at FROM tickets t WHERE t.id > ? AND t.id % 28 < 9";
    sql(tags).bind(part.0).execute(tx).await?;
    let watchers = "INSERT INTO ticket_watchers (ticket_id, user_id, created_at) SELECT t.id, t.assigned_user_id, \
         t.created_at FROM tickets t WHERE t.id > ? AND t.id % 5 = 0 AND t.assigned_user_id IS NOT NULL";
    sql(watchers).bind(part.0).execute(tx).await?;
    Ok(())
}

/// A fifth of them come from fifty companies; requesters belong to the company, and twenty people do the work.
fn tickets(amounts: Amounts, (company, person): (i64, i64), part: (i64, i64), now: DateTime<Utc>) -> Sql {
    let people = (amounts.memberships / amounts.companies).max(1);
    let query = sql("INSERT INTO tickets (id, company_id, requester_id, assigned_user_id, subject, description, status, \
         priority, priority_order, category, source, last_reply_side, search_text, created_at, updated_at, last_reply_at) \
         SELECT s.i, ? + s.place, ? + s.place + ? * (s.i % ?), CASE WHEN s.i % 10 = 3 THEN NULL ELSE ? + s.i * 7 % 20 END, \
         CONCAT(x.subject,")
    .bind(company)
    .bind(person)
    .bind(amounts.companies)
    .bind(people)
    .bind(person)
    .push(SERIAL)
    .push("), x.body,")
    .push(STATUS)
    .push(PRIORITY)
    .push(
        "CASE WHEN s.i % 3 = 0 THEN 'Hardware' WHEN s.i % 3 = 1 THEN 'Accounts' END, 'portal', \
         CASE WHEN s.i % 3 = 0 THEN 'requester' ELSE 'technician' END, CONCAT(x.words,",
    )
    .push(SERIAL)
    .push("),");
    let query = ago_end(ago(query, now).push("s.age")).push(",");
    let query = ago_end(ago(query, now).push(CHANGED)).push(",");
    ago_end(ago(query, now).push(CHANGED))
        .push(" FROM (SELECT s.*, CASE WHEN s.i % 5 = 0 THEN s.i * 13 % ? ELSE s.i * 13 % ? END AS place FROM")
        .bind(amounts.companies.min(50))
        .bind(amounts.companies)
        .append(numbers(amounts, part))
        .push(") s JOIN measure_texts x ON x.n = s.i * 7919 % ?")
        .bind(TEXTS)
}

/// The same number of replies for each ticket, every eighth of them a note.
fn replies(amounts: Amounts, person: i64, part: (i64, i64), now: DateTime<Utc>) -> Sql {
    let query = sql("INSERT INTO ticket_replies (ticket_id, author_id, body, body_hash, is_internal, search_text, \
         created_at) SELECT s.i, ? + (s.i + d.n) % 20, x.body, 'measured', (s.i + d.n) % 8 = 0, x.words, ")
    .bind(person);
    ago_end(ago(query, now).push(CHANGED))
        .push(" FROM")
        .append(numbers(amounts, part))
        .push(" JOIN measure_numbers d ON d.n < ?")
        .bind(amounts.replies / amounts.tickets)
        .push(" JOIN measure_texts x ON x.n = (s.i * 7919 + d.n * 1013) % ?")
        .bind(TEXTS)
}
