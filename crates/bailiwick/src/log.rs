//! The debug log: lines on standard error, for the service manager or a terminal.

use std::io::IsTerminal;

/// Starts it. Once in a process.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, because the disk with the log is full, must not end who wrote it.
        .log_internal_errors(false)
        .init();
}
