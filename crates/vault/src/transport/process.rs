//! The asker's end of the pair of sockets to the vault's process, and the process itself: started, started again when it
//! died, ended with who started it. A running node has two askers: its parent, which starts the vault, and the node's own process, which
//! gets the end of a second pair from its parent.
//!
//! Many threads ask at once. No thread stands between them and the socket: of those who wait, one reads, and gives the
//! others their answers; when it has its own, the next one reads. So an answer wakes the one who asked for it, mostly
//! without a change of threads in this process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::VaultError;
use crate::wire::frame;

/// How long the vault's process may take to end once its node has closed the socket.
const GRACE: Duration = Duration::from_secs(3);

/// The settings of the program's allocator (mimalloc) in the vault's process, all that its environment holds. Of locked memory an
/// allocator can give nothing back but whole mappings: so what is larger than 1 MiB (the memory of Argon2id, a long message on the
/// socket) is a mapping of its own, and what is reserved at once is 64 MiB instead of 1 GiB.
pub const ALLOCATOR: [(&str, &str); 2] =
    [("MIMALLOC_ARENA_RESERVE", "64MiB"), ("MIMALLOC_ARENA_MAX_OBJECT_SIZE", "1MiB")];

/// What the node's own process adds to its `oom_score_adj`, and its parent and the vault do not: a fifth of the machine's memory.
pub const NODE_OOM_SCORE_ADJ: i32 = 200;

/// What to start as the vault's process.
#[derive(Debug, Clone)]
pub struct VaultProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments. Everybody on the machine can read them: they hold no secret.
    pub arguments: Vec<OsString>,
}

impl VaultProgram {
    /// Starts it with one end of a new pair of sockets as its standard input. It inherits nothing of the environment and gets
    /// [`ALLOCATOR`]; a signal from the terminal is not for the vault: it ends when a socket is closed. With `second`, one end of a second
    /// pair is its standard output, and the other end is given beside.
    fn start(&self, second: bool) -> io::Result<(Child, UnixStream, Option<UnixStream>)> {
        let (ours, theirs) = UnixStream::pair()?;
        let (other, theirs_too) =
            if second { UnixStream::pair().map(|(a, b)| (Some(a), Some(b)))? } else { (None, None) };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(ALLOCATOR).process_group(0);
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(theirs_too.map_or_else(Stdio::null, |end| Stdio::from(OwnedFd::from(end))));
        let child = command.spawn()?;
        Ok((child, ours, other))
    }
}

/// The process at the other end.
enum Process {
    /// One that this process has started, and whether it has a second asker.
    Own { program: VaultProgram, child: Mutex<Child>, second: bool },
    /// One that another process has started: its number.
    Others(AtomicU32),
}

/// A way to a vault's process that may be replaced by another.
pub(crate) struct Line {
    process: Process,
    socket: RwLock<Arc<Socket>>,
}

impl Line {
    /// Starts the process. With `second`, gives the end of a second asker too.
    pub(crate) fn start(program: VaultProgram, second: bool) -> io::Result<(Self, Option<UnixStream>)> {
        let (child, stream, other) = program.start(second)?;
        let socket = RwLock::new(Arc::new(Socket::new(stream)?));
        Ok((Self { process: Process::Own { program, child: Mutex::new(child), second }, socket }, other))
    }

    /// To a process that another process has started.
    pub(crate) fn over(stream: UnixStream, process: u32) -> io::Result<Self> {
        let socket = RwLock::new(Arc::new(Socket::new(stream)?));
        Ok(Self { process: Process::Others(AtomicU32::new(process)), socket })
    }

    /// The other process has started another vault.
    pub(crate) fn moved(&self, stream: UnixStream, process: u32) -> io::Result<()> {
        if let Process::Others(number) = &self.process {
            number.store(process, Ordering::SeqCst);
        }
        self.replace(stream)
    }

    fn replace(&self, stream: UnixStream) -> io::Result<()> {
        let next = Arc::new(Socket::new(stream)?);
        let before = std::mem::replace(&mut *self.socket.write().unwrap_or_else(PoisonError::into_inner), next);
        before.hang_up();
        Ok(())
    }

    fn socket(&self) -> Arc<Socket> {
        self.socket.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&self, request: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.begin(request).and_then(Question::wait).ok_or(VaultError::Away)
    }

    /// Asks, without waiting for the answer yet. `None` when nobody is there.
    pub(crate) fn begin(&self, request: Zeroizing<Vec<u8>>) -> Option<Question> {
        Question::ask(self.socket(), request)
    }

    /// Tells without waiting.
    pub(crate) fn tell(&self, request: Zeroizing<Vec<u8>>) {
        self.socket().tell(request);
    }

    /// Whether the process is known to be gone.
    pub(crate) fn is_away(&self) -> bool {
        // In this order: while another is started, the child is locked for as long as the old one takes to end.
        let ended = || match &self.process {
            Process::Own { child, .. } => !matches!(locked(child).try_wait(), Ok(None)),
            Process::Others(_) => false,
        };
        self.socket().is_gone() || ended()
    }

    /// Its process id, for anyone who looks at it from outside.
    pub(crate) fn process_id(&self) -> u32 {
        match &self.process {
            Process::Own { child, .. } => locked(child).id(),
            Process::Others(number) => number.load(Ordering::SeqCst),
        }
    }

    /// Ends what is left of the old process and starts a new one, which is locked. Gives the end of a second asker, where there is one.
    pub(crate) fn restart(&self) -> io::Result<Option<UnixStream>> {
        let Process::Own { program, child, second } = &self.process else {
            return Err(io::Error::other("the vault's process is started by the parent of this one"));
        };
        let mut child = locked(child);
        self.socket().hang_up();
        end(&mut child);
        let (started, stream, other) = program.start(*second)?;
        *child = started;
        self.replace(stream)?;
        Ok(other)
    }
}

impl Line {
    /// Ends the process.
    pub(crate) fn end(&self) {
        self.socket().hang_up();
        if let Process::Own { child, .. } = &self.process {
            end(&mut locked(child));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.end();
    }
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a process whose socket is closed; ends one that does not end by itself.
fn end(child: &mut Child) {
    let step = Duration::from_millis(5);
    for _ in 0..GRACE.as_millis() / step.as_millis() {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(step);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// One socket: requests go out, answers come in, in any order.
struct Socket {
    stream: UnixStream,
    /// Held while a frame is written.
    writing: Mutex<UnixStream>,
    /// Held while frames are read.
    reading: Mutex<UnixStream>,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    next: AtomicU64,
    gone: AtomicBool,
}

/// A question on its way, with a place for its answer. Dropped, nobody waits any more.
pub(crate) struct Question {
    socket: Arc<Socket>,
    number: u64,
}

impl Question {
    fn ask(socket: Arc<Socket>, request: Zeroizing<Vec<u8>>) -> Option<Self> {
        let number = socket.next.fetch_add(1, Ordering::Relaxed);
        socket.waiting().answers.insert(number, None);
        let question = Self { socket, number };
        question.socket.send(number, request)?;
        Some(question)
    }

    /// Waits for the answer. `None` when nobody answers.
    pub(crate) fn wait(self) -> Option<Zeroizing<Vec<u8>>> {
        self.socket.wait(self.number)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.socket.waiting().answers.remove(&self.number);
    }
}

#[derive(Default)]
struct Waiting {
    /// Whether somebody reads.
    reader: bool,
    /// What those who wait have got: nothing yet, or their answer.
    answers: HashMap<u64, Option<Zeroizing<Vec<u8>>>>,
}

impl Socket {
    fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            writing: Mutex::new(stream.try_clone()?),
            reading: Mutex::new(stream.try_clone()?),
            stream,
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            next: AtomicU64::new(1),
            gone: AtomicBool::new(false),
        })
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Closes both directions: everybody who waits learns that nobody answers.
    fn hang_up(&self) {
        self.gone.store(true, Ordering::SeqCst);
        let _ = self.stream.shutdown(Shutdown::Both);
        self.arrived.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, number: u64, request: Zeroizing<Vec<u8>>) -> Option<()> {
        if self.is_gone() {
            return None;
        }
        let mut stream = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match frame::write(&mut *stream, number, request) {
            Ok(()) => Some(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => None,
            Err(_) => {
                drop(stream);
                self.hang_up();
                None
            }
        }
    }

    fn tell(&self, request: Zeroizing<Vec<u8>>) {
        let _ = self.send(0, request);
    }

    /// Waits for the answer of this number; reads for everybody while nobody else does.
    fn wait(&self, number: u64) -> Option<Zeroizing<Vec<u8>>> {
        let mut waiting = self.waiting();
        loop {
            if let Some(answer) = waiting.answers.get_mut(&number).and_then(Option::take) {
                return Some(answer);
            }
            if self.is_gone() {
                return None;
            }
            if waiting.reader {
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            waiting.reader = true;
            drop(waiting);
            let read = frame::read(&mut *self.reading.lock().unwrap_or_else(PoisonError::into_inner));
            waiting = self.waiting();
            waiting.reader = false;
            match read {
                Ok(Some((number, message))) => {
                    if let Some(place) = waiting.answers.get_mut(&number) {
                        *place = Some(message);
                    }
                }
                Ok(None) | Err(_) => {
                    drop(waiting);
                    self.hang_up();
                    waiting = self.waiting();
                }
            }
            self.arrived.notify_all();
        }
    }
}
