//! The table of all companies (organisation 6.3): figures, editing where a row stands, archiving.

use shared::db::sql;

use crate::portal;

/// Name, address, number at Syncro, whether it is VIP, whether it is ours.
type Row = (String, Option<String>, Option<String>, bool, bool);

#[tokio::test]
async fn the_table_counts_members_and_open_tickets() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    app.member("mia", &acme).await;
    for status in ["open", "pending", "closed"] {
        let ticket = sql("INSERT INTO tickets (company_id, subject, status, search_text, created_at, updated_at) \
             VALUES (?, 'x', ?, '', ?, ?)");
        app.execute(ticket.bind(acme.id).bind(status).bind(app.app().now()).bind(app.app().now())).await;
    }
    let page = ann.get("/admin/companies").await.is(200).shows("Open tickets");
    let _ = page.shows(&format!("<a href=\"/tickets?state=open&amp;company={}\">2</a>", acme.id));
    let before = app.db().statements();
    let _ = ann.get("/admin/companies?sort=-name&q=ac").await.is(200);
    assert!(app.db().statements() - before <= 8);
    app.finish().await;
}

#[tokio::test]
async fn a_row_is_edited_where_it_stands() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (acme, _) = (app.company("Acme").await, app.company("Beta").await);
    app.execute(sql("UPDATE companies SET address = '12 Mill Lane', is_provider = TRUE WHERE id = ?").bind(acme.id))
        .await;
    let page = ann.get(&format!("/admin/companies?archived=all&edit={}", acme.id)).await.is(200);
    let _ = page.shows("aria-label=\"Name of Acme\"").hides("aria-label=\"Name of Beta\"");
    let path = format!("/admin/companies/{}", acme.id);
    let fields = [("name", "Acme Ltd"), ("syncroCompanyId", "77"), ("isVip", "1"), ("back", "?archived=all&page=1")];
    let _ = ann.post(&path, &fields).await.goes_to("/admin/companies?archived=all&page=1");
    let rows: Vec<Row> = app
        .rows(sql("SELECT name, address, syncro_company_id, is_vip, is_provider FROM companies ORDER BY id LIMIT 1"))
        .await;
    let wanted = ("Acme Ltd".to_owned(), Some("12 Mill Lane".to_owned()), Some("77".to_owned()), true, true);
    assert_eq!(rows[0], wanted, "what the row does not hold stays");
    let again = ann.post(&path, &[("name", "Beta"), ("back", "?page=1")]).await.is(422);
    let _ = again.shows("Another company has this name").shows("12 Mill Lane");
    let _ = ann.post(&path, &[("name", "Acme"), ("back", "//evil.example")]).await.goes_to(&format!("{path}/details"));
    let olga = app.company_admin("olga", &acme).await;
    let _ = olga.post(&path, &[("name", "Mine")]).await.goes_to("/");
    app.finish().await;
}
