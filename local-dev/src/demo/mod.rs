//! later
use anyhow::Result;
use shared::app::App;
/// Loads the demo data.
pub async fn load(_app: &App) -> Result<()> {
    Ok(())
}
