//! What the module allows (tickets 10.1), read for each request.

use shared::context::By;
use shared::error::Result;
use shared::modules::{self, Module, Slug};
use tickets::desk::Status;

use crate::tools::Tool;

/// What the module allows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tools that may be called.
    pub tools: Vec<Tool>,
    /// Tickets in one answer.
    pub max_results: i64,
    /// The second switch of `updateTicket`.
    pub may_update: bool,
    /// Statuses that a change may set.
    pub statuses: Vec<Status>,
    /// In whose name replies are written.
    pub system_user_id: Option<i64>,
    /// A call may name another technician.
    pub may_choose_author: bool,
    /// Internal notes and addresses show.
    pub shows_notes: bool,
    /// Only tickets of these companies are reached; empty means all.
    pub companies: Vec<i64>,
    /// Origins of browsers that may call, beside our own.
    pub origins: Vec<String>,
}

impl Settings {
    /// The settings of a module.
    pub fn of(module: &Module) -> Result<Self> {
        let set: modules::settings::ChatGptMcp = module.settings()?;
        Ok(Self {
            tools: Tool::ALL.into_iter().filter(|tool| set.allowed_actions.iter().any(|n| n == tool.name())).collect(),
            max_results: set.max_results.clamp(1, 200),
            may_update: set.allow_ticket_updates,
            statuses: set.allowed_statuses.iter().filter_map(|word| Status::parse(word).ok()).collect(),
            system_user_id: set.system_user_id,
            may_choose_author: set.allow_author_override,
            shows_notes: set.expose_internal_notes,
            companies: set.company_ids,
            origins: set.allowed_origins,
        })
    }

    /// True for tickets of a company in reach.
    pub fn reaches(&self, company: Option<i64>) -> bool {
        self.companies.is_empty() || company.is_some_and(|id| self.companies.contains(&id))
    }

    /// The tools that clients are told of: where changes are switched off, there is none for them.
    pub fn listed(&self) -> impl Iterator<Item = Tool> {
        let may_update = self.may_update;
        self.tools.iter().copied().filter(move |tool| *tool != Tool::Update || may_update)
    }
}

/// The module as it is now.
pub async fn module(by: &By) -> Result<Module> {
    modules::find(by.app(), by.db(), Slug::ChatGptMcp).await
}
