//! Tactical RMM: any call of its API below its own address, with the key in `X-API-KEY`.

use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Found, Outcome, exchange_json, header, refusal, text, with_json};
use crate::app::App;
use crate::error::Result;
use crate::modules::Module;
use crate::modules::settings::TacticalRmm;
use crate::outbound::{OutboundError, Request};

/// The path exactly as typed, because the API is strict about trailing slashes; never another host.
fn address(base: &str, path: &str) -> Result<String, String> {
    let wrong = || "The path must be relative, as in /agents/".to_owned();
    if path.contains("://") || path.starts_with("//") || path.contains('\\') || path.chars().any(char::is_control) {
        return Err(wrong());
    }
    let url = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
    let (read, own) = (Url::parse(&url).map_err(|_| wrong())?, Url::parse(base).map_err(|_| wrong())?);
    // Dots must not climb out of the address that the administrator entered.
    let is_below = read.origin() == own.origin() && read.path().starts_with(own.path().trim_end_matches('/'));
    if is_below { Ok(url) } else { Err(wrong()) }
}

fn method(payload: &Map<String, Value>) -> Result<Method, String> {
    match text(payload, &["method"]).unwrap_or("POST").to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => Err(format!("The method {other} is not one of GET, POST, PUT, PATCH and DELETE")),
    }
}

fn headers(payload: &Map<String, Value>, key: &str) -> Result<HeaderMap, String> {
    let mut all = HeaderMap::new();
    if let Some(Value::Object(own)) = payload.get("headers") {
        for (name, value) in own {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (name, value) = header(name, &value)?;
            all.insert(name, value);
        }
    }
    let prefix = payload.get("auth_prefix").and_then(Value::as_str).unwrap_or_default();
    let (name, value) = header(text(payload, &["auth_header"]).unwrap_or("X-API-KEY"), &format!("{prefix}{key}"))?;
    all.insert(name, value);
    Ok(all)
}

fn request(module: &Module, settings: &TacticalRmm, method: Method, url: &str, headers: HeaderMap) -> Request {
    let mut request = Request::new(method, url);
    request.headers = headers;
    request.verify_tls = settings.verify_ssl;
    request.allow = module.allow();
    request
}

fn prepared(app: &App, module: &Module, payload: &Map<String, Value>) -> Result<Result<Request, String>> {
    let settings: TacticalRmm = module.settings()?;
    let key = module.secret(app, "api_key")?.unwrap_or_default();
    let build = || {
        let path = text(payload, &["path", "endpoint"]).ok_or("The path is missing")?;
        let url = address(&settings.base_url, path)?;
        let request = request(module, &settings, method(payload)?, &url, headers(payload, &key)?);
        let body = payload.get("body").filter(|body| !body.is_null());
        Ok(body.map_or(request.clone(), |body| with_json(request, body)))
    };
    Ok(build())
}

pub(super) async fn run(app: &App, module: &Module, payload: &Map<String, Value>) -> Result<Outcome> {
    let request = match prepared(app, module, payload)? {
        Ok(request) => request,
        Err(error) => return Ok(Outcome::Failed(error)),
    };
    let (method, url) = (request.method.clone(), request.url.clone());
    let mut answer = app.outbound().send(request.clone()).await;
    let failed = answer.as_ref().map_or_else(OutboundError::is_temporary, |answer| answer.status.is_server_error());
    // Only reading may be repeated: a script must not run twice.
    if failed && method == Method::GET {
        answer = app.outbound().send(request).await;
    }
    Ok(match answer {
        Ok(answer) if answer.status.is_success() => {
            let plain = || Value::String(String::from_utf8_lossy(&answer.body).into_owned());
            let response = serde_json::from_slice(&answer.body).unwrap_or_else(|_| plain());
            Outcome::Succeeded(json!({ "status_code": answer.status.as_u16(), "url": url,
                "method": method.as_str(), "response": response }))
        }
        Ok(answer) => Outcome::Failed(refusal(&answer)),
        Err(error) => Outcome::Failed(error.to_string()),
    })
}

pub(super) async fn test(app: &App, module: &Module) -> Result<Result<Found, String>> {
    let payload = json!({ "path": "/clients/", "method": "GET" });
    let request = match prepared(app, module, payload.as_object().unwrap_or(&Map::new()))? {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let found = exchange_json(app, request).await.map_err(|error| {
        let is_key = error.starts_with("The server answered 401") || error.starts_with("The server answered 403");
        if is_key { "The key was refused. Enter another API key.".to_owned() } else { error }
    });
    Ok(found.map(|clients| {
        let count = clients.as_array().map_or(0, Vec::len);
        let noun = if count == 1 { "client" } else { "clients" };
        Found::new(format!("The key is accepted; {count} {noun} found."), json!({ "clients": count }))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_address_and_keep_their_slash() {
        let base = "https://api.example.com";
        assert_eq!(address(base, "/agents/").unwrap(), "https://api.example.com/agents/");
        assert_eq!(address(base, "agents").unwrap(), "https://api.example.com/agents");
        assert_eq!(address(base, "/agents/?a=b").unwrap(), "https://api.example.com/agents/?a=b");
        assert_eq!(address(base, "@evil.example/").unwrap(), "https://api.example.com/@evil.example/");
        for bad in ["https://evil.example/", "//evil.example/", "\\\\evil", "/a\nb"] {
            assert!(address(base, bad).is_err(), "{bad}");
        }
        assert!(address("https://rmm.example.com/api", "/../admin/").is_err());
        assert!(address("https://rmm.example.com/api", "/%2e%2e/admin/").is_err());
    }

    #[test]
    fn the_key_goes_where_the_api_wants_it_and_framing_headers_nowhere() {
        let payload = |value: Value| value.as_object().cloned().unwrap_or_default();
        assert_eq!(headers(&Map::new(), "k").unwrap()["x-api-key"], "k");
        let old = headers(&payload(json!({ "auth_header": "Authorization", "auth_prefix": "Token " })), "k").unwrap();
        assert_eq!(old["authorization"], "Token k");
        for name in ["Host", "content-length", "Cookie", "Transfer-Encoding"] {
            assert!(headers(&payload(json!({ "headers": { name: "x" } })), "k").is_err(), "{name}");
        }
        let own = headers(&payload(json!({ "headers": { "X-Note": "a\r\nb" } })), "k").unwrap();
        assert_eq!(own["x-note"], "ab");
    }
}
