//! `measure organisation`: fills the database with companies, memberships and lines of the audit trail, asks
//! the lists over them and prints how long each answer took. For an empty database of its own: what it adds
//! stays there.

mod ask;
mod fill;

use anyhow::{Context as _, Result, bail};
use shared::app::App;

/// How much there is to be measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Companies.
    pub companies: i64,
    /// Memberships, each of a person of its own.
    pub memberships: i64,
    /// Lines of the audit trail.
    pub audit: i64,
    /// Requests for each line of the table.
    pub requests: usize,
}

impl Default for Amounts {
    fn default() -> Self {
        Self { companies: 5_000, memberships: 50_000, audit: 1_000_000, requests: 200 }
    }
}

/// Reads the words after `measure organisation`: `--companies 5000 --memberships 50000 --audit 1000000 --requests 200`.
pub fn parse(words: &[&str]) -> Result<Amounts> {
    let mut amounts = Amounts::default();
    let mut rest = words.iter();
    while let Some(name) = rest.next() {
        let number = rest.next().and_then(|text| text.parse::<i64>().ok()).filter(|number| *number > 0);
        let number = number.with_context(|| format!("{name} needs a number above zero"))?;
        match *name {
            "--companies" => amounts.companies = number,
            "--memberships" => amounts.memberships = number,
            "--audit" => amounts.audit = number,
            "--requests" => amounts.requests = usize::try_from(number)?,
            other => bail!("`measure organisation` does not know {other}; `myportal help` shows what it knows"),
        }
    }
    Ok(amounts)
}

/// Fills what is missing, asks, prints.
pub async fn run(app: &App, amounts: Amounts) -> Result<()> {
    if app.config().is_production() {
        bail!("measure fills the database; it does not run with ENVIRONMENT=production");
    }
    let people = fill::fill(app, amounts).await?;
    ask::ask(app, &people, amounts.requests).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!(parse(&[]).unwrap(), Amounts::default());
        let few = parse(&["--audit", "500", "--requests", "10"]).unwrap();
        assert_eq!((few.audit, few.requests, few.companies), (500, 10, 5_000));
        for bad in [&["--audit"][..], &["--audit", "0"], &["--audit", "x"], &["--rows", "5"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
