//! Putting tags on a ticket and taking them off; whole sets come with other fields (`update`).

use shared::context::By;
use shared::error::{Error, Result};

use super::update::save;
use crate::model::Retag;
use crate::scope::{Doer, Scope};
use crate::store::{self, Ticket};

/// Changes the tags of a ticket that the caller may see, whatever else was changed in the meantime.
pub async fn retag(by: &By, id: i64, change: &Retag) -> Result<Ticket> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    store::lock(&mut tx, id).await?;
    let before = store::find(scope, &mut tx, id).await?;
    super::merge::refuse_merged(&before)?;
    let after = change.apply(&before.tags(), &before.suggested_tags());
    let mut wanted = before.clone();
    wanted.set_tags(&after.map_err(|text| Error::field("add", text))?);
    match save(&mut tx, &doer, before.clone(), wanted).await? {
        Some(after) => tx.commit().await.map(|()| after),
        None => Ok(before),
    }
}
