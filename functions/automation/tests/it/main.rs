//! The area in process, through its routes.

use shared::jobs::Jobs;
use shared::testing::TestApp;

async fn portal() -> TestApp {
    TestApp::new(automation::routes(), automation::jobs().merge(Jobs::kernel())).await
}

#[tokio::test]
async fn it_starts() {
    portal().await.finish().await;
}
