//! Who invites, wherever the invitation is made: in a request, or later in the background.

use shared::accounts::invitations::{self, Inviter};
use shared::context::By;
use shared::error::Result;

/// What an invitation says of where it comes from, and what it may do.
#[derive(Debug, Clone)]
pub struct Host {
    /// The address of the portal.
    pub base: Option<String>,
    /// The person who invites.
    pub inviter: Option<Inviter>,
    /// People with an account are let in at once.
    pub lets_in: bool,
}

impl Host {
    /// The caller of a request.
    pub fn of(by: &By, lets_in: bool) -> Self {
        let inviter = by.person().map(|person| Inviter {
            id: person.id(),
            name: person.user.name(),
            email: person.user.email.clone(),
        });
        Self { base: by.base_url(), inviter, lets_in }
    }

    /// The address of the portal, without which no link can be made.
    pub fn base(&self) -> Result<&str> {
        self.base.as_deref().ok_or_else(invitations::missing_base)
    }

    /// How a mail names who invites.
    pub fn name(&self) -> Option<&str> {
        self.inviter.as_ref().map(|inviter| inviter.name.as_str())
    }
}
