//! The names that occur in the trail, kept aside for the selects over it. Retention leaves them: what has
//! happened once in a portal happens again.

use std::collections::BTreeSet;

use super::chain::Record;
use crate::db::{Tx, sql};
use crate::error::Result;

type Name = (&'static str, String);

/// Notes those names of sealed lines that are new. The lock of the chain keeps others from it meanwhile.
pub(super) async fn note(tx: &mut Tx, records: &[Record]) -> Result<()> {
    let actions = records.iter().map(|record| ("action", record.action.clone()));
    let kinds = records.iter().filter_map(|record| Some(("entity_type", record.entity_type.clone()?)));
    let mut names: BTreeSet<Name> = actions.chain(kinds).collect();
    let wanted: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
    for some in wanted.chunks(crate::db::MAX_IN) {
        let known = sql("SELECT kind, name FROM audit_names WHERE 1 = 1").push_in(" AND name IN", some);
        let known: Vec<(String, String)> = known.push(" LIMIT 1000").fetch_all(&mut *tx).await?;
        names.retain(|(kind, name)| !known.iter().any(|(k, n)| k == kind && n == name));
    }
    for (kind, name) in names {
        sql("INSERT INTO audit_names (kind, name) VALUES (?, ?)").bind(kind).bind(name).execute(&mut *tx).await?;
    }
    Ok(())
}
