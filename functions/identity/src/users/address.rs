//! The address of a list: its filters survive sorting, paging and actions.

use serde::Serialize;

/// A path with the filters in use.
#[derive(Debug, Clone)]
pub struct Address {
    path: &'static str,
    pairs: Vec<(&'static str, String)>,
}

/// A filter in use, with the way out of it.
#[derive(Debug, Clone, Serialize)]
pub struct Chip {
    /// What is filtered.
    pub label: &'static str,
    /// To what.
    pub value: String,
    /// The same list without it.
    pub href: String,
}

impl Address {
    /// A path and its parameters; blank ones are left out.
    pub fn new(path: &'static str, pairs: Vec<(&'static str, String)>) -> Self {
        Self { path, pairs: pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// The query without some of its parameters.
    pub fn query(&self, without: &[&str]) -> String {
        let kept: Vec<_> = self.pairs.iter().filter(|(name, _)| !without.contains(name)).collect();
        let pairs: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// The address without some of its parameters.
    pub fn without(&self, names: &[&str]) -> String {
        let query = self.query(names);
        if query.is_empty() { self.path.to_owned() } else { format!("{}?{query}", self.path) }
    }

    /// The address ready for a value of one more parameter: it ends with `name=`.
    pub fn open(&self, name: &str, without: &[&str]) -> String {
        let without: Vec<&str> = without.iter().copied().chain([name]).collect();
        let query = self.query(&without);
        let joint = if query.is_empty() { "" } else { "&" };
        format!("{}?{query}{joint}{name}=", self.path)
    }

    /// A filter in use.
    pub fn chip(&self, label: &'static str, value: impl Into<String>, names: &[&str]) -> Chip {
        let names: Vec<&str> = names.iter().copied().chain(["page"]).collect();
        Chip { label, value: value.into(), href: self.without(&names) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_and_blanks_do_not() {
        let pairs = vec![("q", "a b&c".to_owned()), ("status", String::new()), ("page", "3".to_owned())];
        let address = Address::new("/admin/users", pairs);
        assert_eq!(address.without(&[]), "/admin/users?q=a+b%26c&page=3");
        assert_eq!(address.without(&["q", "page"]), "/admin/users");
        assert_eq!(address.open("sort", &["page"]), "/admin/users?q=a+b%26c&sort=");
        assert_eq!(Address::new("/x", Vec::new()).open("page", &[]), "/x?page=");
        assert_eq!(address.chip("Search", "a b&c", &["q"]).href, "/admin/users");
    }
}
