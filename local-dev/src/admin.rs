//! `admin create`: the way in when no administrator can sign in any more.

use anyhow::{Result, bail};
use shared::accounts::password_tokens::{self, Purpose};
use shared::accounts::users::{self, NewUser, User};
use shared::app::App;
use shared::audit::{Change, Stamp};
use shared::db::{Tx, sql};

use crate::plain;

/// What the words after `admin create` ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Normalised address.
    pub email: String,
    /// For a new person.
    pub first_name: Option<String>,
    /// For a new person.
    pub last_name: Option<String>,
    /// Make a link for a person who exists.
    pub reset_password: bool,
}

/// Reads the words after `admin create`.
pub fn parse(words: &[&str]) -> Result<Request> {
    let mut request = Request::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, inline) = word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        if name == "--reset-password" {
            request.reset_password = true;
            continue;
        }
        let Some(value) = inline.or_else(|| words.next().copied()) else { bail!("{name} needs a value") };
        match name {
            "--email" => {
                request.email = users::parse_email(value).map_err(|text| anyhow::anyhow!("--email: {text}"))?;
            }
            "--first-name" => request.first_name = name_of(value)?,
            "--last-name" => request.last_name = name_of(value)?,
            _ => bail!("`admin create` does not know {name}; `myportal help` shows what it knows"),
        }
    }
    if request.email.is_empty() {
        bail!("`admin create` needs --email");
    }
    Ok(request)
}

fn name_of(text: &str) -> Result<Option<String>> {
    users::parse_optional_name(text).map_err(|text| anyhow::anyhow!("{text}"))
}

/// Adds the administrator, or makes the link, and prints it once.
pub async fn create(app: &App, request: &Request) -> Result<()> {
    let known = users::find_by_email(app.db(), &request.email).await.map_err(plain)?;
    match &known {
        Some(user) if !user.is_super_admin => {
            bail!("{} is a person without administrator rights; change that in the portal", request.email)
        }
        Some(_) if !request.reset_password => {
            bail!("{} is an administrator already; --reset-password makes a new link", request.email)
        }
        Some(user) if !user.is_active => bail!("{} is switched off", request.email),
        None if request.reset_password => bail!("nobody has the address {}", request.email),
        _ => {}
    }
    let token = write(app, request, known.as_ref()).await.map_err(plain)?;
    let base = app.config().base_url().map_or_else(|| format!("http://{}", app.config().listen), str::to_owned);
    let hours = if known.is_some() { "1 hour" } else { "7 days" };
    println!("{} sets a password at this address, once, within {hours}:", request.email);
    println!("{base}/reset-password#token={token}");
    Ok(())
}

async fn write(app: &App, request: &Request, known: Option<&User>) -> shared::error::Result<String> {
    let now = app.now();
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    let (id, purpose, action) = match known {
        Some(user) => (user.id, Purpose::Reset, "user.password_link_created"),
        None => (insert(&mut tx, request).await?, Purpose::Invite, "user.created"),
    };
    let token = password_tokens::issue(&mut tx, id, purpose).await?;
    tx.audit(Change::new(action, "user", id).label(&request.email).meta("source", "command line"));
    tx.commit().await?;
    Ok(token)
}

async fn insert(tx: &mut Tx, request: &Request) -> shared::error::Result<i64> {
    let now = tx.stamp().at;
    let new = NewUser {
        email: request.email.clone(),
        first_name: request.first_name.clone(),
        last_name: request.last_name.clone(),
        is_super_admin: true,
        email_verified_at: Some(now),
        ..NewUser::default()
    };
    let id = users::insert(tx, &new, now).await?;
    // The registration page offers the first administrator's account no longer.
    sql("UPDATE site_settings SET first_admin_at = COALESCE(first_admin_at, ?) WHERE id = 1")
        .bind(now)
        .execute(tx)
        .await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_order() {
        let request = parse(&["--first-name", "Ana", "--email=Ana@Example.com ", "--reset-password"]).unwrap();
        assert_eq!(request.email, "ana@example.com");
        assert_eq!(request.first_name.as_deref(), Some("Ana"));
        assert!(request.reset_password);
    }

    #[test]
    fn mistakes_are_named() {
        for (words, part) in [
            (&[][..], "--email"),
            (&["--email"], "needs a value"),
            (&["--email", "ana"], "address"),
            (&["--mail", "x"], "--mail"),
        ] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
