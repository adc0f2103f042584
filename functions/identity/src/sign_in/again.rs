//! A refused form, shown again with what is wrong and the status that programs get.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::FormState;

use super::words::waiting;

/// What the page is shown with.
#[derive(Debug)]
pub(super) struct Again {
    form: FormState,
    status: StatusCode,
    wait: Option<i64>,
}

impl Again {
    /// Turns a refusal into messages at the form; `explain` puts refusals of the route at their field.
    /// Our own failures stay errors.
    pub(super) fn of(form: FormState, error: Error, explain: impl FnOnce(&Error) -> Option<Invalid>) -> Result<Self> {
        let (status, mut wait) = (error.status(), None);
        let form = match &error {
            Error::Invalid(invalid) => form.refused(invalid),
            Error::TooMany { retry_after, .. } => {
                wait = Some(*retry_after);
                form.complain(waiting(*retry_after))
            }
            Error::Refused(_) => match explain(&error) {
                Some(invalid) => form.refused(&invalid),
                None => form.complain(error.detail()),
            },
            Error::Unauthenticated | Error::Busy | Error::Internal(_) => return Err(error),
        };
        Ok(Self { form, status, wait })
    }

    /// A form that was understood but not enough, with this status.
    pub(super) fn with(form: FormState, status: StatusCode) -> Self {
        Self { form, status, wait: None }
    }

    /// Takes the form out for the page, leaving how it is to be answered.
    pub(super) fn split(self) -> (FormState, Shown) {
        (self.form, Shown { status: self.status, wait: self.wait })
    }
}

/// How a page is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    status: StatusCode,
    wait: Option<i64>,
}

impl Shown {
    /// The page, with its status and the time to wait.
    pub(super) async fn page<P: Page>(self, by: &By, page: &P) -> Result<Response> {
        let mut response = by.page_with(self.status, page).await?;
        // What was typed, and the note of the code step, stay out of every cache.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.max(1)));
        }
        Ok(response)
    }
}
