//! A change of access in words, and whether it gave more than there was before.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::ChangeRow;

/// Keys of every role by name, to tell more from less.
pub type RoleKeys = BTreeMap<String, Vec<String>>;

/// What a line of the trail says about access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// One short text a fact.
    pub words: Vec<String>,
    /// Somebody may do more than before.
    pub is_increase: bool,
}

const FLAGS: [(&str, &str); 10] = [
    ("can_access_shop", "Shop"),
    ("can_access_cart", "Cart"),
    ("can_access_orders", "Orders"),
    ("can_access_forms", "Forms"),
    ("can_manage_assets", "Assets"),
    ("can_manage_licenses", "Licences"),
    ("can_manage_invoices", "Invoices"),
    ("can_manage_office_groups", "Office groups"),
    ("can_order_licenses", "Order licences"),
    ("is_admin", "Company admin"),
];

fn object(text: Option<&String>) -> Map<String, Value> {
    match text.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn text<'m>(map: &'m Map<String, Value>, names: &[&str]) -> Option<&'m str> {
    names.iter().find_map(|name| map.get(*name)?.as_str())
}

fn list(map: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let items = map.get(name)?.as_array()?;
    Some(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

/// A change of a membership.
pub fn membership(row: &ChangeRow, roles: &RoleKeys) -> Told {
    let (old, new) = (object(row.previous_value.as_ref()), object(row.new_value.as_ref()));
    let meta = object(row.metadata.as_ref());
    let mut told = Told::default();
    match row.action.rsplit('.').next().unwrap_or_default() {
        "created" => told.add("Added", true),
        "invited" => told.add("Invited", true),
        "reactivated" => told.add("Reactivated", true),
        "accepted" => told.add("Joined", true),
        "declined" => told.add("Declined the invitation", false),
        "deleted" | "removed" => told.add("Removed", false),
        "suspended" => told.add("Suspended", false),
        "reminded" => told.add("Reminded of the invitation", false),
        _ => {}
    }
    role(&mut told, &old, if new.contains_key("role") || new.contains_key("role_name") { &new } else { &meta }, roles);
    status(&mut told, &old, &new);
    level(&mut told, &old, &new);
    flags(&mut told, &old, &new);
    if told.words.is_empty() {
        told.add(&row.action.replace(['.', '_'], " "), false);
    }
    told
}

impl Told {
    fn add(&mut self, words: &str, is_more: bool) {
        self.words.push(words.to_owned());
        self.is_increase |= is_more;
    }
}

fn role(told: &mut Told, old: &Map<String, Value>, new: &Map<String, Value>, roles: &RoleKeys) {
    const NAMES: [&str; 2] = ["role_name", "role"];
    match (text(old, &NAMES), text(new, &NAMES)) {
        (Some(before), Some(after)) if before != after => {
            let has_more = match (roles.get(before), roles.get(after)) {
                (Some(before), Some(after)) => after.iter().any(|key| !before.contains(key)),
                // A role that is gone cannot be compared any more; better looked at once too often.
                _ => true,
            };
            told.add(&format!("Role {before} → {after}"), has_more);
        }
        (None, Some(after)) => told.add(&format!("Role {after}"), false),
        _ => {}
    }
}

fn status(told: &mut Told, old: &Map<String, Value>, new: &Map<String, Value>) {
    let (Some(before), Some(after)) = (text(old, &["status"]), text(new, &["status"])) else { return };
    let words = match after {
        "active" if before == "invited" => "Joined",
        "active" => "Reactivated",
        "suspended" => "Suspended",
        "invited" => "Invited again",
        _ => return,
    };
    if before != after && !told.words.iter().any(|known| known == words) {
        told.add(words, after == "active");
    }
}

fn level(told: &mut Told, old: &Map<String, Value>, new: &Map<String, Value>) {
    let number = |map: &Map<String, Value>| map.get("staff_permission").and_then(Value::as_i64);
    match (number(old), number(new)) {
        (Some(before), Some(after)) if before != after => {
            told.add(&format!("Staff level {before} → {after}"), after > before);
        }
        (None, Some(after)) if after > 0 => told.add(&format!("Staff level {after}"), true),
        _ => {}
    }
}

fn flags(told: &mut Told, old: &Map<String, Value>, new: &Map<String, Value>) {
    for (name, label) in FLAGS {
        let flag = |map: &Map<String, Value>| map.get(name).and_then(Value::as_bool);
        match (flag(old), flag(new)) {
            (before, Some(true)) if before != Some(true) => told.add(&format!("{label} on"), true),
            (Some(true), Some(false)) => told.add(&format!("{label} off"), false),
            _ => {}
        }
    }
}

/// An edit of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Keys that it has since.
    pub added: Vec<String>,
    /// Keys that it had before.
    pub removed: Vec<String>,
    /// What else was done.
    pub words: Vec<String>,
    /// Members it reached at the time, if that was noted.
    pub members: Option<i64>,
}

/// Reads an edit of a role.
pub fn edit(row: &ChangeRow) -> Edit {
    let (old, new) = (object(row.previous_value.as_ref()), object(row.new_value.as_ref()));
    let meta = object(row.metadata.as_ref());
    let (before, after) =
        (list(&old, "permissions").unwrap_or_default(), list(&new, "permissions").unwrap_or_default());
    let without = |from: &[String], other: &[String]| from.iter().filter(|k| !other.contains(k)).cloned().collect();
    let mut words = Vec::new();
    match row.action.as_str() {
        "role.created" => words.push("Created".to_owned()),
        "role.deleted" => words.push("Deleted".to_owned()),
        _ => {}
    }
    if let (Some(before), Some(after)) = (text(&old, &["name"]), text(&new, &["name"])) {
        words.push(format!("Renamed {before} → {after}"));
    }
    if new.contains_key("description") && row.action == "role.updated" {
        words.push("Description changed".to_owned());
    }
    Edit {
        added: list(&meta, "added").unwrap_or_else(|| without(&after, &before)),
        removed: list(&meta, "removed").unwrap_or_else(|| without(&before, &after)),
        words,
        members: ["member_count", "members"].iter().find_map(|name| meta.get(*name)?.as_i64()),
    }
}

/// The sections of a membership, by name.
pub fn sections(is_on: impl Fn(&str) -> bool) -> Vec<&'static str> {
    FLAGS.iter().filter(|(name, _)| is_on(name)).map(|(_, label)| *label).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(action: &str, old: Value, new: Value, meta: Value) -> ChangeRow {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        ChangeRow {
            action: action.to_owned(),
            previous_value: text(old),
            new_value: text(new),
            metadata: text(meta),
            ..ChangeRow::default()
        }
    }

    fn roles() -> RoleKeys {
        let role = |name: &str, keys: &[&str]| (name.to_owned(), keys.iter().map(|k| (*k).to_owned()).collect());
        RoleKeys::from([role("Member", &["portal.access"]), role("Owner", &["portal.access", "billing.manage"])])
    }

    #[test]
    fn changes_of_memberships_are_told() {
        let none = Value::Null;
        for (action, old, new, words, more) in [
            (
                "membership.role_changed",
                json!({"role": "Member"}),
                json!({"role": "Owner"}),
                "Role Member → Owner",
                true,
            ),
            (
                "membership.role_changed",
                json!({"role": "Owner"}),
                json!({"role": "Member"}),
                "Role Owner → Member",
                false,
            ),
            ("membership.role_changed", json!({"role": "Gone"}), json!({"role": "Member"}), "Role Gone → Member", true),
            (
                "membership.permissions_changed",
                json!({"can_access_shop": false, "can_access_cart": true}),
                json!({"can_access_shop": true, "can_access_cart": false}),
                "Shop on, Cart off",
                true,
            ),
            (
                "membership.permissions_changed",
                json!({"is_admin": true}),
                json!({"is_admin": false}),
                "Company admin off",
                false,
            ),
            (
                "membership.staff_permission_changed",
                json!({"staff_permission": 1}),
                json!({"staff_permission": 3}),
                "Staff level 1 → 3",
                true,
            ),
            (
                "membership.staff_permission_changed",
                json!({"staff_permission": 3}),
                json!({"staff_permission": 0}),
                "Staff level 3 → 0",
                false,
            ),
            (
                "membership.suspended",
                json!({"status": "active", "can_access_shop": true}),
                json!({"status": "suspended", "can_access_shop": false}),
                "Suspended, Shop off",
                false,
            ),
            ("membership.updated", json!({"status": "invited"}), json!({"status": "active"}), "Joined", true),
            (
                "membership.created",
                none.clone(),
                json!({"role": "Member", "status": "active", "staff_permission": 0}),
                "Added, Role Member",
                true,
            ),
            ("membership.deleted", json!({"role": "Member"}), none.clone(), "Removed", false),
            ("membership.something_else", none.clone(), none, "membership something else", false),
        ] {
            let told = membership(&row(action, old, new, Value::Null), &roles());
            assert_eq!((told.words.join(", ").as_str(), told.is_increase), (words, more), "{action}");
        }
    }

    #[test]
    fn edits_of_roles_are_told() {
        let meta = json!({"added": ["a"], "removed": ["b"], "member_count": 14});
        let told = edit(&row("role.updated", json!({"name": "X"}), json!({"name": "Y", "description": "d"}), meta));
        assert_eq!((told.added, told.removed, told.members), (vec!["a".to_owned()], vec!["b".to_owned()], Some(14)));
        assert_eq!(told.words, ["Renamed X → Y", "Description changed"]);
        let told = edit(&row(
            "role.updated",
            json!({"permissions": ["a", "b"]}),
            json!({"permissions": ["b", "c"]}),
            Value::Null,
        ));
        assert_eq!((told.added, told.removed, told.members), (vec!["c".to_owned()], vec!["a".to_owned()], None));
    }
}
