use std::collections::HashSet;

#[test]
fn every_operation_is_documented_once_with_examples() {
    let document = serde_json::to_value(companies::routes().openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names: Vec<String> = parameters.iter().map(|p| p["name"].to_string()).collect();
            let distinct: HashSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{method} {path}: {names:?}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        }
    }
    for (path, name) in [("/companies", "archived"), ("/companies", "offset"), ("/api/companies/options", "search")] {
        let parameters = document["paths"][path]["get"]["parameters"].to_string();
        assert!(parameters.contains(&format!("\"{name}\"")), "{path}: {parameters}");
    }
    for name in [
        "Company",
        "CompanyCreate",
        "CompanyUpdate",
        "SwitchCompany",
        "Switched",
        "CompanyOption",
        "Membership",
        "MembershipBody",
        "Role",
        "RoleCreate",
        "RoleUpdate",
        "RolePermission",
        "Saved",
        "PermissionForm",
        "StaffMember",
        "StaffBody",
        "StaffSaved",
        "VerificationSent",
        "VerificationHeard",
        "VerificationChecked",
        "StaffInvited",
        "StaffImported",
        "StaffImportWanted",
    ] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}
