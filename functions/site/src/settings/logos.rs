//! Logos and favicon: pictures through `shared::files`, shown to everybody at `/branding/…`.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use shared::audit::Change;
use shared::caller::Anyone;
use shared::context::By;
use shared::db::{At, sql};
use shared::error::{Error, Result};
use shared::files::{self, Home};
use shared::page::{self, nothing_here};
use shared::web::{Path, UploadedFile};

use super::store;

const HOME: Home = Home { area: "site", category: "branding" };

/// Bytes of a picture at most.
const MOST: i64 = 512 * 1024;

/// Where a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// On the sign-in pages.
    Login,
    /// In the bar.
    Sidebar,
    /// In the browser's tab.
    Favicon,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Login, Self::Sidebar, Self::Favicon];

    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Sidebar => "sidebar",
            Self::Favicon => "favicon",
        }
    }

    /// From an address; 404 for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|slot| slot.name() == name).ok_or_else(nothing_here)
    }
}

impl Slot {
    /// Browsers' tabs have a format of their own, which pages do not show well.
    fn takes(self, content_type: &str) -> bool {
        matches!(content_type, "image/png" | "image/jpeg" | "image/webp")
            || (self == Self::Favicon && content_type == "image/vnd.microsoft.icon")
    }

    /// What to do instead of sending anything else.
    fn wanted(self) -> &'static str {
        match self {
            Self::Favicon => "Choose a PNG, JPEG, WebP or ICO picture",
            Self::Login | Self::Sidebar => "Choose a PNG, JPEG or WebP picture",
        }
    }
}

/// The file of each slot.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub struct Logos {
    login_logo: Option<i64>,
    sidebar_logo: Option<i64>,
    favicon: Option<i64>,
}

impl Logos {
    /// As stored.
    pub async fn find(at: impl Into<At<'_>>) -> Result<Self> {
        Ok(sql("SELECT login_logo, sidebar_logo, favicon FROM site_settings WHERE id = 1").fetch_one(at).await?)
    }

    /// The file of a slot.
    pub fn of(self, slot: Slot) -> Option<i64> {
        match slot {
            Slot::Login => self.login_logo,
            Slot::Sidebar => self.sidebar_logo,
            Slot::Favicon => self.favicon,
        }
    }
}

fn too_large(size: i64) -> Error {
    let text = format!("The picture is {}. The limit is 512 KB.", shared::format::file_size(size));
    Error::refused(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// Takes a picture for a slot; the one before is removed.
pub async fn set(by: &By, slot: Slot, file: UploadedFile) -> Result<()> {
    if file.size > MOST {
        return Err(too_large(file.size));
    }
    let id = files::receive(by, HOME, file).await?;
    let arrived = files::find(by.db(), id).await?.ok_or_else(nothing_here)?;
    if !slot.takes(&arrived.content_type) || !arrived.is_picture() {
        // It stays pending and goes with the next purge.
        return Err(Error::field("file", slot.wanted()));
    }
    put(by, slot, Some((id, arrived.original_name))).await
}

/// Takes the picture of a slot away.
pub async fn clear(by: &By, slot: Slot) -> Result<()> {
    put(by, slot, None).await
}

async fn put(by: &By, slot: Slot, new: Option<(i64, String)>) -> Result<()> {
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    sql("UPDATE site_settings SET updated_at = ? WHERE id = 1").bind(now).execute(&mut tx).await?;
    let old = Logos::find(&mut tx).await?.of(slot);
    if let Some((id, _)) = &new {
        files::attach(&mut tx, *id, 1).await?;
    }
    let update = match slot {
        Slot::Login => sql("UPDATE site_settings SET login_logo = ? WHERE id = 1"),
        Slot::Sidebar => sql("UPDATE site_settings SET sidebar_logo = ? WHERE id = 1"),
        Slot::Favicon => sql("UPDATE site_settings SET favicon = ? WHERE id = 1"),
    };
    update.bind(new.as_ref().map(|(id, _)| *id)).execute(&mut tx).await?;
    if let Some(old) = old {
        files::remove(&mut tx, old).await?;
    }
    let change = Change::new("site_settings.updated", "site_settings", 1);
    tx.audit(change.meta("slot", slot.name()).meta("file", json!(new.map(|(_, name)| name))));
    tx.commit().await
}

/// A logo, the favicon or the sheet of the brand, for everybody.
pub async fn serve(by: Anyone, Path(name): Path<String>) -> Result<Response> {
    if name.starts_with("theme-") {
        return sheet(&by, &name).await;
    }
    let slot = Slot::parse(&name)?;
    let Some(id) = Logos::find(by.db()).await?.of(slot) else { return default() };
    let Some(file) = files::find(by.db(), id).await? else { return default() };
    let mut response = files::show(&by, &file).await?;
    let headers = response.headers_mut();
    headers.remove(header::VARY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    Ok(response)
}

/// Where nothing was uploaded the product's own sign is shown.
fn default() -> Result<Response> {
    let assets = page::assets()?;
    let sign = assets.get("favicon.svg").ok_or_else(nothing_here)?;
    Ok(Redirect::temporary(&format!("/static/dist/{}", sign.path)).into_response())
}

/// The name carries a digest of the content, so that the sheet of today may be kept for ever.
async fn sheet(by: &Anyone, name: &str) -> Result<Response> {
    let settings = store::find(by.db()).await?;
    let theme = shared::branding::theme(settings.accent.as_deref()).ok_or_else(nothing_here)?;
    let is_current = theme.file() == name;
    let cache = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, cache)];
    Ok((headers, theme.css()).into_response())
}
