//! The routes as the API documentation and the route table show them.

#[test]
fn the_endpoint_is_documented_with_its_secret_and_an_example() {
    let document = serde_json::to_value(mcp::routes().openapi()).unwrap();
    let operation = &document["paths"]["/api/mcp/chatgpt"]["post"];
    assert!(operation["summary"].is_string());
    assert!(operation["security"][0]["bearer"].is_array());
    assert!(!document["components"]["schemas"]["RpcMessage"]["example"].is_null());
}

#[test]
fn every_path_lies_below_the_prefixes_of_the_area() {
    let routes = mcp::routes();
    for facts in routes.table().all() {
        assert!(facts.path.starts_with("/api/mcp/") || facts.path.starts_with("/admin/mcp"), "{}", facts.path);
        assert!(facts.scope.is_none());
    }
}
