//! The two processes that see secrets: the vault's, and the one that talks to a token. They are this program, started again
//! with a word that people do not type. No other file of the program may name `keeper` (`xtask/src/layers.rs`).

use std::io;
use std::path::Path;
use std::process::ExitCode;

/// `vault-process`: serves the vault in `dir` until the node closes its socket.
pub(crate) fn vault(dir: &Path) -> io::Result<ExitCode> {
    keeper::process::serve_standard_input(dir).map(|()| ExitCode::SUCCESS)
}

/// `token-process`: has the token do one thing.
pub(crate) fn token() -> io::Result<ExitCode> {
    keeper::token::serve_standard_input().map(|()| ExitCode::SUCCESS)
}
