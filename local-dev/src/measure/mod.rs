//! `measure organisation` and `measure tickets`: fill the database with masses, ask the lists over them at a
//! steady rate and print how long each answer took. For an empty database of its own: what they add stays there.

mod ask;
mod desk;
mod fill;
mod organisation;
mod tickets;

use anyhow::{Context as _, Result, bail};
use shared::app::App;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Companies, members and the trail.
    Organisation,
    /// Tickets.
    Tickets,
}

/// How much there is to be measured against, and how it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Companies.
    pub companies: i64,
    /// Memberships, each of a person of its own.
    pub memberships: i64,
    /// Lines of the audit trail.
    pub audit: i64,
    /// Tickets.
    pub tickets: i64,
    /// Replies, the same number for each ticket.
    pub replies: i64,
    /// Requests for each line of the table.
    pub requests: usize,
    /// How many of them begin in a second.
    pub rate: u32,
}

impl Amounts {
    /// As much as the limits of the product speak of.
    pub fn of(subject: Subject) -> Self {
        let all = Self {
            companies: 5_000,
            memberships: 50_000,
            audit: 1_000_000,
            tickets: 1_000_000,
            replies: 10_000_000,
            requests: 200,
            rate: 200,
        };
        match subject {
            Subject::Organisation => Self { tickets: 0, replies: 0, ..all },
            Subject::Tickets => Self { audit: 0, ..all },
        }
    }
}

/// Reads the words after `measure`: `tickets --tickets 1000000 --replies 10000000 --requests 200 --rate 200`.
pub fn parse(words: &[&str]) -> Result<(Subject, Amounts)> {
    let Some((subject, mut rest)) = words.split_first().map(|(first, rest)| (*first, rest.iter())) else {
        bail!("say what to measure: `measure organisation` or `measure tickets`");
    };
    let subject = match subject {
        "organisation" => Subject::Organisation,
        "tickets" => Subject::Tickets,
        other => bail!("`measure` does not know {other}; `myportal help` shows what it knows"),
    };
    let mut amounts = Amounts::of(subject);
    while let Some(name) = rest.next() {
        let number = rest.next().and_then(|text| text.parse::<i64>().ok()).filter(|number| *number > 0);
        let number = number.with_context(|| format!("{name} needs a number above zero"))?;
        match (*name, subject) {
            ("--companies", _) => amounts.companies = number,
            ("--memberships", _) => amounts.memberships = number,
            ("--audit", Subject::Organisation) => amounts.audit = number,
            ("--tickets", Subject::Tickets) => amounts.tickets = number,
            ("--replies", Subject::Tickets) => amounts.replies = number,
            ("--requests", _) => amounts.requests = usize::try_from(number)?,
            ("--rate", _) => amounts.rate = u32::try_from(number)?,
            (other, _) => bail!("`measure` does not know {other} here; `myportal help` shows what it knows"),
        }
    }
    Ok((subject, amounts))
}

/// Fills what is missing, asks, prints.
pub async fn run(app: &App, subject: Subject, amounts: Amounts) -> Result<()> {
    if app.config().is_production() {
        bail!("measure fills the database; it does not run with ENVIRONMENT=production");
    }
    let people = fill::fill(app, amounts).await?;
    match subject {
        Subject::Organisation => organisation::ask(app, &people, amounts).await,
        Subject::Tickets => tickets::ask(app, &people, amounts).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!(parse(&["tickets"]).unwrap(), (Subject::Tickets, Amounts::of(Subject::Tickets)));
        let (_, few) = parse(&["organisation", "--audit", "500", "--requests", "10", "--rate", "50"]).unwrap();
        assert_eq!((few.audit, few.requests, few.rate, few.tickets), (500, 10, 50, 0));
        let (_, few) = parse(&["tickets", "--tickets", "700", "--replies", "7000"]).unwrap();
        assert_eq!((few.tickets, few.replies, few.audit), (700, 7_000, 0));
        let bad: [&[&str]; 6] = [
            &[],
            &["people"],
            &["organisation", "--audit"],
            &["organisation", "--audit", "0"],
            &["organisation", "--tickets", "5"],
            &["tickets", "--rows", "5"],
        ];
        for words in bad {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
