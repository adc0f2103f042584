//! Changing a module: what is absent stays, secrets are written and never read back.

use serde_json::{Map, Value, json};

use super::field::{Field, is_blank};
use super::{MASK, Module, Slug, effective, find, mcp};
use crate::app::App;
use crate::audit::Change;
use crate::db::{Tx, sql};
use crate::error::{Error, Invalid, Result};

/// What somebody wants changed.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// On or off.
    pub enabled: Option<bool>,
    /// Settings by name; a secret that is blank or masked stays.
    pub settings: Map<String, Value>,
    /// Settings to be emptied.
    pub clear: Vec<String>,
    /// The version that the caller saw.
    pub version: Option<i64>,
}

/// Applies an edit and notes it in the trail: names of settings, never values.
pub async fn save(app: &App, tx: &mut Tx, slug: Slug, edit: Edit) -> Result<Module> {
    let old = find(app, &mut *tx, slug).await?;
    if edit.version.is_some_and(|version| version != old.version) {
        return Err(stale(&old));
    }
    let secrets = old.open(app)?;
    let mut work = Work { app, old: &old, chosen: old.chosen.clone(), secrets, changed: Vec::new() };
    let mut invalid = Invalid::none();
    work.apply(edit.settings, &edit.clear, &mut invalid);
    work.check_person(tx, &mut invalid).await?;
    let enabled = edit.enabled.unwrap_or(old.enabled);
    let changed = work.changed.clone();
    let new = work.module(enabled)?;
    if enabled && invalid.is_empty() {
        for field in new.missing(app)? {
            invalid.add(field.key, format!("Enter the {} before switching the module on", lower(field.label)));
        }
    }
    invalid.finish()?;
    store(tx, &new, &old).await?;
    note(tx, &old, enabled, &changed);
    find(app, tx, slug).await
}

fn stale(old: &Module) -> Error {
    Error::conflict("Somebody else changed this module. Load it again and repeat your change.")
        .code("version_conflict")
        .with("version", old.version)
}

/// "API key" stays, "Address" becomes "address".
fn lower(label: &str) -> String {
    let is_name = label.chars().nth(1).is_some_and(char::is_uppercase);
    if is_name { label.to_owned() } else { label.to_lowercase() }
}

struct Work<'a> {
    app: &'a App,
    old: &'a Module,
    chosen: Map<String, Value>,
    secrets: Map<String, Value>,
    changed: Vec<&'static str>,
}

impl Work<'_> {
    fn apply(&mut self, mut settings: Map<String, Value>, clear: &[String], invalid: &mut Invalid) {
        let keeps = self.old.slug == Slug::ChatGptMcp && self.digest(&mut settings, invalid);
        for (key, value) in settings {
            match self.old.entry().field(&key) {
                Some(field) if field.is_secret => self.set_secret(field, &value, keeps, invalid),
                Some(field) => self.set(field, &value, invalid),
                None => invalid.add(&key, "This module has no such setting"),
            }
        }
        for key in clear {
            match self.old.entry().fields.iter().find(|field| field.key == *key || mcp::stored_as(field) == *key) {
                Some(field) if field.is_secret => self.put_secret(mcp::stored_as(field), field.key, String::new()),
                Some(field) => self.set(field, &Value::Null, invalid),
                None => invalid.add("clear", format!("This module has no setting {key}")),
            }
        }
    }

    /// Whether the former shared secret stays good for a day.
    fn digest(&mut self, settings: &mut Map<String, Value>, invalid: &mut Invalid) -> bool {
        match mcp::take(settings) {
            Ok((None, keeps)) => keeps,
            Ok((Some(hash), keeps)) => {
                self.put_digest(hash, keeps);
                keeps
            }
            Err(text) => {
                invalid.add(mcp::SHARED_SECRET_HASH, text);
                false
            }
        }
    }

    fn set(&mut self, field: &'static Field, value: &Value, invalid: &mut Invalid) {
        let Some(value) = invalid.check(field.key, field.read(value, self.app.config())) else { return };
        if self.old.value(field.key) != value {
            self.changed.push(field.key);
            self.chosen.insert(field.key.to_owned(), value);
        }
    }

    fn set_secret(&mut self, field: &'static Field, value: &Value, keeps: bool, invalid: &mut Invalid) {
        if is_blank(value) || value == MASK {
            return;
        }
        let Some(read) = invalid.check(field.key, field.read(value, self.app.config())) else { return };
        let text = read.as_str().unwrap_or_default().to_owned();
        if mcp::stored_as(field) == mcp::SHARED_SECRET_HASH {
            self.put_digest(text, keeps);
        } else {
            self.put_secret(field.key, field.key, text);
        }
    }

    fn put_digest(&mut self, hash: String, keeps: bool) {
        let former = self.old.secret(self.app, mcp::SHARED_SECRET_HASH).ok().flatten();
        mcp::rotate(&mut self.secrets, former, keeps, self.app.now());
        self.put_secret(mcp::SHARED_SECRET_HASH, "shared_secret", hash);
    }

    fn put_secret(&mut self, stored_as: &str, name: &'static str, text: String) {
        self.secrets.insert(stored_as.to_owned(), text.into());
        self.changed.push(name);
    }

    /// The author of replies must exist.
    async fn check_person(&self, tx: &mut Tx, invalid: &mut Invalid) -> Result<()> {
        let Some(id) = self.chosen.get("system_user_id").and_then(Value::as_i64) else { return Ok(()) };
        if crate::accounts::users::find(tx, id).await?.is_none() {
            invalid.add("system_user_id", "There is no such person");
        }
        Ok(())
    }

    /// The module as it will be.
    fn module(self, enabled: bool) -> Result<Module> {
        let mut new = self.old.clone();
        new.enabled = enabled;
        new.effective = effective(new.slug, &self.chosen, self.app.config());
        new.chosen = self.chosen;
        if !self.secrets.is_empty() {
            let text = Value::Object(self.secrets).to_string();
            let sealed = self.app.keyring().seal_text(&new.context(), &text);
            new.sealed = Some(sealed.map_err(|error| Error::Internal(error.into()))?);
        }
        Ok(new)
    }
}

async fn store(tx: &mut Tx, new: &Module, old: &Module) -> Result<()> {
    let (now, editor) = (tx.stamp().at, tx.stamp().user_id);
    let rows = sql("UPDATE integration_modules SET enabled = ?, settings = ?, secrets = ?, version = version + 1, \
         updated_by_id = ?, updated_at = ? WHERE id = ? AND version = ?")
    .bind(new.enabled)
    .bind(Value::Object(new.chosen.clone()).to_string())
    .bind(new.sealed.clone())
    .bind(editor)
    .bind(now)
    .bind(new.id)
    .bind(old.version)
    .execute(tx)
    .await?;
    if rows == 0 { Err(stale(old)) } else { Ok(()) }
}

fn note(tx: &mut Tx, old: &Module, enabled: bool, changed: &[&str]) {
    let change = Change::new("integration_module.updated", "integration_module", old.id)
        .label(old.entry().name)
        .changed(json!({ "enabled": old.enabled }), json!({ "enabled": enabled }))
        .meta("changed", json!(changed));
    tx.audit(change);
}

/// Keeps what a test found; `running` marks its beginning.
pub async fn note_test(tx: &mut Tx, slug: Slug, status: &str, message: &str, details: &Value) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE integration_modules SET last_test_at = ?, last_test_status = ?, last_test_message = ?, \
         last_test_details = ? WHERE slug = ?")
    .bind(now)
    .bind(status)
    .bind(message.chars().take(1000).collect::<String>())
    .bind(if details.is_null() { None } else { Some(details.to_string()) })
    .bind(slug.as_str())
    .execute(tx)
    .await?;
    Ok(())
}
