//! What happens around every handler, as browsers and programs see it.

mod answers;
mod bodies;
mod headers;
mod limits;
mod messages;
mod origins;
mod sessions;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::api;
use shared::caller::{Anyone, Fresh, Keyed, SuperAdmin, Unsettled, User};
use shared::config::Config;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{Actor, Reply, TestApp, config};
use shared::web::{EndCookies, Form, Json, Multipart};

use crate::Note;

#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    name: String,
}

async fn open(by: Anyone) -> Result<Response> {
    by.page(&Note::new(format!("Open to {}", by.ip()))).await
}

async fn mine(by: User) -> Result<Response> {
    by.page(&Note::new(format!("Hello {}", by.me().user.email))).await
}

async fn save(by: User, form: Form<Saved>) -> Result<Response> {
    by.see("/open", Flash::done(format!("Saved {}", form.name))).await
}

async fn sign_in(by: Anyone, _form: Form<Saved>) -> Result<Response> {
    Ok(by.go("/"))
}

async fn sign_out(by: User) -> Result<Response> {
    let mut response = by.see("/open", Flash::done("Signed out")).await?;
    response.extensions_mut().insert(EndCookies);
    Ok(response)
}

async fn leave(by: Anyone) -> Result<Response> {
    by.see("/open", Flash::done("Signed out")).await
}

async fn take(_by: User, form: Multipart) -> Result<String> {
    let fields: Saved = form.fields()?;
    let files: Vec<String> = form.files.iter().map(|f| format!("{} {} {}", f.name, f.size, f.sha256)).collect();
    Ok(format!("{}: {}", fields.name, files.join(", ")))
}

async fn refuse(_by: Anyone) -> Result<Response> {
    Err(Error::conflict("Somebody was faster").code("too_late"))
}

async fn panics(_by: Anyone) -> Result<Response> {
    panic!("a handler fell over")
}

async fn administration(by: SuperAdmin) -> Result<Response> {
    by.page(&Note::new("Welcome")).await
}

async fn waiting_room(by: Unsettled) -> Result<Response> {
    by.page(&Note::new("Change your password")).await
}

async fn secrets(by: Fresh<User>) -> Result<Response> {
    by.page(&Note::new("Behind two doors")).await
}

/// Who asks.
#[utoipa::path(get, path = "/api/who", responses((status = 200)))]
async fn who(by: Keyed<User>) -> Json<Value> {
    Json(json!({ "person": by.person().map(|p| p.user.email.clone()), "key": by.key().map(|k| k.id), "ip": by.ip() }))
}

/// Changes something.
#[utoipa::path(post, path = "/api/things", responses((status = 201)))]
async fn create(_by: Keyed<User>, body: Json<Value>) -> impl IntoResponse {
    (StatusCode::CREATED, body)
}

/// Refuses.
#[utoipa::path(get, path = "/api/refuse", responses((status = 409)))]
async fn api_refuse(_by: Anyone) -> Result<Json<Value>> {
    Err(Error::conflict("Somebody was faster").code("too_late").with("winner", "Ann"))
}

/// Panics.
#[utoipa::path(get, path = "/api/panics", responses((status = 200)))]
async fn api_panics(_by: Anyone) -> Result<Json<Value>> {
    panic!("a handler fell over")
}

fn routes() -> Routes {
    Routes::area("test", &["/"])
        .page("/open", open)
        .page("/mine", mine)
        .form("/save", save)
        .form("/auth/login", sign_in)
        .form("/logout", sign_out)
        .form("/leave", leave)
        .upload_form("/take", take)
        .page("/refuse", refuse)
        .page("/panics", panics)
        .page("/administration", administration)
        .page("/waiting-room", waiting_room)
        .page("/secrets", secrets)
        .scope("things")
        .api(api!(who))
        .api(api!(create))
        .api(api!(api_refuse))
        .api(api!(api_panics))
}

async fn portal() -> TestApp {
    TestApp::new(routes(), Jobs::none()).await
}

async fn portal_with(change: impl FnOnce(&mut Config)) -> TestApp {
    let mut config = config();
    change(&mut config);
    TestApp::with(config, routes(), Jobs::none()).await
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

const JSON: (&str, &str) = ("content-type", "application/json");

async fn form(actor: &Actor, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = [&[FORM, ("accept", "text/html")], headers].concat();
    actor.send(Method::POST, path, &headers, Body::from(body.to_owned())).await
}

/// Name and attributes of each cookie that was set.
fn set_cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}
