//! The seal of the trail: whole chains pass, whatever is done to one is found, retention leaves a
//! checkpoint, and several workers seal one chain.

use chrono::TimeDelta;
use shared::audit::{Anchor, Broken, Change, Verified, seal_batch, sign_again, verify};
use shared::db::{Sql, sql};
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{TestApp, config};

async fn portal() -> TestApp {
    TestApp::new(Routes::area("none", &[]), Jobs::kernel()).await
}

async fn note(app: &TestApp, times: i64) {
    for n in 1..=times {
        app.note(Change::new("thing.changed", "thing", n).before(n).after("text with \"quotes\" and Zoë")).await;
    }
}

/// A portal with so many sealed lines.
async fn sealed(lines: i64) -> TestApp {
    let app = portal().await;
    note(&app, lines).await;
    app.run_jobs().await;
    app
}

async fn look(app: &TestApp) -> Result<Verified, Broken> {
    verify(app.app(), None).await.unwrap()
}

/// Id and digest of the line at a position.
async fn at(app: &TestApp, seq: i64) -> (i64, String) {
    let row = sql("SELECT id, row_hash FROM audit_logs WHERE chain_seq = ? LIMIT 1").bind(seq);
    app.rows::<(i64, String)>(row).await.remove(0)
}

/// Does something to the database of a sealed trail and tells what is found.
async fn after(steps: impl IntoIterator<Item = Sql>) -> Result<Verified, Broken> {
    let app = sealed(6).await;
    for step in steps {
        app.execute(step).await;
    }
    let found = look(&app).await;
    app.finish().await;
    found
}

#[tokio::test]
async fn lines_are_sealed_by_the_worker_and_pass() {
    let app = portal().await;
    assert_eq!(look(&app).await.map(|whole| (whole.records, whole.head.seq)), Ok((0, 0)));
    note(&app, 5).await;
    assert_eq!(look(&app).await.map(|whole| (whole.records, whole.unsealed)), Ok((0, 5)));
    app.run_jobs().await;
    note(&app, 2).await;
    assert_eq!(look(&app).await.map(|whole| (whole.records, whole.unsealed)), Ok((5, 2)));
    app.advance(TimeDelta::minutes(2));
    app.run_jobs().await;
    let whole = look(&app).await.unwrap();
    assert_eq!((whole.records, whole.unsealed, whole.head.seq, whole.purged_to), (7, 0, 7, 0));
    assert_eq!(whole.head.hash, at(&app, 7).await.1);
    app.finish().await;
}

#[tokio::test]
async fn a_changed_line_is_named() {
    for change in [
        "UPDATE audit_logs SET user_email = 'eve@example.com' WHERE chain_seq = 3",
        "UPDATE audit_logs SET company_id = 9 WHERE chain_seq = 3",
        "UPDATE audit_logs SET new_value = NULL WHERE chain_seq = 3",
        "UPDATE audit_logs SET metadata = '' WHERE chain_seq = 3",
        "UPDATE audit_logs SET created_at = '2026-11-23 08:00:00.000000' WHERE chain_seq = 3",
        "UPDATE audit_logs SET row_hash = prev_hash WHERE chain_seq = 3",
    ] {
        let found = after([sql(change)]).await;
        assert!(matches!(found, Err(Broken::Changed { seq: 3, .. })), "{change}: {found:?}");
    }
}

#[tokio::test]
async fn a_removed_line_is_named() {
    let found = after([sql("DELETE FROM audit_logs WHERE chain_seq = 4")]).await;
    assert!(matches!(found, Err(Broken::Missing { seq: 4, .. })), "{found:?}");
    let found = after([sql("DELETE FROM audit_logs WHERE chain_seq = 1")]).await;
    assert!(matches!(found, Err(Broken::Missing { seq: 1, .. })), "{found:?}");
    let found = after([sql("DELETE FROM audit_logs WHERE chain_seq >= 5")]).await;
    assert_eq!(found, Err(Broken::Cut { seq: 4, head: 6 }));
    let unsealed = "UPDATE audit_logs SET chain = NULL, chain_seq = NULL, prev_hash = NULL, row_hash = NULL \
         WHERE chain_seq = 6";
    assert_eq!(after([sql(unsealed)]).await, Err(Broken::Cut { seq: 5, head: 6 }));
}

#[tokio::test]
async fn an_inserted_line_is_named() {
    let insert = |place: &'static str| {
        sql("INSERT INTO audit_logs (created_at, action, chain, chain_seq, prev_hash, row_hash) \
             SELECT created_at, 'user.login', chain, chain_seq + 0, prev_hash, row_hash FROM audit_logs WHERE ")
        .push(place)
    };
    let found = after([insert("chain_seq = 4")]).await;
    assert!(matches!(found, Err(Broken::Misplaced { seq: 4, .. })), "{found:?}");
    let behind = "UPDATE audit_logs SET chain_seq = 7 WHERE action = 'user.login'";
    let found = after([insert("chain_seq = 6"), sql(behind)]).await;
    assert!(matches!(found, Err(Broken::Misplaced { seq: 7, .. })), "{found:?}");
    let elsewhere = "UPDATE audit_logs SET chain = 'other' WHERE action = 'user.login'";
    let found = after([insert("chain_seq = 6"), sql(elsewhere)]).await;
    assert!(matches!(found, Err(Broken::Misplaced { seq: 6, .. })), "{found:?}");
}

#[tokio::test]
async fn lines_in_another_order_are_named() {
    let swap = [
        "UPDATE audit_logs SET chain_seq = 99 WHERE chain_seq = 2",
        "UPDATE audit_logs SET chain_seq = 2 WHERE chain_seq = 3",
        "UPDATE audit_logs SET chain_seq = 3 WHERE chain_seq = 99",
    ];
    let found = after(swap.map(sql)).await;
    assert!(matches!(found, Err(Broken::Misplaced { seq: 2, .. })), "{found:?}");
}

#[tokio::test]
async fn a_chain_of_somebody_elses_making_lacks_the_signature() {
    let app = sealed(3).await;
    let (_, hash) = at(&app, 2).await;
    app.execute(sql("DELETE FROM audit_logs WHERE chain_seq = 3")).await;
    app.execute(sql("UPDATE audit_chains SET seq = 2, row_hash = ?").bind(hash)).await;
    assert_eq!(look(&app).await, Err(Broken::Head));
    // The worker does not go on behind it, which would make it genuine.
    note(&app, 1).await;
    assert!(seal_batch(app.app()).await.is_err());
    assert_eq!(look(&app).await, Err(Broken::Head));
    app.finish().await;
}

#[tokio::test]
async fn what_was_written_down_elsewhere_finds_a_chain_made_anew() {
    let app = sealed(4).await;
    let (_, hash) = at(&app, 2).await;
    let asked = |seq, hash: &str| Some(Anchor { seq, hash: hash.to_owned() });
    assert!(verify(app.app(), asked(2, &hash)).await.unwrap().is_ok());
    assert_eq!(verify(app.app(), asked(3, &hash)).await.unwrap(), Err(Broken::Rewritten { seq: 3 }));
    assert_eq!(verify(app.app(), asked(9, &hash)).await.unwrap(), Err(Broken::Cut { seq: 4, head: 9 }));
    app.finish().await;
}

#[tokio::test]
async fn many_workers_seal_one_chain() {
    let app = portal().await;
    note(&app, 450).await;
    let one = || {
        let app = app.app().clone();
        async move {
            let mut sealed = 0;
            for _ in 0..40 {
                sealed += seal_batch(&app).await.unwrap_or(0);
            }
            sealed
        }
    };
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    assert_eq!(a + b + c + d, 450);
    assert_eq!(look(&app).await.map(|whole| (whole.records, whole.unsealed)), Ok((450, 0)));
    app.finish().await;
}

/// A portal that keeps its trail for 30 days, with two lines of today and 1003 that are older.
async fn old() -> TestApp {
    let mut config = config();
    config.audit_retention_days = 30;
    let app = TestApp::with(config, Routes::area("none", &[]), Jobs::kernel()).await;
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    for n in 0..1003 {
        tx.audit(Change::new("thing.changed", "thing", n));
    }
    tx.commit().await.unwrap();
    app.run_jobs().await;
    while seal_batch(app.app()).await.unwrap() > 0 {}
    app.advance(TimeDelta::days(31));
    note(&app, 2).await;
    app
}

#[tokio::test]
async fn retention_leaves_a_signed_checkpoint() {
    let app = old().await;
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(2));
    app.run_jobs().await;
    let whole = look(&app).await.unwrap();
    assert_eq!((whole.purged_to, whole.unsealed), (1003, 0));
    // Two of today and the two notes of the removal itself.
    assert_eq!((whole.records, whole.head.seq), (4, 1007));
    assert_eq!(app.number(sql("SELECT CAST(SUM(removed) AS SIGNED) FROM audit_checkpoints")).await, 1003);
    let purged = "SELECT COUNT(*) FROM audit_logs WHERE action = 'audit.purged'";
    assert_eq!(app.number(sql(purged)).await, 2);
    app.execute(sql("UPDATE audit_checkpoints SET seq = 1004 WHERE seq = 1003")).await;
    app.execute(sql("DELETE FROM audit_logs WHERE chain_seq = 1004")).await;
    assert_eq!(look(&app).await, Err(Broken::Checkpoint { seq: 1004 }));
    app.finish().await;
}

#[tokio::test]
async fn retention_keeps_what_was_tampered_with() {
    let app = old().await;
    app.execute(sql("UPDATE audit_logs SET action = 'thing.hidden' WHERE chain_seq = 1001")).await;
    app.run_jobs().await;
    // The first thousand were whole; the next batch stays.
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE chain_seq <= 1003")).await, 3);
    assert!(matches!(look(&app).await, Err(Broken::Changed { seq: 1001, .. })));
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_removed_without_a_term() {
    let app = sealed(3).await;
    app.advance(TimeDelta::days(4000));
    app.run_jobs().await;
    assert_eq!(look(&app).await.map(|whole| whole.records), Ok(3));
    app.finish().await;
}

#[tokio::test]
async fn signatures_follow_a_new_key() {
    let app = sealed(3).await;
    assert_eq!(sign_again(app.app()).await.unwrap(), 1);
    assert!(look(&app).await.is_ok());
    app.execute(sql("UPDATE audit_chains SET signature = 'x'")).await;
    assert_eq!(sign_again(app.app()).await.unwrap(), 0);
    assert_eq!(look(&app).await, Err(Broken::Head));
    app.finish().await;
}

#[tokio::test]
async fn an_older_end_put_back_is_found() {
    let app = sealed(3).await;
    let old: Vec<(i64, String, String)> = app.rows(sql("SELECT seq, row_hash, signature FROM audit_chains")).await;
    note(&app, 2).await;
    seal_batch(app.app()).await.unwrap();
    let (seq, hash, signature) = old[0].clone();
    let back = sql("UPDATE audit_chains SET seq = ?, row_hash = ?, signature = ?").bind(seq).bind(hash).bind(signature);
    app.execute(back).await;
    assert!(matches!(look(&app).await, Err(Broken::Behind { .. })));
    app.finish().await;
}
