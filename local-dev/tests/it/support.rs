//! What several of these tests need.

use std::path::{Path, PathBuf};

use shared::testing::{TestApp, config};

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the project.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The whole product, as the local server has it.
pub async fn portal() -> TestApp {
    let mut config = config();
    config.tick_token = Some("tick-tock".to_owned());
    config.require_email_verification = true;
    let routes = local_dev::all::local_routes(&config);
    TestApp::with(config, routes, local_dev::all::jobs()).await
}

/// Compares with the file of that name in `tests/snapshots`.
pub fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// All files below a folder of the project with this ending, without installed packages.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path with its `{names}` replaced by what nothing has.
pub fn filled(path: &str) -> String {
    let mut out = String::new();
    for (n, part) in path.split('/').enumerate() {
        if n > 0 {
            out.push('/');
        }
        out.push_str(if part.starts_with('{') { "999999" } else { part });
    }
    out
}
