//! Templates on disk against the pages that draw them.

use std::collections::BTreeSet;

use crate::support::{files, root};

fn on_disk(ending: &str) -> BTreeSet<String> {
    let folder = root().join("templates");
    files("templates", ending)
        .iter()
        .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
        .filter(|name| !name.starts_with("ui/"))
        .collect()
}

/// Every text in quotes that ends like a template, in sources that are not tests.
fn named_in(texts: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in texts {
        let is_name = |part: &&str| part.ends_with(".html") && !part.contains(' ') && !part.contains('{');
        // A bare name is a file of a mail or of a test, apart from the frames.
        let is_ours = |part: &&str| part.contains('/') || matches!(*part, "base.html" | "auth.html" | "_head.html");
        names.extend(text.split('"').filter(is_name).filter(is_ours).map(str::to_owned));
    }
    names
}

fn sources() -> impl Iterator<Item = String> {
    ["functions", "shared/src", "local-dev/src"]
        .into_iter()
        .flat_map(|folder| files(folder, ".rs"))
        .filter(|path| !path.to_string_lossy().contains("/tests/"))
        .map(|path| std::fs::read_to_string(path).unwrap())
}

#[test]
fn every_template_belongs_to_a_page() {
    let disk = on_disk(".html");
    let in_rust = named_in(sources());
    let in_templates =
        named_in(disk.iter().map(|name| std::fs::read_to_string(root().join("templates").join(name)).unwrap()));
    let lost: Vec<&String> = disk
        .iter()
        .filter(|name| !name.starts_with("emails/"))
        .filter(|name| !in_rust.contains(*name) && !in_templates.contains(*name))
        .collect();
    assert!(lost.is_empty(), "no page and no template uses {lost:?}");
    let missing: Vec<&String> = in_rust.iter().chain(&in_templates).filter(|name| !disk.contains(*name)).collect();
    assert!(missing.is_empty(), "named, but not there: {missing:?}");
}

#[test]
fn every_mail_has_three_parts_and_a_sender() {
    let folder = root().join("templates/emails");
    let rust: String = sources().collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for part in ["subject.txt", "body.txt", "body.html"] {
            assert!(path.join(part).exists(), "the mail {name} lacks {part}");
        }
        assert!(rust.contains(&format!("\"{name}\"")), "nobody sends the mail {name}");
    }
}

/// The content policy forbids all of it (interface 1.2).
#[test]
fn no_template_carries_code_or_style_inline() {
    for name in on_disk(".html").iter().filter(|name| !name.starts_with("emails/")) {
        let text = std::fs::read_to_string(root().join("templates").join(name)).unwrap();
        let lower = text.to_lowercase();
        for bad in [" style=", "<style", " onclick=", " onload=", " onsubmit=", " onchange=", "javascript:"] {
            assert!(!lower.contains(bad), "{name} contains {bad}");
        }
        // The documentation has a policy of its own.
        let scripts = lower.matches("<script").count();
        let may = name == "_head.html" || name == "site/docs.html";
        assert!(scripts == 0 || may, "{name} has a script element");
        // Macros escape by themselves; the gallery shows fixed samples.
        let is_trusted = name.starts_with("macros/") || name == "internal/gallery.html";
        assert!(is_trusted || !lower.replace(' ', "").contains("|safe"), "{name} switches escaping off");
    }
}
