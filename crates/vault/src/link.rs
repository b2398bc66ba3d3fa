//! The way from a node to its vault: a request goes in, an answer comes out, both encoded.
//!
//! A test's vault is in the same process. It is asked through the same octets, so that every test tests them.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::VaultError;
use crate::calls::{self, Call};
use crate::kept::Registry;
use crate::line::{Line, Question};
use crate::strongroom::Strongroom;
use crate::wire::{self, Wire, frame};

/// A way to one vault, and the message keys that came by it and are kept. Clones lead to the same.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) way: Way,
    pub(crate) kept: Arc<Registry>,
    /// It was unlocked, and no answer since said otherwise.
    serving: Arc<AtomicBool>,
}

/// Where the vault is.
#[derive(Clone)]
pub(crate) enum Way {
    /// To a vault in this process.
    Here(Arc<Strongroom>),
    /// To a process of its own.
    There(Arc<Line>),
}

impl Link {
    pub(crate) fn new(way: Way) -> Self {
        Self { way, kept: Arc::default(), serving: Arc::default() }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the vault answers; [`VaultError::Away`], [`VaultError::Garbled`].
    pub(crate) fn call<C: Call>(&self, call: C) -> Result<C::Answer, VaultError> {
        let request = calls::request(&call);
        match &self.way {
            Way::Here(room) => self.heard(Ok(room.answer(&request[frame::HEAD_LEN..])), frame::HEAD_LEN),
            Way::There(line) => self.heard(line.ask(request), 0),
        }
    }

    /// Asks, and goes on with something else until [`Asked::wait`]. Only one such question may be open at a time, and its answer
    /// is to be short: nobody reads it meanwhile.
    pub(crate) fn begin<C: Call>(&self, call: C) -> Asked<C::Answer> {
        let request = calls::request(&call);
        let way = match &self.way {
            Way::Here(room) => Pending::Here(room.answer(&request[frame::HEAD_LEN..])),
            Way::There(line) => Pending::There(line.begin(request)),
        };
        Asked { link: self.clone(), way, answer: PhantomData }
    }

    fn heard<T: Wire>(&self, answered: Result<Zeroizing<Vec<u8>>, VaultError>, head: usize) -> Result<T, VaultError> {
        let answer = answered.and_then(|octets| {
            let octets = octets.get(head..).unwrap_or_default();
            wire::from_bytes(octets).unwrap_or(Err(VaultError::Garbled))
        });
        if let Err(VaultError::Away | VaultError::Locked) = answer {
            self.stops_serving();
        }
        answer
    }

    /// It is unlocked now.
    pub(crate) fn serves(&self) {
        self.serving.store(true, Ordering::SeqCst);
    }

    /// It answers nothing until it is unlocked again.
    pub(crate) fn stops_serving(&self) {
        self.serving.store(false, Ordering::SeqCst);
    }

    /// Whether it is unlocked and there, as far as can be seen without asking.
    pub(crate) fn is_serving(&self) -> bool {
        let there = match &self.way {
            Way::Here(_) => true,
            Way::There(line) => !line.is_away(),
        };
        there && self.serving.load(Ordering::SeqCst)
    }

    /// Tells without waiting for an answer: for what is closed or dropped.
    pub(crate) fn tell<C: Call>(&self, call: C) {
        let request = calls::request(&call);
        match &self.way {
            Way::Here(room) => drop(room.answer(&request[frame::HEAD_LEN..])),
            Way::There(line) => line.tell(request),
        }
    }
}

/// A question that was asked; see [`Link::begin`].
pub(crate) struct Asked<T> {
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
    /// As [`Link::call`].
    pub(crate) fn wait(self) -> Result<T, VaultError> {
        match self.way {
            Pending::Here(answer) => self.link.heard(Ok(answer), frame::HEAD_LEN),
            Pending::There(question) => {
                let answer = question.and_then(Question::wait);
                self.link.heard(answer.ok_or(VaultError::Away), 0)
            }
        }
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
#[allow(clippy::panic, reason = "a test that cannot go on should stop")]
impl Link {
    pub(crate) fn room(&self) -> &Strongroom {
        match &self.way {
            Way::Here(room) => room,
            Way::There(_) => panic!("the vault is elsewhere"),
        }
    }
}
