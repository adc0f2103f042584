//! Every route, asked by every kind of caller. Who is refused, and how, follows from the caller's type
//! in the route table; what the others get is written down in a snapshot.

use std::collections::BTreeMap;

use axum::body::Body;
use http::Method;
use shared::accounts::users::NewUser;
use shared::caller::Access;
use shared::db::sql;
use shared::routes::RouteFacts;
use shared::testing::{Actor, Reply, TestApp};
use shared::tokens;

use crate::support::{filled, portal, snapshot};

/// A kind of caller, as the rules see it.
#[derive(Clone, Default)]
struct Who {
    name: &'static str,
    user: Option<i64>,
    key: Option<String>,
    /// The area whose routes the key may call; `*` all of them.
    scope: &'static str,
    has_company: bool,
    manages: bool,
    works_at_desk: bool,
    is_super_admin: bool,
    /// Where an unsettled person must go first.
    must_go: Option<&'static str>,
    /// The password was confirmed long ago.
    is_stale: bool,
}

/// What a refused caller gets: a status, and for redirects the beginning of the address.
type Refusal = (u16, &'static str);

impl Who {
    fn is_key(&self) -> bool {
        self.key.is_some()
    }
}

/// The refusal that follows from the caller type, or none when the handler is reached.
fn refusal(who: &Who, route: &RouteFacts) -> Option<Refusal> {
    // Pages never read a key, so a key is nobody there.
    let is_key = who.is_key() && !route.is_page;
    by_access(who, route, &route.access, is_key)
}

fn by_access(who: &Who, route: &RouteFacts, access: &Access, is_key: bool) -> Option<Refusal> {
    let says = |json: u16, page: Refusal| Some(if route.is_page { page } else { (json, "") });
    match access {
        Access::Anyone => return None,
        // Nobody set the module up.
        Access::Secret("ChatGPT MCP") => return says(503, (503, "")),
        // Cookies and keys do not help; the walk sends no bearer.
        Access::Secret(_) => return says(401, (303, "/login")),
        Access::Keyed(inner) => {
            if !is_key {
                return by_access(who, route, inner, is_key);
            }
            let admits = who.scope == "*" || route.scope == Some(who.scope);
            return if admits { None } else { Some((403, "")) };
        }
        Access::Fresh(inner) => {
            let stale = if who.is_stale { says(403, (303, "/confirm-password")) } else { None };
            return by_access(who, route, inner, is_key).or(stale);
        }
        _ => {}
    }
    if is_key {
        return Some((403, ""));
    }
    if who.user.is_none() {
        return says(401, (303, "/login"));
    }
    if let (Some(place), false) = (who.must_go, *access == Access::Unsettled) {
        return says(403, (303, place));
    }
    let is_open = match access {
        Access::Member("the company") => who.has_company,
        Access::CompanyManager(_) => who.has_company && who.manages,
        Access::Technician => who.works_at_desk,
        Access::Auditor => who.is_super_admin || who.manages,
        Access::SuperAdmin => who.is_super_admin,
        Access::User | Access::Unsettled => true,
        other => panic!("the walk does not know {other}: teach it"),
    };
    let wants_company = matches!(access, Access::Member(_) | Access::CompanyManager(_));
    if wants_company && !who.has_company {
        return says(400, (400, ""));
    }
    if is_open { None } else { says(403, (303, "/")) }
}

async fn everybody(app: &TestApp) -> Vec<Who> {
    let (acme, provider) = (app.company("Acme").await, app.provider("Northstar").await);
    let who = |name, actor: Actor| Who { name, user: Some(actor.id), ..Who::default() };
    let unverified = |new: &mut NewUser| {
        new.is_self_registered = true;
        new.email_verified_at = None;
    };
    let mut all = vec![
        Who { name: "stranger", ..Who::default() },
        who("requester", app.requester("rob").await),
        Who { has_company: true, ..who("member", app.member("mia", &acme).await) },
        Who { has_company: true, manages: true, ..who("company admin", app.company_admin("cora", &acme).await) },
        Who { has_company: true, works_at_desk: true, ..who("technician", app.technician("tom", &provider).await) },
        Who { works_at_desk: true, is_super_admin: true, ..who("super admin", app.super_admin("ann").await) },
        Who {
            works_at_desk: true,
            is_super_admin: true,
            is_stale: true,
            ..who("super admin, stale", app.super_admin("old").await)
        },
        Who {
            name: "unverified",
            user: Some(app.user("una", unverified).await),
            must_go: Some("/verify-email"),
            ..Who::default()
        },
        Who {
            name: "must change password",
            user: Some(app.user("pat", |new| new.force_password_change = true).await),
            must_go: Some("/change-password"),
            ..Who::default()
        },
    ];
    for scope in ["*", "none"] {
        all.push(machine(app, scope).await);
    }
    all
}

async fn machine(app: &TestApp, scope: &'static str) -> Who {
    let token = tokens::random_hex(24);
    let hash = tokens::hmac_sha256_hex(app.app().config().api_key_pepper.as_bytes(), token.as_bytes());
    let scopes = format!("[\"{scope}:{}\"]", if scope == "*" { "*" } else { "write" });
    app.execute(
        sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, created_at) VALUES (?, 'walk', ?, ?)")
            .bind(hash)
            .bind(scopes)
            .bind(app.app().now()),
    )
    .await;
    let name = match scope {
        "*" => "key",
        "none" => "key without scope",
        other => other,
    };
    Who { name, key: Some(token), scope, ..Who::default() }
}

/// A new session each time: some routes end it.
async fn actor(app: &TestApp, who: &Who) -> Actor {
    let stranger = app.stranger();
    if let Some(key) = &who.key {
        return stranger.with_key(key);
    }
    let Some(user) = who.user else { return stranger };
    let actor = app.sign_in(user).await;
    if who.is_stale {
        app.execute(
            sql("UPDATE user_sessions SET reauthenticated_at = ? WHERE user_id = ?")
                .bind(app.app().now() - chrono::TimeDelta::hours(1))
                .bind(user),
        )
        .await;
    }
    actor
}

async fn ask(actor: &Actor, route: &RouteFacts) -> Reply {
    let path = filled(&route.path);
    match (route.is_page, route.method == Method::GET) {
        (true, true) => actor.get(&path).await,
        (true, false) => actor.post(&path, &[]).await,
        (false, true) => actor.api(Method::GET, &path).await,
        (false, false) => actor.json(route.method.clone(), &path, serde_json::json!({})).await,
    }
}

fn check(who: &Who, route: &RouteFacts, reply: &Reply) -> Result<(), String> {
    let place = reply.header("location");
    let got = format!("{} as {}: {} {place}", name_of(route), who.name, reply.status);
    match refusal(who, route) {
        Some((status, to)) if reply.status != status || !place.starts_with(to) || (to == "/" && place != "/") => {
            Err(format!("{got}, expected {status} {to} ({})", route.access))
        }
        None if reply.status == 401 || reply.status >= 500 || place.starts_with("/login") && !is_sign_in(route) => {
            Err(format!("{got}, but {} lets them in", route.access))
        }
        _ => Ok(()),
    }
}

/// Pages that send people to the sign-in page by themselves.
fn is_sign_in(route: &RouteFacts) -> bool {
    route.access == Access::Anyone
}

fn name_of(route: &RouteFacts) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

#[tokio::test]
async fn every_route_admits_exactly_whom_it_names() {
    let mut app = portal().await;
    app.leave_work();
    let everybody = everybody(&app).await;
    let table = app.app().table().clone();
    let (mut wrong, mut matrix) = (Vec::new(), String::new());
    for route in table.all() {
        // A snapshot of pages that only development has would say little.
        if route.streams {
            continue;
        }
        let mut line: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for who in &everybody {
            let reply = ask(&actor(&app, who).await, route).await;
            if let Err(text) = check(who, route, &reply) {
                wrong.push(text);
            }
            line.entry(reply.status).or_default().push(who.name);
            app.execute(sql("DELETE FROM rate_limits")).await;
        }
        let line: Vec<String> = line.iter().map(|(status, who)| format!("{status}: {}", who.join(", "))).collect();
        matrix += &format!("{} ({})\n    {}\n", name_of(route), route.access, line.join("\n    "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    snapshot("permissions", &matrix);
    app.finish().await;
}

#[tokio::test]
async fn a_key_reaches_the_routes_of_its_scope_only() {
    let mut app = portal().await;
    app.leave_work();
    let table = app.app().table().clone();
    let scopes: std::collections::BTreeSet<&'static str> = table.all().iter().filter_map(|r| r.scope).collect();
    let mut wrong = Vec::new();
    for scope in scopes {
        let who = machine(&app, scope).await;
        for route in table.all().into_iter().filter(|r| !r.is_page && !r.streams) {
            let reply = ask(&actor(&app, &who).await, route).await;
            if let Err(text) = check(&who, route, &reply) {
                wrong.push(text);
            }
            app.execute(sql("DELETE FROM rate_limits")).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.finish().await;
}

#[tokio::test]
async fn no_unsafe_request_of_a_person_passes_without_its_token() {
    let mut app = portal().await;
    app.leave_work();
    let admin = app.super_admin("ann").await;
    let user = admin.id;
    let exempt =
        ["/auth/login", "/auth/register", "/auth/password/forgot", "/auth/password/reset", "/auth/verify-email"];
    let mut wrong = Vec::new();
    // Machines with a secret of their own come without cookies, so there is nothing to forge.
    let is_for_people = |route: &&RouteFacts| !matches!(route.access, Access::Secret(_));
    let table = app.app().table().clone();
    for route in table.all().into_iter().filter(|r| r.method != Method::GET).filter(is_for_people) {
        let path = filled(&route.path);
        let actor = app.sign_in(user).await;
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
        let without = actor.send(route.method.clone(), &path, &headers, Body::empty()).await;
        if without.status != 403 && !exempt.contains(&path.as_str()) && !without.header("location").starts_with('/') {
            wrong.push(format!("{} without a token: {}", name_of(route), without.status));
        }
        let csrf = actor.csrf();
        let foreign = [("origin", "https://evil.example"), ("x-csrf-token", csrf.as_str())];
        let foreign = actor.send(route.method.clone(), &path, &foreign, Body::empty()).await;
        if foreign.status != 403 {
            wrong.push(format!("{} from another site: {}", name_of(route), foreign.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.finish().await;
}
