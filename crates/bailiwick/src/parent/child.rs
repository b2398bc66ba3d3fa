//! The node's own process, as its parent has it.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use operations::config::Config;
use operations::error::{OperationError, RequestError};
use operations::operation::Progress;
use operations::places::Places;
use operations::table::{Listed, Reply, Request, Response};
use vault::VaultState;

use super::settings::{Doors, Identity};
use super::{Event, Parent, RunError};
use crate::channel::{receive, send};
use crate::files_process;
use crate::words::{FromNode, Start, ToNode, Why};

/// The process.
pub(super) struct Child {
    process: std::process::Child,
    line: Arc<Line>,
    /// Why it failed before it was ready; nothing when it is.
    said: Receiver<Result<(), Why>>,
    since: Instant,
}

impl Child {
    /// Starts it. On the main thread only: the kernel ends it with the thread that started it.
    pub(super) fn start(
        parent: &Arc<Parent>,
        doors: &Doors,
        identity: &Identity,
        vault_end: OwnedFd,
        events: Sender<Event>,
    ) -> Result<Self, RunError> {
        let (ours, theirs) = UnixStream::pair().map_err(RunError::Process)?;
        let closed = &parent.closed;
        let mut command = Command::new(std::env::current_exe().map_err(RunError::Process)?);
        command.arg("node-process").arg(&closed.dir).env_clear().process_group(0);
        // What its log wants; nothing else of the environment is its business.
        command.envs(std::env::vars_os().filter(|(name, _)| KEPT_OF_ENVIRONMENT.iter().any(|kept| name == kept)));
        command.env(WIPE_FREED.0, WIPE_FREED.1);
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        let process = command.spawn().map_err(RunError::Process)?;
        drop(command);
        let path = Config::path(&closed.dir);
        let settings = std::fs::read_to_string(path).map_err(RunError::Process)?;
        let start = ToNode::Start(Box::new(Start {
            dir: closed.dir.clone(),
            settings,
            identity: identity.parts(),
            vault_process: closed.gate.process_id().unwrap_or_default(),
            is_unlocked: closed.gate.state() == VaultState::Unlocked,
        }));
        let lock = closed.lock_file().map_err(RunError::Process)?;
        let files: Vec<BorrowedFd<'_>> = [vault_end.as_fd(), lock.as_fd()].into_iter().chain(doors.files()).collect();
        let line = Arc::new(Line::over(ours));
        // One that ends at once is waited for below, where it says why.
        let _ = line.tell(0, &start, &files);
        let (saying, said) = mpsc::channel();
        let (reading, places) = (line.clone(), Places::of_backups(&closed.config));
        super::thread("node", move || {
            reading.listen(&saying, &places);
            reading.end();
            let _ = events.send(Event::NodeGone);
        })?;
        parent.node.open(line.clone());
        Ok(Self { process, line, said, since: Instant::now() })
    }

    /// Waits until its doors are open. One that is not ready in time, or when the node is told to stop, is killed.
    pub(super) fn wait_until_ready(&mut self, deadline: Instant, stop: &AtomicBool) -> Result<(), RunError> {
        loop {
            let why = match self.said.recv_timeout(super::LOOK_EVERY) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(why)) => RunError::Failed(why.0),
                Err(RecvTimeoutError::Disconnected) => RunError::Ended,
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::SeqCst) => RunError::Stopped,
                Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => RunError::Ended,
                Err(RecvTimeoutError::Timeout) => continue,
            };
            // It has said all that it has to say.
            let _ = self.process.kill();
            let _ = self.process.wait();
            return Err(why);
        }
    }

    /// How it ended; `None` while it runs.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.process.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(format!("ended ({status})")),
            Err(error) => Some(format!("cannot be waited for ({error})")),
        }
    }

    /// How long it has run.
    pub(super) fn ran_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// Tells it to end, and waits; after `patience` it is killed.
    pub(super) fn stop(&mut self, patience: Duration) {
        let _ = self.line.tell(0, &ToNode::Stop, &[]);
        let ends = Instant::now() + patience;
        while self.ended().is_none() {
            if Instant::now() > ends {
                tracing::error!("the node's own process did not end in time; it is killed");
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What the node's own process has of the environment.
const KEPT_OF_ENVIRONMENT: [&str; 2] = ["BAILIWICK_LOG", "RUST_BACKTRACE"];

/// Has the C library overwrite what C code frees (mallopt(3), `M_PERTURB`), as our allocator does with the rest: zstd compresses the
/// structure of mail in memory of the C library. Blocks of up to a kilobyte, which are kept for the next use, are not overwritten.
const WIPE_FREED: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.perturb=85");

/// The way to whatever process is the node's own now.
#[derive(Default)]
pub(super) struct NodeLine(Mutex<Option<Arc<Line>>>);

impl NodeLine {
    fn line(&self) -> MutexGuard<'_, Option<Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, line: Arc<Line>) {
        *self.line() = Some(line);
    }

    /// There is none.
    pub(super) fn close(&self) {
        if let Some(line) = self.line().take() {
            line.end();
        }
    }

    /// Tells it something, with files beside. One that is not there will be told otherwise.
    pub(super) fn tell(&self, what: &ToNode, files: &[BorrowedFd<'_>]) {
        let line = self.line().clone();
        if let Some(line) = line {
            let _ = line.tell(0, what, files);
        }
    }

    /// Tells it another certificate.
    pub(super) fn tell_identity(&self, identity: &Identity) {
        self.tell(&ToNode::Identity(Box::new(identity.parts())), &[]);
    }

    /// Has it do an operation that only its parent asks for.
    ///
    /// # Errors
    /// The operation's; it is not there.
    pub(super) fn ask<O: Listed>(&self, operation: O) -> Result<O::Output, OperationError> {
        let response =
            self.request(ToNode::Request(Box::new(operation.into_request())), None, |_| {}, |write| write())?;
        let odd = || RequestError::NotUnderstood("the node answers something else".to_owned());
        Ok(O::output(response).ok_or_else(odd)?)
    }

    /// Has it answer a request. `around` surrounds the writing of it.
    ///
    /// # Errors
    /// The operation's; it is not there.
    pub(super) fn request(
        &self,
        request: ToNode,
        places: Option<&OwnedFd>,
        mut progress: impl FnMut(Progress),
        around: impl FnOnce(&mut dyn FnMut() -> io::Result<()>) -> io::Result<()>,
    ) -> Result<Response, OperationError> {
        let line = self.line().clone().ok_or(RequestError::Starting)?;
        let number = line.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = mpsc::channel();
        line.waiting().insert(number, sender);
        let files: Vec<BorrowedFd<'_>> = places.iter().map(|places| places.as_fd()).collect();
        let told = around(&mut || line.tell(number, &request, &files));
        drop(request);
        if let Err(error) = told {
            line.waiting().remove(&number);
            let why =
                if line.is_open() { RequestError::NotUnderstood(error.to_string()) } else { RequestError::Starting };
            return Err(why.into());
        }
        for reply in replies {
            match reply {
                Reply::Progress(step) => progress(step),
                Reply::Ok(response) => return Ok(*response),
                Reply::Error(error) => return Err(error),
            }
        }
        Err(RequestError::Starting.into())
    }
}

/// One socket to the node's own process.
pub(super) struct Line {
    stream: UnixStream,
    writing: Mutex<()>,
    /// Who waits for replies; nobody may once it has ended.
    waiting: Mutex<Option<HashMap<u64, Sender<Reply>>>>,
    next: AtomicU64,
}

impl Line {
    fn over(stream: UnixStream) -> Self {
        let waiting = Mutex::new(Some(HashMap::new()));
        Self { stream, writing: Mutex::new(()), waiting, next: AtomicU64::new(1) }
    }

    fn waiting(&self) -> Waiting<'_> {
        Waiting(self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_open(&self) -> bool {
        self.waiting().0.is_some()
    }

    fn tell(&self, number: u64, what: &ToNode, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        send(&self.stream, number, what, &[], files)
    }

    /// Nobody answers any more.
    fn end(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        *self.waiting().0 = None;
    }

    /// Hears what the process says until it ends.
    fn listen(&self, saying: &Sender<Result<(), Why>>, places: &Places) {
        while let Ok(Some(message)) = receive(&self.stream) {
            match message.value::<FromNode>() {
                Ok(FromNode::Ready) => drop(saying.send(Ok(()))),
                Ok(FromNode::Failed(why)) => drop(saying.send(Err(why))),
                Ok(FromNode::Reply(reply)) => self.waiting().reply(message.number, reply),
                Ok(FromNode::Places) => {
                    let started = files_process::start(places);
                    let file = started.as_ref().ok();
                    let files: Vec<BorrowedFd<'_>> = file.iter().map(|file| file.as_fd()).collect();
                    let said = started.as_ref().map(drop).map_err(Why::of);
                    let _ = self.tell(message.number, &ToNode::Places(said), &files);
                }
                Err(error) => {
                    tracing::error!("the node's own process says what its parent does not understand: {error}")
                }
            }
        }
    }
}

/// Those who wait for replies.
struct Waiting<'l>(MutexGuard<'l, Option<HashMap<u64, Sender<Reply>>>>);

impl Waiting<'_> {
    fn insert(&mut self, number: u64, sender: Sender<Reply>) {
        if let Some(waiting) = &mut *self.0 {
            waiting.insert(number, sender);
        }
    }

    fn remove(&mut self, number: &u64) {
        if let Some(waiting) = &mut *self.0 {
            waiting.remove(number);
        }
    }

    fn reply(&mut self, number: u64, reply: Reply) {
        let Some(waiting) = &mut *self.0 else { return };
        let is_last = !matches!(reply, Reply::Progress(_));
        if let Some(sender) = waiting.get(&number) {
            let _ = sender.send(reply);
        }
        if is_last {
            waiting.remove(&number);
        }
    }
}

/// A request, for a caller that has one.
pub(super) fn request(request: Request) -> ToNode {
    ToNode::Request(Box::new(request))
}
