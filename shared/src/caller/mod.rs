//! Who may call a route, as types.
//!
//! A handler's first argument is a caller. Only callers lead to the database, the templates, the files
//! and the mail, and a route whose handler does not begin with one does not compile (`routes`).

pub mod access;
mod api_key;
pub(crate) mod session;

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use chrono::TimeDelta;
use http::request::Parts;

pub use access::{Access, CompanyKey, MachineSecret, Section, bearer};
pub use api_key::Key;
pub use session::{Audits, Company, Membership, Person, Profile, Session};

pub(crate) use api_key::authenticate as authenticate_key;

use crate::app::App;
use crate::context::By;
use crate::error::{Error, Result};

/// How long a confirmed password opens the routes that want one (identity 11.5).
pub const FRESH_FOR: TimeDelta = TimeDelta::minutes(15);

/// A first argument that says who may call.
pub trait Caller: FromRequestParts<App, Rejection = Error> + Deref<Target = By> + Send {
    /// The same in the route table.
    const ACCESS: Access;
}

/// Who stands behind a request.
#[derive(Debug, Clone)]
pub enum Actor {
    /// Nobody is signed in.
    Nobody,
    /// A person with a session.
    Person(Arc<Person>),
    /// A machine with an API key.
    Key(Arc<Key>),
}

fn context(parts: &Parts) -> Result<By> {
    parts.extensions.get::<By>().cloned().ok_or_else(|| Error::Internal(anyhow::anyhow!("no context on the request")))
}

/// Everybody: sign-in, registration, health, public pages.
#[derive(Debug, Clone)]
pub struct Anyone(By);

impl FromRequestParts<App> for Anyone {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        context(parts).map(Self)
    }
}

impl Caller for Anyone {
    const ACCESS: Access = Access::Anyone;
}

/// A signed-in person, also one without a company.
#[derive(Debug, Clone)]
pub struct User {
    by: By,
    person: Arc<Person>,
}

impl User {
    /// The person.
    pub fn me(&self) -> &Person {
        &self.person
    }

    fn signed_in(by: By) -> Result<Self> {
        match by.actor() {
            Actor::Person(person) => Ok(Self { person: Arc::clone(person), by }),
            Actor::Nobody => Err(Error::Unauthenticated),
            Actor::Key(_) => Err(Error::forbidden("API keys cannot be used here")),
        }
    }

    /// Refuses people who must first change their password or confirm their address (identity 10.4, 11.4).
    fn settled(self) -> Result<Self> {
        if self.person.user.force_password_change {
            return Err(Error::forbidden("Password change required")
                .code("password_change_required")
                .or_see("/change-password"));
        }
        if self.person.must_verify_email {
            return Err(Error::forbidden("Email address not verified")
                .code("email_unverified")
                .or_see("/verify-email"));
        }
        Ok(self)
    }
}

impl FromRequestParts<App> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        Self::signed_in(context(parts)?)?.settled()
    }
}

impl Caller for User {
    const ACCESS: Access = Access::User;
}

/// A signed-in person who may still have to change the password or confirm the address.
#[derive(Debug, Clone)]
pub struct Unsettled(User);

impl Unsettled {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}

impl FromRequestParts<App> for Unsettled {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        User::signed_in(context(parts)?).map(Self)
    }
}

impl Caller for Unsettled {
    const ACCESS: Access = Access::Unsettled;
}

/// A person with an active company in which a section is open.
#[derive(Debug, Clone)]
pub struct Member<S> {
    user: User,
    company: Company,
    section: PhantomData<S>,
}

impl<S: Section> Member<S> {
    /// The person.
    pub fn me(&self) -> &Person {
        self.user.me()
    }

    /// The active company.
    pub fn company(&self) -> &Company {
        &self.company
    }
}

impl<S: Section> FromRequestParts<App> for Member<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = User::from_request_parts(parts, app).await?;
        let company = active_company(&user)?;
        if !S::opens(&user.me().rights) {
            return Err(no_access(S::LABEL));
        }
        Ok(Self { user, company, section: PhantomData })
    }
}

impl<S: Section> Caller for Member<S> {
    const ACCESS: Access = Access::Member(S::LABEL);
}

/// A person who manages the active company under a role key.
#[derive(Debug, Clone)]
pub struct CompanyManager<K> {
    user: User,
    company: Company,
    key: PhantomData<K>,
}

impl<K: CompanyKey> CompanyManager<K> {
    /// The person.
    pub fn me(&self) -> &Person {
        self.user.me()
    }

    /// The active company.
    pub fn company(&self) -> &Company {
        &self.company
    }
}

impl<K: CompanyKey> FromRequestParts<App> for CompanyManager<K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = User::from_request_parts(parts, app).await?;
        let company = active_company(&user)?;
        if !user.me().rights.manages(K::KEY) {
            return Err(no_access(K::LABEL));
        }
        Ok(Self { user, company, key: PhantomData })
    }
}

impl<K: CompanyKey> Caller for CompanyManager<K> {
    const ACCESS: Access = Access::CompanyManager(K::KEY);
}

fn active_company(user: &User) -> Result<Company> {
    user.me()
        .company
        .clone()
        .ok_or_else(|| Error::bad_request("No company associated with the current user").code("no_company"))
}

fn no_access(what: &str) -> Error {
    Error::forbidden("Access denied").with("section", what).or_see("/")
}

/// A person who works on the tickets of every company.
#[derive(Debug, Clone)]
pub struct Technician(User);

impl Technician {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}

impl FromRequestParts<App> for Technician {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = User::from_request_parts(parts, app).await?;
        if user.me().is_technician { Ok(Self(user)) } else { Err(no_access("the ticket desk")) }
    }
}

impl Caller for Technician {
    const ACCESS: Access = Access::Technician;
}

/// A person who may read some of the audit trail; [`Person::audits`] says how much.
#[derive(Debug, Clone)]
pub struct Auditor(User);

impl Auditor {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}

impl FromRequestParts<App> for Auditor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = User::from_request_parts(parts, app).await?;
        if user.me().audits().is_some() { Ok(Self(user)) } else { Err(no_access("the audit trail")) }
    }
}

impl Caller for Auditor {
    const ACCESS: Access = Access::Auditor;
}

/// A super administrator.
#[derive(Debug, Clone)]
pub struct SuperAdmin(User);

impl SuperAdmin {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}

impl FromRequestParts<App> for SuperAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = User::from_request_parts(parts, app).await?;
        if user.me().user.is_super_admin { Ok(Self(user)) } else { Err(no_access("administration")) }
    }
}

impl Caller for SuperAdmin {
    const ACCESS: Access = Access::SuperAdmin;
}

/// Wraps a person's caller and admits API keys beside it, under the scope of the route.
/// Every other caller refuses keys.
#[derive(Debug, Clone)]
pub struct Keyed<C> {
    by: By,
    person: Option<Arc<Person>>,
    caller: PhantomData<C>,
}

impl<C> Keyed<C> {
    /// The person, or nobody when a key acts.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_deref()
    }

    /// The company to which a key is limited.
    pub fn key_company(&self) -> Option<i64> {
        self.key().and_then(|key| key.company_id)
    }

    /// The key, if one acts.
    pub fn key(&self) -> Option<&Key> {
        match self.by.actor() {
            Actor::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Refuses keys that are limited to one company.
    pub fn portal_wide(&self) -> Result<()> {
        match self.key_company() {
            None => Ok(()),
            Some(_) => Err(Error::forbidden("This API key is limited to one company")),
        }
    }
}

impl<C: Caller> FromRequestParts<App> for Keyed<C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let by = context(parts)?;
        if let Actor::Key(key) = by.actor() {
            key.require(by.request().scope(), by.request().method())?;
            return Ok(Self { by, person: None, caller: PhantomData });
        }
        let caller = C::from_request_parts(parts, app).await?;
        let by = By::clone(&caller);
        let person = by.person().cloned();
        Ok(Self { by, person, caller: PhantomData })
    }
}

impl<C: Caller> Caller for Keyed<C> {
    const ACCESS: Access = Access::Keyed(&C::ACCESS);
}

/// Wraps a person's caller and wants the password confirmed within the last 15 minutes.
#[derive(Debug, Clone)]
pub struct Fresh<C>(C);

impl<C> Fresh<C> {
    /// The wrapped caller.
    pub fn caller(&self) -> &C {
        &self.0
    }
}

impl<C: Caller> FromRequestParts<App> for Fresh<C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = C::from_request_parts(parts, app).await?;
        caller.require_fresh()?;
        Ok(Self(caller))
    }
}

impl<C: Caller> Caller for Fresh<C> {
    const ACCESS: Access = Access::Fresh(&C::ACCESS);
}

/// A machine that presents a secret of its own in the `Authorization` header.
#[derive(Debug, Clone)]
pub struct Secret<M> {
    by: By,
    machine: PhantomData<M>,
}

impl<M: MachineSecret> FromRequestParts<App> for Secret<M> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let by = context(parts)?;
        M::admit(&by, &parts.headers).await?;
        Ok(Self { by, machine: PhantomData })
    }
}

impl<M: MachineSecret> Caller for Secret<M> {
    const ACCESS: Access = Access::Secret(M::NAME);
}

macro_rules! deref_to_context {
    ($($caller:ident $(<$p:ident>)? => $($path:tt).+;)*) => {$(
        impl$(<$p>)? Deref for $caller$(<$p>)? {
            type Target = By;

            fn deref(&self) -> &By {
                &self.$($path).+
            }
        }
    )*};
}

deref_to_context! {
    User => by;
    Unsettled => 0;
    Member<S> => user;
    CompanyManager<K> => user;
    Technician => 0;
    Auditor => 0;
    SuperAdmin => 0;
    Keyed<C> => by;
    Secret<M> => by;
}

impl Deref for Anyone {
    type Target = By;

    fn deref(&self) -> &By {
        &self.0
    }
}

impl<C: Caller> Deref for Fresh<C> {
    type Target = By;

    fn deref(&self) -> &By {
        &self.0
    }
}

impl Fresh<SuperAdmin> {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}

impl Fresh<User> {
    /// The person.
    pub fn me(&self) -> &Person {
        self.0.me()
    }
}
