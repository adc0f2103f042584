//! The four tools: what they take, what they give, who may use them (tickets 10.4).

mod arguments;
mod get;
mod list;
mod reply;
mod schema;
mod update;

use serde_json::{Map, Value, json};
use shared::context::By;
use shared::error::Error;
use tickets::desk::{Scope, Ticket};

use crate::settings::Settings;
use arguments::Arguments;
pub use schema::definition;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `listTickets`
    List,
    /// `getTicket`
    Get,
    /// `createTicketReply`
    Reply,
    /// `updateTicket`
    Update,
}

impl Tool {
    /// In the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::List, Self::Get, Self::Reply, Self::Update];

    /// As the protocol names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "listTickets",
            Self::Get => "getTicket",
            Self::Reply => "createTicketReply",
            Self::Update => "updateTicket",
        }
    }

    /// The tool of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::List => &[
                "status",
                "priority",
                "company_id",
                "assigned_user_id",
                "module_slug",
                "search",
                "updated_since",
                "limit",
                "cursor",
            ],
            Self::Get => &["ticket_id"],
            Self::Reply => &["ticket_id", "body", "is_internal", "author_id"],
            Self::Update => &["ticket_id", "status", "priority", "assigned_user_id", "category", "module_slug"],
        }
    }
}

/// What a tool gave.
#[derive(Debug)]
pub struct Done {
    /// The answer.
    pub data: Value,
    /// The ticket it is about.
    pub ticket_id: Option<i64>,
    /// Arguments that the tool does not know.
    pub ignored: Vec<String>,
}

/// Why a tool gave nothing.
#[derive(Debug)]
pub enum Fault {
    /// There is no tool of that name.
    Unknown,
    /// The tool is switched off.
    Disabled,
    /// Changes to tickets are switched off.
    ReadOnly,
    /// The arguments must be corrected; one sentence says how.
    Arguments(String),
    /// No such ticket in reach.
    Missing,
    /// Our fault.
    Internal(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let status = error.status();
        if status == http::StatusCode::NOT_FOUND {
            Self::Missing
        } else if status.is_client_error() {
            Self::Arguments(error.detail().into_owned())
        } else {
            Self::Internal(error)
        }
    }
}

impl Fault {
    /// What the caller is told.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unknown => "Unknown tool".to_owned(),
            Self::Disabled => "This tool is switched off in the portal".to_owned(),
            Self::ReadOnly => "Changing tickets is switched off in the portal: only read them".to_owned(),
            Self::Arguments(text) => text.clone(),
            Self::Missing => "Ticket not found: use an id that listTickets gives".to_owned(),
            Self::Internal(_) => "Something went wrong on our side. Nothing was saved. Try again.".to_owned(),
        }
    }
}

/// Who calls, and what the module allows.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The request.
    pub by: &'a By,
    /// The module.
    pub settings: &'a Settings,
}

impl Desk<'_> {
    /// Notes and watchers show only where the module says so.
    fn scope(&self) -> Scope {
        if self.settings.shows_notes { Scope::everywhere() } else { Scope::everywhere_in_public() }
    }

    /// A ticket in reach; others are missing.
    async fn ticket(&self, id: i64) -> Result<Ticket, Fault> {
        let ticket = tickets::desk::find(self.scope(), self.by.db(), id).await?;
        if self.settings.reaches(ticket.company_id) { Ok(ticket) } else { Err(Fault::Missing) }
    }
}

/// Runs a tool.
pub async fn run(desk: Desk<'_>, name: &str, arguments: Option<&Value>) -> Result<Done, Fault> {
    let tool = Tool::named(name).ok_or(Fault::Unknown)?;
    if !desk.settings.tools.contains(&tool) {
        return Err(Fault::Disabled);
    }
    if tool == Tool::Update && !desk.settings.may_update {
        return Err(Fault::ReadOnly);
    }
    let arguments = Arguments::read(tool.arguments(), arguments)?;
    let (data, ticket_id) = match tool {
        Tool::List => (list::run(desk, &arguments).await?, None),
        Tool::Get => get::run(desk, &arguments).await?,
        Tool::Reply => reply::run(desk, &arguments).await?,
        Tool::Update => update::run(desk, &arguments).await?,
    };
    Ok(Done { data, ticket_id, ignored: arguments.ignored })
}

/// A ticket as tools give it.
fn ticket_out(ticket: &Ticket) -> Value {
    json!({
        "id": ticket.id, "subject": ticket.subject, "description": ticket.description, "status": ticket.status,
        "priority": ticket.priority, "category": ticket.category, "module_slug": ticket.module_slug,
        "company_id": ticket.company_id, "requester_id": ticket.requester_id,
        "assigned_user_id": ticket.assigned_user_id, "external_reference": ticket.external_reference,
        "created_at": ticket.created_at, "updated_at": ticket.updated_at, "closed_at": ticket.closed_at,
    })
}

/// A reply as tools give it.
fn reply_out(reply: &tickets::desk::ReplyOut) -> Value {
    json!({
        "id": reply.id, "ticket_id": reply.ticket_id, "author_id": reply.author_id,
        "author_name": reply.author_name, "body": reply.body, "is_internal": reply.is_internal,
        "source": reply.source, "created_at": reply.created_at,
    })
}

fn object(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
