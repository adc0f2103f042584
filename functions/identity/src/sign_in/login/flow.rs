//! The order of checks at sign-in (identity 11.2): limits, password, account, second factor, session.

use shared::audit::Change;
use shared::auth_log::{Event, LoginFailure};
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Invalid, Result};
use shared::notify::{self, Notice, Recipient};
use shared::passwords::{self, Verdict};
use shared::rate_limit::{self, LOGIN, LOGIN_ACCOUNT, LOGIN_IP, TOTP_ACCOUNT};

use super::model::{Attempt, LoginIn, Proof};
use super::store::{self, Account};
use super::ticket;
use crate::sign_in::views::{self, Opened};
use crate::sign_in::{browser_name, device};
use crate::totp::{self, Factor, Outcome, To};

/// Why nobody was signed in.
#[derive(Debug)]
pub(super) enum Refused {
    /// Fields to correct.
    Invalid(Invalid),
    /// Unknown address, wrong password, switched-off account or none set: the same answer.
    Credentials,
    /// The note of the code step is too old.
    TicketExpired,
    /// The password was right; a code is asked for. Holds the note for the form.
    CodeRequired(String),
    /// The code was wrong. Holds the note for the form.
    WrongCode(String),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let unauthorised = |detail, code| Self::refused(http::StatusCode::UNAUTHORIZED, detail).code(code);
        match refused {
            Refused::Invalid(invalid) => Self::Invalid(invalid),
            Refused::Credentials | Refused::TicketExpired => unauthorised("Invalid credentials", "invalid_credentials"),
            Refused::CodeRequired(_) => unauthorised("TOTP code required", "totp_required"),
            Refused::WrongCode(_) => unauthorised("Invalid TOTP code", "invalid_totp"),
            Refused::Error(error) => error,
        }
    }
}

/// Signs a person in.
pub(super) async fn sign_in(by: &By, body: &LoginIn, is_form: bool) -> Result<Opened, Refused> {
    let attempt = body.parse(is_form).map_err(Refused::Invalid)?;
    take_units(by, &attempt.email).await?;
    let account = store::find(by.db(), &attempt.email).await?;
    let proven = prove(by, &attempt, account).await?;
    let factor = second_factor(by, &attempt, &proven).await?;
    let opened = open(by, &attempt, &proven, factor.as_ref()).await?;
    // Only failures count against the client as a whole.
    rate_limit::give_back(by.app(), &LOGIN_IP, by.ip()).await?;
    if factor.is_some() {
        rate_limit::give_back(by.app(), &TOTP_ACCOUNT, &proven.account.user.id.to_string()).await?;
    }
    let user_id = proven.account.user.id;
    by.app().auth_log().record(by.now(), Event::LoginSucceeded { email: &attempt.email, user_id, ip: by.ip() });
    Ok(opened)
}

fn pair(by: &By, email: &str) -> String {
    format!("{email}:{}", by.ip())
}

fn failed(by: &By, email: &str, reason: LoginFailure) {
    by.app().auth_log().record(by.now(), Event::LoginFailed { email, ip: by.ip(), reason });
}

/// Takes the units before anything is tried, so that parallel guesses cannot slip through.
async fn take_units(by: &By, email: &str) -> Result<()> {
    let subject = pair(by, email);
    for (limit, subject) in [(&LOGIN, subject.as_str()), (&LOGIN_ACCOUNT, email), (&LOGIN_IP, by.ip())] {
        limited(by, email, rate_limit::hit(by.app(), limit, subject).await)?;
    }
    Ok(())
}

fn limited(by: &By, email: &str, taken: Result<()>) -> Result<()> {
    if matches!(taken, Err(Error::TooMany { .. })) {
        failed(by, email, LoginFailure::RateLimited);
    }
    taken
}

/// An account whose password was shown to be known.
struct Proven {
    account: Account,
    /// What to store in place of a hash of an old form.
    better_hash: Option<String>,
}

async fn prove(by: &By, attempt: &Attempt, account: Option<Account>) -> Result<Proven, Refused> {
    let email = &attempt.email;
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let (is_right, better_hash) = match &attempt.proof {
        Proof::Ticket(text) => {
            let known = account.as_ref().map(|a| a.user.id).zip(stored);
            if !ticket::is_good(by, email, text, known) {
                failed(by, email, LoginFailure::InvalidCredentials);
                return Err(Refused::TicketExpired);
            }
            (true, None)
        }
        Proof::Password(password) => match passwords::verify(password, stored).await {
            Verdict::Wrong => (false, None),
            Verdict::Right => (true, None),
            Verdict::RightButRehash => {
                let hash = passwords::hash(password).await;
                (true, Some(hash.map_err(|error| Error::Internal(error.into()))?))
            }
        },
    };
    let has_no_password = account.is_some() && stored.is_none();
    match account {
        Some(account) if is_right && account.user.is_active => Ok(Proven { account, better_hash }),
        _ => {
            failed(
                by,
                email,
                match (has_no_password, is_right) {
                    (true, _) => LoginFailure::NoPassword,
                    (false, true) => LoginFailure::AccountDisabled,
                    (false, false) => LoginFailure::InvalidCredentials,
                },
            );
            Err(Refused::Credentials)
        }
    }
}

/// The factor to accept, with its unit taken; none for people without authenticators.
async fn second_factor(by: &By, attempt: &Attempt, proven: &Proven) -> Result<Option<Factor>, Refused> {
    let user = &proven.account.user;
    if !totp::is_on(by.db(), user.id).await? {
        return Ok(None);
    }
    let Some(factor) = attempt.factor.clone() else {
        // A normal step, not a failure.
        rate_limit::give_back(by.app(), &LOGIN, &pair(by, &attempt.email)).await?;
        rate_limit::give_back(by.app(), &LOGIN_ACCOUNT, &attempt.email).await?;
        rate_limit::give_back(by.app(), &LOGIN_IP, by.ip()).await?;
        failed(by, &attempt.email, LoginFailure::TotpRequired);
        return Err(Refused::CodeRequired(note(by, attempt, proven)?));
    };
    let taken = rate_limit::hit(by.app(), &TOTP_ACCOUNT, &user.id.to_string()).await;
    limited(by, &attempt.email, taken)?;
    Ok(Some(factor))
}

fn note(by: &By, attempt: &Attempt, proven: &Proven) -> Result<String> {
    if let Proof::Ticket(ticket) = &attempt.proof {
        return Ok(ticket.clone());
    }
    let hash = proven.account.password_hash.as_deref().unwrap_or_default();
    ticket::issue(by, &attempt.email, proven.account.user.id, hash)
}

async fn open(by: &By, attempt: &Attempt, proven: &Proven, factor: Option<&Factor>) -> Result<Opened, Refused> {
    let user = &proven.account.user;
    let mut tx = by.begin().await?;
    let mut left = None;
    if let Some(factor) = factor {
        let to = To { user_id: user.id, email: user.email.clone(), first_name: user.first_name.clone() };
        match totp::accept(by.app(), &mut tx, &to, factor, by.request()).await? {
            Outcome::Right => {}
            Outcome::Recovered(count) => left = Some(count),
            Outcome::Wrong => {
                drop(tx);
                failed(
                    by,
                    &attempt.email,
                    match factor {
                        Factor::Code(_) => LoginFailure::InvalidTotp,
                        Factor::Recovery(_) => LoginFailure::InvalidRecoveryCode,
                    },
                );
                return Err(Refused::WrongCode(note(by, attempt, proven)?));
            }
        }
    }
    let mut opened = record(by, &mut tx, attempt, proven).await?;
    tx.commit().await?;
    opened.answer.recovery_codes_left = left;
    Ok(opened)
}

async fn record(by: &By, tx: &mut Tx, attempt: &Attempt, proven: &Proven) -> Result<Opened> {
    let user = &proven.account.user;
    rate_limit::clear(tx, &LOGIN, &pair(by, &attempt.email)).await?;
    rate_limit::clear(tx, &LOGIN_ACCOUNT, &attempt.email).await?;
    store::signed_in(tx, &proven.account, proven.better_hash.as_deref()).await?;
    if store::is_new_device(tx, &proven.account, &device::mark(by)).await? {
        warn(by, tx, &proven.account).await?;
    }
    let opened = views::open(by, tx, user).await?;
    let change = Change::new("auth.login", "user", user.id).label(user.email.clone()).by(user.id, &user.email);
    tx.audit(device::noted(change, by).company(opened.answer.session.active_company_id));
    Ok(opened)
}

async fn warn(by: &By, tx: &mut Tx, account: &Account) -> Result<()> {
    let browser = browser_name(by.request().user_agent());
    let notice = Notice {
        kind: notify::NEW_SIGN_IN,
        message: format!(
            "Somebody signed in to your account from {} with {browser}. If it was not you, change your password.",
            by.ip()
        ),
        link: Some("/profile/devices".to_owned()),
        dedupe: None,
    };
    let to = Recipient { user_id: account.user.id, email: account.user.email.clone() };
    notify::tell(by.app(), tx, &to, &notice).await
}
