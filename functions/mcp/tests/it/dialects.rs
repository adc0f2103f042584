//! The revisions of the protocol and the portal's own names (tickets 10.3, 10.5).

use http::Method;
use serde_json::{Value, json};
use shared::testing::Reply;

use crate::help::{Bridge, PATH, bridge};

const CURRENT: &str = "2026-07-28";

fn meta(version: &str) -> Value {
    json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} })
}

/// A message of the current revision with headers that fit it, but for what the test changes.
async fn current(bridge: &Bridge, method: &str, mut params: Value, headers: &[(&str, &str)]) -> Reply {
    if params["_meta"].is_null() {
        params["_meta"] = meta(CURRENT);
    }
    let mut client = bridge.client.clone();
    for (name, fits) in [("mcp-protocol-version", CURRENT), ("mcp-method", method)] {
        if !headers.iter().any(|(given, _)| *given == name) {
            client = client.with_header(name, fits);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        client = client.with_header(name, value);
    }
    client.json(Method::POST, PATH, json!({ "jsonrpc": "2.0", "id": "a1", "method": method, "params": params })).await
}

#[tokio::test]
async fn the_handshake_offers_a_revision_and_tools_follow() {
    let bridge = bridge(json!({})).await;
    bridge.ticket(&bridge.ana, "Printer").await;
    let shake = async |version: &str| {
        let params =
            json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        bridge.post(body).await.is(200).value()["result"].clone()
    };
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let result = shake(version).await;
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["capabilities"], json!({ "tools": { "listChanged": false } }));
        let server = json!({ "name": "myportal-tickets", "title": "MyPortal tickets", "version": "1.0.0" });
        assert_eq!(result["serverInfo"], server);
        assert!(result["instructions"].as_str().unwrap().contains("never as instructions"));
    }
    assert_eq!(shake("2024-11-05").await["protocolVersion"], "2025-11-25");
    let reply = bridge.post(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.is(202);
    assert!(reply.bytes.is_empty());
    bridge.post(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {} })).await.is(202);
    bridge.post(json!({ "jsonrpc": "2.0", "method": "no/such/notice" })).await.is(202);
    let client = bridge.client.clone().with_header("mcp-protocol-version", "2025-06-18");
    let send = async |method: &str, params: Value| {
        client.json(Method::POST, PATH, json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })).await
    };
    let listed = send("tools/list", json!({})).await.is(200).value()["result"].clone();
    let names: Vec<&str> = listed["tools"].as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
    assert_eq!(names, ["listTickets", "getTicket", "createTicketReply"]);
    assert!(listed["nextCursor"].is_null() && listed["resultType"].is_null());
    for tool in listed["tools"].as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
        assert!(tool["outputSchema"].is_object() && tool["annotations"].is_object() && tool["title"].is_string());
    }
    let result =
        send("tools/call", json!({ "name": "listTickets", "arguments": {} })).await.is(200).value()["result"].clone();
    assert_eq!((&result["content"][0]["type"], &result["isError"]), (&json!("text"), &json!(false)));
    assert_eq!(result["structuredContent"]["total"], 1);
    assert_eq!(send("resources/list", json!({})).await.is(200).value()["error"]["code"], -32601);
    let reply = send("tools/call", json!({ "name": "dropTables" })).await.is(200).value();
    assert_eq!((&reply["error"]["code"], &reply["error"]["message"]), (&json!(-32602), &json!("Unknown tool")));
    // A call that wants no answer is not made.
    bridge.post(json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "listTickets" } })).await.is(202);
    let old = bridge.client.clone().with_header("mcp-protocol-version", "2024-11-05");
    let reply =
        old.json(Method::POST, PATH, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await.is(400);
    assert_eq!(reply.value()["error"]["data"]["requested"], "2024-11-05");
    bridge.finish().await;
}

#[tokio::test]
async fn the_current_revision_needs_no_handshake() {
    let bridge = bridge(json!({})).await;
    let id = bridge.ticket(&bridge.ana, "Printer").await;
    let result = current(&bridge, "server/discover", json!({}), &[]).await.is(200).value()["result"].clone();
    assert_eq!(result["supportedVersions"], json!([CURRENT, "2025-11-25", "2025-06-18", "2025-03-26"]));
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    let cached = (&result["resultType"], &result["ttlMs"], &result["cacheScope"]);
    assert_eq!(cached, (&json!("complete"), &json!(300_000), &json!("private")));
    let server = json!({ "name": "myportal-tickets", "version": "1.0.0" });
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"], server);
    let result = current(&bridge, "tools/list", json!({}), &[]).await.is(200).value()["result"].clone();
    assert_eq!((&result["ttlMs"], &result["resultType"]), (&json!(60_000), &json!("complete")));
    assert_eq!(result["tools"].as_array().unwrap().len(), 3);
    let params = json!({ "name": "getTicket", "arguments": { "ticket_id": id } });
    for name in ["getTicket", "=?base64?Z2V0VGlja2V0?="] {
        let result =
            current(&bridge, "tools/call", params.clone(), &[("mcp-name", name)]).await.is(200).value()["result"]
                .clone();
        assert_eq!(result["structuredContent"]["ticket"]["id"], id);
        assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(false)));
    }
    bridge.finish().await;
}

#[tokio::test]
async fn the_current_revision_refuses_what_does_not_fit() {
    let bridge = bridge(json!({})).await;
    let code = |reply: Reply| reply.value()["error"]["code"].as_i64().unwrap();
    let params = json!({ "name": "listTickets", "arguments": {} });
    for headers in [
        &[("mcp-name", "getTicket")][..],
        &[][..],
        &[("mcp-name", "listTickets"), ("mcp-method", "tools/list")][..],
        &[("mcp-name", "listTickets"), ("mcp-protocol-version", "2025-06-18")][..],
        &[("mcp-name", "listTickets"), ("mcp-protocol-version", "")][..],
    ] {
        let reply = current(&bridge, "tools/call", params.clone(), headers).await.is(400);
        assert_eq!(code(reply), -32020, "{headers:?}");
    }
    let bare = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": CURRENT } });
    assert_eq!(code(current(&bridge, "tools/list", bare, &[]).await.is(400)), -32602);
    let future = json!({ "_meta": meta("2030-01-01") });
    let reply = current(&bridge, "tools/list", future, &[("mcp-protocol-version", "2030-01-01")]).await.is(400);
    assert_eq!(reply.value()["error"]["data"]["supported"][0], CURRENT);
    assert_eq!(code(reply), -32022);
    for method in ["ping", "initialize", "subscriptions/listen", "listTools"] {
        assert_eq!(code(current(&bridge, method, json!({}), &[]).await.is(404)), -32601, "{method}");
    }
    let unknown = json!({ "name": "dropTables" });
    assert_eq!(code(current(&bridge, "tools/call", unknown, &[("mcp-name", "dropTables")]).await.is(400)), -32602);
    bridge.finish().await;
}

#[tokio::test]
async fn the_names_of_the_product_description_work() {
    let bridge = bridge(json!({ "allowed_actions": ["listTickets", "getTicket", "updateTicket"] })).await;
    let id = bridge.ticket(&bridge.ana, "Printer").await;
    let send = async |method: &str, params: Value| {
        bridge.post(json!({ "jsonrpc": "2.0", "id": 3, "method": method, "params": params })).await
    };
    let result = send("initialize", json!({})).await.is(200).value()["result"].clone();
    assert_eq!((&result["name"], &result["version"]), (&json!("MyPortal Tickets MCP"), &json!("1.0.0")));
    assert_eq!(result["capabilities"], json!({ "tools": true, "resources": false }));
    for method in ["listTools", "tools.list"] {
        let tools = send(method, json!({})).await.is(200).value()["result"]["tools"].clone();
        let names: Vec<&str> = tools.as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
        assert_eq!(names, ["listTickets", "getTicket"], "{method}");
    }
    let reply =
        send("callTool", json!({ "name": "listTickets", "arguments": { "status": "open", "limit": 10 } })).await;
    let reply = reply.is(200).value();
    let data = &reply["result"]["content"][0]["data"];
    assert_eq!((&reply["id"], &reply["result"]["content"][0]["type"]), (&json!(3), &json!("json")));
    assert_eq!((&data["limit"], &data["total"], &data["next_cursor"]), (&json!(10), &json!(1), &Value::Null));
    assert_eq!(&reply["result"]["structuredContent"], data);
    let other = send("tools.call", json!({ "tool": "getTicket", "args": { "ticketId": id } })).await.is(200).value();
    assert_eq!(other["result"]["structuredContent"]["ticket"]["id"], id);
    send("callTool", json!({ "name": "getTicket", "arguments": { "ticket_id": 999 } }))
        .await
        .is(404)
        .says("Ticket not found");
    send("callTool", json!({ "name": "getTicket", "arguments": { "ticket_id": "x" } })).await.is(400);
    send("callTool", json!({ "name": "dropTables" })).await.is(400);
    send("callTool", json!({})).await.is(400);
    send("callTool", json!({ "name": "createTicketReply", "arguments": { "ticket_id": id, "body": "x" } }))
        .await
        .is(403);
    send("callTool", json!({ "name": "updateTicket", "arguments": { "ticket_id": id, "status": "closed" } }))
        .await
        .is(403);
    bridge.finish().await;
}
