//! Who may speak: the right origin, a module that is on, the shared secret (tickets 10.2).

use http::{HeaderMap, StatusCode};
use shared::caller::{MachineSecret, bearer};
use shared::config::Config;
use shared::context::By;
use shared::error::{Error, Result};
use shared::modules::Module;
use shared::rate_limit::{self, Limit};
use shared::tokens;

use crate::calls::{self, Call, Ended};
use crate::settings::{self, Settings};

/// Wrong secrets from one address.
const FAILURES: Limit = Limit { bucket: "mcp_fail", max: 10, window: 60, detail: "Too many failed attempts" };

/// Messages with the right secret.
const MESSAGES: Limit = Limit { bucket: "mcp_call", max: 60, window: 60, detail: "Too many requests" };

/// The shared secret of the ChatGPT MCP module.
#[derive(Debug, Clone, Copy)]
pub struct Mcp;

impl MachineSecret for Mcp {
    const NAME: &'static str = "ChatGPT MCP";

    fn expected(_: &Config) -> Option<String> {
        None
    }

    async fn admit(by: &By, headers: &HeaderMap) -> Result<()> {
        let module = settings::module(by).await?;
        origin(by, &module)?;
        let good = accepted(by, &module)?;
        let given = bearer(headers);
        let digest = tokens::sha256_hex(given.as_bytes());
        // All are compared, so that the time says nothing about which one it was.
        let fits = good.iter().filter(|hash| tokens::constant_time_eq(&digest, hash)).count();
        if fits > 0 && !given.is_empty() { Ok(()) } else { refuse(by, given.is_empty()).await }
    }
}

/// A browser's page may call only where it was admitted: no page of a stranger reaches us through a
/// visitor in the same network.
fn origin(by: &By, module: &Module) -> Result<()> {
    let Some(origin) = by.request().origin() else { return Ok(()) };
    let ours = match by.app().config().portal_url.as_ref() {
        Some(url) => Some(url.origin().ascii_serialization()),
        None => by.base_url(),
    };
    let allowed = Settings::of(module)?.origins;
    if ours.as_deref() == Some(origin) || allowed.iter().any(|known| known == origin) {
        return Ok(());
    }
    Err(Error::forbidden("This origin is not allowed: add it to the ChatGPT MCP module").code("origin_not_allowed"))
}

fn accepted(by: &By, module: &Module) -> Result<Vec<String>> {
    let good = if module.enabled { module.accepted_secret_hashes(by.app())? } else { Vec::new() };
    if good.is_empty() {
        let text = "The ChatGPT MCP module is off or has no secret";
        return Err(Error::refused(StatusCode::SERVICE_UNAVAILABLE, text).code("module_off"));
    }
    Ok(good)
}

/// The right secret is never locked out by somebody who guesses from the same address.
async fn refuse(by: &By, is_missing: bool) -> Result<()> {
    rate_limit::hit(by.app(), &FAILURES, by.ip()).await?;
    let text = if is_missing { "Send the shared secret as a bearer token" } else { "The shared secret is wrong" };
    calls::record(by, &[Call::new("").ended(Ended::Denied, text)]).await?;
    Err(Error::bearer_required(text))
}

/// Takes one message of the minute.
pub async fn count(by: &By, headers: &HeaderMap) -> Result<()> {
    rate_limit::hit(by.app(), &MESSAGES, &tokens::sha256_hex(bearer(headers).as_bytes())).await
}
