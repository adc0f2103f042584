//! People of one company ask for everything with the ids of another: not one byte of the other's may come
//! back, and nothing of it may change. Requests are made up from a seed; `STRANGER_REQUESTS` makes more of
//! them, `STRANGER_SEED` others.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use serde_json::{Map, Value, json};
use shared::db::sql;
use shared::routes::RouteFacts;
use shared::testing::{Actor, Reply, TestApp};
use shared::tokens;

use crate::support::files;
use crate::world::{Place, Side, World};

/// Requests of a usual run.
const REQUESTS: u64 = 3_000;

/// People are put back after so many requests, so that those who were suspended meanwhile ask again.
const ROUND: u64 = 250;

/// The same numbers for the same seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let next = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(next).unwrap_or_default() % most.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Somebody of Acme, or nobody's.
enum Who {
    Person(i64),
    Key(Actor),
    Stranger,
}

struct Hunt {
    world: World,
    people: Vec<(&'static str, Who)>,
    routes: Vec<RouteFacts>,
    /// Names of parameters and fields of the whole product.
    names: Vec<String>,
    /// Ids of Beta, and of Acme to mix them with.
    ids: Vec<i64>,
    dice: Dice,
}

async fn key_of(app: &TestApp, company: i64) -> Actor {
    let token = tokens::random_hex(24);
    let hash = tokens::hmac_sha256_hex(app.app().config().api_key_pepper.as_bytes(), token.as_bytes());
    let insert =
        "INSERT INTO api_keys (key_hash, key_prefix, scopes, company_id, created_at) VALUES (?, 'hunt', ?, ?, ?)";
    app.execute(sql(insert).bind(hash).bind("[\"*:*\"]").bind(company).bind(app.app().now())).await;
    app.stranger().with_key(&token)
}

fn names() -> Vec<String> {
    let document = serde_json::to_value(local_dev::all::routes().openapi()).unwrap();
    let mut names = BTreeSet::new();
    for schema in document["components"]["schemas"].as_object().into_iter().flatten() {
        names.extend(schema.1["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    let items = document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object());
    for operation in items.flatten() {
        let parameters = operation.1["parameters"].as_array().into_iter().flatten();
        names.extend(parameters.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)));
    }
    for path in files("templates", ".html") {
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("name=\"").skip(1) {
            names.extend(part.split('"').next().filter(|name| !name.contains(['{', ' '])).map(str::to_owned));
        }
    }
    names.into_iter().filter(|name| name != "_csrf" && name != "_once").collect()
}

/// Routes that hash passwords or end the portal's quiet without having anything to do with companies.
fn is_slow(route: &RouteFacts) -> bool {
    ["/auth/login", "/auth/register", "/auth/password", "/auth/reauthenticate", "/confirm-password", "/change-password"]
        .iter()
        .any(|path| route.path.starts_with(path))
}

fn ids_of(side: &Side) -> Vec<i64> {
    vec![
        side.company.id,
        side.owner,
        side.target,
        side.membership,
        side.invited,
        side.ticket,
        side.attachment,
        side.domain,
        side.notification,
        side.audit,
    ]
}

impl Hunt {
    async fn new() -> Self {
        let mut world = World::new().await;
        let app = &world.app;
        let acme = world.acme.company.clone();
        let cora = app.company_admin("cora", &acme).await.id;
        let tina = app.technician("tina", &acme).await.id;
        let (mia, sue) = (app.member("mia", &acme).await.id, app.member("sue", &acme).await.id);
        app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(sue)).await;
        let people = vec![
            ("company admin", Who::Person(cora)),
            ("member with all sections", Who::Person(world.acme.owner)),
            ("member", Who::Person(mia)),
            ("technician's role at a customer", Who::Person(tina)),
            ("suspended member", Who::Person(sue)),
            ("requester", Who::Person(app.requester("rob").await.id)),
            ("key of Acme", Who::Key(key_of(app, acme.id).await)),
            ("stranger", Who::Stranger),
        ];
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
        let table = world.app.app().table().clone();
        let routes = table.all().into_iter().filter(|r| !r.streams && !is_slow(r)).cloned().collect();
        let mut ids = ids_of(&world.beta);
        ids.extend(ids_of(&world.beta));
        ids.extend(ids_of(&world.acme));
        let dice = Dice(setting("STRANGER_SEED", 20_261_123).max(1));
        Self { world, people, routes, names: names(), ids, dice }
    }

    async fn actor(&self, who: &Who) -> Actor {
        match who {
            Who::Person(id) => self.world.app.sign_in(*id).await,
            Who::Key(actor) => actor.clone(),
            Who::Stranger => self.world.app.stranger(),
        }
    }

    /// A path with ids of Beta where they belong, sometimes where they do not.
    fn path(&mut self, route: &RouteFacts) -> String {
        let filled = self.world.filled(&self.world.beta, &route.path);
        let dice = &mut self.dice;
        let parts = filled.split('/').map(|part| {
            let swaps = part.parse::<i64>().is_ok() && dice.chance(25);
            if swaps { dice.one(&self.ids).to_string() } else { part.to_owned() }
        });
        let mut path = parts.collect::<Vec<_>>().join("/");
        for (n, (name, value)) in self.pairs().into_iter().enumerate() {
            let value = shared::context::encode_component(&value);
            path += &format!("{}{name}={value}", if n == 0 { "?" } else { "&" });
        }
        path
    }

    /// Some names with ids, some of them twice, most of them left out.
    fn pairs(&mut self) -> Vec<(String, String)> {
        let count = self.dice.below(5);
        let mut pairs = Vec::new();
        for _ in 0..count {
            let name = if self.dice.chance(40) {
                (*self.dice.one(&["company_id", "companyId", "user_id", "id", "ids", "company", "ticket_id", "q"]))
                    .to_owned()
            } else {
                self.dice.one(&self.names).clone()
            };
            let value = self.value();
            if self.dice.chance(30) {
                pairs.push((name.clone(), self.value()));
            }
            pairs.push((name, value));
        }
        pairs
    }

    fn value(&mut self) -> String {
        match self.dice.below(10) {
            0 => String::new(),
            1 => (*self.dice.one(&["1", "true", "all", "active", "0", "on", "%", "*", "a"])).to_owned(),
            _ => self.dice.one(&self.ids).to_string(),
        }
    }

    fn body(&mut self) -> Value {
        let mut map = Map::new();
        for (name, value) in self.pairs().into_iter().chain(self.pairs()) {
            let number = value.parse::<i64>().map(Value::from);
            let value = match self.dice.below(4) {
                0 => json!(value),
                1 => json!([number.unwrap_or(json!(value))]),
                _ => number.unwrap_or(json!(value)),
            };
            map.insert(name, value);
        }
        Value::Object(map)
    }

    async fn ask(&mut self, actor: &Actor, route: &RouteFacts) -> (String, Reply) {
        let path = self.path(route);
        if route.method == Method::GET {
            let reply = match self.dice.below(3) {
                0 => actor.api(Method::GET, &path).await,
                1 => actor.get(&path).await,
                _ => {
                    let target = *self.dice.one(&["members-list", "matrix-list", "companies-list", "search-results"]);
                    actor.region(&path, target).await
                }
            };
            return (path, reply);
        }
        if route.is_page || self.dice.chance(20) {
            let mut body = format!("_csrf={}", actor.csrf());
            for (name, value) in self.pairs().into_iter().chain(self.pairs()) {
                let value = shared::context::encode_component(&value);
                body += &format!("&{}={value}", shared::context::encode_component(&name));
            }
            let csrf = actor.csrf();
            let kind = "application/x-www-form-urlencoded";
            let headers = [("accept", "text/html"), ("content-type", kind), ("x-csrf-token", csrf.as_str())];
            let reply = actor.send(route.method.clone(), &path, &headers, Body::from(body)).await;
            return (path, reply);
        }
        let body = self.body();
        let reply = actor.json(route.method.clone(), &path, body).await;
        (path, reply)
    }

    /// Whether anything of the other company is in an answer.
    fn holds(&self, reply: &Reply) -> bool {
        let mark = self.world.beta.mark;
        let is_in = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            text.contains(mark)
        };
        is_in(&reply.bytes) || reply.headers.iter().any(|(_, value)| is_in(value.as_bytes()))
    }

    /// Everything of Beta that somebody could have changed, as one text.
    async fn print(&self) -> String {
        let company = self.world.beta.company.id;
        let mut all = Vec::new();
        for query in [
            "SELECT CONCAT(name, '|', COALESCE(address, ''), '|', COALESCE(phone, ''), '|', is_vip, '|', \
             COALESCE(archived_at, '-')) FROM companies WHERE id = ? LIMIT 9",
            "SELECT CONCAT(user_id, '|', role_id, '|', status, '|', staff_permission, '|', is_admin, '|', can_access_shop, \
             '|', COALESCE(joined_at, '-')) FROM company_memberships WHERE company_id = ? ORDER BY user_id LIMIT 99",
            "SELECT CONCAT(subject, '|', status, '|', priority, '|', version, '|', COALESCE(assigned_user_id, 0)) \
             FROM tickets WHERE company_id = ? ORDER BY id LIMIT 99",
            "SELECT CONCAT(r.id, '|', r.body) FROM ticket_replies r JOIN tickets t ON t.id = r.ticket_id \
             WHERE t.company_id = ? ORDER BY r.id LIMIT 99",
            "SELECT CONCAT(domain, '|', auto_join) FROM company_email_domains WHERE company_id = ? ORDER BY id LIMIT 99",
            "SELECT CONCAT(n.message, '|', n.owner_unread) FROM notifications n JOIN users u ON u.id = n.user_id \
             WHERE u.company_id = ? ORDER BY n.id LIMIT 99",
            "SELECT CONCAT(u.email, '|', COALESCE(u.first_name, ''), '|', u.is_active, '|', u.is_super_admin) FROM users u \
             WHERE u.company_id = ? ORDER BY u.id LIMIT 99",
        ] {
            let rows: Vec<(String,)> = self.world.app.rows(sql(query).bind(company)).await;
            all.extend(rows.into_iter().map(|(text,)| text));
        }
        all.join("\n")
    }
}

/// The marks are there to be found: whoever may see Beta meets them on many pages.
#[tokio::test]
async fn those_who_may_see_the_marks() {
    let hunt = Hunt::new().await;
    let admin = hunt.world.app.super_admin("ann").await;
    let owner = hunt.world.app.sign_in(hunt.world.beta.owner).await;
    let (mut by_admin, mut by_owner) = (0, 0);
    for route in hunt.routes.iter().filter(|route| route.method == Method::GET) {
        let path = hunt.world.filled(&hunt.world.beta, &route.path);
        by_admin += i32::from(hunt.holds(&admin.get(&path).await));
        by_owner += i32::from(hunt.holds(&owner.get(&path).await));
    }
    assert!(by_admin >= 20 && by_owner >= 5, "{by_admin} and {by_owner} pages hold the mark");
    hunt.world.app.finish().await;
}

#[tokio::test]
async fn nobody_gets_a_byte_of_another_company() {
    let mut hunt = Hunt::new().await;
    let before = hunt.print().await;
    let (mut wrong, mut asked) = (BTreeSet::new(), BTreeSet::new());
    let requests = setting("STRANGER_REQUESTS", REQUESTS);
    for n in 0..requests {
        let route = hunt.dice.one(&hunt.routes).clone();
        let index = hunt.dice.below(hunt.people.len());
        let actor = hunt.actor(&hunt.people[index].1).await;
        let (path, reply) = hunt.ask(&actor, &route).await;
        let what = format!("{} {path} by {}", route.method, hunt.people[index].0);
        if hunt.holds(&reply) {
            wrong.insert(format!("{what}: {} holds the mark", reply.status));
        }
        if reply.status >= 500 && reply.status != 503 {
            wrong.insert(format!("{what}: {}", reply.status));
        }
        asked.insert((index, route.method.to_string(), route.path.clone()));
        if n % ROUND == ROUND - 1 {
            hunt.world.app.execute(sql("DELETE FROM rate_limits")).await;
            hunt.world.restore().await;
        }
    }
    let after = hunt.print().await;
    assert!(wrong.is_empty(), "{}", wrong.into_iter().take(40).collect::<Vec<_>>().join("\n"));
    assert_eq!(before, after, "something of the other company was changed");
    eprintln!("{requests} requests, {} of {} cells asked", asked.len(), hunt.routes.len() * hunt.people.len());
    hunt.world.app.finish().await;
}
