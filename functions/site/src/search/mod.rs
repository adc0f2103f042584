//! `/search` and the partial behind the palette: tickets, companies, people and pages (interface 2.4).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;
use shared::web::Query;

use crate::figures::TicketLine;
use crate::figures::found::{self, CompanyLine, PersonLine, Reach};

mod commands;

use commands::Command;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/search", search).page("/palette", palette)
}

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// What a sign in front of the words narrows the search to (interface 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    /// `#`
    Tickets,
    /// `@`
    People,
    /// `>`
    Commands,
}

impl Asked {
    fn text(&self) -> String {
        self.q.chars().take(200).collect()
    }

    /// The kind that is asked for, and the words without its sign.
    fn narrowed(&self) -> (Kind, String) {
        let text = self.text();
        let text = text.trim();
        let rest = |sign| text.strip_prefix(sign).map(|rest: &str| rest.trim().to_owned());
        if let Some(words) = rest('@') {
            return (Kind::People, words);
        }
        if let Some(words) = rest('>') {
            return (Kind::Commands, words);
        }
        // The search of tickets reads the sign of numbers itself.
        (if text.starts_with('#') { Kind::Tickets } else { Kind::All }, text.to_owned())
    }
}

/// What was found; empty lists where the person may not look.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    tickets: Vec<TicketLine>,
    companies: Vec<CompanyLine>,
    people: Vec<PersonLine>,
}

impl Found {
    async fn by(user: &User, kind: Kind, q: &str, limit: i64) -> Result<Self> {
        let mut found = Self::default();
        if matches!(kind, Kind::All | Kind::Tickets) {
            found.tickets = found::tickets(user, user.me(), q, limit).await?;
        }
        if matches!(kind, Kind::All | Kind::People) {
            let reach = Reach::of(user.me());
            found.companies = found::companies(user, &reach, q, limit).await?;
            found.people = found::people(user, &reach, q, limit).await?;
        }
        Ok(found)
    }

    fn sample() -> Self {
        Self {
            tickets: vec![TicketLine {
                id: 10_432,
                subject: "Printer in room 4 jams".to_owned(),
                status: "open".to_owned(),
                priority: "normal".to_owned(),
                company: Some("Northwind Dental".to_owned()),
                updated_at: chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
                last_reply_side: None,
            }],
            companies: vec![CompanyLine { id: 4, name: "Northwind Dental".to_owned(), is_archived: true }],
            people: vec![PersonLine {
                id: 1,
                email: "ana@example.com".to_owned(),
                first_name: Some("Ana".to_owned()),
                last_name: None,
                company_id: None,
                member_id: None,
            }],
        }
    }
}

/// The page of results.
#[derive(Debug, Serialize)]
pub struct Results {
    q: String,
    found: Found,
}

impl Page for Results {
    const TEMPLATE: &'static str = "site/search.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("search-results", "site/_search.html")];

    fn samples() -> Vec<Self> {
        let page = |q: &str, found| Self { q: q.to_owned(), found };
        vec![page("printer", Found::sample()), page("nothing", Found::default()), page("", Found::default())]
    }
}

/// The page: at most 20 of each kind.
pub async fn search(by: User, asked: Query<Asked>) -> Result<Response> {
    let (kind, words) = asked.narrowed();
    let found = Found::by(&by, kind, &words, 20).await?;
    by.page(&Results { q: asked.text(), found }).await
}

/// The list below the palette's field.
#[derive(Debug, Serialize)]
pub struct Palette {
    /// Without the sign in front.
    words: String,
    /// Pages of the navigation are wanted too.
    has_pages: bool,
    /// Nothing is looked for, so the tickets are those worked on last.
    is_recent: bool,
    /// The ticket of the number that was typed, before all else.
    exact: Option<TicketLine>,
    commands: Vec<Command>,
    found: Found,
}

impl Page for Palette {
    const TEMPLATE: &'static str = "site/_palette.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("palette-results", "site/_palette.html")];

    fn samples() -> Vec<Self> {
        let page = |words: &str, is_recent, found: Found| Self {
            words: words.to_owned(),
            has_pages: true,
            is_recent,
            exact: found.tickets.first().cloned().filter(|_| !is_recent),
            commands: commands::sample(),
            found,
        };
        vec![page("da", false, Found::sample()), page("", true, Found::sample()), page("zzz", false, Found::default())]
    }
}

/// At most 5 of each kind, and the pages of the navigation whose name has the words in it. Without words:
/// what the person worked on last.
pub async fn palette(by: User, asked: Query<Asked>) -> Result<Response> {
    let (kind, words) = asked.narrowed();
    let is_recent = words.is_empty() && kind == Kind::All;
    let mut found = if is_recent {
        Found { tickets: found::recent(&by, by.me(), 5).await?, ..Found::default() }
    } else {
        Found::by(&by, kind, &words, 5).await?
    };
    let number = shared::ticket_search::number(&words);
    let is_exact = found.tickets.first().is_some_and(|ticket| Some(ticket.id) == number);
    let exact = is_exact.then(|| found.tickets.remove(0));
    let has_commands = !is_recent && matches!(kind, Kind::All | Kind::Commands);
    let commands = if has_commands { commands::matching(by.me(), &words) } else { Vec::new() };
    by.page(&Palette { has_pages: kind == Kind::All, words, is_recent, exact, commands, found }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_narrows_the_search() {
        let read = |q: &str| Asked { q: q.to_owned() }.narrowed();
        assert_eq!(read(" @ana "), (Kind::People, "ana".to_owned()));
        assert_eq!(read("> new"), (Kind::Commands, "new".to_owned()));
        assert_eq!(read("#12"), (Kind::Tickets, "#12".to_owned()));
        assert_eq!(read("vpn @home"), (Kind::All, "vpn @home".to_owned()));
    }
}
