//! Embeds the files of the built front end with their compressed copies.
#![expect(clippy::expect_used, reason = "a build script stops the build by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates/ui/dist");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let out = folder.join("dist.rs");
    let manifest = dist.join("manifest.json");
    println!("cargo:rerun-if-changed={}", manifest.display());
    assert!(
        manifest.exists(),
        "The front end has not been built: run templates/ui/build (needs Node 20 or newer), then build again."
    );
    let manifest = fs::read_to_string(&manifest).expect("the manifest can be read");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let files = manifest["files"].as_object().expect("the manifest lists files");
    let mut text = String::from("static FILES: &[Embedded] = &[\n");
    for file in files.values() {
        push(&mut text, &dist, &folder, file);
    }
    text.push_str("];\n");
    if fs::read_to_string(&out).ok().as_deref() != Some(&text) {
        fs::write(&out, text).expect("cargo's folder can be written");
    }
}

fn push(text: &mut String, dist: &Path, folder: &Path, file: &serde_json::Value) {
    let path = file["path"].as_str().expect("files have a path");
    let kind = file["type"].as_str().expect("files have a type");
    let include = |ending: &str| {
        let name = format!("{path}{ending}");
        let (from, to) = (dist.join(&name), folder.join(&name));
        println!("cargo:rerun-if-changed={}", from.display());
        // A copy, so that the next build of the front end does not pull files away under the compiler.
        fs::copy(from, &to).expect("a file of the manifest can be read: run templates/ui/build again");
        format!("include_bytes!({:?})", to.display().to_string())
    };
    let copy = |flag: &str, ending: &str| match file[flag].as_bool() {
        Some(true) => format!("Some({})", include(ending)),
        _ => "None".to_owned(),
    };
    writeln!(
        text,
        "    Embedded {{ path: {path:?}, kind: {kind:?}, plain: {}, gzip: {}, br: {} }},",
        include(""),
        copy("gzip", ".gz"),
        copy("br", ".br"),
    )
    .expect("a string");
}
