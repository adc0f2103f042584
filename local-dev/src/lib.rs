//! The whole product in one process, with its commands. Start with `command`.

pub mod admin;
pub mod all;
pub mod command;
pub mod demo;
pub mod kept;
pub mod local;
pub mod measure;
pub mod rotate;
pub mod server;
pub mod settings;
pub mod trail;

/// The portal's error as the command line prints it.
fn plain(error: shared::error::Error) -> anyhow::Error {
    match error {
        shared::error::Error::Internal(error) => error,
        other => anyhow::anyhow!("{}", other.detail()),
    }
}
