//! Every setting of the product, read once from the environment.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::client_ip::TrustedProxies;
use crate::outbound::Exceptions;

/// Whether strict start-up checks apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine: missing secrets are made up and kept.
    Development,
    /// Real customers: a missing or weak secret stops the start.
    Production,
}

/// A setting as README documents it; a test compares the two.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds when it is blank; empty for none.
    pub default: &'static str,
    /// One sentence.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($name:literal = $default:literal: $meaning:literal;)*) => {
        /// All settings, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[$(Setting { name: $name, default: $default, meaning: $meaning }),*];
    };
}

settings! {
    "APP_NAME" = "MyPortal": "Name in titles and mails, and issuer of authenticator codes";
    "ENVIRONMENT" = "development": "`production` switches on the strict start-up checks";
    "LISTEN" = "127.0.0.1:8000": "Address of the local server; `HOST` and `PORT` are aliases";
    "DATA_DIR" = "./data": "Folder of the SQLite file, the embedded bucket and generated secrets";
    "DATABASE_URL" = "the SQLite file in DATA_DIR": "`sqlite:path` or `mysql://user:password@host/name`";
    "DATABASE_CONNECTIONS" = "10": "MySQL connections a process may hold (2 per function instance)";
    "PORTAL_URL" = "": "Public address; required in production; used in every mail link";
    "SESSION_SECRET" = "": "Global secret, at least 32 characters; `SECRET_KEY` is an alias";
    "TOTP_ENCRYPTION_KEY" = "": "Key material for secrets at rest, at least 32 characters";
    "TOTP_ENCRYPTION_KEY_PREVIOUS" = "": "The former key, for rotation; only decrypts";
    "API_KEY_PEPPER" = "SESSION_SECRET": "Lets the session secret change without ending API keys";
    "SESSION_COOKIE_NAME" = "myportal_session": "Session cookie; `SESSION_COOKIE` is an alias; the CSRF cookie adds `_csrf`";
    "SESSION_TTL_MINUTES" = "720": "Sliding lifetime of a session";
    "SESSION_MAX_LIFETIME_HOURS" = "168": "Absolute lifetime of a session";
    "ALLOWED_ORIGINS" = "": "Origins allowed for CORS, comma-separated or a JSON list";
    "ENABLE_CSRF" = "true": "`false` is refused in production";
    "TRUSTED_PROXIES" = "": "Address ranges whose forwarding headers are believed, comma-separated";
    "SWAGGER_UI_URL" = "/docs": "Another path that leads to the API documentation";
    "FAIL2BAN_LOG_PATH" = "": "File that mirrors authentication events";
    "REGISTRATION_SETUP_TOKEN" = "": "When set, creating the first super administrator requires it";
    "REQUIRE_EMAIL_VERIFICATION" = "true when SMTP_HOST is set": "Whether self-registered people must confirm their address";
    "SMTP_HOST" = "": "Outgoing mail server; blank: mail is caught locally in development, skipped in production";
    "SMTP_PORT" = "587": "465 means TLS from the first byte";
    "SMTP_USER" = "": "Login at the mail server, when it wants one";
    "SMTP_PASS" = "": "Password at the mail server";
    "SMTP_SECURE" = "true": "Require STARTTLS";
    "SMTP_FROM" = "SMTP_USER": "Sender address";
    "SMTP_REPLY_TO" = "": "Where answers to mails go, when not to the sender";
    "SMTP_TIMEOUT_SECONDS" = "30": "How long a conversation with the mail server may take";
    "SMTP_MAX_PER_MINUTE" = "60": "Mails that all processes together hand over in a minute";
    "SMTP_ALLOW_PLAINTEXT_AUTH" = "false": "Allow a login at the mail server without TLS";
    "MAIL_CAPTURE_DIR" = "": "Write mails into this folder instead of sending them";
    "TICKET_REPLY_ADDRESS" = "": "Mailbox that takes `name+anything`; when set, mails about tickets ask for answers there";
    "S3_ENDPOINT" = "": "S3-compatible server; blank with a blank bucket: the embedded one, in development";
    "S3_REGION" = "us-east-1": "Region of the bucket";
    "S3_ACCESS_KEY" = "": "Blank: the credentials of the machine or function";
    "S3_SECRET_KEY" = "": "Blank: the credentials of the machine or function";
    "UPLOADS_BUCKET" = "": "Bucket of all uploads";
    "WORKER_ENABLED" = "true": "Whether the local server also runs background work";
    "WORKER_FUNCTION" = "": "Function that runs the background work; functions wake it after a request that queued some";
    "INTERNAL_TICK_TOKEN" = "": "Bearer of `POST /internal/tick`; blank: the route does not exist";
    "CRON_TIMEZONE" = "UTC": "Time zone of schedules";
    "HISTORY_RETENTION_DAYS" = "90": "Age at which runs of tasks and automations are removed";
    "UPGRADE_COMMAND" = "": "Command behind the task System update; blank, or in a function: the task does not exist";
    "CLAMD_ADDRESS" = "": "Virus scanner; when set, files wait for its verdict";
    "AUDIT_RETENTION_DAYS" = "0": "Age at which audit rows are removed; 0: never";
    "RATE_LIMIT_COARSE" = "20000": "Requests per address in 15 minutes before anything is looked at";
    "RATE_LIMIT_ANONYMOUS" = "300": "Requests per address in 15 minutes without a session";
    "RATE_LIMIT_SIGNED_IN" = "3000": "Requests per person or API key in 15 minutes";
    "OUTBOUND_ALLOW_PRIVATE_HOSTS" = "": "Internal hosts, addresses and networks that calls to other systems may reach, comma-separated";
    "WEBHOOK_SIGNING_SECRET" = "": "Signs every webhook in `X-Portal-Signature`";
    "OLLAMA_BASE_URL" = "http://127.0.0.1:11434": "Ollama, until its module says otherwise";
    "OLLAMA_MODEL" = "llama3": "Model, until the Ollama module says otherwise";
    "SMTP_DEFAULT_RECIPIENTS" = "": "Who gets the mails of automations that name nobody, until the module says otherwise";
    "TACTICALRMM_BASE_URL" = "": "Tactical RMM, until its module says otherwise";
    "TACTICALRMM_API_KEY" = "": "Its key, until the module says otherwise";
    "TACTICALRMM_VERIFY_SSL" = "true": "Whether its certificate must be valid, until the module says otherwise";
    "NTFY_BASE_URL" = "https://ntfy.sh": "ntfy server, until its module says otherwise";
    "NTFY_TOPIC" = "": "Topic, until the ntfy module says otherwise";
    "NTFY_AUTH_TOKEN" = "": "Token, until the ntfy module says otherwise";
    "CHATGPT_MCP_SHARED_SECRET" = "": "Secret of the ChatGPT connection, until its module says otherwise";
    "CHATGPT_MCP_ALLOWED_ACTIONS" = "all four": "Tools that ChatGPT may use, comma-separated";
    "CHATGPT_MCP_MAX_RESULTS" = "50": "Tickets in one answer to ChatGPT";
    "CHATGPT_MCP_ALLOW_UPDATES" = "false": "Whether ChatGPT may change tickets";
    "CHATGPT_MCP_ALLOWED_STATUSES" = "all five": "Statuses that ChatGPT may set, comma-separated";
    "CHATGPT_MCP_SYSTEM_USER_ID" = "": "Person in whose name ChatGPT replies";
    "SYNCRO_WEBHOOK_URL" = "": "Address of the Syncro account, until its module says otherwise";
    "SYNCRO_API_KEY" = "": "Its key, until the module says otherwise";
    "SYNCRO_TIMEZONE" = "UTC": "Time zone of times that Syncro writes without an offset";
    "SMS_ENDPOINT" = "": "SMS gateway, until its module says otherwise";
    "SMS_AUTH" = "": "Its `user:password` in base64, until the module says otherwise";
    "SMS_DEFAULT_COUNTRY_CODE" = "": "Put before national numbers, as in `44`";
    "VERIFY_WEBHOOK_URL" = "": "Takes the codes that prove who a caller is; blank: they go by SMS";
    "VERIFY_API_KEY" = "": "Its bearer token";
    "TEMPLATES_DIR" = "": "Read templates from this folder on change, for development";
    "LOG" = "info": "Log filter, as in `info,sqlx=warn`";
}

/// Outgoing mail.
#[derive(Clone, Default)]
pub struct Smtp {
    /// Empty: no server.
    pub host: String,
    /// 465 means implicit TLS.
    pub port: u16,
    /// Login, when the server wants one.
    pub user: String,
    /// Password of the login.
    pub pass: String,
    /// Whether STARTTLS is required.
    pub secure: bool,
    /// Sender address.
    pub from: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Seconds that a conversation may take.
    pub timeout_seconds: u64,
    /// Mails of all processes together.
    pub max_per_minute: i64,
    /// Whether a login without TLS is allowed.
    pub allow_plaintext_auth: bool,
    /// A folder that takes mails in place of a server.
    pub capture_dir: Option<String>,
}

/// Where uploads live.
#[derive(Clone, Default)]
pub struct Bucket {
    /// Empty: AWS itself.
    pub endpoint: String,
    /// Region name.
    pub region: String,
    /// Bucket name.
    pub name: String,
    /// Empty: the machine's own credentials.
    pub access_key: String,
    /// Empty: the machine's own credentials.
    pub secret_key: String,
}

impl Bucket {
    /// The origin of its signed addresses, as browsers name it; empty when there is no bucket.
    pub fn origin(&self) -> String {
        if !self.endpoint.is_empty() {
            return Url::parse(&self.endpoint).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        }
        if self.name.is_empty() {
            return String::new();
        }
        format!("https://{}.s3.{}.amazonaws.com", self.name, self.region)
    }
}

/// Limits of the in-memory guard; requests per 15 minutes.
#[derive(Debug, Clone, Copy)]
pub struct GeneralLimits {
    /// Per address, before anything is looked at.
    pub coarse: u32,
    /// Per address without a session.
    pub anonymous: u32,
    /// Per person or key.
    pub signed_in: u32,
}

/// Every setting of the product.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the setting of its name, documented in SETTINGS")]
pub struct Config {
    pub app_name: String,
    pub environment: Environment,
    pub listen: String,
    pub data_dir: String,
    pub database_url: String,
    pub database_connections: u32,
    pub portal_url: Option<Url>,
    pub session_secret: String,
    pub encryption_key: String,
    pub encryption_key_previous: Option<String>,
    pub api_key_pepper: String,
    pub session_cookie_name: String,
    pub session_ttl_minutes: i64,
    pub session_max_lifetime_hours: i64,
    pub allowed_origins: Vec<String>,
    pub enable_csrf: bool,
    pub trusted_proxies: TrustedProxies,
    pub docs_path: String,
    pub fail2ban_log_path: Option<String>,
    pub setup_token: Option<String>,
    pub require_email_verification: bool,
    pub smtp: Smtp,
    pub ticket_reply_address: Option<String>,
    pub bucket: Bucket,
    pub worker_enabled: bool,
    pub worker_function: Option<String>,
    pub tick_token: Option<String>,
    pub cron_timezone: String,
    pub history_retention_days: i64,
    pub upgrade_command: String,
    pub clamd_address: Option<String>,
    pub audit_retention_days: i64,
    pub limits: GeneralLimits,
    pub outbound_exceptions: Exceptions,
    pub syncro_timezone: String,
    pub webhook_signing_secret: Option<String>,
    pub verify_webhook_url: Option<String>,
    pub verify_api_key: Option<String>,
    pub module_defaults: BTreeMap<&'static str, String>,
    pub templates_dir: Option<String>,
    pub log: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("environment", &self.environment)
            .field("listen", &self.listen)
            .field("portal_url", &self.portal_url.as_ref().map(Url::as_str))
            .finish_non_exhaustive()
    }
}

/// A setting that keeps the portal from starting, as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Reads values; blank counts as unset.
struct Reader<F>(F);

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn get(&self, names: &[&str]) -> Option<String> {
        names.iter().filter_map(|name| (self.0)(name)).map(|v| v.trim().to_owned()).find(|v| !v.is_empty())
    }

    fn text(&self, names: &[&str], default: &str) -> String {
        self.get(names).unwrap_or_else(|| default.to_owned())
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, ConfigError> {
        match self.get(&[name]) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| ConfigError(format!("{name} must be a number, not \"{text}\"."))),
        }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, ConfigError> {
        let Some(text) = self.get(&[name]) else { return Ok(default) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(ConfigError(format!("{name} must be true or false, not \"{text}\"."))),
        }
    }

    fn url(&self, name: &str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.get(&[name]) else { return Ok(None) };
        let url = Url::parse(text.trim_end_matches('/')).ok().filter(Url::has_host);
        url.map(Some)
            .ok_or_else(|| ConfigError(format!("{name} must be an address such as https://portal.example.com.")))
    }
}

impl Config {
    /// Reads the process environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_source(|name| std::env::var(name).ok())
    }

    /// Reads settings from anywhere.
    pub fn from_source(source: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let read = Reader(source);
        let environment = match read.text(&["ENVIRONMENT"], "development").to_ascii_lowercase().as_str() {
            "production" => Environment::Production,
            _ => Environment::Development,
        };
        let data_dir = read.text(&["DATA_DIR"], "./data");
        let smtp = smtp(&read)?;
        let session_secret = read.text(&["SESSION_SECRET", "SECRET_KEY"], "");
        let config = Self {
            app_name: read.text(&["APP_NAME"], "MyPortal"),
            environment,
            listen: listen(&read),
            database_url: read.text(&["DATABASE_URL"], &format!("sqlite:{data_dir}/myportal.sqlite")),
            database_connections: read.number("DATABASE_CONNECTIONS", 10)?,
            data_dir,
            portal_url: read.url("PORTAL_URL")?,
            api_key_pepper: read.text(&["API_KEY_PEPPER"], &session_secret),
            session_secret,
            encryption_key: read.text(&["TOTP_ENCRYPTION_KEY"], ""),
            encryption_key_previous: read.get(&["TOTP_ENCRYPTION_KEY_PREVIOUS"]),
            session_cookie_name: read.text(&["SESSION_COOKIE_NAME", "SESSION_COOKIE"], "myportal_session"),
            session_ttl_minutes: read.number("SESSION_TTL_MINUTES", 720)?,
            session_max_lifetime_hours: read.number("SESSION_MAX_LIFETIME_HOURS", 168)?,
            allowed_origins: origins(&read.text(&["ALLOWED_ORIGINS"], "")),
            enable_csrf: read.flag("ENABLE_CSRF", true)?,
            trusted_proxies: TrustedProxies::parse(&read.text(&["TRUSTED_PROXIES"], ""))
                .map_err(|error| ConfigError(format!("TRUSTED_PROXIES: {error}")))?,
            docs_path: read.text(&["SWAGGER_UI_URL"], "/docs"),
            fail2ban_log_path: read.get(&["FAIL2BAN_LOG_PATH"]),
            setup_token: read.get(&["REGISTRATION_SETUP_TOKEN"]),
            require_email_verification: read.flag("REQUIRE_EMAIL_VERIFICATION", !smtp.host.is_empty())?,
            smtp,
            bucket: bucket(&read),
            ticket_reply_address: read.get(&["TICKET_REPLY_ADDRESS"]),
            worker_enabled: read.flag("WORKER_ENABLED", true)?,
            worker_function: read.get(&["WORKER_FUNCTION"]),
            tick_token: read.get(&["INTERNAL_TICK_TOKEN"]),
            cron_timezone: read.text(&["CRON_TIMEZONE"], "UTC"),
            history_retention_days: read.number("HISTORY_RETENTION_DAYS", 90)?,
            upgrade_command: upgrade_command(&read),
            clamd_address: read.get(&["CLAMD_ADDRESS"]),
            audit_retention_days: read.number("AUDIT_RETENTION_DAYS", 0)?,
            limits: GeneralLimits {
                coarse: read.number("RATE_LIMIT_COARSE", 20_000)?,
                anonymous: read.number("RATE_LIMIT_ANONYMOUS", 300)?,
                signed_in: read.number("RATE_LIMIT_SIGNED_IN", 3_000)?,
            },
            outbound_exceptions: Exceptions::parse(&read.text(&["OUTBOUND_ALLOW_PRIVATE_HOSTS"], ""))
                .map_err(|error| ConfigError(format!("OUTBOUND_ALLOW_PRIVATE_HOSTS: {error}")))?,
            syncro_timezone: read.text(&["SYNCRO_TIMEZONE"], "UTC"),
            webhook_signing_secret: read.get(&["WEBHOOK_SIGNING_SECRET"]),
            verify_webhook_url: read.get(&["VERIFY_WEBHOOK_URL"]),
            verify_api_key: read.get(&["VERIFY_API_KEY"]),
            module_defaults: crate::modules::variables().filter_map(|name| Some((name, read.get(&[name])?))).collect(),
            templates_dir: read.get(&["TEMPLATES_DIR"]),
            log: read.text(&["LOG", "RUST_LOG"], "info,sqlx=warn,s3s=warn"),
        };
        Ok(config)
    }

    /// What must hold before production serves anyone (identity 22).
    pub fn check(&self) -> Result<(), ConfigError> {
        let complain = |text: &str| Err(ConfigError(text.to_owned()));
        if !self.is_production() {
            return Ok(());
        }
        for (name, secret) in [("SESSION_SECRET", &self.session_secret), ("TOTP_ENCRYPTION_KEY", &self.encryption_key)]
        {
            if secret.chars().count() < 32 || secret.contains("change-me") {
                return Err(ConfigError(format!("{name} must be a random text of at least 32 characters.")));
            }
        }
        if self.session_secret == self.encryption_key {
            return complain("SESSION_SECRET and TOTP_ENCRYPTION_KEY must differ.");
        }
        if self.portal_url.as_ref().is_none_or(|url| url.scheme() != "https") {
            return complain("PORTAL_URL must be the public https address of the portal.");
        }
        if !self.enable_csrf {
            return complain("ENABLE_CSRF=false is refused in production.");
        }
        if self.limits.coarse == 0 || self.limits.anonymous == 0 || self.limits.signed_in == 0 {
            return complain("RATE_LIMIT_* must be above zero in production.");
        }
        if self.bucket.name.is_empty() {
            return complain("UPLOADS_BUCKET must name the bucket of uploads.");
        }
        Ok(())
    }

    /// True for real customers.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }

    /// The public address without a trailing slash, when one is set.
    pub fn base_url(&self) -> Option<&str> {
        self.portal_url.as_ref().map(|url| url.as_str().trim_end_matches('/'))
    }
}

fn listen<F: Fn(&str) -> Option<String>>(read: &Reader<F>) -> String {
    read.get(&["LISTEN"])
        .unwrap_or_else(|| format!("{}:{}", read.text(&["HOST"], "127.0.0.1"), read.text(&["PORT"], "8000")))
}

fn smtp<F: Fn(&str) -> Option<String>>(read: &Reader<F>) -> Result<Smtp, ConfigError> {
    let user = read.text(&["SMTP_USER"], "");
    let secure = read.flag("SMTP_SECURE", true)?;
    let allow_plaintext_auth = read.flag("SMTP_ALLOW_PLAINTEXT_AUTH", false)?;
    if !secure && !user.is_empty() && !allow_plaintext_auth {
        let text = "SMTP_SECURE=false would send the password of SMTP_USER in the clear. \
                    Set SMTP_ALLOW_PLAINTEXT_AUTH=true if the network is yours.";
        return Err(ConfigError(text.to_owned()));
    }
    Ok(Smtp {
        host: read.text(&["SMTP_HOST"], ""),
        port: read.number("SMTP_PORT", 587)?,
        pass: read.text(&["SMTP_PASS"], ""),
        secure,
        from: read.text(&["SMTP_FROM"], &user),
        reply_to: read.get(&["SMTP_REPLY_TO"]),
        timeout_seconds: read.number("SMTP_TIMEOUT_SECONDS", 30)?,
        max_per_minute: read.number("SMTP_MAX_PER_MINUTE", 60)?,
        allow_plaintext_auth,
        capture_dir: read.get(&["MAIL_CAPTURE_DIR"]),
        user,
    })
}

/// A function cannot upgrade itself: where the host says that this is one, the setting counts for nothing.
fn upgrade_command<F: Fn(&str) -> Option<String>>(read: &Reader<F>) -> String {
    match read.get(&["AWS_LAMBDA_FUNCTION_NAME"]) {
        Some(_) => String::new(),
        None => read.text(&["UPGRADE_COMMAND"], ""),
    }
}

fn bucket<F: Fn(&str) -> Option<String>>(read: &Reader<F>) -> Bucket {
    Bucket {
        endpoint: read.text(&["S3_ENDPOINT"], ""),
        region: read.text(&["S3_REGION", "AWS_REGION"], "us-east-1"),
        name: read.text(&["UPLOADS_BUCKET"], ""),
        access_key: read.text(&["S3_ACCESS_KEY"], ""),
        secret_key: read.text(&["S3_SECRET_KEY"], ""),
    }
}

fn origins(text: &str) -> Vec<String> {
    let list: Vec<String> = serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(str::to_owned).collect());
    list.iter().map(|o| o.trim().trim_end_matches('/').to_owned()).filter(|o| !o.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_source(move |name| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn blank_counts_as_unset() {
        let config = with(&[("APP_NAME", "  "), ("SESSION_TTL_MINUTES", "")]).unwrap();
        assert_eq!(config.app_name, "MyPortal");
        assert_eq!(config.session_ttl_minutes, 720);
    }

    #[test]
    fn production_refuses_weak_settings() {
        let good = [
            ("ENVIRONMENT", "production"),
            ("SESSION_SECRET", "0123456789012345678901234567890123456789"),
            ("TOTP_ENCRYPTION_KEY", "abcdefghijabcdefghijabcdefghijabcdefghij"),
            ("PORTAL_URL", "https://portal.example.com/"),
            ("UPLOADS_BUCKET", "uploads"),
        ];
        assert_eq!(with(&good).unwrap().check(), Ok(()));
        for (name, bad) in [
            ("SESSION_SECRET", "short"),
            ("TOTP_ENCRYPTION_KEY", "change-me-change-me-change-me-change-me"),
            ("TOTP_ENCRYPTION_KEY", "0123456789012345678901234567890123456789"),
            ("PORTAL_URL", "http://portal.example.com"),
            ("PORTAL_URL", ""),
            ("ENABLE_CSRF", "false"),
            ("RATE_LIMIT_ANONYMOUS", "0"),
        ] {
            let mut pairs = vec![(name, bad)];
            pairs.extend(good);
            let pairs: Vec<_> =
                if bad.is_empty() { good.into_iter().filter(|(k, _)| *k != name).collect() } else { pairs };
            assert!(with(&pairs).unwrap().check().is_err(), "{name}={bad} must be refused");
        }
    }

    #[test]
    fn the_bucket_has_an_origin_with_and_without_an_endpoint() {
        let origin = |pairs: &[(&str, &str)]| with(pairs).unwrap().bucket.origin();
        assert_eq!(origin(&[]), "");
        assert_eq!(origin(&[("UPLOADS_BUCKET", "up")]), "https://up.s3.us-east-1.amazonaws.com");
        let own = [("UPLOADS_BUCKET", "up"), ("S3_ENDPOINT", "http://127.0.0.1:9000/s3/")];
        assert_eq!(origin(&own), "http://127.0.0.1:9000");
    }

    #[test]
    fn a_function_cannot_upgrade_itself() {
        let command = ("UPGRADE_COMMAND", "./upgrade");
        let function = ("AWS_LAMBDA_FUNCTION_NAME", "portal-worker");
        assert_eq!(with(&[command]).unwrap().upgrade_command, "./upgrade");
        assert_eq!(with(&[command, function]).unwrap().upgrade_command, "");
        let blank = ("AWS_LAMBDA_FUNCTION_NAME", "");
        assert_eq!(with(&[command, blank]).unwrap().upgrade_command, "./upgrade");
    }

    #[test]
    fn a_password_goes_in_the_clear_only_when_that_is_wanted() {
        let plain = [("SMTP_SECURE", "false"), ("SMTP_USER", "desk")];
        assert!(with(&plain).is_err());
        assert!(with(&plain[..1]).is_ok());
        assert!(with(&[plain[0], plain[1], ("SMTP_ALLOW_PLAINTEXT_AUTH", "true")]).is_ok());
    }

    #[test]
    fn origins_come_as_list_or_json() {
        assert_eq!(origins("https://a.example/, https://b.example"), ["https://a.example", "https://b.example"]);
        assert_eq!(origins(r#"["https://a.example"]"#), ["https://a.example"]);
    }
}
