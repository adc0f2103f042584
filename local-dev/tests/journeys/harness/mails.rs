//! Reading mail: in the mailbox page of the local server, or as a mail server received it.

use local_dev::local::Mail as Parsed;
use serde_json::json;
use shared::testing::sink::SmtpSink;

use super::{Person, Portal, wait_for};

/// Address of the newest mail in the list to somebody about something.
const FIND: &str = r#"
const [to, subject] = arguments;
const links = [...document.querySelectorAll("a[href^='/dev/mailbox/']")];
const found = links.find((link) => {
  const row = link.closest("tr, li") ?? link;
  return row.innerText.includes(to) && row.innerText.includes(subject);
});
return found?.getAttribute("href") ?? null;
"#;

/// Where the portal's mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// Into the mailbox page, as with no settings at all.
    Mailbox,
    /// To a mail server.
    Smtp,
}

/// A mail as its reader sees it.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

impl Letter {
    /// The address in it that leads to this path of the portal, with what follows.
    pub fn link(&self, path: &str) -> String {
        let words = self.text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')'));
        let found = words.filter(|word| word.starts_with("http")).find(|word| word.contains(path));
        found.unwrap_or_else(|| panic!("no link to {path} in:\n{}", self.text)).to_owned()
    }
}

impl Person {
    /// Waits for the newest mail to an address whose subject has these words.
    pub async fn mail(&self, to: &str, subject: &str) -> Letter {
        match self.portal.sink() {
            Some(_) => received(&self.portal, to, subject).await,
            None => self.mail_in_mailbox(to, subject).await,
        }
    }

    /// True when no mail that the mail server has for the address says these words.
    pub fn never_mailed(&self, to: &str, words: &str) -> bool {
        letters(&self.portal, to).iter().all(|letter| !letter.text.contains(words) && !letter.subject.contains(words))
    }

    async fn mail_in_mailbox(&self, to: &str, subject: &str) -> Letter {
        let found = wait_for(async || {
            self.open("/dev/mailbox").await;
            self.ask(FIND, &[json!(to), json!(subject)]).await.as_str().map(str::to_owned)
        })
        .await;
        let Some(path) = found else { self.stuck(&format!("no mail to {to} about \"{subject}\" comes")).await };
        self.open(&path).await;
        let text = self.ask("return document.querySelector('main').innerText", &[]).await;
        let heading = self.ask("return document.querySelector('h1').innerText", &[]).await;
        Letter {
            subject: heading.as_str().unwrap_or_default().to_owned(),
            text: text.as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// The mails to an address as the mail server has them, oldest first.
fn letters(portal: &Portal, to: &str) -> Vec<Letter> {
    let mails = portal.sink().map(SmtpSink::mails).unwrap_or_default();
    let theirs = mails.iter().filter(|mail| mail.to.iter().any(|one| one == to));
    let parsed = theirs.map(|mail| Parsed::parse(mail.raw.as_bytes()));
    parsed.map(|mail| Letter { subject: mail.header("subject"), text: mail.text() }).collect()
}

async fn received(portal: &Portal, to: &str, subject: &str) -> Letter {
    let find = || letters(portal, to).into_iter().rev().find(|letter| letter.subject.contains(subject));
    match wait_for(async || find()).await {
        Some(letter) => letter,
        None => panic!("no mail to {to} about \"{subject}\"; there are {:?}", portal.sink().map(SmtpSink::mails)),
    }
}
