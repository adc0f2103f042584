//! `/api/template-variables`: the variables of form addresses and external links, with what they stand
//! for right now (organisation 18).

use serde::Serialize;
use shared::caller::User;
use shared::placeholders::{VARIABLES, Values};
use shared::routes::Routes;
use shared::web::Json;
use utoipa::ToSchema;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(list_template_variables))
}

/// A variable with its value for the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "company.name", "placeholder": "{{company.name}}",
    "encoded": "{{company.nameUrlEncoded}}", "description": "Name of the active company", "value": "ACME Corp"}))]
pub struct TemplateVariable {
    /// What stands between the braces.
    name: &'static str,
    /// As it is written.
    placeholder: String,
    /// As it is written where the encoded value is wanted.
    encoded: String,
    /// One sentence.
    description: &'static str,
    /// What it stands for; empty when there is nothing.
    value: String,
}

/// Lists the template variables with their current values.
#[utoipa::path(get, path = "/api/template-variables", responses(
    (status = 200, description = "All nine", body = Vec<TemplateVariable>)))]
pub async fn list_template_variables(by: User) -> Json<Vec<TemplateVariable>> {
    let values = Values::of(&by);
    let variable = |variable: shared::placeholders::Variable| TemplateVariable {
        name: variable.name,
        placeholder: format!("{{{{{}}}}}", variable.name),
        encoded: format!("{{{{{}UrlEncoded}}}}", variable.name),
        description: variable.description,
        value: values.get(variable.name).unwrap_or_default(),
    };
    Json(VARIABLES.into_iter().map(variable).collect())
}
