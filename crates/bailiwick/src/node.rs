//! `node run`: a node in this process, its doors open and its timers running.

mod doors;
mod health;
mod law_site;
mod running;
mod timers;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use operations::node::NodeError;

pub(crate) use self::doors::Ready;

use self::doors::open_doors;
use self::running::Running;

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It does not open.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// No threads.
    #[error("the runtime does not start: {0}")]
    Runtime(io::Error),
    /// Its certificate or key.
    #[error("tls: {0}")]
    Tls(String),
    /// A port is taken.
    #[error(
        "{door}: {address} is in use by another program; stop it, or choose other ports (listen.{door} in node.toml, --ports \
         for the demo)"
    )]
    PortTaken { door: &'static str, address: SocketAddr },
    /// A port needs a privilege.
    #[error("{door}: this user may not listen on {address}; ports below 1024 need a privilege")]
    PortDenied { door: &'static str, address: SocketAddr },
    /// A door cannot listen.
    #[error("{door}: cannot listen on {address}: {error}")]
    Port { door: &'static str, address: SocketAddr, error: io::Error },
    /// The command line's way in.
    #[error("control socket: {0}")]
    Control(io::Error),
    /// Nobody reads what it says.
    #[error("{0}")]
    Output(io::Error),
}

/// How long open sessions may take to end after the node was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Opens the node's doors and keeps them open until SIGINT, SIGTERM or, with `with_parent`, the end of standard input.
pub(crate) fn run(dir: &Path, with_parent: bool, json: bool) -> Result<ExitCode, RunError> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, because the disk with the log is full, must not end who wrote it.
        .log_internal_errors(false)
        .init();
    give_way();
    // Huge pages make bulk work faster, and a start has little of it: with them, 16 MiB more would be resident for good.
    let _ = nix::sys::prctl::set_thp_disable(true);
    let running = Arc::new(Running::start(dir)?);
    say_confinement(&running);
    match running.handle.unlock_unattended() {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the node is locked; unlock it with `bailiwick node unlock`"),
        // A token may be plugged in later: a node without it is locked, and ends no more than one that waits for people.
        Err(NodeError::Token(error)) => tracing::error!("the node is locked: {error}"),
        Err(error) => return Err(error.into()),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(threads()).build();
    let runtime = runtime.map_err(RunError::Runtime)?;
    let _ = nix::sys::prctl::set_thp_disable(false);
    let result = runtime.block_on(open_doors(running.clone(), with_parent, json));
    // Blocking work in flight ends before the store closes.
    runtime.shutdown_timeout(DRAIN);
    result.map(|()| ExitCode::SUCCESS)
}

/// When memory is short, the kernel is to end this process before the vault's, which takes this off again: a node is started again by
/// itself, a vault may need two people.
fn give_way() {
    let path = "/proc/self/oom_score_adj";
    let now = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let raised = now.map(|now| (now + vault::NODE_OOM_SCORE_ADJ).min(OOM_SCORE_ADJ_MAX));
    let file = std::fs::OpenOptions::new().write(true).open(path);
    if let (Some(raised), Ok(mut file)) = (raised, file) {
        let _ = file.write_all(raised.to_string().as_bytes());
    }
}

/// The kernel's highest (`OOM_SCORE_ADJ_MAX`).
const OOM_SCORE_ADJ_MAX: i32 = 1000;

/// Says what does not hold for the vault's process.
fn say_confinement(running: &Running) {
    match running.handle.closed.gate.confinement() {
        Ok(Some(confinement)) => {
            for lack in confinement.lacks() {
                tracing::warn!("the vault's process: {lack}");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::error!("the vault's process: {error}"),
    }
}

/// Threads for sessions: they read small things from disk in place, so that some may wait for a disk while others go on.
fn threads() -> usize {
    4 * std::thread::available_parallelism().map_or(1, usize::from).max(2)
}
