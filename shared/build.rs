//! Embeds the templates, the migrations and the manifest of the built front end.
#![expect(clippy::expect_used, reason = "a build script stops the build by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest as _, Sha256};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    write_migrations(&root.join("migrations"), &out.join("migrations.rs"));
    write_templates(&root.join("templates"), &out.join("templates.rs"));
    write_manifest(&root.join("templates/ui/dist/manifest.json"), &out.join("manifest.rs"));
}

fn write_migrations(folder: &Path, target: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut text = String::from("static MIGRATIONS: &[(&str, &str)] = &[\n");
    for path in files_below(folder, &["sql"]) {
        let name = path.file_stem().and_then(|n| n.to_str()).expect("migrations have plain names");
        writeln!(text, "    ({name:?}, include_str!({:?})),", path.display().to_string()).expect("a string");
    }
    text.push_str("];\n");
    write_if_changed(target, &text);
}

fn write_templates(folder: &Path, target: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut text = String::from("static TEMPLATES: &[(&str, &str)] = &[\n");
    for path in files_below(folder, &["html", "txt"]) {
        let name = path.strip_prefix(folder).expect("it lies below").display().to_string();
        if name.starts_with("ui/") {
            continue;
        }
        println!("cargo:rerun-if-changed={}", path.display());
        writeln!(text, "    ({name:?}, include_str!({:?})),", path.display().to_string()).expect("a string");
    }
    text.push_str("];\n");
    write_if_changed(target, &text);
}

fn write_manifest(manifest: &Path, target: &Path) {
    println!("cargo:rerun-if-changed={}", manifest.display());
    assert!(
        manifest.exists(),
        "The front end has not been built: run templates/ui/build (needs Node 20 or newer), then build again."
    );
    let built: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(manifest).expect("it exists")).expect("the build script wrote it");
    assert!(
        built["stamp"] == stamp(manifest.parent().and_then(Path::parent).expect("it lies in ui/dist")).as_str(),
        "The front end is older than its sources: run templates/ui/build, then build again."
    );
    let text = format!("static MANIFEST: &str = include_str!({:?});\n", manifest.display().to_string());
    write_if_changed(target, &text);
}

/// The digest of the front end's sources, as `templates/ui/build` writes it into the manifest.
fn stamp(ui: &Path) -> String {
    let mut sources = files_below(&ui.join("css"), &["css"]);
    sources.extend(files_below(&ui.join("js"), &["js"]));
    sources.extend(["icons.txt", "package-lock.json", "build"].map(|name| ui.join(name)));
    let mut named: Vec<(String, PathBuf)> = sources
        .into_iter()
        .map(|path| (path.strip_prefix(ui).expect("it lies below").display().to_string().replace('\\', "/"), path))
        .collect();
    named.sort();
    let mut digest = Sha256::new();
    for (name, path) in named {
        println!("cargo:rerun-if-changed={}", path.display());
        let content = fs::read(&path).expect("the sources can be read");
        digest.update(format!("{name}\0{}\0", content.len()));
        digest.update(&content);
    }
    digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// All files below a folder with one of the endings, sorted, without installed packages.
fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("ui") {
                open.push(path);
            } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn write_if_changed(target: &Path, text: &str) {
    if fs::read_to_string(target).ok().as_deref() != Some(text) {
        fs::write(target, text).expect("cargo's folder can be written");
    }
}
