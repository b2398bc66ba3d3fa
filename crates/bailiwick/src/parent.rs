//! `node run`: the main process of a node. It is small on purpose and reads nothing that strangers send: it has the node's directory, its
//! settings, certificates and listening sockets, starts the vault's process and the node's own process, starts both again when they end,
//! and answers the command line (docs/processes.md).

mod child;
mod control;
mod settings;
mod systemd;
mod watch;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use operations::config::{Config, Listen};
use operations::node::{ClosedNode, Host, Node, NodeError, Note};
use serde::{Deserialize, Serialize};
use terms::Jurisdiction;

use self::child::{Child, NodeLine};
use self::settings::{Doors, Identity};

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It does not open.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its own process says why.
    #[error("{0}")]
    Failed(String),
    /// Its own process ended without a word.
    #[error("the node's own process ended before it was ready; its log says more")]
    Ended,
    /// A process does not start.
    #[error("a process of the node does not start: {0}")]
    Process(io::Error),
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
    /// It was told to stop before it was ready.
    #[error("the node was told to stop before it was ready")]
    Stopped,
    /// Nobody reads what it says.
    #[error("{0}")]
    Output(io::Error),
}

/// How often the parent looks after the two processes.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long the node's own process may take to say farewell to its clients, for which it has four seconds; then it is killed. What was
/// acknowledged is durable.
const STOP_WITHIN: Duration = Duration::from_millis(4_800);

/// How long a node may take to open its doors: rebuilding the columns of a large store takes minutes.
const READY_WITHIN: Duration = Duration::from_secs(3600);

/// How long to wait before a process that ended is started once more: at first, and at most. It ends for a reason.
const RESTART_WAIT: Duration = Duration::from_millis(500);
const RESTART_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a killed parent's processes may take to end before this one gives up waiting for the directory.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// What wakes the parent.
enum Event {
    /// SIGINT, SIGTERM, or the end of standard input.
    Stop,
    /// SIGHUP.
    Reload,
    /// The node's own process has closed its socket.
    NodeGone,
}

/// What operations tell the parent.
struct Quiet;

impl Host for Quiet {
    fn has_doors(&self) -> bool {
        true
    }

    fn opened(&self, _: &Arc<Node>) {}

    fn law_changed(&self, _: &Node) {}

    fn note(&self, note: Note) {
        if note.is_trouble() {
            tracing::error!("{note}");
        } else {
            tracing::info!("{note}");
        }
    }
}

/// What the parent's threads share.
struct Parent {
    /// The directory, its lock, and the way to the vault.
    closed: Arc<ClosedNode>,
    /// The way to the node's own process.
    node: Arc<NodeLine>,
    /// Held while a thread starts or unlocks the vault.
    vault_turn: Mutex<()>,
    /// The word to stop was said: nobody starts anything.
    stopping: Arc<AtomicBool>,
}

/// Opens the node's doors and keeps them open until SIGINT, SIGTERM or, with `with_parent`, the end of standard input.
pub(crate) fn run(dir: &Path, with_parent: bool, json: bool) -> Result<ExitCode, RunError> {
    crate::log::start();
    // Waited for on a thread of their own; children start with none blocked.
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block().map_err(|error| RunError::Process(error.into()))?;
    let (events, inbox) = mpsc::channel();
    let told = Stop { events: events.clone(), told: Arc::default() };
    listen_for_signals(signals, told.clone())?;
    if with_parent {
        stop_with_standard_input(told.clone())?;
    }
    confine::harden().map_err(RunError::Process)?;
    let (closed, vault_end) = take(dir)?;
    let doors = Doors::open(&closed.config.listen)?;
    let identity = Identity::load(&closed)?;
    let control = doors::control::bind(&Node::control_path(&closed.dir)).map_err(RunError::Control)?;
    let parent = Arc::new(Parent {
        closed: Arc::new(closed),
        node: Arc::default(),
        vault_turn: Mutex::new(()),
        stopping: told.told.clone(),
    });
    watch::say_confinement(&parent.closed);
    watch::unlock_at_start(&parent)?;
    let mut child = Child::start(&parent, &doors, &identity, vault_end, events.clone())?;
    match child.wait_until_ready(Instant::now() + READY_WITHIN, &told.told) {
        Err(RunError::Stopped) => {
            parent.closed.gate.end();
            return Ok(ExitCode::SUCCESS);
        }
        ready => ready?,
    }
    let answering = parent.clone();
    thread("control", move || doors::control::serve(&control, &answering))?;
    let looking = parent.clone();
    thread("vault", move || watch::look_after_vault(&looking))?;
    announce(&parent.closed, json)?;
    systemd::say("READY=1");
    let mut service =
        Service { parent, doors, identity, stop: told, child: Some(child), wait: RESTART_WAIT, due: None };
    loop {
        match inbox.recv_timeout(LOOK_EVERY) {
            Ok(Event::Stop) => break,
            Ok(Event::Reload) => service.reload(),
            Ok(Event::NodeGone) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        service.look();
    }
    systemd::say("STOPPING=1");
    service.stop();
    Ok(ExitCode::SUCCESS)
}

/// Takes the directory. Where the parent of another node was killed, its processes are about to end.
fn take(dir: &Path) -> Result<(ClosedNode, std::os::fd::OwnedFd), RunError> {
    let ends = Instant::now() + LOCK_PATIENCE;
    loop {
        match ClosedNode::take_for_two(dir, Arc::new(Quiet)) {
            Err(NodeError::Lock(_)) if Instant::now() < ends => std::thread::sleep(Duration::from_millis(20)),
            taken => return Ok(taken?),
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), RunError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(RunError::Process)
}

/// Where the word to stop goes.
#[derive(Clone)]
struct Stop {
    events: Sender<Event>,
    /// Whether it was said: for a thread that waits for something else than events.
    told: Arc<AtomicBool>,
}

impl Stop {
    fn say(&self) -> bool {
        self.told.store(true, Ordering::SeqCst);
        self.events.send(Event::Stop).is_ok()
    }
}

fn listen_for_signals(signals: SigSet, stop: Stop) -> Result<(), RunError> {
    thread("signals", move || {
        while let Ok(signal) = signals.wait() {
            let heard = if signal == Signal::SIGHUP { stop.events.send(Event::Reload).is_ok() } else { stop.say() };
            if !heard {
                return;
            }
        }
    })
}

/// The process that started this node holds its standard input: its end is the word to stop.
fn stop_with_standard_input(stop: Stop) -> Result<(), RunError> {
    thread("stdin", move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.say();
    })
}

/// What the main thread has: only it starts the node's own process, which the kernel ends with the thread that started it.
struct Service {
    parent: Arc<Parent>,
    doors: Doors,
    identity: Identity,
    stop: Stop,
    child: Option<Child>,
    /// How long to wait before the next start.
    wait: Duration,
    /// When the next start is.
    due: Option<Instant>,
}

impl Service {
    /// Starts the node's own process again when it has ended, with a vault that knows of no session of the one before.
    fn look(&mut self) {
        if let Some(child) = &mut self.child
            && let Some(how) = child.ended()
        {
            if child.ran_for() > RESTART_WAIT_MAX {
                self.wait = RESTART_WAIT;
            }
            tracing::error!("the node's own process {how}; it is started again in {} ms", self.wait.as_millis());
            self.due = Some(Instant::now() + self.wait);
            self.wait = (self.wait * 4).min(RESTART_WAIT_MAX);
            self.child = None;
            self.parent.node.close();
        }
        if self.due.is_some_and(|due| Instant::now() >= due) {
            self.due = None;
            match self.start_again() {
                Ok(()) | Err(RunError::Stopped) => {}
                Err(error) => self.try_later(&error),
            }
        }
    }

    fn try_later(&mut self, error: &RunError) {
        tracing::error!("the node does not start: {error}; it is tried again in {} ms", self.wait.as_millis());
        self.due = Some(Instant::now() + self.wait);
        self.wait = (self.wait * 4).min(RESTART_WAIT_MAX);
    }

    fn start_again(&mut self) -> Result<(), RunError> {
        let turn = self.parent.vault_turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let vault_end = self.parent.closed.gate.restart_for_two().map_err(RunError::Process)?;
        if let Err(error) = self.parent.closed.unlock_unattended() {
            tracing::error!("the node is locked: {error}");
        }
        drop(turn);
        let mut child = Child::start(&self.parent, &self.doors, &self.identity, vault_end, self.stop.events.clone())?;
        child.wait_until_ready(Instant::now() + READY_WITHIN, &self.stop.told)?;
        tracing::info!("the node's own process is ready again");
        self.child = Some(child);
        Ok(())
    }

    /// Reads the settings and the certificate again. The certificate is used for new connections; other settings take effect at the
    /// next start.
    fn reload(&mut self) {
        systemd::say_reloading();
        let reloaded = Config::load(&self.parent.closed.dir).map_err(NodeError::from).map_err(RunError::from).and_then(|config| {
            let identity = Identity::load(&self.parent.closed)?;
            if toml::to_string(&config) != toml::to_string(&self.parent.closed.config) {
                tracing::warn!("node.toml has changed: what it says of other things than unlocking takes effect at the next start");
            }
            Ok(identity)
        });
        match reloaded {
            Ok(identity) => {
                self.parent.node.tell_identity(&identity);
                self.parent.tell_settings();
                self.identity = identity;
                tracing::info!("the certificate has been read again");
            }
            Err(error) => tracing::error!("nothing has changed: {error}"),
        }
        systemd::say("READY=1");
    }

    /// The node's own process says farewell to its clients; then the vault ends.
    fn stop(mut self) {
        tracing::info!("stopping");
        let _ = std::fs::remove_file(Node::control_path(&self.parent.closed.dir));
        if let Some(child) = &mut self.child {
            child.stop(STOP_WITHIN);
        }
        self.parent.node.close();
        // Threads that answer hold on to the vault; its end does not wait for theirs.
        self.parent.closed.gate.end();
    }
}

/// The line of JSON of a node that is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    jurisdiction: Jurisdiction,
    smtp: SocketAddr,
    lmtp: SocketAddr,
    imap: SocketAddr,
    imaps: SocketAddr,
    http: SocketAddr,
    /// The certificate that its clients trust.
    ca: PathBuf,
}

/// Says that the node is ready: a line for a person on standard error, or JSON for a parent on standard output.
fn announce(node: &ClosedNode, json: bool) -> Result<(), RunError> {
    let listen = node.config.listen;
    if json {
        let Listen { smtp, lmtp, imap, imaps, http } = listen;
        let jurisdiction = node.config.jurisdiction.clone();
        let ready = Ready { jurisdiction, smtp, lmtp, imap, imaps, http, ca: node.dir.join("tls").join("ca.pem") };
        let line = serde_json::to_string(&ready).map_err(|error| RunError::Output(error.into()))?;
        let mut out = io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(RunError::Output)
    } else {
        for (door, address) in node.config.listen.all() {
            tracing::info!(door, %address, "listening");
        }
        Ok(())
    }
}
