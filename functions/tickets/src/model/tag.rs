//! Tags: short words that the desk puts on tickets to find them again.

use serde_json::Value;
use shared::search;

/// Tags of one ticket at most.
pub const MOST_TAGS: usize = 20;

/// Characters of a tag.
const LONGEST: usize = 48;

/// Reads a tag: lower-case letters without accents, digits and hyphens.
pub fn tag(text: &str) -> Result<String, &'static str> {
    let plain: String = search::fold(text).chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
    let tag = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    match tag.len() {
        0 => Err("Enter a tag of letters and digits"),
        1..=LONGEST => Ok(tag),
        _ => Err("Use at most 48 characters for a tag"),
    }
}

/// Reads the tags of a ticket; doubles count once, the order is that of the alphabet.
pub fn tags<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, &'static str> {
    let mut read = texts.into_iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    read.sort();
    read.dedup();
    if read.len() > MOST_TAGS { Err("Use at most 20 tags") } else { Ok(read) }
}

/// Reads what was typed into one field: tags with commas between them.
pub fn typed_tags(text: &str) -> Result<Vec<String>, &'static str> {
    tags(text.split([',', ';', '\n']).filter(|part| !part.trim().is_empty()))
}

/// What is put on a ticket, and what is taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retag {
    /// On.
    pub add: Vec<String>,
    /// Off.
    pub remove: Vec<String>,
    /// Everything that a model suggests is put on as well.
    pub takes_suggested: bool,
}

impl Retag {
    /// The tags afterwards. Of what a model suggests, as much as there is room for.
    pub fn apply(&self, before: &[String], suggested: &[String]) -> Result<Vec<String>, &'static str> {
        let kept = before.iter().filter(|tag| !self.remove.contains(tag));
        let mut after = tags(kept.chain(&self.add).map(String::as_str))?;
        let new = suggested.iter().filter(|_| self.takes_suggested).filter_map(|text| tag(text).ok());
        for tag in new {
            if after.len() < MOST_TAGS && !after.contains(&tag) {
                after.push(tag);
            }
        }
        after.sort();
        Ok(after)
    }
}

/// A change of tags as a sentence without its subject: "added the tag vip, removed the tag spam".
pub(super) fn told_tags(old: Option<&Value>, new: Option<&Value>) -> String {
    let list = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (list(old), list(new));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|tag| !those.contains(tag)).cloned().collect()
    };
    let part = |verb: &str, tags: &[String]| {
        let noun = if tags.len() == 1 { "tag" } else { "tags" };
        (!tags.is_empty()).then(|| format!("{verb} the {noun} {}", tags.join(", ")))
    };
    let parts = [part("added", &only(&new, &old)), part("removed", &only(&old, &new))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn tags_are_plain_words() {
        assert_eq!(tag(" Paper  Jam! "), Ok("paper-jam".to_owned()));
        assert_eq!(tag("Büro_2"), Ok("buro-2".to_owned()));
        assert_eq!(tag("--x--"), Ok("x".to_owned()));
        assert!(tag(" - ").is_err() && tag("日本").is_err() && tag(&"x".repeat(49)).is_err());
        assert_eq!(typed_tags("vip, printer,, VIP;"), Ok(list(&["printer", "vip"])));
        assert_eq!(typed_tags("  "), Ok(Vec::new()));
        let many: Vec<String> = (0..21).map(|n| format!("t{n}")).collect();
        assert!(tags(many.iter().map(String::as_str)).is_err());
    }

    #[test]
    fn suggestions_fill_what_is_free() {
        let before: Vec<String> = (10..28).map(|n| format!("t{n}")).collect();
        let suggested = list(&["Paper Jam", "t10", "toner", "tray"]);
        let all = Retag { remove: list(&["t11"]), takes_suggested: true, ..Retag::default() };
        let after = all.apply(&before, &suggested).unwrap();
        assert_eq!(after.len(), MOST_TAGS);
        assert!(after.contains(&"paper-jam".to_owned()) && !after.contains(&"t11".to_owned()));
        let none = Retag { add: list(&["vip"]), ..Retag::default() };
        assert_eq!(none.apply(&[], &suggested), Ok(list(&["vip"])));
        assert!(Retag { add: before.clone(), ..Retag::default() }.apply(&list(&["a", "b", "c"]), &[]).is_err());
    }

    #[test]
    fn changes_are_told_as_words() {
        let told = |old, new| told_tags(Some(&old), Some(&new));
        assert_eq!(told(json!([]), json!(["vip"])), "added the tag vip");
        assert_eq!(told(json!(["a", "b"]), json!(["c", "d"])), "added the tags c, d, removed the tags a, b");
        assert_eq!(told_tags(None, Some(&json!(["x"]))), "added the tag x");
    }
}
