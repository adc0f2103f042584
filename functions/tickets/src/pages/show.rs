//! One ticket: the conversation, and for the desk its properties.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::caller::User;
use shared::context::By;
use shared::error::Result;
use shared::page::Page;
use shared::web::{FormState, Path, Query};

use super::choose::{self, Opt};
use super::conflict::Conflict;
use super::files::{AllFiles, SentAhead};
use super::filter::{ListQuery, ListState};
use super::links::{self, LinkCard};
use super::place::Place;
use super::tags::TagCard;
use super::timeline::{FileItem, Item, Picture, file_items, pictures};
use crate::actions;
use crate::ai::AiCard;
use crate::model::{self, Priority, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, Attachment, Choice, Choices, Entry, Ticket};

/// One ticket.
#[derive(Debug, Serialize)]
pub struct TicketShow {
    pub(super) title: String,
    pub(super) has_errors: bool,
    pub(super) is_desk: bool,
    pub(super) may_delete: bool,
    pub(super) ticket: Head,
    pub(super) entries: Vec<Item>,
    pub(super) reply: FormState,
    pub(super) uploads: Vec<SentAhead>,
    all_files: Option<AllFiles>,
    pub(super) details: FormState,
    pub(super) conflict: Option<Conflict>,
    pub(super) is_watching: bool,
    pub(super) place: Place,
    /// When the reply that is not sent yet was kept.
    pub(super) draft_at: Option<DateTime<Utc>>,
    /// What the page shows, for the question whether it is still so.
    pub(super) stamp: String,
    pub(super) may_reply: bool,
    pub(super) may_close: bool,
    pub(super) may_reopen: bool,
    pub(super) follow_up: Option<String>,
    pub(super) panel: Option<Panel>,
    pub(super) ai: Option<AiCard>,
    /// The ticket that this one became part of.
    merged_into: Option<i64>,
    /// Of a requester: tickets that belong to this one.
    related: Vec<links::Link>,
}

#[derive(Debug, Serialize)]
pub(super) struct Head {
    pub(super) id: i64,
    subject: String,
    description: Option<String>,
    status: String,
    status_label: &'static str,
    sentence: &'static str,
    is_done: bool,
    priority: String,
    priority_label: &'static str,
    company: Option<String>,
    requester: Option<String>,
    requester_id: Option<i64>,
    raised_by: Option<String>,
    assigned: Option<String>,
    assigned_id: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    version: i64,
    source: String,
    files: Vec<FileItem>,
    pictures: Vec<Picture>,
}

/// What the desk may change beside the conversation.
#[derive(Debug, Serialize)]
pub(super) struct Panel {
    pub(super) statuses: Vec<Opt>,
    pub(super) priorities: Vec<Opt>,
    pub(super) assignees: Vec<Opt>,
    pub(super) requesters: Vec<Opt>,
    pub(super) companies: Vec<Opt>,
    /// The same with nobody, where each is a button.
    assignees_or_nobody: Vec<Opt>,
    categories: Vec<String>,
    watchers: Vec<Watcher>,
    templates: Vec<Opt>,
    tagging: TagCard,
    linking: LinkCard,
    /// Who may watch and does not.
    watchable: Vec<Opt>,
}

#[derive(Debug, Serialize)]
struct Watcher {
    id: i64,
    name: String,
}

/// Shows a ticket that the caller may see.
pub async fn show(by: User, Path(id): Path<i64>, query: Query<ListQuery>) -> Result<Response> {
    let mut page = TicketShow::load(&by, id, &query).await?;
    if query.all.is_none() {
        page.fold();
    }
    by.page(&page).await
}

/// Conversations longer than this show their beginning and their end.
const FOLD_FROM: usize = 30;
const KEEP_FIRST: usize = 2;
const KEEP_LAST: usize = 20;

impl TicketShow {
    /// Reads everything the page shows.
    pub(super) async fn load(by: &By, id: i64, query: &Query<ListQuery>) -> Result<Self> {
        let scope = Scope::of(by);
        let ticket = store::find(scope, by.db(), id).await?;
        let doer = Doer::of(by);
        let mut entries = store::entries(scope, by.db(), id, doer.id).await?;
        let draft = entries.iter().position(|entry| entry.kind == "draft").map(|at| entries.remove(at));
        let files = store::attachments(scope, by.db(), id).await?;
        let panel = if scope.sees_desk() {
            let choices = store::choices(by.db(), by.now(), ticket.company_id, Some(id), doer.id).await?;
            Some(Panel::of(&ticket, &choices))
        } else {
            None
        };
        let mut page = Self::new(&ticket, entries, &files, &doer, by.now());
        let state = ListState::read(scope, doer.id.unwrap_or_default(), by.now(), query);
        page.begin_reply(by, &ticket, draft, query).await?;
        // A text that was asked for takes the place of the neighbours among the statements of the page.
        page.place = Place::find(by, scope.listed(query.wants_company()), &state, id, query.template.is_none()).await?;
        page.is_watching =
            panel.as_ref().is_some_and(|panel| panel.watchers.iter().any(|watcher| Some(watcher.id) == doer.id));
        if panel.is_none() {
            page.related = links::links(&store::related(scope, by.db(), id).await?);
        }
        page.panel = panel;
        page.may_delete = by.person().is_some_and(|person| person.user.is_super_admin);
        Ok(page)
    }

    pub(super) fn new(
        ticket: &Ticket,
        entries: Vec<Entry>,
        files: &[Attachment],
        doer: &Doer,
        now: DateTime<Utc>,
    ) -> Self {
        let reopens = model::may_reopen(ticket.state(), doer.is_desk, now);
        let is_merged = ticket.merged_into_id.is_some();
        let is_shut = reopens.is_err() && !is_merged;
        let may_move = (doer.is_desk || ticket.requester_id == doer.id) && !is_merged;
        Self {
            title: ticket.subject.clone(),
            has_errors: false,
            is_desk: doer.is_desk,
            may_delete: false,
            entries: entries.into_iter().filter_map(|entry| Item::of(entry, ticket, files, doer.is_desk)).collect(),
            ticket: Head::of(ticket, files),
            reply: FormState::of([("is_internal", "false")]),
            uploads: Vec::new(),
            all_files: AllFiles::of(ticket.id, files),
            details: details(ticket),
            conflict: None,
            is_watching: false,
            place: Place::none(),
            draft_at: None,
            stamp: stamp(ticket, doer.is_desk),
            may_reply: !is_shut && !is_merged,
            may_close: may_move && model::may_close(ticket.state()),
            may_reopen: may_move && reopens.unwrap_or(false),
            follow_up: is_shut.then(|| actions::follow_up(ticket.id)),
            panel: None,
            ai: AiCard::of(ticket).filter(|_| doer.is_desk),
            merged_into: links::pointer(ticket),
            related: Vec::new(),
        }
    }

    /// Fills the reply with what was kept, and with the text that was asked for.
    async fn begin_reply(
        &mut self,
        by: &By,
        ticket: &Ticket,
        draft: Option<Entry>,
        query: &Query<ListQuery>,
    ) -> Result<()> {
        let (mut body, mut is_note) = (String::new(), false);
        if let Some(draft) = draft {
            self.draft_at = Some(draft.created_at);
            is_note = draft.topic == "note";
            body = draft.text;
        }
        let me = by.person().filter(|_| self.is_desk);
        if let (Some(id), Some(me)) = (query.template.as_deref().and_then(|id| id.parse().ok()), me)
            && let Some(found) = store::template(by.db(), me.id(), id).await?
        {
            let text = model::fill(&found.body, &words(ticket, &me.user.name()));
            body = if body.trim().is_empty() { text } else { format!("{}\n\n{text}", body.trim_end()) };
        }
        self.reply = FormState::of([("is_internal", if is_note { "true" } else { "false" }), ("body", &body)]);
        Ok(())
    }

    /// Puts what was typed over what is stored.
    pub(super) fn take(&mut self, typed: FormState) {
        self.details.errors = typed.errors;
        self.details.fields.extend(typed.fields);
    }

    /// Who made the newest change.
    pub(super) fn last_changed_by(&self) -> Option<String> {
        self.entries.iter().rev().find(|entry| entry.is_change()).map(|entry| entry.author().to_owned())
    }

    pub(super) fn fold(&mut self) {
        let count = self.entries.len();
        if count <= FOLD_FROM {
            return;
        }
        let hidden = count - KEEP_FIRST - KEEP_LAST;
        let at = self.entries.get(KEEP_FIRST).map_or(self.ticket.created_at, |entry| entry.at);
        self.entries.splice(KEEP_FIRST..KEEP_FIRST + hidden, [Item::gap(hidden, at)]);
    }
}

/// Changes whenever this side's page would look different (`/events/poll` makes the same).
fn stamp(ticket: &Ticket, is_desk: bool) -> String {
    let scope = if is_desk { Scope::everywhere() } else { Scope::everywhere_in_public() };
    store::mark(scope, ticket.id, ticket.version, ticket.updated_at, ticket.last_reply_at)
}

/// What the words of a text stand for on this ticket.
fn words(ticket: &Ticket, me: &str) -> Vec<(&'static str, String)> {
    let name = ticket.requester_name().unwrap_or_default();
    let first = ticket.requester_first.clone().filter(|first| !first.trim().is_empty());
    vec![
        ("{requester_name}", name.clone()),
        ("{requester_first_name}", first.unwrap_or(name)),
        ("{company}", ticket.company_name.clone().unwrap_or_default()),
        ("{ticket_number}", format!("#{}", ticket.id)),
        ("{subject}", ticket.subject.clone()),
        ("{my_name}", me.to_owned()),
    ]
}

/// The form of the panel, filled with what is stored.
pub(super) fn details(ticket: &Ticket) -> FormState {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    FormState::of([
        ("subject", ticket.subject.clone()),
        ("status", ticket.status.clone()),
        ("priority", ticket.priority.clone()),
        ("assigned_user_id", id(ticket.assigned_user_id)),
        ("requester_id", id(ticket.requester_id)),
        ("company_id", id(ticket.company_id)),
        ("category", ticket.category.clone().unwrap_or_default()),
        ("external_reference", ticket.external_reference.clone().unwrap_or_default()),
    ])
}

impl Head {
    fn of(ticket: &Ticket, files: &[Attachment]) -> Self {
        let status = Status::stored(&ticket.status);
        Self {
            id: ticket.id,
            subject: ticket.subject.clone(),
            description: ticket.description.clone(),
            status: ticket.status.clone(),
            status_label: status.label(),
            sentence: status.sentence(),
            is_done: status.is_done(),
            priority: Priority::stored(&ticket.priority).as_str().to_owned(),
            priority_label: Priority::stored(&ticket.priority).label(),
            company: ticket.company_name.clone(),
            requester: ticket.requester_name(),
            requester_id: ticket.requester_id,
            raised_by: ticket.raised_by(),
            assigned: ticket.assigned_name(),
            assigned_id: ticket.assigned_user_id,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            closed_at: ticket.closed_at,
            version: ticket.version,
            source: ticket.source.clone(),
            files: file_items(files, None),
            pictures: pictures(files, None),
        }
    }
}

impl Panel {
    pub(super) fn of(ticket: &Ticket, choices: &Choices) -> Self {
        let assigned = ticket.assigned_user_id.map(|id| (id, ticket.assigned_name()));
        let requester = ticket.requester_id.map(|id| (id, ticket.requester_name()));
        let company = ticket.company_id.map(|id| (id, ticket.company_name.clone()));
        let watcher = |c: &Choice| Watcher { id: c.id, name: c.name.clone() };
        let is_new = |c: &&Choice| !choices.watchers.iter().any(|known| known.id == c.id);
        let mut watchable: Vec<Choice> = choices.assignees.iter().filter(is_new).cloned().collect();
        let others = choices.requesters.iter().filter(is_new);
        watchable.extend(others.filter(|c| !choices.assignees.iter().any(|a| a.id == c.id)).cloned());
        let assignees = choose::options(&choices.assignees, assigned);
        let mut assignees_or_nobody = vec![Opt::new("", "Nobody")];
        assignees_or_nobody.extend(assignees.iter().cloned());
        Self {
            assignees_or_nobody,
            templates: choose::options(&choices.templates, None),
            tagging: TagCard::of(ticket, &choices.tags),
            linking: LinkCard::of(choices),
            watchable: choose::options(&watchable, None),
            statuses: choose::statuses(),
            priorities: choose::priorities(),
            assignees,
            requesters: choose::options(&choices.requesters, requester),
            companies: choose::options(&choices.companies, company),
            categories: choices.categories.clone(),
            watchers: choices.watchers.iter().map(watcher).collect(),
        }
    }
}

impl Page for TicketShow {
    const TEMPLATE: &'static str = "tickets/show.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("ticket-timeline", "tickets/_live.html")];

    fn samples() -> Vec<Self> {
        super::samples::tickets()
    }
}
