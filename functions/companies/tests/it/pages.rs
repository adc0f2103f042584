//! The pages of companies, who sees them, and what they cost.

use shared::db::sql;
use shared::testing::render_samples;

use crate::portal;

#[test]
fn every_template_renders() {
    render_samples::<companies::companies::pages::CompanyList>();
    render_samples::<companies::companies::pages::NewCompany>();
    render_samples::<companies::companies::details::Details>();
    render_samples::<companies::companies::removal::Records>();
    render_samples::<companies::companies::removal::Removal>();
    render_samples::<companies::domains::pages::Domains>();
    render_samples::<companies::members::list::Members>();
    render_samples::<companies::members::matrix::Matrix>();
    render_samples::<companies::members::person::Member>();
    render_samples::<companies::members::person::Removal>();
    render_samples::<companies::roles::pages::RoleList>();
    render_samples::<companies::roles::pages::NewRole>();
    render_samples::<companies::roles::pages::RoleShow>();
    render_samples::<companies::roles::pages::RoleDelete>();
    render_samples::<companies::members::pages::Invite>();
    render_samples::<companies::members::pages::Link>();
    render_samples::<companies::members::choose::Choose>();
    render_samples::<companies::members::invitations::Invitations>();
    render_samples::<companies::business_information::BusinessInformation>();
    render_samples::<companies::business_information::EditInformation>();
}

#[tokio::test]
async fn a_company_is_made_and_changed_on_pages() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/companies").await.is(200).shows("No companies yet");
    let _ = ann.get("/admin/companies/new").await.is(200).shows("Create company");
    let _ =
        ann.post("/admin/companies", &[("name", ""), ("phone", "123")]).await.refuses("name").shows("value=\"123\"");
    let made = ann.post("/admin/companies", &[("name", "Acme"), ("isVip", "true"), ("_once", "once-1")]).await.is(303);
    let path = made.header("location").to_owned();
    let again = ann.post("/admin/companies", &[("name", "Acme"), ("isVip", "true"), ("_once", "once-1")]).await;
    let _ = again.goes_to(&path);
    let _ = ann.get(&path).await.is(200).shows("Acme created").shows("VIP prices");
    let _ =
        ann.post("/admin/companies", &[("name", "acme")]).await.refuses("name").shows("Another company has this name");
    let saved = [("name", "Acme Ltd"), ("syncro_company_id", "88"), ("website", "acme.example.com")];
    let details = format!("{path}/details");
    let _ = ann.post(&path, &saved).await.goes_to(&details);
    let _ = ann.get(&details).await.shows("Acme Ltd saved").shows("acme.example.com");
    let vip = app.number(sql("SELECT COUNT(*) FROM companies WHERE is_vip = TRUE")).await;
    assert_eq!(vip, 0, "a box that is not ticked is off");
    let _ = ann.post(&path, &[("name", "Acme"), ("contact_email", "x")]).await.refuses("contact_email");
    let _ = ann.post("/admin/companies/999", &[("name", "Acme")]).await.is(404);
    assert_eq!(app.audit().await, ["company.created", "company.updated"]);
    app.finish().await;
}

#[tokio::test]
async fn a_taken_name_keeps_a_company_archived() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    let path = format!("/admin/companies/{}", acme.id);
    let details = format!("{path}/details");
    let _ = ann.post(&format!("{path}/archive"), &[]).await.goes_to(&details);
    let _ = ann.post(&format!("{path}/archive"), &[]).await.goes_to(&details);
    let _ = ann.get(&path).await.shows("This company is archived").hides("Invite person");
    let _ = ann.post("/admin/companies", &[("name", "Acme")]).await.is(303);
    let _ = ann.post(&format!("{path}/unarchive"), &[]).await.goes_to(&details);
    let _ = ann.get(&path).await.shows("Another company has taken the name").shows("This company is archived");
    assert_eq!(app.audit().await, ["company.archived", "company.created"]);
    app.finish().await;
}

#[tokio::test]
async fn the_list_filters_as_page_and_as_region() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for name in ["Acme", "Beta Dental", "<b>Gamma</b>"] {
        app.company(name).await;
    }
    let _ = ann.get("/admin/companies").await.is(200).shows("Acme").shows("&lt;b&gt;Gamma").hides("<b>Gamma");
    let _ = ann.get("/admin/companies?q=dental").await.shows("Beta Dental").hides("Acme");
    let _ = ann.get("/admin/companies?archived=1&sort=-name").await.shows("No company matches");
    let _ = ann.get("/admin/companies?archived=x&page=abc").await.is(422);
    let _ = ann.get("/admin/companies?archived=x").await.is(200).shows("Acme");
    let region = ann.region("/admin/companies?q=dental", "companies-list").await.is(200);
    let _ = region.shows("Beta Dental").hides("<html");
    app.finish().await;
}

#[tokio::test]
async fn business_information_shows_own_access_only() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    app.execute(sql("UPDATE companies SET syncro_company_id = 'S-88121', address = '1 Mill Lane'")).await;
    let mia = app.member("mia", &acme).await;
    app.company_admin("olga", &acme).await;
    let page = mia.get("/business-information").await.is(200).shows("Acme").shows("1 Mill Lane");
    let _ = page.shows("olga@example.com").shows("Member").hides("S-88121").hides("Edit company");
    let gus = app.requester("gus").await;
    let _ = gus.get("/business-information").await.is(400).shows("Choose a company");
    let ann = app.super_admin("ann").await;
    let _ = ann.post("/switch-company", &[("companyId", &acme.id.to_string())]).await.is(303);
    let _ = ann.get("/business-information").await.is(200).shows("S-88121").shows("Edit company");
    let _ = app.stranger().get("/business-information").await.goes_to("/login?next=%2Fbusiness-information");
    app.finish().await;
}

#[tokio::test]
async fn pages_cost_the_same_whatever_their_length() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    for n in 0..30 {
        app.company(&format!("Company {n}")).await;
        let id = app.user(&format!("p{n}"), |_| ()).await;
        app.execute(
            sql("INSERT INTO company_memberships (company_id, user_id, role_id, status, created_at, updated_at) \
                 SELECT company_id, ?, role_id, status, created_at, updated_at FROM company_memberships WHERE user_id = ?")
                .bind(id)
                .bind(olga.id),
        )
        .await;
    }
    let ann = app.super_admin("ann").await;
    let own = format!("/admin/companies/{}", acme.id);
    let member = app.number(sql("SELECT MAX(id) FROM company_memberships")).await;
    for (actor, path) in [
        (&ann, "/admin/companies"),
        (&ann, "/admin/companies/new"),
        (&ann, own.as_str()),
        (&olga, own.as_str()),
        (&ann, &format!("{own}/invite")),
        (&ann, &format!("{own}/details")),
        (&olga, &format!("{own}/details")),
        (&olga, &format!("{own}/members/{member}")),
        (&olga, &format!("{own}/members/{member}?from=buyer")),
        (&ann, "/admin/companies/matrix"),
        (&olga, "/admin/companies/matrix"),
        (&ann, &format!("{own}/domains")),
        (&ann, &format!("{own}/records")),
        (&ann, &format!("{own}/delete")),
        (&olga, "/business-information/edit"),
        (&ann, "/admin/roles"),
        (&ann, "/admin/roles/1"),
        (&ann, &format!("{own}/invite/link")),
        (&ann, "/companies/choose"),
        (&olga, "/companies/invitations"),
        (&olga, "/business-information"),
    ] {
        let before = app.db().statements();
        let _ = actor.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path} took {spent} statements");
    }
    let before = app.db().statements();
    let _ = ann.api(http::Method::GET, "/companies?limit=500").await.is(200);
    assert!(app.db().statements() - before <= 8);
    app.finish().await;
}
