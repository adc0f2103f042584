//! Signatures against the official library of Standard Webhooks, in a Python process of its own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;
use shared::testing::web::{Answer, Received, Server};

use crate::portal;
use crate::webhook_endpoints::register;

/// The interpreter with the library, made once below `target`; none where Python or the index is missing.
fn python() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/standardwebhooks-venv");
    let python = folder.join("bin/python");
    let has_library = || {
        let found = Command::new(&python).args(["-c", "import standardwebhooks"]).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    if has_library() {
        return Some(python);
    }
    let quiet = |command: &mut Command| {
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    let made = quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        && quiet(Command::new(&python).args(["-m", "pip", "install", "standardwebhooks==1.0.1"]));
    (made && has_library()).then_some(python)
}

const CHECK: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
asked = json.load(sys.stdin)
try:
    Webhook(asked['secret']).verify(asked['body'], asked['headers'])
    print('good')
except WebhookVerificationError as error:
    print('bad:', error)
";

fn verdict(python: &PathBuf, secret: &str, sent: &Received, body: &str) -> String {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, sent.header(name)));
    let headers: std::collections::BTreeMap<_, _> = headers.into_iter().collect();
    let asked = json!({ "secret": secret, "body": body, "headers": headers });
    let mut child =
        Command::new(python).args(["-c", CHECK]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).trim().to_owned()
}

#[tokio::test]
async fn the_official_library_accepts_what_is_sent_and_refuses_what_was_changed() {
    let found = tokio::task::spawn_blocking(python).await.unwrap();
    let Some(python) = found else {
        println!("skipped: Python with venv or the package index is missing");
        return;
    };
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    // The library refuses what is older than five minutes, and the clock of tests stands still.
    app.advance(chrono::TimeDelta::seconds(real_now() - app.app().now().timestamp()));
    let ann = app.sign_in(ann.id).await;
    let server = Server::with(vec![Answer::status(204)]).await;
    let (id, old) = register(&ann, &server.url(), None).await;
    let path = format!("/admin/webhooks/endpoints/{id}");
    let _ = ann.post(&format!("{path}/rotate"), &[]).await.is(303);
    let page = ann.get(&path).await.text();
    let new = page.split(['"', '<', '>']).find(|text| text.starts_with("whsec_")).unwrap().replace("&#x2f;", "/");
    let _ = ann.post(&format!("{path}/ping"), &[]).await.is(303);
    app.run_jobs().await;
    let sent = server.received().remove(0);
    for secret in [&new, &old] {
        assert_eq!(verdict(&python, secret, &sent, &sent.text()), "good", "both secrets of a rotation");
    }
    let changed = sent.text().replace("ping", "pong");
    assert!(verdict(&python, &new, &sent, &changed).starts_with("bad"), "a changed body");
    let other = shared::webhooks::sign::new_secret();
    assert!(verdict(&python, &other, &sent, &sent.text()).starts_with("bad"), "another secret");
    app.finish().await;
}

fn real_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
