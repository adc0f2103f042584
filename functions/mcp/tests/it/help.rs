//! What the tests share: a desk, two customers, a client with the secret.

use http::Method;
use serde_json::{Map, Value, json};
use shared::audit::Stamp;
use shared::caller::Company;
use shared::jobs::Jobs;
use shared::modules::{self, Edit, Slug};
use shared::testing::{Actor, Reply, TestApp};

pub const SECRET: &str = "a-shared-secret-of-some-length";
pub const PATH: &str = "/api/mcp/chatgpt";

pub struct Bridge {
    pub app: TestApp,
    pub northwind: Company,
    pub kestrel: Company,
    /// Technician.
    pub tom: Actor,
    /// Works for Northwind.
    pub ana: Actor,
    /// Works for Kestrel.
    pub kim: Actor,
    /// Speaks with the secret.
    pub client: Actor,
}

/// The module as it is shipped: off, without secret.
pub async fn untouched() -> Bridge {
    let routes = tickets::routes().merge(mcp::routes());
    let jobs = tickets::jobs().merge(mcp::jobs()).merge(Jobs::kernel());
    let app = TestApp::new(routes, jobs).await;
    let provider = app.provider("Northstar").await;
    let northwind = app.company("Northwind").await;
    let kestrel = app.company("Kestrel").await;
    let tom = app.technician("Tom", &provider).await;
    let ana = app.member("Ana", &northwind).await;
    let kim = app.member("Kim", &kestrel).await;
    let client = app.stranger().with_header("authorization", &format!("Bearer {SECRET}"));
    Bridge { app, northwind, kestrel, tom, ana, kim, client }
}

/// The module switched on, with these settings.
pub async fn bridge(settings: Value) -> Bridge {
    let bridge = untouched().await;
    bridge.set(json!({ "shared_secret": SECRET })).await;
    bridge.set(settings).await;
    bridge
}

pub fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Bridge {
    /// Changes the module and switches it on.
    pub async fn set(&self, settings: Value) {
        self.edit(Edit { enabled: Some(true), settings: object(&settings), ..Edit::default() }).await;
    }

    pub async fn edit(&self, edit: Edit) {
        let mut tx = self.app.db().begin(Stamp::system(self.app.app().now())).await.unwrap();
        modules::save(self.app.app(), &mut tx, Slug::ChatGptMcp, edit).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn ticket(&self, who: &Actor, subject: &str) -> i64 {
        let reply = who.json(Method::POST, "/api/tickets", json!({ "subject": subject })).await;
        reply.is(201).value()["id"].as_i64().unwrap()
    }

    pub async fn say(&self, who: &Actor, ticket: i64, body: &str, is_internal: bool) {
        let body = json!({ "body": body, "is_internal": is_internal });
        who.json(Method::POST, &format!("/api/tickets/{ticket}/replies"), body).await.is(201);
    }

    /// Sends anything with the secret.
    pub async fn post(&self, body: Value) -> Reply {
        self.client.json(Method::POST, PATH, body).await
    }

    /// Calls a tool by the standard's names; gives the result.
    pub async fn tool(&self, name: &str, arguments: Value) -> Value {
        let reply = self.post(call(name, arguments)).await.is(200).value();
        assert!(reply["error"].is_null(), "{reply}");
        reply["result"].clone()
    }

    /// What a tool gave, which must have gone well.
    pub async fn data(&self, name: &str, arguments: Value) -> Value {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], false, "{result}");
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"]);
        text
    }

    /// What a tool complained of.
    pub async fn complaint(&self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Calls a tool by the portal's names.
    pub async fn portal(&self, name: &str, arguments: Value) -> Reply {
        let params = json!({ "name": name, "arguments": arguments });
        self.post(json!({ "jsonrpc": "2.0", "id": 3, "method": "callTool", "params": params })).await
    }

    pub async fn finish(self) {
        self.app.run_jobs().await;
        self.app.finish().await;
    }
}

pub fn call(name: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
}
