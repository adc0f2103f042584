//! The routes of an area, each with its caller, and the table that everything else reads: the
//! pipeline, the permission walk, the documentation and the deployment test.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, RefOr};

use crate::app::App;
use crate::caller::{Access, Caller};

/// Bytes of a request body, where a route states nothing else.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Bytes of one uploaded file.
pub const FILE_LIMIT: usize = 15 * 1024 * 1024;

/// Files in one request.
pub const FILES_PER_REQUEST: usize = 10;

/// What the table says about one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFacts {
    /// The area that answers.
    pub area: &'static str,
    /// The method.
    pub method: Method,
    /// The path as registered, with `{names}`.
    pub path: String,
    /// Answers people with HTML; otherwise programs with JSON.
    pub is_page: bool,
    /// Who may call.
    pub access: Access,
    /// The area name that an API key's scope must carry; none where keys are refused.
    pub scope: Option<&'static str>,
    /// Bytes of the body.
    pub body_limit: usize,
    /// An answer without end: not under the time limit.
    pub streams: bool,
}

/// All routes of a process by method and registered path.
#[derive(Debug, Clone, Default)]
pub struct Table(Arc<HashMap<(Method, String), RouteFacts>>);

impl Table {
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<&RouteFacts> {
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, path.to_owned()))
    }

    /// True where this host answers it; the local server has more routes than the functions.
    pub fn has(&self, method: &Method, path: &str) -> bool {
        self.find(method, path).is_some()
    }

    /// Every route, sorted by path and method.
    pub fn all(&self) -> Vec<&RouteFacts> {
        let mut all: Vec<&RouteFacts> = self.0.values().collect();
        all.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
        all
    }
}

/// Implemented for the argument tuples that begin with a caller; axum names that tuple in the type of
/// a handler, so a handler without a caller cannot be registered.
#[diagnostic::on_unimplemented(message = "the first argument of a handler must be a caller (shared::caller)")]
pub trait NamesCaller {
    /// Who may call.
    const ACCESS: Access;
}

macro_rules! names_caller {
    ($($rest:ident),*) => {
        impl<M, C: Caller, $($rest),*> NamesCaller for (M, C, $($rest,)*) {
            const ACCESS: Access = C::ACCESS;
        }
    };
}

names_caller!();
names_caller!(A1);
names_caller!(A1, A2);
names_caller!(A1, A2, A3);
names_caller!(A1, A2, A3, A4);

/// Who may call a handler.
pub fn access_of<H, T>(_: H) -> Access
where
    H: Handler<T, App>,
    T: NamesCaller,
{
    T::ACCESS
}

/// A JSON handler with its documentation; made by [`crate::api`].
pub struct Documented {
    access: Access,
    schemas: Vec<(String, RefOr<Schema>)>,
    paths: Paths,
    methods: MethodRouter<App>,
}

/// What `utoipa_axum::routes!` gives.
pub type DocumentedRoutes = (Vec<(String, RefOr<Schema>)>, Paths, MethodRouter<App>);

impl Documented {
    /// Pairs what `utoipa_axum::routes!` gives with the caller of the same handler.
    pub fn new(access: Access, routes: DocumentedRoutes) -> Self {
        Self { access, schemas: routes.0, paths: routes.1, methods: routes.2 }
    }
}

/// Names a handler that carries `#[utoipa::path]`.
#[macro_export]
macro_rules! api {
    ($handler:path) => {
        $crate::routes::Documented::new($crate::routes::access_of($handler), utoipa_axum::routes!($handler))
    };
}

/// The routes of an area.
pub struct Routes {
    area: &'static str,
    prefixes: Vec<(&'static str, &'static str)>,
    scope: Option<&'static str>,
    router: Router<App>,
    table: Vec<RouteFacts>,
    openapi: OpenApi,
}

impl Routes {
    /// An area and the path prefixes that belong to it alone, `/` meaning the root only.
    pub fn area(area: &'static str, prefixes: &[&'static str]) -> Self {
        Self {
            area,
            prefixes: prefixes.iter().map(|prefix| (area, *prefix)).collect(),
            scope: None,
            router: Router::new(),
            table: Vec::new(),
            openapi: OpenApi::default(),
        }
    }

    /// The scope name of the JSON routes that follow.
    #[must_use]
    pub fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The JSON routes that follow take no API keys.
    #[must_use]
    pub fn no_scope(mut self) -> Self {
        self.scope = None;
        self
    }

    /// A page: GET.
    #[must_use]
    pub fn page<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: NamesCaller + 'static,
    {
        self.html(Method::GET, MethodFilter::GET, path, handler, BODY_LIMIT)
    }

    /// A form of a page: POST.
    #[must_use]
    pub fn form<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: NamesCaller + 'static,
    {
        self.html(Method::POST, MethodFilter::POST, path, handler, BODY_LIMIT)
    }

    /// A form of a page that carries files.
    #[must_use]
    pub fn upload_form<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: NamesCaller + 'static,
    {
        self.html(Method::POST, MethodFilter::POST, path, handler, UPLOAD_LIMIT)
    }

    fn html<H, T>(mut self, method: Method, filter: MethodFilter, path: &'static str, handler: H, limit: usize) -> Self
    where
        H: Handler<T, App>,
        T: NamesCaller + 'static,
    {
        self.router = self.router.route(path, on(filter, handler));
        let mut facts = self.facts(method, path, T::ACCESS);
        facts.is_page = true;
        facts.scope = None;
        facts.body_limit = limit;
        self.table.push(facts);
        self
    }

    /// A page whose answer has no end: under no time limit.
    #[must_use]
    pub fn stream<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: NamesCaller + 'static,
    {
        self = self.html(Method::GET, MethodFilter::GET, path, handler, BODY_LIMIT);
        if let Some(facts) = self.table.last_mut() {
            facts.streams = true;
        }
        self
    }

    /// A JSON route with its documentation.
    #[must_use]
    pub fn api(self, documented: Documented) -> Self {
        self.api_limited(documented, BODY_LIMIT)
    }

    /// A JSON route that carries files.
    #[must_use]
    pub fn upload_api(self, documented: Documented) -> Self {
        self.api_limited(documented, UPLOAD_LIMIT)
    }

    /// A JSON route that takes so many bytes.
    #[must_use]
    pub fn api_limited(mut self, documented: Documented, limit: usize) -> Self {
        let mut paths = documented.paths;
        let mut methods = Some(documented.methods);
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                let mut facts = self.facts(method, path, documented.access);
                facts.scope = self.scope.filter(|_| documented.access.admits_keys());
                facts.body_limit = limit;
                describe(operation, &facts);
                self.table.push(facts);
            }
            if let Some(methods) = methods.take() {
                self.router = self.router.route(path, methods);
            }
        }
        self.openapi.paths.paths.append_paths(paths);
        let components = self.openapi.components.get_or_insert_with(Default::default);
        components.schemas.extend(documented.schemas);
        self
    }

    fn facts(&self, method: Method, path: &str, access: Access) -> RouteFacts {
        RouteFacts {
            area: self.area,
            method,
            path: path.to_owned(),
            is_page: false,
            access,
            scope: self.scope,
            body_limit: BODY_LIMIT,
            streams: false,
        }
    }

    /// Adds another area's routes, as the local server does.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.extend(other.table);
        self.prefixes.extend(other.prefixes);
        self.openapi.paths.paths.append_paths(other.openapi.paths);
        if let Some(other) = other.openapi.components {
            let components = self.openapi.components.get_or_insert_with(Default::default);
            components.schemas.extend(other.schemas);
        }
        self
    }

    /// Area and prefix, as declared.
    pub fn prefixes(&self) -> &[(&'static str, &'static str)] {
        &self.prefixes
    }

    /// The table of these routes.
    pub fn table(&self) -> Table {
        let entries = self.table.iter().map(|facts| ((facts.method.clone(), facts.path.clone()), facts.clone()));
        Table(Arc::new(entries.collect()))
    }

    /// The OpenAPI document of these routes.
    pub fn openapi(&self) -> OpenApi {
        crate::openapi::complete(self.openapi.clone())
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}

/// Ten files and what surrounds them.
const UPLOAD_LIMIT: usize = FILES_PER_REQUEST * FILE_LIMIT + BODY_LIMIT;

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Says in the document who may call, from the type of the caller.
fn describe(operation: &mut Operation, facts: &RouteFacts) {
    let who = format!("Access: {}.", facts.access);
    operation.description =
        Some(operation.description.take().map_or(who.clone(), |text| format!("{}\n\n{who}", text.trim())));
    let tags = operation.tags.get_or_insert_with(Vec::new);
    tags.clear();
    tags.push(facts.area.to_owned());
    let none: [&str; 0] = [];
    operation.security = match facts.access.innermost() {
        Access::Anyone => Some(Vec::new()),
        Access::Secret(_) => Some(vec![SecurityRequirement::new("bearer", none)]),
        _ => {
            let mut ways = vec![SecurityRequirement::new("session", none)];
            if facts.scope.is_some() {
                ways.push(SecurityRequirement::new("api_key", none));
            }
            Some(ways)
        }
    };
}

/// Joins path items that differ in their method.
trait AppendPaths {
    fn append_paths(&mut self, other: Paths);
}

impl AppendPaths for utoipa::openapi::path::PathsMap<String, PathItem> {
    fn append_paths(&mut self, other: Paths) {
        for (path, item) in other.paths {
            match self.get_mut(&path) {
                Some(known) => known.merge_operations(item),
                None => {
                    self.insert(path, item);
                }
            }
        }
    }
}
