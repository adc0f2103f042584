//! The page of the connection.

use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::TestApp;

async fn portal() -> TestApp {
    TestApp::new(mcp::routes(), mcp::jobs().merge(Jobs::kernel())).await
}

#[tokio::test]
async fn a_secret_is_made_by_the_server_and_shown_once() {
    let app = portal().await;
    let ann = app.super_admin("Ann").await;
    ann.get("/admin/mcp").await.is(200).shows("There is no shared secret yet").shows("api&#x2f;mcp&#x2f;chatgpt");
    ann.get("/admin/mcp/secret").await.is(200).hides("Keep the present secret");
    ann.post("/admin/mcp/secret", &[]).await.goes_to("/admin/mcp");
    let page = ann.get("/admin/mcp").await.is(200).shows("Copy the new secret now").text();
    let at = page.find("id=\"mcp-secret\"").unwrap();
    let secret = page[at..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(secret.len(), 43);
    ann.get("/admin/mcp").await.is(200).hides(&secret).hides("Copy the new secret now").shows("The module is off");
    let kept: Vec<(Option<String>, String)> =
        app.rows(sql("SELECT secrets, settings FROM integration_modules WHERE slug = 'chatgpt-mcp' LIMIT 1")).await;
    assert!(!format!("{kept:?}").contains(&secret));
    let trail: Vec<(Option<String>,)> = app.rows(sql("SELECT metadata FROM audit_logs ORDER BY id LIMIT 20")).await;
    assert!(!format!("{trail:?}").contains(&secret));
    assert!(app.audit().await.contains(&"integration_module.updated".to_owned()));
    ann.get("/admin/mcp/secret").await.is(200).shows("Keep the present secret");
    app.finish().await;
}

#[tokio::test]
async fn the_page_is_for_super_administrators() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("Tom", &provider).await;
    for path in ["/admin/mcp", "/admin/mcp/secret"] {
        tom.get(path).await.goes_to("/");
        app.stranger().get(path).await.is(303);
    }
    tom.post("/admin/mcp/secret", &[]).await.goes_to("/");
    app.stranger().post("/admin/mcp/secret", &[]).await.goes_to("/login");
    let secrets = sql("SELECT COUNT(*) FROM integration_modules WHERE secrets IS NOT NULL");
    assert_eq!(app.number(secrets).await, 0);
    app.finish().await;
}
