//! The node's own process: the doors that strangers knock at, and the rooms behind them. Its parent (`parent.rs`) has started it and has
//! given it what it needs; before it reads anything that a stranger sends it gives up everything else (docs/processes.md).

mod doors;
mod health;
mod law_site;
mod link;
mod running;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "an attacker does not ask")]
mod tests;
mod timers;

use std::fs::File;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::doors::tls;
use confine::{Calls, Folder};
use durable::{DirLock, Disk, RealDisk};
use operations::config::{Config, ConfigError};
use operations::node::NodeError;
use operations::status;
use terms::Clock;
use vault::VaultGate;

use self::doors::open_doors;
use self::link::ParentLink;
use self::running::Running;
use crate::channel::{Message, receive};
use crate::words::{FromNode, Start, ToNode, Why};

/// Why the node does not open.
#[derive(Debug, thiserror::Error)]
enum StartError {
    /// Its rooms.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its certificate or key.
    #[error("tls: {0}")]
    Tls(#[from] tls::TlsError),
    /// The system's.
    #[error("the node's own process: {0}")]
    System(#[from] io::Error),
}

/// How long open sessions, and work in flight, may take to end after the node was told to stop: with the rest, five seconds.
const DRAIN: Duration = Duration::from_secs(4);

/// The folders of a node's directory that its own process has. Not `secrets`, `vault`, `tls`, nor the files beside the folders.
const FOLDERS: [&str; 6] = ["store", "ledger", "desk", "law", "run", "import"];

/// A folder that it may read only: logs from before a restoration.
const FOLDER_READ: &str = "ledger-before";

/// `node-process`: serves until the parent says stop, or is gone.
pub(crate) fn process() -> io::Result<ExitCode> {
    confine::close_inherited();
    crate::log::start();
    give_way();
    // Huge pages make bulk work faster, and a start has little of it: with them, 16 MiB more would be resident for good.
    let _ = nix::sys::prctl::set_thp_disable(true);
    confine::harden()?;
    confine::leave_signals_to_parent()?;
    confine::end_with_parent(std::os::unix::process::parent_id())?;
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    let Some(message) = receive(&socket)? else { return Ok(ExitCode::FAILURE) };
    let link = Arc::new(ParentLink::over(socket)?);
    match run(&link, message) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let _ = link.tell(0, &FromNode::Failed(Why::of(&error)));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What came with the first message.
struct Given {
    start: Start,
    vault: OwnedFd,
    lock: File,
    listeners: Vec<TcpListener>,
}

impl Given {
    fn of(message: Message) -> io::Result<Self> {
        let odd = || io::Error::other("its parent says something else first");
        let ToNode::Start(start) = message.value()? else { return Err(odd()) };
        let mut files = message.files.into_iter();
        let (vault, lock) = (files.next().ok_or_else(odd)?, files.next().ok_or_else(odd)?);
        let listeners = files.map(TcpListener::from).collect();
        Ok(Self { start: *start, vault, lock: lock.into(), listeners })
    }
}

fn run(link: &Arc<ParentLink>, message: Message) -> Result<(), StartError> {
    let Given { start, vault, lock, listeners } = Given::of(message)?;
    let Start { dir, settings, identity, vault_process, is_unlocked } = start;
    let problem = |problem| ConfigError::Content { path: Config::path(&dir), problem };
    let config = Config::parse(&settings).map_err(problem)?;
    let identity = tls::Identity::of_parts(&identity)?.in_use()?;
    let lacks = give_up(&dir)?;
    for lack in &lacks {
        tracing::warn!("the node's own process: {lack}");
    }
    let clock: Arc<dyn Clock> = Arc::new(durable::SystemClock);
    let gate = VaultGate::at_end(vault, vault_process, clock)?;
    let running = Running::start(&dir, config, DirLock::of_file(lock), gate, link.clone(), settings, lacks)?;
    let running = Arc::new(running);
    if is_unlocked {
        running.handle.open_unlocked()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(threads()).build()?;
    let _ = nix::sys::prctl::set_thp_disable(false);
    let ended = runtime.block_on(open_doors(running, identity, listeners, link));
    // Work in flight ends before the store closes, in the time that is left.
    let left = ended.as_ref().map_or(DRAIN, |ends| ends.saturating_duration_since(Instant::now()));
    runtime.shutdown_timeout(left);
    ended.map(drop)
}

/// Gives up everything but the node's own folders, what is open already, and what it takes to serve connections. Says what the system
/// does not let it give up.
fn give_up(dir: &Path) -> Result<Vec<String>, StartError> {
    status::prepare();
    let own = FOLDERS.map(|name| dir.join(name));
    for folder in &own {
        RealDisk.create_dir_all(folder)?;
    }
    let before = dir.join(FOLDER_READ);
    let mut folders: Vec<Folder<'_>> = own.iter().map(|folder| Folder::Write(folder)).collect();
    if before.is_dir() {
        folders.push(Folder::Read(&before));
    }
    Ok(confine::confine(&folders, Calls::Connections)?.lacks())
}

/// When memory is short, the kernel is to end this process before its parent and the vault's: this one is started again by itself, a vault
/// may need two people.
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

/// Threads for sessions: they read small things from disk in place, so that some may wait for a disk while others go on.
fn threads() -> usize {
    4 * std::thread::available_parallelism().map_or(1, usize::from).max(2)
}
