//! Ollama: `POST /api/generate`, `POST /api/embed`, and for the test `GET /api/version` and `/api/tags`.

use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::{Found, Outcome, exchange_json, request, text, with_json};
use crate::app::App;
use crate::error::Result;
use crate::modules::settings::Ollama;
use crate::modules::{Module, Slug, find};

/// A model takes all of a machine: more than two at once only wait for each other.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    /// What is asked.
    pub prompt: String,
    /// How to behave.
    pub system: Option<String>,
    /// Another model than the module's.
    pub model: Option<String>,
    /// `"json"` or a JSON Schema that the answer must fit.
    pub format: Option<Value>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the model wrote.
    pub text: String,
    /// Which model.
    pub model: String,
}

/// Asks the model. None when the module is off or not set up; the error is one line.
pub async fn generate(app: &App, prompt: &Prompt) -> Result<Option<Result<Answer, String>>> {
    let module = find(app, app.db(), Slug::Ollama).await?;
    if !module.is_ready(app)? {
        return Ok(None);
    }
    Ok(Some(ask(app, &module, prompt).await?.map(|(answer, _)| answer)))
}

/// The vectors of some texts. None when the module is off or has no embedding model.
pub async fn embed(app: &App, input: &[String]) -> Result<Option<Result<Vec<Vec<f64>>, String>>> {
    let module = find(app, app.db(), Slug::Ollama).await?;
    let settings: Ollama = module.settings()?;
    if !module.is_ready(app)? || settings.embedding_model.is_empty() {
        return Ok(None);
    }
    let body = json!({ "model": settings.embedding_model, "input": input });
    let answer = post(app, &module, &settings, "/api/embed", &body).await?;
    let vectors = answer.and_then(|answer| {
        serde_json::from_value::<Vec<Vec<f64>>>(answer["embeddings"].clone())
            .ok()
            .filter(|vectors| vectors.len() == input.len())
            .ok_or_else(|| "The answer has no vector for each text".to_owned())
    });
    Ok(Some(vectors))
}

async fn ask(app: &App, module: &Module, prompt: &Prompt) -> Result<Result<(Answer, Value), String>> {
    let settings: Ollama = module.settings()?;
    if prompt.prompt.trim().is_empty() {
        return Ok(Err("prompt is empty".to_owned()));
    }
    let model = prompt.model.clone().unwrap_or_else(|| settings.model.clone());
    let mut body = json!({ "model": model, "prompt": prompt.prompt, "stream": false, "keep_alive": "5m",
        "options": { "temperature": 0.2 } });
    if let Some(system) = &prompt.system {
        body["system"] = json!(system);
    }
    if let Some(format) = &prompt.format {
        body["format"] = format.clone();
    }
    let answer = post(app, module, &settings, "/api/generate", &body).await?;
    Ok(answer.and_then(|answer| {
        let text = answer["response"].as_str().ok_or("The answer has no text")?.to_owned();
        let model = answer["model"].as_str().map_or(model, str::to_owned);
        Ok((Answer { text, model }, answer))
    }))
}

async fn post(
    app: &App,
    module: &Module,
    settings: &Ollama,
    path: &str,
    body: &Value,
) -> Result<Result<Value, String>> {
    let token = module.secret(app, "auth_token")?;
    let request = request(module, Method::POST, format!("{}{path}", settings.base_url), token.as_deref());
    let mut request = with_json(request, body);
    request.timeout = Duration::from_secs(settings.timeout_seconds);
    let _place = PLACES.acquire().await.map_err(anyhow::Error::from)?;
    Ok(exchange_json(app, request).await)
}

pub(super) async fn run(app: &App, module: &Module, payload: &Map<String, Value>) -> Result<Outcome> {
    let settings: Ollama = module.settings()?;
    let prompt = Prompt {
        prompt: text(payload, &["prompt", "text"]).unwrap_or(&settings.prompt).to_owned(),
        system: text(payload, &["system"]).map(str::to_owned),
        model: text(payload, &["model"]).map(str::to_owned),
        format: payload.get("format").filter(|format| !format.is_null()).cloned(),
    };
    Ok(match ask(app, module, &prompt).await? {
        Ok((answer, response)) => Outcome::Succeeded(json!({
            "text": answer.text, "model": answer.model, "response": response["response"],
            "endpoint": format!("{}/api/generate", settings.base_url),
        })),
        Err(error) => Outcome::Failed(error),
    })
}

pub(super) async fn test(app: &App, module: &Module) -> Result<Result<Found, String>> {
    let settings: Ollama = module.settings()?;
    let token = module.secret(app, "auth_token")?;
    let get = |path: &str| request(module, Method::GET, format!("{}{path}", settings.base_url), token.as_deref());
    let version = match exchange_json(app, get("/api/version")).await {
        Ok(answer) => answer["version"].as_str().unwrap_or("unknown").to_owned(),
        Err(error) => return Ok(Err(error)),
    };
    let tags = match exchange_json(app, get("/api/tags")).await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error)),
    };
    let models: Vec<String> = tags["models"].as_array().into_iter().flatten().filter_map(name).collect();
    let latest = format!("{}:latest", settings.model);
    if !models.iter().any(|model| *model == settings.model || *model == latest) {
        let installed = if models.is_empty() { "none".to_owned() } else { models.join(", ") };
        return Ok(Err(format!("The model {} is not installed. Installed: {installed}.", settings.model)));
    }
    let message = format!("Ollama {version} answers and has the model {}.", settings.model);
    Ok(Ok(Found::new(message, json!({ "version": version, "models": models }))))
}

fn name(model: &Value) -> Option<String> {
    model["name"].as_str().or_else(|| model["model"].as_str()).map(str::to_owned)
}
