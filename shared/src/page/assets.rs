//! The files of the built front end.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Result;

include!(concat!(env!("OUT_DIR"), "/manifest.rs"));

/// One file of the built front end.
#[derive(Debug, Clone, Deserialize)]
pub struct Asset {
    /// Hashed name below `/static/dist/`.
    pub path: String,
    /// Content type.
    pub r#type: String,
    /// A gzip copy exists.
    #[serde(default)]
    pub gzip: bool,
    /// A brotli copy exists.
    #[serde(default)]
    pub br: bool,
}

#[derive(Deserialize)]
struct Manifest {
    files: BTreeMap<String, Asset>,
}

/// The built front end by plain name.
pub fn assets() -> Result<BTreeMap<String, Asset>> {
    Ok(serde_json::from_str::<Manifest>(MANIFEST)?.files)
}
