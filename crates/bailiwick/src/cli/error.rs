//! Why a command failed: what the node said, or what was wrong before it was asked.

use std::io;
use std::path::{Path, PathBuf};

use desk::DeskError;
use operations::error::OperationError;

use super::show;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// What the node, or an operation without one, said.
    #[error("{}", said(.0))]
    Operation(OperationError),
    /// No node is named.
    #[error("no node is named: pass --node DIR or set BAILIWICK_NODE to the node's data directory{}", hint(demo))]
    NoNode { demo: Vec<PathBuf> },
    /// A file cannot be read or written, or is not what it should be.
    #[error("{}: {problem}", path.display())]
    File { path: PathBuf, problem: String },
    /// A path that the node could not be told.
    #[error("{}: the path must be UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// A demand file is too long.
    #[error("{} has {bytes} bytes; a demand has at most {}", path.display(), operations::cases::DEMAND_BYTES_MAX)]
    LongDemand { path: PathBuf, bytes: u64 },
    /// Nothing was typed.
    #[error("{0}: nothing came on standard input")]
    NothingTyped(String),
    /// The two are different.
    #[error("the two entries differ; nothing was changed")]
    TypedDifferently,
    /// The terminal.
    #[error("{0}")]
    Terminal(io::Error),
    /// The passphrase is too short.
    #[error("a passphrase has at least {} characters", operations::node::PASSWORD_CHARS_MIN)]
    ShortPassphrase,
    /// More than two consents.
    #[error("exactly two people agree to this; name at most two officers with --by")]
    TooManyOfficers,
    /// Nothing to restore was named.
    #[error("say what to restore: numbers from --list, --mailbox NAME, or --all")]
    NothingToRestore,
    /// `node init`: a token without a module.
    #[error("--token-label without --token: name the token's module, too")]
    TokenWithoutModule,
    /// A token without a label.
    #[error("--token-label is missing: the label of the token")]
    TokenWithoutLabel,
    /// The connection to the node broke.
    #[error("the connection to the node was lost: {0}")]
    Lost(io::Error),
    /// The node went away.
    #[error("the node closed the connection without an answer; check its log, then try again")]
    NoAnswer,
    /// The answer is another operation's, or none.
    #[error("the node's answer is not understood; are the command line and the node of the same version? ({0})")]
    OddAnswer(String),
    /// The law set, a case file or a signature.
    #[error("{0}")]
    Law(String),
    /// The vault's process, or the one that talks to a token.
    #[error("its socket: {0}")]
    Process(io::Error),
    /// The program itself.
    #[error("{0}")]
    Program(String),
}

impl CliError {
    /// Something about a file, for `map_err`.
    pub(crate) fn at<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> Self {
        let path = path.to_owned();
        move |problem| Self::File { path: path.clone(), problem: problem.to_string() }
    }
}

impl<E: Into<OperationError>> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Operation(error.into())
    }
}

/// An operation's error; the desk's say what to do next.
fn said(error: &OperationError) -> String {
    match error {
        OperationError::Desk(error) => desk_error(error),
        other => other.to_string(),
    }
}

fn desk_error(error: &DeskError) -> String {
    show::desk::error(error)
}

fn hint(demo: &[PathBuf]) -> String {
    match demo.first() {
        Some(node) => format!("; there is a demo here: --node {}", node.display()),
        None => String::new(),
    }
}
