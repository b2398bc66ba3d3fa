//! Which node a command means.

use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CliError;

// A node's data directory.
#[derive(Debug, Args)]
pub(crate) struct NodeDir {
    /// The node's data directory
    #[arg(long, env = "BAILIWICK_NODE", value_name = "DIR")]
    node: Option<PathBuf>,
}

// Which node a command means, and how its result is printed.
#[derive(Debug, Args)]
pub(crate) struct NodeChoice {
    #[command(flatten)]
    dir: NodeDir,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

impl NodeDir {
    /// The directory.
    ///
    /// # Errors
    /// Neither `--node` nor `BAILIWICK_NODE` names one.
    pub(crate) fn path(&self) -> Result<&Path, CliError> {
        self.node.as_deref().ok_or_else(|| CliError::NoNode { demo: crate::demo::nodes_near() })
    }
}

impl NodeChoice {
    /// As [`NodeDir::path`].
    pub(crate) fn path(&self) -> Result<&Path, CliError> {
        self.dir.path()
    }
}
