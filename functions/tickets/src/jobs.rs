//! Telling people what happened on a ticket: in their feed and by mails that form a thread. A note goes
//! to the desk only, and nobody is told what they did themselves.

use minijinja::context;
use serde::Deserialize;
use shared::accounts::desk::{IS_DESK_PERSON, desk_people};
use shared::app::App;
use shared::db::{Db, Sql, Tx, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::mail::Draft;
use shared::notify::{self, Kind, Notice, Recipient};

use crate::model::{self, ReplyOut, Status};
use crate::scope::Scope;
use crate::store::{self, Ticket};

#[derive(Deserialize)]
struct Payload {
    ticket_id: i64,
    actor_id: Option<i64>,
    reply_id: Option<i64>,
    user_id: Option<i64>,
    event: Option<i64>,
    from: Option<String>,
    to: Option<String>,
    /// Automations hear of it, people do not: what an import brought is not news.
    #[serde(default)]
    quiet: bool,
}

/// What the mails of one cause have in common.
struct Letter {
    template: &'static str,
    /// The left part of the Message-ID, before the person.
    cause: String,
    kind: Kind,
    message: String,
    anchor: String,
}

const PEOPLE: &str = "SELECT u.id AS user_id, u.email FROM users u WHERE u.is_active = TRUE";

/// A deleted ticket has nobody to tell.
async fn ticket(db: &Db, id: i64) -> Result<Option<Ticket>> {
    match store::find(Scope::everywhere(), db, id).await {
        Ok(ticket) => Ok(Some(ticket)),
        Err(error) if error.status() == http::StatusCode::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

fn but(query: Sql, actor: Option<i64>) -> Sql {
    query.push_if(" AND u.id <> ?", actor).push(" ORDER BY u.id LIMIT 500")
}

/// The requester, the assignee and the watchers; without the requester's side only who works at the desk.
/// People who have left the company are no longer told.
fn concerned(ticket: &Ticket, desk_only: bool, actor: Option<i64>) -> Sql {
    let query = sql(PEOPLE).push(" AND (u.id = ? OR u.id = ?").bind(ticket.requester_id).bind(ticket.assigned_user_id);
    let query = query.push(" OR u.id IN (SELECT w.user_id FROM ticket_watchers w WHERE w.ticket_id = ?))");
    let query = query.bind(ticket.id).push(" AND (").push(IS_DESK_PERSON);
    let query = if desk_only {
        query.push(")")
    } else {
        query
            .push(
                " OR u.id = ? OR u.id IN (SELECT m.user_id FROM company_memberships m WHERE m.status = 'active' \
                 AND m.company_id = ?))",
            )
            .bind(ticket.requester_id)
            .bind(ticket.company_id)
    };
    but(query, actor)
}

/// A ticket was raised: to people of the desk who chose to be told.
pub async fn notify_created(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    if payload.quiet {
        return Ok(());
    }
    let Some(ticket) = ticket(run.db(), payload.ticket_id).await? else { return Ok(()) };
    let people: Vec<Recipient> = but(followers(), payload.actor_id).fetch_all(run.db()).await?;
    let who = ticket.requester_name().unwrap_or_else(|| "Somebody".to_owned());
    let letter = Letter {
        template: "ticket_created",
        cause: format!("ticket-{}", ticket.id),
        kind: notify::TICKET_CREATED,
        message: format!("{who} raised #{}: {}", ticket.id, ticket.subject),
        anchor: String::new(),
    };
    Ok(tell_all(&run, &ticket, &people, &letter, None).await?)
}

/// An answer on a ticket that is nobody's must not wait unseen: it goes to the people of the desk who chose
/// to be told of new tickets, and when nobody did and nobody watches, to all of them.
async fn add_queue(db: &Db, ticket: &Ticket, author: Option<i64>, people: &mut Vec<Recipient>) -> Result<()> {
    let followers: Vec<Recipient> = but(followers(), author).fetch_all(db).await?;
    let watched = people.iter().any(|person| Some(person.user_id) != ticket.requester_id);
    let more = if followers.is_empty() && !watched {
        let all = sql("SELECT u.id AS user_id, u.email FROM").append(desk_people());
        but(all, author).fetch_all(db).await?
    } else {
        followers
    };
    for person in more {
        if !people.iter().any(|known| known.user_id == person.user_id) {
            people.push(person);
        }
    }
    Ok(())
}

/// People of the desk who chose to be told of new tickets.
fn followers() -> Sql {
    sql(PEOPLE)
        .push(
            " AND u.id IN (SELECT n.user_id FROM notification_preferences n WHERE n.event_type = ? \
               AND (n.channel_in_app = TRUE OR n.channel_email = TRUE OR n.channel_sms = TRUE \
               OR n.channel_ntfy = TRUE)) AND",
        )
        .bind(notify::TICKET_CREATED.name)
        .push(IS_DESK_PERSON)
}

/// A reply or note was added.
pub async fn notify_reply(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    if payload.quiet {
        return Ok(());
    }
    let Some(ticket) = ticket(run.db(), payload.ticket_id).await? else { return Ok(()) };
    let reply_id = payload.reply_id.unwrap_or_default();
    let found = store::find_reply(Scope::everywhere(), run.db(), ticket.id, reply_id).await?;
    let Some(reply) = found else { return Ok(()) };
    let author = reply.author_id.or(payload.actor_id);
    let query = concerned(&ticket, reply.is_internal, author);
    let mut people: Vec<Recipient> = query.fetch_all(run.db()).await?;
    if !reply.is_internal && ticket.assigned_user_id.is_none() && ticket.requester_id == author {
        add_queue(run.db(), &ticket, author, &mut people).await?;
    }
    let what = if reply.is_internal { "added a note to" } else { "replied on" };
    let letter = Letter {
        template: "ticket_reply",
        cause: format!("ticket-{}-reply-{reply_id}", ticket.id),
        kind: notify::TICKET_REPLY,
        message: format!("{} {what} #{}: {}", reply.author_name, ticket.id, ticket.subject),
        anchor: format!("#reply-{reply_id}"),
    };
    Ok(tell_all(&run, &ticket, &people, &letter, Some(&reply)).await?)
}

/// A ticket was given to somebody.
pub async fn notify_assigned(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    if payload.quiet {
        return Ok(());
    }
    let Some(ticket) = ticket(run.db(), payload.ticket_id).await? else { return Ok(()) };
    // Only who still has it, and still works at the desk.
    let Some(user_id) = payload.user_id.filter(|id| ticket.assigned_user_id == Some(*id)) else { return Ok(()) };
    let query = sql(PEOPLE).push(" AND u.id = ?").bind(user_id).push(" AND").push(IS_DESK_PERSON);
    let people: Vec<Recipient> = but(query, payload.actor_id).fetch_all(run.db()).await?;
    let letter = Letter {
        template: "ticket_assigned",
        cause: format!("ticket-{}-assigned-{}", ticket.id, payload.event.unwrap_or_default()),
        kind: notify::TICKET_ASSIGNED,
        message: format!("#{} was assigned to you: {}", ticket.id, ticket.subject),
        anchor: String::new(),
    };
    Ok(tell_all(&run, &ticket, &people, &letter, None).await?)
}

/// A ticket became done, or came back.
pub async fn notify_status(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    if payload.quiet {
        return Ok(());
    }
    let status = |text: Option<String>| Status::stored(text.as_deref().unwrap_or_default());
    let (from, to) = (status(payload.from), status(payload.to));
    let Some(ticket) = ticket(run.db(), payload.ticket_id).await? else { return Ok(()) };
    // Moves within the work concern the desk; requesters are told of its end and of its return.
    let desk_only = from.is_done() == to.is_done() && !to.is_done();
    let people: Vec<Recipient> = concerned(&ticket, desk_only, payload.actor_id).fetch_all(run.db()).await?;
    let letter = Letter {
        template: "ticket_status",
        cause: format!("ticket-{}-status-{}", ticket.id, payload.event.unwrap_or_default()),
        kind: notify::TICKET_STATUS,
        message: format!("#{} is now {}: {}", ticket.id, to.label().to_lowercase(), ticket.subject),
        anchor: String::new(),
    };
    Ok(tell_all(&run, &ticket, &people, &letter, None).await?)
}

/// Tells each person once, whatever the number of tries.
async fn tell_all(
    run: &Run,
    ticket: &Ticket,
    people: &[Recipient],
    letter: &Letter,
    reply: Option<&ReplyOut>,
) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let draft = draft(run.app(), &mut tx, ticket, letter, reply).await?;
    for person in people {
        let mut mail = draft.clone();
        let config = run.app().config();
        let mailbox = config.ticket_reply_address.as_deref();
        let secret = &config.session_secret;
        if let Some(address) =
            mailbox.and_then(|mailbox| model::reply_address(secret, mailbox, ticket.id, person.user_id))
        {
            mail.reply_to(&address);
        }
        mail.caused_by(&format!("{}-u{}", letter.cause, person.user_id));
        let notice = Notice {
            kind: letter.kind,
            message: letter.message.clone(),
            link: Some(format!("/tickets/{}{}", ticket.id, letter.anchor)),
            dedupe: Some(&letter.cause),
        };
        notify::tell_with(run.app(), &mut tx, person, &notice, mail).await?;
    }
    tx.commit().await
}

async fn draft(app: &App, tx: &mut Tx, ticket: &Ticket, letter: &Letter, reply: Option<&ReplyOut>) -> Result<Draft> {
    let base = app.config().base_url();
    let link = base.map(|base| format!("{base}/tickets/{}{}", ticket.id, letter.anchor));
    let fields = context! {
        ticket => context! {
            id => ticket.id,
            subject => ticket.subject.clone(),
            description => ticket.description.clone(),
            status => Status::stored(&ticket.status).label(),
            company => ticket.company_name.clone(),
            requester => ticket.requester_name(),
        },
        message => letter.message.clone(),
        reply => reply.map(|reply| context! {
            author => reply.author_name.clone(), body => reply.body.clone(), is_internal => reply.is_internal,
        }),
        link,
    };
    let mut draft = Draft::template(app, tx, letter.template, fields).await?;
    draft.thread(&format!("ticket-{}", ticket.id));
    draft.header("Auto-Submitted", "auto-generated");
    Ok(draft)
}

/// Removes the signs of people who left long ago.
pub async fn tidy(run: Run) -> Result<(), JobError> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    store::forget_absent(&mut tx).await?;
    store::tidy_tags(&mut tx).await?;
    store::forget_undos(&mut tx).await?;
    crate::export::forget_old(&mut tx).await?;
    Ok(tx.commit().await?)
}
