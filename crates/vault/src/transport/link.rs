//! The way to one vault. A test's vault is in the same process; it is asked through the same bytes, so that every test
//! tests them.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use super::process::{Line, Question, VaultProgram};
use crate::VaultError;
use crate::mail::kept::Registry;
use crate::wire::{self, Wire, frame};

/// A vault that answers in this process.
pub trait Backend: std::any::Any + Send + Sync {
    /// Answers a request: a frame with the answer, whose head is not filled in.
    fn answer(&self, request: &[u8]) -> zeroize::Zeroizing<Vec<u8>>;
}

impl fmt::Debug for dyn Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

/// A request: a frame whose head is not filled in.
type Request = Zeroizing<Vec<u8>>;

/// A way to one vault, and the message keys that came by it and are kept. Clones lead to the same.
#[derive(Clone)]
pub struct Link {
    way: Way,
    pub(crate) kept: Arc<Registry>,
    /// It was unlocked, and no answer since said otherwise.
    serving: Arc<AtomicBool>,
}

/// Where the vault is.
#[derive(Clone)]
enum Way {
    /// In this process.
    Here(Arc<dyn Backend>),
    /// In a process of its own.
    There(Arc<Line>),
}

/// What every call is made of (`calls/declare.rs`).
impl Link {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the vault answers; [`VaultError::Away`], [`VaultError::Garbled`].
    pub(crate) fn ask<A: Wire>(&self, request: Request) -> Result<A, VaultError> {
        match &self.way {
            Way::Here(vault) => self.heard(Ok(vault.answer(&request[frame::HEAD_LEN..])), frame::HEAD_LEN),
            Way::There(line) => self.heard(line.ask(request), 0),
        }
    }

    /// Asks, and continues with something else until [`Asked::wait`]. Only one such question may be open at a time, and its
    /// answer is to be short: nobody reads it meanwhile.
    pub(crate) fn begin<A: Wire>(&self, request: Request) -> Asked<A> {
        let way = match &self.way {
            Way::Here(vault) => Pending::Here(vault.answer(&request[frame::HEAD_LEN..])),
            Way::There(line) => Pending::There(line.begin(request)),
        };
        Asked { link: self.clone(), way, answer: PhantomData }
    }

    /// Tells without waiting for an answer: for what is closed or dropped.
    pub(crate) fn tell(&self, request: Request) {
        match &self.way {
            Way::Here(vault) => drop(vault.answer(&request[frame::HEAD_LEN..])),
            Way::There(line) => line.tell(request),
        }
    }

    fn heard<T: Wire>(&self, answered: Result<Zeroizing<Vec<u8>>, VaultError>, head: usize) -> Result<T, VaultError> {
        let answer = answered.and_then(|bytes| {
            let bytes = bytes.get(head..).unwrap_or_default();
            wire::from_bytes(bytes).unwrap_or(Err(VaultError::Garbled))
        });
        if let Err(VaultError::Away | VaultError::Locked) = answer {
            self.stops_serving();
        }
        answer
    }
}

impl Link {
    fn new(way: Way) -> Self {
        Self { way, kept: Arc::default(), serving: Arc::default() }
    }

    /// To a vault in this process.
    pub(crate) fn here(backend: Arc<dyn Backend>) -> Self {
        Self::new(Way::Here(backend))
    }

    /// Starts a vault in a process of its own.
    pub(crate) fn start(program: VaultProgram) -> io::Result<Self> {
        Ok(Self::new(Way::There(Arc::new(Line::start(program, false)?.0))))
    }

    /// Starts a vault in a process of its own that has a second asker, whose end is given.
    pub(crate) fn start_for_two(program: VaultProgram) -> io::Result<(Self, UnixStream)> {
        let (line, other) = Line::start(program, true)?;
        Ok((Self::new(Way::There(Arc::new(line))), other.ok_or_else(no_second)?))
    }

    /// To a vault in a process that another process has started.
    pub(crate) fn over(stream: UnixStream, process: u32) -> io::Result<Self> {
        Ok(Self::new(Way::There(Arc::new(Line::over(stream, process)?))))
    }

    /// The vault is another one, which is locked.
    pub(crate) fn moved(&self, stream: UnixStream, process: u32) -> io::Result<()> {
        self.stops_serving();
        self.kept.end_all();
        match &self.way {
            Way::Here(_) => Ok(()),
            Way::There(line) => line.moved(stream, process),
        }
    }

    /// What answers in this process.
    pub(crate) fn backend(&self) -> Option<Arc<dyn Backend>> {
        match &self.way {
            Way::Here(backend) => Some(backend.clone()),
            Way::There(_) => None,
        }
    }

    /// It is unlocked now.
    pub(crate) fn serves(&self) {
        self.serving.store(true, Ordering::SeqCst);
    }

    /// It answers nothing until it is unlocked again.
    fn stops_serving(&self) {
        self.serving.store(false, Ordering::SeqCst);
    }

    /// Whether its process is known to be gone.
    pub(crate) fn is_away(&self) -> bool {
        match &self.way {
            Way::Here(_) => false,
            Way::There(line) => line.is_away(),
        }
    }

    /// Whether it is unlocked and there, as far as can be seen without asking.
    pub(crate) fn is_serving(&self) -> bool {
        !self.is_away() && self.serving.load(Ordering::SeqCst)
    }

    /// The process of the vault, if it has one of its own.
    pub(crate) fn process_id(&self) -> Option<u32> {
        match &self.way {
            Way::Here(_) => None,
            Way::There(line) => Some(line.process_id()),
        }
    }

    /// Ends the vault's process.
    pub(crate) fn end(&self) {
        self.stops_serving();
        if let Way::There(line) = &self.way {
            line.end();
        }
    }

    /// Ends what is left of the vault's process and starts another, which is locked; the end of a second asker, where there is one. Does
    /// nothing for a vault in this process.
    pub(crate) fn restart(&self) -> io::Result<Option<UnixStream>> {
        match &self.way {
            Way::Here(_) => Ok(None),
            Way::There(line) => {
                self.stops_serving();
                self.kept.end_all();
                line.restart()
            }
        }
    }
}

/// A vault was started for one asker only.
pub(crate) fn no_second() -> io::Error {
    io::Error::other("the vault has one asker only")
}

/// A question that was asked; its answer is waited for later.
pub struct Asked<T> {
    link: Link,
    way: Pending,
    answer: PhantomData<T>,
}

enum Pending {
    Here(Zeroizing<Vec<u8>>),
    There(Option<Question>),
}

impl<T: Wire> Asked<T> {
    /// The answer.
    ///
    /// # Errors
    /// What the vault answers; [`VaultError::Away`], [`VaultError::Garbled`].
    pub fn wait(self) -> Result<T, VaultError> {
        match self.way {
            Pending::Here(answer) => self.link.heard(Ok(answer), frame::HEAD_LEN),
            Pending::There(question) => {
                let answer = question.and_then(Question::wait);
                self.link.heard(answer.ok_or(VaultError::Away), 0)
            }
        }
    }
}
