//! The frame around the pages: the navigation shows each person what they may open and nothing else, and
//! what one area changes is seen where another area reviews it (organisation, acceptance 17, 19, 31 to 34).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, PASSWORD, Reply, TestApp};

use crate::support::portal;

/// The addresses of the navigation on a page, and how many of them are marked as the current one.
fn entries(page: &Reply) -> (Vec<String>, usize) {
    let text = page.text();
    let nav = text.split("<nav id=\"nav\"").nth(1).and_then(|rest| rest.split("</nav>").next()).unwrap_or_default();
    let links = nav.split("<a href=\"").skip(1).filter_map(|part| part.split('"').next());
    let links = links.map(|link| link.replace("&amp;", "&").replace("&#x2f;", "/")).collect();
    (links, nav.matches("aria-current=\"page\"").count())
}

async fn sections(app: &TestApp, person: &Actor, columns: &[&'static str]) {
    for column in columns {
        let update = sql("UPDATE company_memberships SET ").push(column).push(" = TRUE WHERE user_id = ?");
        app.execute(update.bind(person.id)).await;
    }
}

#[tokio::test]
async fn every_entry_opens_and_exactly_one_is_the_current_one() {
    let mut app = portal().await;
    app.leave_work();
    let (acme, provider) = (app.company("Acme").await, app.provider("Northstar").await);
    let olga = app.company_admin("olga", &acme).await;
    sections(&app, &olga, &["can_access_shop", "can_access_cart", "can_access_forms", "can_manage_invoices"]).await;
    let people = [
        ("requester", app.requester("rob").await),
        ("member", app.member("mia", &acme).await),
        ("company admin", olga),
        ("technician", app.technician("tom", &provider).await),
        ("super admin", app.super_admin("ann").await),
    ];
    for (who, person) in &people {
        let (mut open, mut seen) = (vec!["/".to_owned()], Vec::new());
        while let Some(path) = open.pop() {
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            let mut page = person.get(&path).await;
            if matches!(page.status, 303 | 308) {
                // Company admins go to their own company.
                let to = page.header("location").to_owned();
                assert!(to.starts_with("/admin/companies/"), "{who} is sent from {path} to {to}");
                page = person.get(&to).await;
            }
            assert_eq!(page.status, 200, "{who} cannot open {path}");
            let (links, current) = entries(&page);
            // The API reference stands in both areas; pages that only look up stand in none.
            assert!(current <= 1, "{who} at {path}: {current} current entries");
            assert!(current == 1 || path == "/docs", "{who} at {path}: no current entry among {links:?}");
            open.extend(links.into_iter().filter(|link| !seen.contains(link)));
        }
        assert!(seen.len() >= 2, "{who} sees {seen:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_menu_follows_sections_and_roles() {
    let mut app = portal().await;
    app.leave_work();
    let (acme, provider) = (app.company("Acme").await, app.provider("Northstar").await);
    let olga = app.company_admin("olga", &acme).await;
    let clear = "UPDATE company_memberships SET can_access_orders = FALSE, can_manage_licenses = FALSE, \
         can_manage_assets = FALSE WHERE user_id = ?";
    app.execute(sql(clear).bind(olga.id)).await;
    let (links, _) = entries(&olga.get("/").await);
    assert!(links.contains(&"/admin/companies".to_owned()) && links.contains(&"/business-information".to_owned()));
    for closed in ["/orders", "/licenses", "/m365", "/assets", "/admin", "/admin/users"] {
        assert!(!links.iter().any(|link| link == closed), "{closed} in {links:?}");
    }
    // A technician who is no company admin has the desk; a requester has tickets and no company.
    let (links, _) = entries(&app.technician("tom", &provider).await.get("/").await);
    assert!(links.iter().any(|link| link.starts_with("/tickets?assigned=none")), "{links:?}");
    assert!(!links.contains(&"/admin/companies".to_owned()));
    let (links, _) = entries(&app.requester("rob").await.get("/").await);
    assert!(
        links.contains(&"/tickets".to_owned()) && !links.contains(&"/business-information".to_owned()),
        "{links:?}"
    );
    let visitor = app.stranger().get("/help").await.is(200).shows("Sign in");
    assert!(entries(&visitor).0.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn one_of_two_similar_addresses_is_the_current_one() {
    let mut app = portal().await;
    app.leave_work();
    let ann = app.super_admin("ann").await;
    for path in ["/admin/automations", "/admin/automation", "/admin/automations/new", "/admin/automation/runs"] {
        let page = ann.get(path).await.is(200);
        let expected = if path.starts_with("/admin/automations") { "/admin/automations" } else { "/admin/automation" };
        assert_eq!(entries(&page).1, 1, "{path}");
        let escaped = expected.replace('/', "&#x2f;");
        let _ = page.shows(&format!("<a href=\"{escaped}\" aria-current=\"page\">"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_role_edit_is_reviewed_filtered_and_sorted() {
    let mut app = portal().await;
    app.leave_work();
    let (ann, bob) = (app.super_admin("ann").await, app.super_admin("bob").await);
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let (mia, bea) = (app.member("mia", &acme).await, app.member("bea", &beta).await);
    let poll = async |since: &str| ann.api(Method::GET, &format!("/events/poll?since={since}")).await;
    let start = poll("").await.is(200).value()["cursor"].as_str().unwrap().to_owned();
    let role =
        ann.json(Method::POST, "/roles", json!({"name": "Buyer", "permissions": ["portal.access", "audit.view"]}));
    let role = role.await.is(201).value()["id"].as_i64().unwrap();
    let change = json!({"permissions": ["portal.access", "company.manage"]});
    let _ = bob.json(Method::PATCH, &format!("/roles/{role}"), change).await.is(200);
    // The page asks every fifteen seconds; the answer names the change at once.
    let news = poll(&start).await.is(200).value();
    assert_eq!(news["events"][0]["kind"], "access");
    let page = ann.get("/admin/access-review?tab=roles").await.is(200).shows("Buyer");
    let _ = page.shows("+ company.manage").shows("− audit.view");
    let list = ann.api(Method::GET, "/api/access-review/roles").await.is(200).value();
    let edit = list.as_array().unwrap().iter().find(|row| row["action"] == "role.updated").unwrap();
    assert!(edit.to_string().contains("company.manage") && edit.to_string().contains("audit.view"), "{edit}");
    for (company, person, by) in [(&acme, &mia, &ann), (&beta, &bea, &bob)] {
        let path = format!("/admin/companies/assignment/{}/{}/permission", company.id, person.id);
        let _ = by.post(&path, &[("field", "can_access_shop"), ("value", "1")]).await.is(200);
    }
    let page = ann.get(&format!("/admin/access-review?company_id={}", acme.id)).await.is(200);
    let _ = page.shows("mia@example.com").hides("bea@example.com");
    let order = async |sort: &str| {
        let text = ann.get(&format!("/admin/access-review?sort={sort}")).await.is(200).text();
        let at = |name: &str| text.find(name).unwrap_or_else(|| panic!("{name} is missing"));
        at("mia@example.com") < at("bea@example.com")
    };
    assert!(order("actor").await && !order("-actor").await, "sorted by who did it");
    app.finish().await;
}

/// What a row of the trail may tell.
type Told = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

/// Everything that the trail keeps, as one text.
async fn trail(app: &TestApp) -> String {
    let rows: Vec<Told> = app
        .rows(sql(
            "SELECT previous_value, new_value, metadata, entity_label, api_key FROM audit_logs ORDER BY id LIMIT 1000",
        ))
        .await;
    let text = |row: Told| [row.0, row.1, row.2, row.3, row.4].into_iter().flatten().collect::<Vec<_>>().join(" ");
    rows.into_iter().map(text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_trail_keeps_no_secret() {
    let mut app = portal().await;
    app.leave_work();
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    let password = "green-kettle-over-harbour-26";
    let user = json!({"email": "eva@example.com", "password": password, "first_name": "Eva"});
    let _ = ann.json(Method::POST, "/users", user).await.is(201);
    let key = ann.json(Method::POST, "/api-keys", json!({"description": "Sync", "scopes": ["tickets:read"]})).await;
    let key = key.is(201).value();
    let secret = key["api_key"].as_str().or(key["key"].as_str()).unwrap_or_default().to_owned();
    assert!(secret.len() > 20, "the key is in its answer: {key}");
    let _ = app.stranger().json(Method::POST, "/auth/password/forgot", json!({"email": "eva@example.com"})).await;
    let invite = [("companyId", acme.id.to_string()), ("email", "new@example.com".to_owned())];
    let invite: Vec<(&str, &str)> = invite.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _ = ann.post("/admin/companies/users/invite", &invite).await.is(303);
    let login = json!({"email": "eva@example.com", "password": password});
    let _ = app.stranger().json(Method::POST, "/auth/login", login).await;
    app.run_jobs().await;
    let mails = [app.mails_to("eva@example.com"), app.mails_to("new@example.com")].concat();
    let tokens: Vec<String> = mails.iter().filter_map(|mail| mail.text.split("#token=").nth(1)).map(token).collect();
    assert!(tokens.len() >= 2, "{} mails with a link", tokens.len());
    let hashes: Vec<(String,)> = app
        .rows(sql("SELECT password_hash FROM users WHERE password_hash IS NOT NULL UNION ALL SELECT key_hash FROM api_keys \
             UNION ALL SELECT token_hash FROM password_tokens UNION ALL SELECT session_token_hash FROM user_sessions LIMIT 99"))
        .await;
    let trail = trail(&app).await;
    assert!(trail.contains("eva@example.com") && trail.contains("new@example.com"), "the trail tells of both");
    for secret in [password, PASSWORD, &secret]
        .into_iter()
        .map(str::to_owned)
        .chain(tokens)
        .chain(hashes.into_iter().map(|h| h.0))
    {
        assert!(!trail.contains(&secret), "{secret} is in the trail");
    }
    app.finish().await;
}

fn token(rest: &str) -> String {
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}
