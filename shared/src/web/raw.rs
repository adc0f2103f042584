//! Bodies that a handler reads itself, because its protocol says what a bad one is answered with.

use axum::extract::FromRequest;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::pipeline::larger_than;
use crate::app::App;
use crate::context::By;
use crate::error::{Error, Result};
use crate::routes::BODY_LIMIT;

/// A body as it was sent, up to the limit of its route.
#[derive(Debug, Clone)]
pub struct Raw(pub Bytes);

impl FromRequest<App> for Raw {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, _: &App) -> Result<Self> {
        let facts = request.extensions().get::<By>().and_then(|by| by.request().facts.clone());
        let limit = facts.map_or(BODY_LIMIT, |facts| facts.body_limit);
        let body = request.into_body().collect().await.map_err(|_| larger_than(limit))?;
        Ok(Self(body.to_bytes()))
    }
}
