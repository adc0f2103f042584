//! The mailbox of caught mail and the gallery of components. Both answer the developer's own machine only.

use std::net::IpAddr;
use std::path::Path as FilePath;

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde::Serialize;
use shared::app::mailbox_folder;
use shared::caller::Anyone;
use shared::context::By;
use shared::error::{Error, Result};
use shared::page::{Page, nothing_here};
use shared::web::Path;

use super::eml::Mail;

/// Mails in the list.
const SHOWN: usize = 200;

/// Refuses everybody but this machine. The name in `Host` is looked at too, so that neither a proxy in
/// front nor another site's name pointed at this machine opens the mailbox.
fn only_here(by: &By, headers: &HeaderMap) -> Result<()> {
    let is_loopback = by.ip().parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let host = headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let is_named = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    if is_loopback && is_named && !by.app().config().is_production() { Ok(()) } else { Err(nothing_here()) }
}

/// A caught mail in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    name: String,
    to: String,
    subject: String,
    at: Option<DateTime<Utc>>,
}

/// The list of caught mails.
#[derive(Debug, Serialize)]
pub struct Mailbox {
    mails: Vec<Line>,
    sends: bool,
}

impl Page for Mailbox {
    const TEMPLATE: &'static str = "internal/mailbox.html";

    fn samples() -> Vec<Self> {
        let line = Line {
            name: "20261123T091200000000Z-a.eml".to_owned(),
            to: "ben@example.com".to_owned(),
            subject: "Reset your password".to_owned(),
            at: DateTime::from_timestamp(1_795_000_000, 0),
        };
        let other = Line { at: None, subject: String::new(), ..line.clone() };
        vec![Self { mails: vec![line, other], sends: false }, Self { mails: Vec::new(), sends: true }]
    }
}

/// One caught mail.
#[derive(Debug, Serialize)]
pub struct Letter {
    subject: String,
    from: String,
    to: String,
    at: Option<DateTime<Utc>>,
    message_id: String,
    text: String,
    links: Vec<String>,
}

impl Page for Letter {
    const TEMPLATE: &'static str = "internal/mail.html";

    fn samples() -> Vec<Self> {
        let letter = |text: &str, links: &[&str]| Self {
            subject: "Reset your password".to_owned(),
            from: "MyPortal <portal@example.com>".to_owned(),
            to: "ben@example.com".to_owned(),
            at: DateTime::from_timestamp(1_795_000_000, 0),
            message_id: "1@example.com".to_owned(),
            text: text.to_owned(),
            links: links.iter().map(|link| (*link).to_owned()).collect(),
        };
        vec![letter("Open https://portal.example.com/x", &["https://portal.example.com/x"]), letter("", &[])]
    }
}

/// The component gallery; its data stands in the template.
#[derive(Debug, Serialize)]
pub struct Gallery {}

impl Page for Gallery {
    const TEMPLATE: &'static str = "internal/gallery.html";

    fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}

pub(super) async fn gallery(by: Anyone, headers: HeaderMap) -> Result<Response> {
    only_here(&by, &headers)?;
    by.page(&Gallery {}).await
}

pub(super) async fn mailbox(by: Anyone, headers: HeaderMap) -> Result<Response> {
    only_here(&by, &headers)?;
    let folder = mailbox_folder(by.app().config());
    let mut names = names(&folder).await?;
    names.truncate(SHOWN);
    let mut mails = Vec::with_capacity(names.len());
    for name in names {
        let Some(mail) = read(&folder, &name).await? else { continue };
        let (to, subject, at) = (mail.header("to"), mail.header("subject"), sent_at(&name));
        mails.push(Line { name, to, subject, at });
    }
    by.page(&Mailbox { mails, sends: !by.app().config().smtp.host.is_empty() }).await
}

pub(super) async fn letter(by: Anyone, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    only_here(&by, &headers)?;
    let missing = || Error::not_found("There is no such mail.");
    if !is_name(&name) {
        return Err(missing());
    }
    let mail = read(&mailbox_folder(by.app().config()), &name).await?.ok_or_else(missing)?;
    let text = mail.text();
    let links = links(&text);
    let header = |name: &str| mail.header(name);
    by.page(&Letter {
        subject: header("subject"),
        from: header("from"),
        to: header("to"),
        at: sent_at(&name),
        message_id: header("message-id"),
        text,
        links,
    })
    .await
}

/// A plain name of ours, never a path.
fn is_name(name: &str) -> bool {
    FilePath::new(name).extension().is_some_and(|e| e == "eml")
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Newest first. A folder that is not there yet has no mail.
async fn names(folder: &FilePath) -> Result<Vec<String>> {
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(internal)? {
        names.extend(entry.file_name().into_string().ok().filter(|name| is_name(name)));
    }
    names.sort_by(|a, b| b.cmp(a));
    Ok(names)
}

async fn read(folder: &FilePath, name: &str) -> Result<Option<Mail>> {
    match tokio::fs::read(folder.join(name)).await {
        Ok(raw) => Ok(Some(Mail::parse(&raw))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(internal(error)),
    }
}

fn internal(error: std::io::Error) -> Error {
    Error::Internal(error.into())
}

/// The name of a file begins with its time.
fn sent_at(name: &str) -> Option<DateTime<Utc>> {
    let stamp = name.get(..22)?;
    chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%S%6fZ").ok().map(|at| at.and_utc())
}

/// The addresses in the text, each once.
fn links(text: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for word in text.split_whitespace().filter(|w| w.starts_with("https://") || w.starts_with("http://")) {
        let bare = word.trim_end_matches(['.', ',', ')', ';', '!', '?', '>']);
        if !links.iter().any(|known| known == bare) {
            links.push(bare.to_owned());
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        assert!(is_name("20261123T091200000000Z-a_b.eml"));
        for bad in ["../secrets", "..eml", ".x.eml", "a/b.eml", "a.eml.part", "a\\b.eml", ""] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn times_and_links_are_found() {
        let at = sent_at("20261123T091200123456Z-a.eml").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-11-23T09:12:00.123456+00:00");
        assert_eq!(sent_at("x.eml"), None);
        assert_eq!(
            links("Open https://a.example/x#token=1.\nhttps://a.example/x#token=1 http://b"),
            ["https://a.example/x#token=1", "http://b"]
        );
    }

    #[test]
    fn samples_render() {
        shared::testing::render_samples::<Mailbox>();
        shared::testing::render_samples::<Letter>();
        shared::testing::render_samples::<Gallery>();
    }
}
