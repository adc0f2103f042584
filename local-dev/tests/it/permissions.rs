//! Every route, asked by every kind of caller about what belongs to one company. Who is refused, and how,
//! follows from the caller's type in the route table; what everybody gets is written down in a snapshot, so
//! that a change of any cell is a line in a diff.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::body::Body;
use http::Method;
use shared::accounts::users::NewUser;
use shared::caller::Access;
use shared::db::sql;
use shared::routes::RouteFacts;
use shared::testing::{Actor, Reply, TestApp};
use shared::tokens;

use crate::support::{filled, portal, snapshot};
use crate::world::{Place, World};

/// A kind of caller, as the rules see it.
#[derive(Clone, Default)]
struct Who {
    name: &'static str,
    user: Option<i64>,
    key: Option<String>,
    /// The area whose routes the key may call; `*` all of them.
    scope: &'static str,
    has_company: bool,
    /// Every section of the company is open to them.
    has_sections: bool,
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
        Access::Member(section) => who.has_company && (*section == "the company" || who.has_sections),
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

/// The people of the walk, most of them of Acme.
async fn everybody(world: &mut World) -> Vec<Who> {
    let app = &world.app;
    let acme = world.acme.company.clone();
    let who = |name, user| Who { name, user: Some(user), ..Who::default() };
    let unverified = |new: &mut NewUser| {
        new.is_self_registered = true;
        new.email_verified_at = None;
    };
    let cora = app.company_admin("cora", &acme).await.id;
    let tina = app.technician("tina", &acme).await.id;
    let (mia, sue) = (app.member("mia", &acme).await.id, app.member("sue", &acme).await.id);
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(sue)).await;
    let all_sections = Who { has_company: true, has_sections: true, ..Who::default() };
    let works = Who { works_at_desk: true, ..Who::default() };
    let mut all = vec![
        Who { name: "anonymous", ..Who::default() },
        who("requester", app.requester("rob").await.id),
        Who { has_company: true, ..who("member", mia) },
        Who { name: "member with all sections", user: Some(world.acme.owner), ..all_sections.clone() },
        Who { name: "member of another company", user: Some(world.beta.owner), ..all_sections.clone() },
        who("suspended member", sue),
        Who { name: "company admin", user: Some(cora), manages: true, ..all_sections },
        Who { has_company: true, ..who("technician's role at a customer", tina) },
        Who {
            name: "technician",
            user: Some(app.technician("tom", &world.provider).await.id),
            has_company: true,
            ..works.clone()
        },
        Who { name: "super admin", user: Some(app.super_admin("ann").await.id), is_super_admin: true, ..works.clone() },
        Who {
            name: "super admin, stale",
            user: Some(app.super_admin("old").await.id),
            is_super_admin: true,
            is_stale: true,
            ..works
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
    let beta = world.beta.company.id;
    all.push(machine(app, "*", None).await);
    all.push(Who { name: "key of the company", ..machine(app, "*", Some(acme.id)).await });
    all.push(Who { name: "key of another company", ..machine(app, "*", Some(beta)).await });
    all.push(machine(app, "none", None).await);
    let places: [Place; 6] = [
        (cora, "owner", "active", true),
        (tina, "helpdesk technician", "active", false),
        (mia, "member", "active", false),
        (sue, "member", "suspended", false),
        (world.acme.owner, "member", "active", true),
        (world.acme.target, "member", "active", false),
    ];
    world.settle(places.into()).await;
    world.settle_invited().await;
    all
}

async fn machine(app: &TestApp, scope: &'static str, company: Option<i64>) -> Who {
    let token = tokens::random_hex(24);
    let hash = tokens::hmac_sha256_hex(app.app().config().api_key_pepper.as_bytes(), token.as_bytes());
    let scopes = format!("[\"{scope}:{}\"]", if scope == "*" { "*" } else { "write" });
    app.execute(
        sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, company_id, created_at) VALUES (?, 'walk', ?, ?, ?)")
            .bind(hash)
            .bind(scopes)
            .bind(company)
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

/// A new session: some routes end it.
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

async fn ask(actor: &Actor, route: &RouteFacts, path: &str) -> Reply {
    match (route.is_page, route.method == Method::GET) {
        (true, true) => actor.get(path).await,
        (true, false) => actor.post(path, &[]).await,
        (false, true) => actor.api(Method::GET, path).await,
        (false, false) => actor.json(route.method.clone(), path, serde_json::json!({})).await,
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

/// The walk as it goes: sessions that still hold, and what was there before the last change.
struct Walk {
    world: World,
    actors: HashMap<&'static str, Actor>,
    lines: i64,
}

impl Walk {
    async fn actor(&mut self, who: &Who) -> Actor {
        if let Some(actor) = self.actors.get(who.name) {
            return actor.clone();
        }
        let actor = actor(&self.world.app, who).await;
        self.actors.insert(who.name, actor.clone());
        actor
    }

    async fn visit(&mut self, who: &Who, route: &RouteFacts) -> Reply {
        let path = self.world.filled(&self.world.acme, &route.path);
        let reply = ask(&self.actor(who).await, route, &path).await;
        // Nothing changes where nobody is let in, and reading changes nothing.
        if route.method != Method::GET && refusal(who, route).is_none() {
            self.actors.remove(who.name);
            self.world.app.execute(sql("DELETE FROM rate_limits")).await;
            self.put_back(!route.is_page && reply.status < 300).await;
        }
        reply
    }

    async fn put_back(&mut self, is_changed: bool) {
        let lines = self.world.app.number(sql("SELECT MAX(id) FROM audit_logs")).await;
        if is_changed || lines != self.lines {
            self.world.restore().await;
            self.actors.clear();
        }
        self.lines = lines;
    }
}

/// The answers to one route, those who got the same on one line.
fn told(cells: &[(&str, u16)]) -> String {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (name, status) in cells {
        by_status.entry(*status).or_default().push(name);
    }
    by_status.iter().map(|(status, who)| format!("    {status}: {}\n", who.join(", "))).collect()
}

#[tokio::test]
async fn every_route_admits_exactly_whom_it_names() {
    let mut world = World::new().await;
    let everybody = everybody(&mut world).await;
    let table = world.app.app().table().clone();
    let scopes: BTreeSet<&'static str> = table.all().iter().filter_map(|route| route.scope).collect();
    let mut keys = Vec::new();
    for scope in scopes {
        keys.push(machine(&world.app, scope, None).await);
    }
    let lines = world.app.number(sql("SELECT MAX(id) FROM audit_logs")).await;
    let mut walk = Walk { world, actors: HashMap::new(), lines };
    let (mut wrong, mut matrix) = (Vec::new(), String::new());
    for route in table.all() {
        // A snapshot of pages that only development has would say little.
        if route.streams {
            continue;
        }
        let mut cells = Vec::new();
        for who in &everybody {
            let reply = walk.visit(who, route).await;
            wrong.extend(check(who, route, &reply).err());
            cells.push((who.name, reply.status));
        }
        matrix += &format!("{} ({})\n{}", name_of(route), route.access, told(&cells));
        if route.access.admits_keys() {
            let mut cells = Vec::new();
            for who in &keys {
                let reply = walk.visit(who, route).await;
                wrong.extend(check(who, route, &reply).err());
                cells.push((who.name, reply.status));
            }
            let others: Vec<(&str, u16)> =
                cells.iter().filter(|(name, _)| Some(*name) != route.scope).copied().collect();
            assert!(others.iter().all(|(_, status)| *status == 403), "{}: {others:?}", name_of(route));
            let own = cells.iter().find(|(name, _)| Some(*name) == route.scope);
            let own = own.map_or("none".to_owned(), |(name, status)| format!("{name} {status}"));
            matrix += &format!("    keys: {own}, every other scope 403\n");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    snapshot("permissions", &matrix);
    walk.world.app.finish().await;
}

#[tokio::test]
async fn no_scope_opens_a_route_that_admits_no_keys() {
    let mut app = portal().await;
    app.leave_work();
    let table = app.app().table().clone();
    let scope = table.all().iter().find_map(|route| route.scope).unwrap();
    let who = machine(&app, scope, None).await;
    let program = actor(&app, &who).await;
    let mut wrong = Vec::new();
    for route in table.all().into_iter().filter(|r| !r.is_page && !r.streams && !r.access.admits_keys()) {
        let reply = ask(&program, route, &filled(&route.path)).await;
        wrong.extend(check(&who, route, &reply).err());
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
