//! Reads names and values from a body, whatever its content type says: JSON, form, multipart.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use http::{HeaderMap, header};
use serde_json::Value;

/// Names and values; for each name the first value counts.
type Pairs = Vec<(String, String)>;

/// What the content type promises, else what the body looks like, else nothing.
pub async fn pairs(headers: &HeaderMap, body: &Bytes) -> Pairs {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match declared(kind, body).await {
        Some(pairs) => pairs,
        None => guessed(body).await,
    }
}

async fn declared(kind: &str, body: &Bytes) -> Option<Pairs> {
    let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match plain.as_str() {
        "application/json" => json(body),
        // JSON under this label would be read as one long name.
        "application/x-www-form-urlencoded" if json(body).is_none() => Some(form(body)),
        "multipart/form-data" => multipart(kind, body).await,
        _ => None,
    }
}

async fn guessed(body: &Bytes) -> Pairs {
    let text = String::from_utf8_lossy(body);
    if text.to_ascii_lowercase().contains("content-disposition: form-data")
        && let Some(boundary) = text.lines().find_map(|line| line.trim().strip_prefix("--"))
    {
        return multipart(&format!("multipart/form-data; boundary=\"{boundary}\""), body).await.unwrap_or_default();
    }
    if let Some(pairs) = json(body) {
        return pairs;
    }
    if text.contains(['=', '&']) { form(text.as_bytes()) } else { Pairs::new() }
}

fn json(body: &[u8]) -> Option<Pairs> {
    let Value::Object(map) = serde_json::from_slice(body).ok()? else { return None };
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(map.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn form(body: &[u8]) -> Pairs {
    url::form_urlencoded::parse(body).into_owned().collect()
}

async fn multipart(kind: &str, body: &Bytes) -> Option<Pairs> {
    let request = Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(body.clone())).ok()?;
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let mut pairs = Pairs::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        pairs.push((name, part.text().await.ok()?));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(kind: &str, body: &str) -> Pairs {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        pairs(&headers, &Bytes::from(body.to_owned())).await
    }

    #[tokio::test]
    async fn every_form_of_body_is_read() {
        let json = r#"{"companyId":42,"returnUrl":"/staff?enabled=1&x=2"}"#;
        let form = "companyId=42&returnUrl=%2Fstaff%3Fenabled%3D1%26x%3D2";
        let parts = "--b\r\nContent-Disposition: form-data; name=\"companyId\"\r\n\r\n42\r\n--b\r\n\
                     Content-Disposition: form-data; name=\"returnUrl\"\r\n\r\n/staff?enabled=1&x=2\r\n--b--\r\n";
        let (labelled_json, labelled_form, labelled_parts) =
            ("application/json; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b");
        for (kind, body) in [
            (labelled_json, json),
            (labelled_form, form),
            (labelled_parts, parts),
            ("", json),
            ("", form),
            ("", parts),
            (labelled_json, form),
            (labelled_json, parts),
            (labelled_form, json),
            ("multipart/form-data", parts),
            ("text/plain", json),
        ] {
            let read = read(kind, body).await;
            let value = |name: &str| read.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
            assert_eq!(
                (value("companyId"), value("returnUrl")),
                (Some("42"), Some("/staff?enabled=1&x=2")),
                "{kind}: {body}"
            );
        }
    }

    #[tokio::test]
    async fn nonsense_is_empty() {
        for body in ["", "[1]", "null", "--b\r\nbroken", "\u{0}"] {
            assert!(read("", body).await.is_empty(), "{body:?}");
        }
    }
}
