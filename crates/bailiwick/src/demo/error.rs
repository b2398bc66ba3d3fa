//! Why the demo does not run.

use std::io;
use std::path::{Path, PathBuf};

use operations::accounts::AccountError;
use operations::config::ConfigError;
use operations::node::NodeError;

use super::state::STATE_FILE;

/// Why the demo does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("{} is a file; name a folder with --dir", .0.display())]
    NotAFolder(PathBuf),
    #[error(
        "{} has files in it that are not a demo's ({STATE_FILE} is missing); choose an empty folder with --dir", .0.display()
    )]
    ForeignFolder(PathBuf),
    #[error("another demo runs in this folder: {0}")]
    Busy(String),
    #[error("{}: {problem}; --fresh starts over", path.display())]
    State { path: PathBuf, problem: String },
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("in use by another program: {}; stop it, or choose other ports with --ports BASE (now {base})", taken.join(", "))]
    PortsTaken { taken: Vec<String>, base: u16 },
    #[error("the node {jurisdiction} does not start: {error}")]
    NotStarted { jurisdiction: String, error: io::Error },
    #[error("the node {jurisdiction} did not become ready. Its log ({}) ends with:\n{last}", log.display())]
    NotReady { jurisdiction: String, log: PathBuf, last: String },
    #[error("the node {jurisdiction} ended by itself; its log is {}", log.display())]
    NodeEnded { jurisdiction: String, log: PathBuf },
    #[error("killed, since they did not stop in time: {}", .0.join(", "))]
    Forced(Vec<String>),
    #[error("{0}")]
    Output(io::Error),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error("{0}")]
    Program(String),
}

impl DemoError {
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path: path.clone(), error }
    }
}
