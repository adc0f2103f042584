//! The product's templates and what they may call.

use std::fmt;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::filters::{self, unknown};
use crate::error::Result;

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The templates of the product.
pub struct Templates {
    environment: Environment<'static>,
    folder: Option<PathBuf>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Templates {
    /// The embedded templates, or those of a folder, read again on each use.
    pub fn new(folder: Option<&str>) -> Self {
        let folder = folder.map(PathBuf::from);
        Self { environment: environment(folder.as_deref()), folder }
    }

    /// Renders a template.
    pub fn render(&self, name: &str, context: Value) -> Result<String> {
        if self.folder.is_some() {
            return Ok(environment(self.folder.as_deref()).get_template(name)?.render(context)?);
        }
        Ok(self.environment.get_template(name)?.render(context)?)
    }

    /// Renders text that a person has written, such as a mail template.
    pub fn render_text(&self, text: &str, context: Value) -> Result<String> {
        Ok(self.environment.render_named_str("text.txt", text, context)?)
    }

    /// The text of a template that the product was built with.
    pub fn source(name: &str) -> Option<&'static str> {
        TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Names of all templates.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|(name, _)| *name)
    }
}

pub(super) fn environment(folder: Option<&Path>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if Path::new(name).extension().is_some_and(|e| e == "txt") { AutoEscape::None } else { AutoEscape::Html }
    });
    match folder {
        Some(folder) => environment.set_loader(minijinja::path_loader(folder)),
        None => {
            for (name, text) in TEMPLATES {
                if let Err(error) = environment.add_template(name, text) {
                    tracing::error!(template = name, %error, "template cannot be read");
                }
            }
        }
    }
    let assets = super::assets().unwrap_or_default();
    environment.add_function("asset", move |name: &str| -> Result<String, minijinja::Error> {
        let asset = assets.get(name).ok_or_else(|| unknown(&format!("no built file {name}")))?;
        Ok(format!("/static/dist/{}", asset.path))
    });
    filters::add(&mut environment);
    environment
}
