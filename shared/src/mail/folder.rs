//! The local mailbox: a file for each mail, named so that they sort by time.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use tokio::io::AsyncWriteExt;

/// Writes a mail under a name that appears only when it is complete.
pub(super) async fn write(folder: &Path, message_id: &str, raw: &[u8]) -> io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let name = file_name(SystemTime::now().into(), message_id);
    let unfinished = folder.join(format!(".{name}.part"));
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Mails carry links that sign people in.
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&unfinished).await?;
    file.write_all(raw).await?;
    file.sync_all().await?;
    tokio::fs::rename(unfinished, folder.join(name)).await
}

fn file_name(at: DateTime<Utc>, message_id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let id: String = message_id.chars().map(|c| if safe(c) { c } else { '_' }).take(100).collect();
    format!("{}-{}.eml", at.format("%Y%m%dT%H%M%S%6fZ"), id.trim_matches('_'))
}
