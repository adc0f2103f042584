//! What every operation of the OpenAPI document shares: title, security, the shape of errors.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema};

/// A refusal, as RFC 9457 shapes it.
#[derive(serde::Serialize, ToSchema)]
#[schema(example = json!({"type": "about:blank", "title": "Not Found", "status": 404,
    "detail": "Ticket not found", "request_id": "0192f3c1"}))]
pub struct ProblemDocument {
    /// `about:blank`: the status says it all.
    pub r#type: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// A sentence to act on.
    pub detail: String,
    /// What clients branch on, where they must.
    pub code: Option<String>,
    /// The request, for support.
    pub request_id: Option<String>,
    /// For 422: messages by field.
    pub errors: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

/// Statuses that any route may answer, with what they mean.
const ANYWHERE: [(&str, &str); 7] = [
    ("400", "The request cannot be read"),
    ("403", "Refused: origin, CSRF token, permission or scope"),
    ("413", "The body is too large"),
    ("415", "The content type is not understood"),
    ("422", "Fields must be corrected"),
    ("429", "Too many requests; `Retry-After` says when"),
    ("503", "Busy; try again"),
];

pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = Info::new("MyPortal", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(
        "Sign in at the portal, then try the routes here. Programs send an API key in `X-API-Key`. Browser \
         sessions send the CSRF token in `X-CSRF-Token` on everything but GET."
            .to_owned(),
    );
    let components = document.components.get_or_insert_with(Default::default);
    components.schemas.insert("Problem".to_owned(), ProblemDocument::schema());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("myportal_session")));
    let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.add_security_scheme("session", cookie);
    components.add_security_scheme("api_key", header);
    components.add_security_scheme("bearer", bearer);
    for item in document.paths.paths.values_mut() {
        let all = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        all.into_iter().flatten().for_each(add_shared_answers);
    }
    document
}

fn add_shared_answers(operation: &mut Operation) {
    let is_public = operation.security.as_ref().is_some_and(Vec::is_empty);
    let answers = &mut operation.responses.responses;
    for (status, meaning) in ANYWHERE {
        answers.entry(status.to_owned()).or_insert_with(|| problem(meaning));
    }
    if !is_public {
        answers.entry("401".to_owned()).or_insert_with(|| problem("Not signed in, or the API key is not valid"));
    }
    for (status, answer) in answers.iter_mut() {
        if let RefOr::T(answer) = answer
            && status.starts_with(['4', '5'])
            && answer.content.is_empty()
        {
            *answer = problem_response(&answer.description);
        }
    }
}

fn problem(meaning: &str) -> RefOr<Response> {
    RefOr::T(problem_response(meaning))
}

fn problem_response(meaning: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(meaning).content("application/problem+json", content).build()
}
