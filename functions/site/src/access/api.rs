//! The access review for programs.

use serde::Deserialize;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::Result;
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::ToSchema;

use super::model::{Access, AccessChange, Kind, Wanted};
use super::{pages, store};

async fn listed(
    by: &Keyed<SuperAdmin>,
    kind: Kind,
    wanted: &Wanted,
    limits: Limits,
) -> Result<Listed<Vec<AccessChange>>> {
    by.portal_wide()?;
    let limits = limits.checked()?;
    let roles = store::roles(by).await?;
    let (items, counted) = store::changes(by, kind, wanted, &roles, (limits.limit(), limits.offset())).await?;
    Ok(Listed::new(by, items, counted, limits))
}

/// Lists changes of memberships, the newest first.
#[utoipa::path(get, path = "/api/access-review/memberships", params(Wanted, Limits), responses(
    (status = 200, description = "Changes", body = Vec<AccessChange>)))]
pub async fn list_membership_changes(
    by: Keyed<SuperAdmin>,
    wanted: Query<Wanted>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<AccessChange>>> {
    listed(&by, Kind::Membership, &wanted, limits.value).await
}

/// Lists edits of roles, the newest first.
#[utoipa::path(get, path = "/api/access-review/roles", params(Wanted, Limits), responses(
    (status = 200, description = "Edits", body = Vec<AccessChange>)))]
pub async fn list_role_edits(
    by: Keyed<SuperAdmin>,
    wanted: Query<Wanted>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<AccessChange>>> {
    listed(&by, Kind::Role, &wanted, limits.value).await
}

/// Lists what every member has today, by company and address.
#[utoipa::path(get, path = "/api/access-review/access", params(Wanted, Limits), responses(
    (status = 200, description = "Memberships", body = Vec<Access>)))]
pub async fn list_access(
    by: Keyed<SuperAdmin>,
    wanted: Query<Wanted>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<Access>>> {
    by.portal_wide()?;
    let limits = limits.value.checked()?;
    let (items, counted) = store::access(&by, &wanted, (limits.limit(), limits.offset())).await?;
    Ok(Listed::new(&by, items, counted, limits))
}

/// What a reviewer writes.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"note": "Agreed with Ana on the phone"}))]
pub struct Review {
    /// At most 1,000 characters; may be empty.
    #[serde(default)]
    pub note: String,
}

/// Marks a change as reviewed.
#[utoipa::path(post, path = "/api/access-review/{id}/review", request_body = Review,
    params(("id" = i64, Path, description = "Number of the line in the audit trail")), responses(
    (status = 200, description = "The change", body = AccessChange),
    (status = 404, description = "Audit log not found")))]
pub async fn review_change(by: SuperAdmin, Path(id): Path<i64>, review: Json<Review>) -> Result<Json<AccessChange>> {
    let roles = store::roles(&by).await?;
    store::change(&by, id, &roles).await?;
    store::review(&by, id, &pages::note(&review.0.note)?).await?;
    Ok(Json(store::change(&by, id, &roles).await?.0))
}
