//! Secrets that development makes up once and keeps in a file for this account only.

use std::io::{self, Write as _};
use std::path::Path;

use shared::tokens::random_hex;

/// The content of the file.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the setting of its name")]
pub struct Kept {
    pub session_secret: String,
    pub encryption_key: String,
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Kept {
    /// Reads the file, or makes it. Several processes may start at once: one of them makes it.
    pub fn open(file: &Path) -> io::Result<Self> {
        if !file.exists() {
            create(file)?;
        }
        let text = std::fs::read_to_string(file)?;
        let find = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            let value = line.map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or_else(|| io::Error::other(format!("{name} is missing in it")))
        };
        Ok(Self {
            session_secret: find("SESSION_SECRET")?,
            encryption_key: find("TOTP_ENCRYPTION_KEY")?,
            access_key: find("S3_ACCESS_KEY")?,
            secret_key: find("S3_SECRET_KEY")?,
        })
    }
}

/// The file appears whole or not at all, and never replaces one that is there.
fn create(file: &Path) -> io::Result<()> {
    let unfinished = file.with_extension(random_hex(6));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&unfinished)?;
    writeln!(open, "# Made by the local server for development. Without this file its sessions and sealed")?;
    writeln!(open, "# secrets are lost. Production takes these from its environment.")?;
    writeln!(open, "SESSION_SECRET={}", random_hex(32))?;
    writeln!(open, "TOTP_ENCRYPTION_KEY={}", random_hex(32))?;
    writeln!(open, "S3_ACCESS_KEY={}", random_hex(10))?;
    writeln!(open, "S3_SECRET_KEY={}", random_hex(20))?;
    open.sync_all()?;
    let placed = std::fs::hard_link(&unfinished, file);
    std::fs::remove_file(&unfinished)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_starters_agree_on_one_file() {
        let folder = std::env::temp_dir().join(format!("myportal-kept-{}", random_hex(6)));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secrets");
        let starters: Vec<_> = (0..8)
            .map(|_| {
                let file = file.clone();
                std::thread::spawn(move || Kept::open(&file).unwrap().session_secret)
            })
            .collect();
        let secrets: Vec<String> = starters.into_iter().map(|s| s.join().unwrap()).collect();
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_incomplete_file_is_named() {
        let file = std::env::temp_dir().join(format!("myportal-kept-{}", random_hex(6)));
        std::fs::write(&file, "SESSION_SECRET=x\n").unwrap();
        assert!(Kept::open(&file).unwrap_err().to_string().contains("TOTP_ENCRYPTION_KEY"));
        std::fs::remove_file(file).unwrap();
    }
}
