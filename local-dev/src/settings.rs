//! Settings of the local server: the environment, a `.env` file, and in development what is made up
//! once and kept in the data folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use shared::config::Config;

use crate::kept::Kept;

/// The settings with what the start-up lines say about them.
#[derive(Debug)]
pub struct Settings {
    /// Complete settings.
    pub config: Config,
    /// Keys of the embedded bucket, when it is to be started.
    pub embedded: Option<Embedded>,
    /// The file of generated secrets, when some setting comes from it.
    pub generated: Option<PathBuf>,
}

/// What the embedded bucket needs.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// Where its objects are kept.
    pub folder: PathBuf,
    /// Login.
    pub access_key: String,
    /// Login.
    pub secret_key: String,
}

/// Reads everything; the error is the one sentence that stops the start.
pub fn load() -> Result<Settings> {
    match dotenvy::from_path(".env") {
        Err(error) if !error.not_found() => return Err(error).context("the file .env cannot be read"),
        _ => {}
    }
    complete(Config::from_env()?)
}

/// Checks the settings and adds what development makes up.
pub fn complete(mut config: Config) -> Result<Settings> {
    config.check()?;
    let folder = PathBuf::from(&config.data_dir);
    make_private(&folder).with_context(|| format!("the data folder {} cannot be used", folder.display()))?;
    if config.is_production() {
        return Ok(Settings { config, embedded: None, generated: None });
    }
    let file = folder.join("secrets");
    let kept = Kept::open(&file).with_context(|| format!("{} cannot be used", file.display()))?;
    let is_generated = config.session_secret.is_empty() || config.encryption_key.is_empty();
    if config.session_secret.is_empty() {
        kept.session_secret.clone_into(&mut config.session_secret);
    }
    if config.api_key_pepper.is_empty() {
        config.session_secret.clone_into(&mut config.api_key_pepper);
    }
    if config.encryption_key.is_empty() {
        kept.encryption_key.clone_into(&mut config.encryption_key);
    }
    let embedded = (config.bucket.endpoint.is_empty() && config.bucket.name.is_empty()).then(|| Embedded {
        folder: folder.join("bucket"),
        access_key: kept.access_key.clone(),
        secret_key: kept.secret_key.clone(),
    });
    Ok(Settings { config, embedded, generated: is_generated.then_some(file) })
}

/// Databases, mails and secrets lie here: for this account only.
fn make_private(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Names of what must still be set before real customers come.
pub fn missing_for_production(config: &Config) -> Vec<&'static str> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut missing = vec!["ENVIRONMENT=production"];
    missing.extend((!is_set("SESSION_SECRET") && !is_set("SECRET_KEY")).then_some("SESSION_SECRET"));
    missing.extend((!is_set("TOTP_ENCRYPTION_KEY")).then_some("TOTP_ENCRYPTION_KEY"));
    let is_https = config.portal_url.as_ref().is_some_and(|url| url.scheme() == "https");
    missing.extend((!is_https).then_some("PORTAL_URL (https)"));
    missing.extend((!is_set("UPLOADS_BUCKET")).then_some("UPLOADS_BUCKET"));
    missing.extend(config.smtp.host.is_empty().then_some("SMTP_HOST and SMTP_FROM"));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &'static [(&'static str, &'static str)], folder: &Path) -> Config {
        let folder = folder.display().to_string();
        let find = move |name: &str| match name {
            "DATA_DIR" => Some(folder.clone()),
            _ => pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        };
        Config::from_source(find).unwrap()
    }

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("myportal-settings-{}", shared::tokens::random_hex(6)))
    }

    #[test]
    fn development_makes_up_secrets_once() {
        let folder = folder();
        let first = complete(config(&[], &folder)).unwrap();
        let second = complete(config(&[], &folder)).unwrap();
        assert!(first.config.session_secret.len() >= 32 && first.config.encryption_key.len() >= 32);
        assert_eq!(first.config.session_secret, second.config.session_secret);
        assert_eq!(first.config.api_key_pepper, first.config.session_secret);
        assert_eq!(first.generated, Some(folder.join("secrets")));
        assert!(first.embedded.is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_set_is_not_made_up() {
        let folder = folder();
        let set = complete(config(
            &[("SESSION_SECRET", "mine"), ("TOTP_ENCRYPTION_KEY", "also mine"), ("UPLOADS_BUCKET", "uploads")],
            &folder,
        ))
        .unwrap();
        assert_eq!(set.config.session_secret, "mine");
        assert!(set.generated.is_none() && set.embedded.is_none());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn production_stops_with_one_sentence() {
        let error = complete(config(&[("ENVIRONMENT", "production")], &folder())).unwrap_err().to_string();
        assert!(error.contains("SESSION_SECRET") && !error.contains('\n'), "{error}");
    }
}
