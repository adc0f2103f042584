//! JSON-RPC and the revisions of the protocol: what a message is and which rules it is answered by
//! (tickets 10.2, 10.3). No database, no HTTP server.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// The revision without a handshake.
pub const CURRENT: &str = "2026-07-28";

/// The revisions that begin with a handshake, the newest first.
pub const HANDSHAKE: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

/// Every revision that is spoken, the newest first.
pub const SUPPORTED: [&str; 4] = [CURRENT, HANDSHAKE[0], HANDSHAKE[1], HANDSHAKE[2]];

/// The only revision that knows batches.
pub const BATCHES: &str = "2025-03-26";

/// Messages in a batch.
pub const LONGEST_BATCH: usize = 20;

/// Key of the revision in `params._meta`.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Key of the client's capabilities in `params._meta`.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Key of the client's name in `params._meta`.
pub const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
/// Key of our name in `result._meta`.
pub const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// No JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but no request.
pub const INVALID_REQUEST: i64 = -32600;
/// Nothing of that name.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// A request with wrong parameters.
pub const INVALID_PARAMS: i64 = -32602;
/// Our fault.
pub const INTERNAL: i64 = -32603;
/// The headers say something else than the body.
pub const HEADER_MISMATCH: i64 = -32020;
/// A revision that is not spoken.
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// Why a message is answered with an error object.
#[derive(Debug, Clone, PartialEq)]
pub struct RpcError {
    /// As the protocol numbers it.
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// What a client needs to do better.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without further data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The revision is not spoken; says which are.
    pub fn unsupported(requested: &str) -> Self {
        let data = json!({ "supported": SUPPORTED, "requested": requested });
        Self { data: Some(data), ..Self::new(UNSUPPORTED_VERSION, "Unsupported protocol version") }
    }

    /// The answer to the message with this id.
    pub fn body(&self, id: &Value) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(data), Some(map)) = (&self.data, error.as_object_mut()) {
            map.insert("data".to_owned(), data.clone());
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }

    /// The status it travels with: revision 2026-07-28 uses HTTP's, the older ones 200 where a
    /// message was understood.
    pub fn status(&self, dialect: Dialect) -> StatusCode {
        match self.code {
            PARSE_ERROR | INVALID_REQUEST | UNSUPPORTED_VERSION | HEADER_MISMATCH => StatusCode::BAD_REQUEST,
            METHOD_NOT_FOUND if dialect == Dialect::Current => StatusCode::NOT_FOUND,
            INVALID_PARAMS if dialect == Dialect::Current => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }
}

/// A message that is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// None for notifications, which get no answer.
    pub id: Option<Value>,
    /// The method.
    pub method: String,
    /// Its parameters; empty when there are none.
    pub params: Map<String, Value>,
}

/// The id that an answer to anything carries.
pub fn id_of(value: &Value) -> Value {
    value.get("id").filter(|id| id.is_string() || id.is_number()).cloned().unwrap_or(Value::Null)
}

impl Message {
    /// Reads a message.
    pub fn parse(value: &Value) -> Result<Self, RpcError> {
        let invalid = |text: &str| Err(RpcError::new(INVALID_REQUEST, text));
        let Some(map) = value.as_object() else { return invalid("A message is a JSON object") };
        if map.get("jsonrpc").is_some_and(|version| version != "2.0") {
            return invalid("jsonrpc must be 2.0");
        }
        let Some(method) = map.get("method").and_then(Value::as_str) else { return invalid("method must be a string") };
        let id = map.get("id");
        if id.is_some_and(|id| !(id.is_string() || id.is_number())) {
            return invalid("id must be a string or a number");
        }
        let params = match map.get("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params.clone(),
            Some(_) => return invalid("params must be an object"),
        };
        Ok(Self { id: id.cloned(), method: method.to_owned(), params })
    }

    /// A field of `params._meta`.
    pub fn meta(&self, key: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(key)
    }

    /// A parameter as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// Name and version of the client, where the message says them.
    pub fn client(&self) -> (Option<String>, Option<String>) {
        let info = self.params.get("clientInfo").or_else(|| self.meta(META_CLIENT));
        let part = |name: &str| info.and_then(|info| info.get(name)).and_then(Value::as_str).map(str::to_owned);
        (part("name"), part("version"))
    }
}

/// The rules by which a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Revision 2026-07-28: every message stands alone.
    Current,
    /// The revisions with a handshake.
    Handshake,
    /// The names of the product description: `listTools`, `callTool`.
    Portal,
}

/// What the headers of a request say.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `MCP-Protocol-Version`.
    pub version: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`, decoded; the inner none is a name that cannot be read.
    pub name: Option<Option<String>>,
}

/// The rules for a message, or why there are none.
pub fn dialect(message: &Message, said: &Said) -> Result<Dialect, RpcError> {
    let header = said.version.as_deref();
    if message.meta(META_VERSION).is_some() || header == Some(CURRENT) {
        return Ok(Dialect::Current);
    }
    if let Some(version) = header.filter(|version| !HANDSHAKE.contains(version)) {
        return Err(RpcError::unsupported(version));
    }
    let is_portal = match message.method.as_str() {
        "listTools" | "tools.list" | "callTool" | "tools.call" => true,
        "initialize" => message.text("protocolVersion").is_none(),
        _ => false,
    };
    Ok(if is_portal { Dialect::Portal } else { Dialect::Handshake })
}

/// What revision 2026-07-28 wants of every message, in the order in which its own libraries look.
pub fn check_current(message: &Message, said: &Said) -> Result<(), RpcError> {
    let bad = |text: &str| Err(RpcError::new(INVALID_PARAMS, text));
    let (Some(version), Some(capabilities)) = (message.meta(META_VERSION), message.meta(META_CAPABILITIES)) else {
        return bad("params._meta must hold the protocol version and the client's capabilities");
    };
    let mismatch = |header: &str| {
        Err(RpcError::new(HEADER_MISMATCH, format!("The header {header} is missing or differs from the body")))
    };
    if said.version.is_none() || said.version.as_deref() != version.as_str() {
        return mismatch("MCP-Protocol-Version");
    }
    if said.method.as_deref() != Some(message.method.as_str()) {
        return mismatch("Mcp-Method");
    }
    if message.method == "tools/call" && said.name.clone().flatten().as_deref() != message.text("name") {
        return mismatch("Mcp-Name");
    }
    if !capabilities.is_object() {
        return bad("The client's capabilities must be an object");
    }
    match version.as_str() {
        Some(CURRENT) => Ok(()),
        Some(other) => Err(RpcError::unsupported(other)),
        None => bad("The protocol version must be a string"),
    }
}

/// The text of `Mcp-Name`, which may be wrapped as `=?base64?...?=`; none when it cannot be read.
pub fn decoded(header: &str) -> Option<String> {
    use base64::Engine as _;
    let wrapped = header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match wrapped {
        None => Some(header.to_owned()),
        Some(text) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            String::from_utf8(bytes).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: Value) -> Message {
        Message::parse(&value).unwrap()
    }

    fn said(version: &str, method: &str, name: Option<&str>) -> Said {
        Said { version: Some(version.to_owned()), method: Some(method.to_owned()), name: name.map(decoded) }
    }

    #[test]
    fn what_is_no_message_is_said_so() {
        for bad in [
            json!(1),
            json!({}),
            json!({"method": 1}),
            json!({"method": "x", "jsonrpc": "1.0"}),
            json!({"method": "x", "id": null}),
            json!({"method": "x", "id": {}}),
            json!({"method": "x", "params": [1]}),
        ] {
            assert_eq!(Message::parse(&bad).unwrap_err().code, INVALID_REQUEST, "{bad}");
        }
        assert_eq!(message(json!({"method": "ping"})).id, None);
    }

    #[test]
    fn the_dialect_follows_from_each_message() {
        let of = |value: Value, version: Option<&str>| {
            let said = Said { version: version.map(str::to_owned), ..Said::default() };
            dialect(&message(value), &said).map_err(|error| error.code)
        };
        let shake = json!({"method": "initialize", "params": {"protocolVersion": "2025-06-18"}});
        assert_eq!(of(shake, None), Ok(Dialect::Handshake));
        assert_eq!(of(json!({"method": "initialize"}), None), Ok(Dialect::Portal));
        assert_eq!(of(json!({"method": "callTool"}), Some("2025-06-18")), Ok(Dialect::Portal));
        assert_eq!(of(json!({"method": "tools/list"}), None), Ok(Dialect::Handshake));
        assert_eq!(of(json!({"method": "tools/list"}), Some(CURRENT)), Ok(Dialect::Current));
        assert_eq!(of(json!({"method": "tools/list"}), Some("2024-11-05")), Err(UNSUPPORTED_VERSION));
        let meta = json!({"method": "ping", "params": {"_meta": {META_VERSION: "2030-01-01"}}});
        assert_eq!(of(meta, Some("2030-01-01")), Ok(Dialect::Current));
    }

    #[test]
    fn the_current_revision_compares_headers_with_the_body() {
        let call = |version: &str| {
            message(json!({"id": 1, "method": "tools/call", "params": {"name": "getTicket",
                "_meta": {META_VERSION: version, META_CAPABILITIES: {}}}}))
        };
        let code = |message: &Message, said: &Said| check_current(message, said).map_err(|error| error.code);
        let good = call(CURRENT);
        assert_eq!(code(&good, &said(CURRENT, "tools/call", Some("getTicket"))), Ok(()));
        assert_eq!(code(&good, &said(CURRENT, "tools/call", Some("=?base64?Z2V0VGlja2V0?="))), Ok(()));
        for other in [Some("listTickets"), None, Some("=?base64?%%%?=")] {
            assert_eq!(code(&good, &said(CURRENT, "tools/call", other)), Err(HEADER_MISMATCH), "{other:?}");
        }
        assert_eq!(code(&good, &said(CURRENT, "tools/list", Some("getTicket"))), Err(HEADER_MISMATCH));
        assert_eq!(code(&good, &said("2025-06-18", "tools/call", Some("getTicket"))), Err(HEADER_MISMATCH));
        let future = call("2030-01-01");
        assert_eq!(code(&future, &said("2030-01-01", "tools/call", Some("getTicket"))), Err(UNSUPPORTED_VERSION));
        let bare = message(json!({"id": 1, "method": "tools/list", "params": {"_meta": {META_VERSION: CURRENT}}}));
        assert_eq!(code(&bare, &said(CURRENT, "tools/list", None)), Err(INVALID_PARAMS));
    }
}
