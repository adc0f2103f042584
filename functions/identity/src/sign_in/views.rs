//! What sign-in and registration answer, and the cookies that go with it (identity 11.2).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use serde::Serialize;
use shared::accounts::sessions::{self, NewSession};
use shared::accounts::users::User;
use shared::caller::Person;
use shared::context::By;
use shared::db::Tx;
use shared::error::Result;
use shared::web::Json;
use utoipa::ToSchema;

/// A login.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionDetails {
    /// Names it in `DELETE /auth/sessions/{id}`.
    #[schema(example = 1)]
    pub id: i64,
    /// Whose it is.
    #[schema(example = 1)]
    pub user_id: i64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends, unless it is used before.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, within a minute.
    pub last_seen_at: DateTime<Utc>,
    /// Where it began.
    #[schema(example = "203.0.113.10")]
    pub ip_address: Option<String>,
    /// The browser with which it began.
    #[schema(example = "Mozilla/5.0")]
    pub user_agent: Option<String>,
    /// For the header `X-CSRF-Token` of everything but GET.
    pub csrf_token: String,
    /// The company the person works in now.
    pub active_company_id: Option<i64>,
}

/// The person who is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionUser {
    /// The person.
    #[schema(example = 1)]
    pub id: i64,
    /// In lower case.
    #[schema(example = "ana@example.com")]
    pub email: String,
    /// First name.
    #[schema(example = "Ana")]
    pub first_name: Option<String>,
    /// Last name.
    #[schema(example = "Ruiz")]
    pub last_name: Option<String>,
    /// In E.164 form.
    #[schema(example = "+442079460000")]
    pub mobile_phone: Option<String>,
    /// The home company; the active one is in the session.
    pub company_id: Option<i64>,
    /// Passes every permission check.
    pub is_super_admin: bool,
    /// Must choose another password first.
    pub force_password_change: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When its data last changed.
    pub updated_at: DateTime<Utc>,
}

/// A session and its person.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "session": {"id": 1, "user_id": 1, "created_at": "2026-11-23T09:12:00Z", "expires_at": "2026-11-23T21:12:00Z",
        "last_seen_at": "2026-11-23T09:12:00Z", "ip_address": "203.0.113.10", "user_agent": "Mozilla/5.0",
        "csrf_token": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "active_company_id": null},
    "user": {"id": 1, "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz", "mobile_phone": null,
        "company_id": null, "is_super_admin": true, "force_password_change": false,
        "created_at": "2026-11-23T09:12:00Z", "updated_at": "2026-11-23T09:12:00Z"}}))]
pub struct SignedIn {
    /// The login.
    pub session: SessionDetails,
    /// The person.
    pub user: SessionUser,
    /// Set when a recovery code was used: how many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_codes_left: Option<i64>,
}

impl SignedIn {
    /// The session of the request.
    pub(super) fn current(person: &Person) -> Self {
        let (session, user) = (&person.session, &person.user);
        Self {
            session: SessionDetails {
                id: session.id,
                user_id: user.id,
                created_at: session.created_at,
                expires_at: session.expires_at,
                last_seen_at: session.last_seen_at,
                ip_address: session.ip_address.clone(),
                user_agent: session.user_agent.clone(),
                csrf_token: person.csrf.clone(),
                active_company_id: person.company.as_ref().map(|company| company.id),
            },
            user: SessionUser {
                id: user.id,
                email: user.email.clone(),
                first_name: user.first_name.clone(),
                last_name: user.last_name.clone(),
                mobile_phone: user.mobile_phone.clone(),
                company_id: user.company_id,
                is_super_admin: user.is_super_admin,
                force_password_change: user.force_password_change,
                created_at: user.created_at,
                updated_at: user.updated_at,
            },
            recovery_codes_left: None,
        }
    }
}

/// A session that was just opened, with what the person is told about it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) session: NewSession,
    pub(super) answer: SignedIn,
}

/// Opens a session in the company where the person begins.
pub(super) async fn open(by: &By, tx: &mut Tx, user: &User) -> Result<Opened> {
    let company = sessions::first_company(&mut *tx, user.id, user.company_id, user.is_super_admin).await?;
    let session = sessions::open(tx, by, user.id, company).await?;
    let (now, request) = (by.now(), by.request());
    let answer = SignedIn {
        session: SessionDetails {
            id: session.id,
            user_id: user.id,
            created_at: now,
            expires_at: session.expires_at,
            last_seen_at: now,
            ip_address: Some(by.ip().to_owned()),
            user_agent: Some(request.user_agent().to_owned()),
            csrf_token: session.csrf(by),
            active_company_id: company,
        },
        user: SessionUser {
            id: user.id,
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            mobile_phone: user.mobile_phone.clone(),
            company_id: user.company_id,
            is_super_admin: user.is_super_admin,
            force_password_change: user.force_password_change,
            created_at: user.created_at,
            updated_at: user.updated_at,
        },
        recovery_codes_left: None,
    };
    Ok(Opened { session, answer })
}

impl Opened {
    /// The answer to a program, with the cookies.
    pub(super) fn as_json(&self, by: &By, status: StatusCode) -> Response {
        with_cookies(by, &self.session, (status, Json(self.answer.clone())).into_response())
    }

    /// The way on for a browser, with the cookies.
    pub(super) fn on_to(&self, by: &By, path: &str) -> Response {
        with_cookies(by, &self.session, by.go(path))
    }
}

/// Adds both cookies of a session to a response.
pub(super) fn with_cookies(by: &By, session: &NewSession, mut response: Response) -> Response {
    for cookie in session.cookies(by) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A sentence that says what was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"detail": "Password updated successfully."}))]
pub struct Done {
    /// The sentence.
    pub detail: &'static str,
}

impl Done {
    pub(super) fn say(detail: &'static str) -> Response {
        Json(Self { detail }).into_response()
    }
}

/// Pages that may hold a token say nothing to other sites about where they were.
pub(super) fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(header::REFERRER_POLICY, http::HeaderValue::from_static("no-referrer"));
    response
}
