//! ntfy: messages as JSON to the server's root, so that titles may be in any script.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Found, Outcome, exchange, exchange_json, request, text, with_json};
use crate::app::App;
use crate::error::Result;
use crate::modules::Module;
use crate::modules::settings::Ntfy;

fn priority(payload: &Map<String, Value>) -> Result<i64, String> {
    let value = payload.get("priority").filter(|value| !value.is_null());
    let number = match value {
        None => Some(3),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(name)) => match name.trim().to_lowercase().as_str() {
            "min" => Some(1),
            "low" => Some(2),
            "default" | "" => Some(3),
            "high" => Some(4),
            "urgent" | "max" => Some(5),
            other => other.parse().ok(),
        },
        Some(_) => None,
    };
    number
        .filter(|number| (1..=5).contains(number))
        .ok_or_else(|| "The priority must be min, low, default, high or urgent".to_owned())
}

fn tags(payload: &Map<String, Value>) -> Vec<String> {
    match payload.get("tags") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => {
            text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn message(payload: &Map<String, Value>, settings: &Ntfy) -> Result<Value, String> {
    let topic = text(payload, &["topic"]).unwrap_or(&settings.topic);
    let is_topic = topic.len() <= 64 && topic.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_topic {
        return Err("The topic may have letters, digits, - and _ only".to_owned());
    }
    let mut body = json!({
        "topic": topic,
        "title": text(payload, &["title"]).unwrap_or("Automation event"),
        "message": text(payload, &["message"]).unwrap_or("Automation triggered"),
        "priority": priority(payload)?,
    });
    let tags = tags(payload);
    if !tags.is_empty() {
        body["tags"] = json!(tags);
    }
    if let Some(link) = text(payload, &["click"]) {
        body["click"] = json!(link);
    }
    if payload.get("markdown").is_some_and(|value| value == true || value == "true") {
        body["markdown"] = json!(true);
    }
    Ok(body)
}

async fn publish(app: &App, module: &Module, settings: &Ntfy, body: &Value) -> Result<Result<Value, String>> {
    let token = module.secret(app, "auth_token")?;
    // The root of the server, with its slash: a topic in the path would make the body the message.
    let request = request(module, Method::POST, format!("{}/", settings.base_url), token.as_deref());
    Ok(exchange_json(app, with_json(request, body)).await)
}

pub(super) async fn run(app: &App, module: &Module, payload: &Map<String, Value>) -> Result<Outcome> {
    let settings: Ntfy = module.settings()?;
    let body = match message(payload, &settings) {
        Ok(body) => body,
        Err(error) => return Ok(Outcome::Failed(error)),
    };
    Ok(match publish(app, module, &settings, &body).await? {
        Ok(answer) => Outcome::Succeeded(json!({
            "topic": body["topic"], "priority": body["priority"], "url": settings.base_url, "id": answer["id"],
        })),
        Err(error) => Outcome::Failed(error),
    })
}

pub(super) async fn test(app: &App, module: &Module) -> Result<Result<Found, String>> {
    let settings: Ntfy = module.settings()?;
    let token = module.secret(app, "auth_token")?;
    let health = request(module, Method::GET, format!("{}/v1/health", settings.base_url), token.as_deref());
    if let Err(error) = exchange(app, health).await {
        return Ok(Err(error));
    }
    let name = &app.config().app_name;
    let body = json!({ "topic": settings.topic, "title": format!("{name} test"),
        "message": "The connection works.", "priority": 3 });
    Ok(publish(app, module, &settings, &body)
        .await?
        .map(|answer| Found::new("The server is healthy and took a test message.", json!({ "id": answer["id"] }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn priorities_have_names_and_numbers() {
        let of = |value: Value| priority(&payload(json!({ "priority": value })));
        let names = ["min", "low", "default", "high", "urgent", "max", " HIGH ", "2"];
        assert_eq!(names.map(|name| of(json!(name)).unwrap()), [1, 2, 3, 4, 5, 5, 4, 2]);
        assert_eq!((priority(&Map::new()), of(json!(4)), of(Value::Null)), (Ok(3), Ok(4), Ok(3)));
        for bad in [json!(0), json!(6), json!("loud"), json!([])] {
            assert!(of(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_has_defaults_and_may_name_another_topic() {
        let settings = Ntfy { base_url: "https://ntfy.sh".to_owned(), topic: "desk".to_owned() };
        let body = message(&Map::new(), &settings).unwrap();
        assert_eq!((body["topic"].as_str(), body["title"].as_str()), (Some("desk"), Some("Automation event")));
        let body = message(&payload(json!({ "topic": "other", "tags": "a, b" })), &settings).unwrap();
        assert_eq!((body["topic"].as_str(), body["tags"].clone()), (Some("other"), json!(["a", "b"])));
        assert!(message(&payload(json!({ "topic": "a/b" })), &settings).is_err());
    }
}
