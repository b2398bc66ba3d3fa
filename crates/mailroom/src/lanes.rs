//! Lanes: threads of our own for work that may wait, with bounds. What serves a connection never waits for a disk, the vault
//! or Argon2id itself: it hands such work to a lane, and serves others meanwhile.
//!
//! A lane has a number of threads and a queue that is not long. Those who share it take turns, and nobody has more than a part of
//! its threads and of its queue: a crowd of guessers waits behind its own guesses, and one owner's work behind that owner's. When
//! the queue or somebody's part of it is full, the work is handed back, and the client hears "try again later".
//!
//! A lane knows no runtime: [`Working`] is a future of the standard library, and a thread can [wait](Working::wait) for it.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use terms::AccountId;
use vault::Network;

/// How long a thread without work is kept: the next work of a busy minute finds it, and a quiet node has none.
const IDLE: Duration = Duration::from_secs(10);

/// Who shares a lane with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sharer {
    /// An owner who is signed in.
    Owner(AccountId),
    /// A stranger, as coarsely as guesses are counted.
    Peer(Network),
    /// The node itself, its operator, or this machine, whose clients cannot be told apart: it may take what one other leaves.
    Node,
}

impl Sharer {
    /// Those who are not signed in.
    pub fn stranger(network: Network) -> Self {
        if network.is_here() { Self::Node } else { Self::Peer(network) }
    }
}

/// How much a lane takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Work in progress.
    pub threads: usize,
    /// Work in progress of one sharer.
    pub threads_each: usize,
    /// Work that waits for a thread.
    pub waiting: usize,
    /// Work of one sharer that waits for a thread.
    pub waiting_each: usize,
}

impl Bounds {
    /// Argon2id. The vault computes with one thread more than there are processors and keeps as many requests waiting: twice its
    /// threads keep it busy, more would only wait there. 128 guesses are two seconds of work (30 ms each on two processors); one
    /// network has a quarter of them.
    fn sign_ins(processors: usize) -> Self {
        Self { threads: 2 * (processors + 1), threads_each: processors + 1, waiting: 128, waiting_each: 32 }
    }

    /// Work that waits for a sync of the disk or one answer of the vault. 32 changes that wait for one sync are a batch of the
    /// commit thread; more threads make no larger one on a disk that syncs within milliseconds. An owner has
    /// at most a quarter. A connection has one command at work, so the queue is as long as there may be busy connections.
    const STORE: Self = Self { threads: 32, threads_each: 8, waiting: 1024, waiting_each: 64 };

    /// Work that computes for long or opens large messages. Two threads for each processor, since it also waits for the disk;
    /// an owner has at most a quarter.
    fn large(processors: usize) -> Self {
        let threads = (2 * processors).max(4);
        Self { threads, threads_each: threads / 4, waiting: 256, waiting_each: 32 }
    }

    /// What operators ask for, which may take hours (an import). A person or a few scripts do not have so many at once.
    const OPERATIONS: Self = Self { threads: 16, threads_each: 16, waiting: 16, waiting_each: 16 };

    /// What a node does by itself at times: at most one of each kind at once, so that nothing waits for another.
    const UPKEEP: Self = Self { threads: 8, threads_each: 8, waiting: 8, waiting_each: 8 };

    fn threads_of(&self, sharer: Sharer) -> usize {
        part(sharer, self.threads, self.threads_each)
    }

    fn waiting_of(&self, sharer: Sharer) -> usize {
        part(sharer, self.waiting, self.waiting_each)
    }
}

/// What one sharer may have of `all`, of which each may have `each`.
fn part(sharer: Sharer, all: usize, each: usize) -> usize {
    match sharer {
        Sharer::Node => all.saturating_sub(each).max(each),
        Sharer::Owner(_) | Sharer::Peer(_) => each,
    }
}

/// The lanes of one node. Clones share them.
#[derive(Clone)]
pub struct Lanes {
    /// Whatever computes Argon2id for someone at a door.
    pub sign_ins: Lane,
    /// Work of the store that is short but may wait for the disk or the vault.
    pub store: Lane,
    /// Searches, large messages, long lists.
    pub large: Lane,
    /// What the command line asks for.
    pub operations: Lane,
    /// What the node does by itself.
    pub upkeep: Lane,
}

impl Default for Lanes {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            sign_ins: Lane::new("sign-ins", Bounds::sign_ins(processors)),
            store: Lane::new("store", Bounds::STORE),
            large: Lane::new("large", Bounds::large(processors)),
            operations: Lane::new("operations", Bounds::OPERATIONS),
            upkeep: Lane::new("upkeep", Bounds::UPKEEP),
        }
    }
}

/// Threads for one kind of work. Clones share them. They are started when there is work for them.
#[derive(Clone)]
pub struct Lane(Arc<Shared>);

struct Shared {
    name: &'static str,
    bounds: Bounds,
    state: Mutex<State>,
    came: Condvar,
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    sharers: HashMap<Sharer, Share>,
    /// Those with work that waits, each once, the next one first.
    turns: VecDeque<Sharer>,
    waiting: usize,
    threads: usize,
    idle: usize,
}

#[derive(Default)]
struct Share {
    waiting: VecDeque<Job>,
    running: usize,
}

impl Lane {
    /// A lane without threads yet.
    pub fn new(name: &'static str, bounds: Bounds) -> Self {
        Self(Arc::new(Shared { name, bounds, state: Mutex::default(), came: Condvar::new() }))
    }

    /// The number of its threads, those without work included.
    pub fn threads(&self) -> usize {
        self.0.state().threads
    }

    /// Has `work` done with `input` by a thread of the lane, in the turn of `sharer`. It is done also when nobody waits for it any
    /// more.
    ///
    /// # Errors
    /// The input, when the queue or this sharer's part of it is full: "try again later".
    pub fn run<I, T>(
        &self,
        sharer: Sharer,
        input: I,
        work: impl FnOnce(I) -> T + Send + 'static,
    ) -> Result<Working<T>, I>
    where
        I: Send + 'static,
        T: Send + 'static,
    {
        let bounds = &self.0.bounds;
        let mut state = self.0.state();
        let (running, waiting) =
            state.sharers.get(&sharer).map_or((0, 0), |share| (share.running, share.waiting.len()));
        if state.waiting >= bounds.waiting || waiting >= bounds.waiting_of(sharer) {
            return Err(input);
        }
        // What is beyond a sharer's part is done by the threads that do the rest of it.
        let is_due = running + waiting < bounds.threads_of(sharer);
        if is_due && state.idle <= state.waiting && state.threads < bounds.threads {
            let shared = Arc::clone(&self.0);
            match thread::Builder::new().name(self.0.name.to_owned()).spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                // The system has no thread to give. If there is none at all, nobody would ever do this.
                Err(_) if state.threads == 0 => return Err(input),
                Err(_) => {}
            }
        }
        let result = Arc::new(Outcome::default());
        let teller = Teller(Arc::clone(&result));
        let share = state.sharers.entry(sharer).or_default();
        share.waiting.push_back(Box::new(move || {
            if let Ok(done) = catch_unwind(AssertUnwindSafe(|| work(input))) {
                teller.tell(Ok(done));
            }
        }));
        if waiting == 0 {
            state.turns.push_back(sharer);
        }
        state.waiting += 1;
        drop(state);
        self.0.came.notify_one();
        Ok(Working(result))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread of the lane: works until there has been nothing to do for a while.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some((sharer, job)) = state.next(&self.bounds) {
                drop(state);
                job();
                state = self.state();
                state.done(sharer);
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self.came.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            // What waits now waits for its sharer's own work, and is done by the thread that does that.
            if timeout.timed_out() && !state.is_due(&self.bounds) {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl State {
    /// Whose work is next: the first in turn who may have one more thread.
    fn due(&self, bounds: &Bounds) -> Option<usize> {
        self.turns
            .iter()
            .position(|sharer| self.sharers.get(sharer).is_some_and(|share| share.running < bounds.threads_of(*sharer)))
    }

    fn is_due(&self, bounds: &Bounds) -> bool {
        self.due(bounds).is_some()
    }

    fn next(&mut self, bounds: &Bounds) -> Option<(Sharer, Job)> {
        let sharer = self.turns.remove(self.due(bounds)?)?;
        let share = self.sharers.get_mut(&sharer)?;
        let job = share.waiting.pop_front()?;
        share.running += 1;
        self.waiting -= 1;
        if !share.waiting.is_empty() {
            self.turns.push_back(sharer);
        }
        Some((sharer, job))
    }

    fn done(&mut self, sharer: Sharer) {
        if let Some(share) = self.sharers.get_mut(&sharer) {
            share.running -= 1;
            if share.running == 0 && share.waiting.is_empty() {
                self.sharers.remove(&sharer);
            }
        }
    }
}

/// The work ended without a result, by a panic: a fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

struct Outcome<T> {
    state: Mutex<OutcomeState<T>>,
    done: Condvar,
}

struct OutcomeState<T> {
    result: Option<Result<T, Panicked>>,
    waker: Option<Waker>,
}

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self { state: Mutex::new(OutcomeState { result: None, waker: None }), done: Condvar::new() }
    }
}

impl<T> Outcome<T> {
    fn state(&self) -> MutexGuard<'_, OutcomeState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the result; if it is dropped before, that there will be none.
struct Teller<T>(Arc<Outcome<T>>);

impl<T> Teller<T> {
    fn tell(&self, result: Result<T, Panicked>) {
        let waker = {
            let mut state = self.0.state();
            state.result = Some(result);
            state.waker.take()
        };
        self.0.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        // Once told, the other end may have taken the result already: what is told now nobody reads.
        if self.0.state().result.is_none() {
            self.tell(Err(Panicked));
        }
    }
}

/// Work that a lane does. Its result is there once.
pub struct Working<T>(Arc<Outcome<T>>);

impl<T> Working<T> {
    /// Waits for the result on this thread, which must not be one of the same lane.
    ///
    /// # Errors
    /// [`Panicked`].
    pub fn wait(self) -> Result<T, Panicked> {
        let unfinished = |state: &mut OutcomeState<T>| state.result.is_none();
        let state = self.0.done.wait_while(self.0.state(), unfinished);
        state.unwrap_or_else(PoisonError::into_inner).result.take().unwrap_or(Err(Panicked))
    }
}

impl<T> Future for Working<T> {
    type Output = Result<T, Panicked>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const ANN: Sharer = Sharer::Owner(AccountId([1; 16]));
    const BOB: Sharer = Sharer::Owner(AccountId([2; 16]));
    const SMALL: Bounds = Bounds { threads: 4, threads_each: 2, waiting: 6, waiting_each: 3 };

    /// Work that lasts until its sender is used or dropped.
    fn stuck(lane: &Lane, sharer: Sharer) -> Option<(Sender<()>, Working<()>)> {
        let (free, stays): (_, Receiver<()>) = channel();
        lane.run(sharer, (), move |()| {
            let _ = stays.recv();
        })
        .ok()
        .map(|working| (free, working))
    }

    #[test]
    fn one_sharer_does_not_fill_a_lane() {
        let lane = Lane::new("test", SMALL);
        let mut stalled: Vec<_> = (0..2).map(|_| stuck(&lane, ANN).unwrap()).collect();
        // Both have their threads before the next ones wait.
        while lane.0.state().waiting > 0 {
            thread::yield_now();
        }
        stalled.extend((0..3).map(|_| stuck(&lane, ANN).unwrap()));
        assert!(stuck(&lane, ANN).is_none(), "more than its part of the queue");
        assert_eq!(lane.run(BOB, (), |()| 7).ok().unwrap().wait(), Ok(7), "another one is served meanwhile");
        assert!(lane.threads() <= SMALL.threads);
        for (free, working) in stalled {
            drop(free);
            assert_eq!(working.wait(), Ok(()));
        }
        assert_eq!(lane.run(ANN, (), |()| 8).ok().unwrap().wait(), Ok(8));
    }

    #[test]
    fn a_full_queue_returns_the_work() {
        let lane = Lane::new("test", SMALL);
        let others = (3..9).map(|n| Sharer::Owner(AccountId([n; 16])));
        let all: Vec<_> =
            others.flat_map(|sharer| std::iter::from_fn(|| stuck(&lane, sharer)).collect::<Vec<_>>()).collect();
        assert!((SMALL.waiting..=SMALL.waiting + SMALL.threads).contains(&all.len()), "{}", all.len());
        assert_eq!(lane.run(BOB, "work", drop).err(), Some("work"));
    }

    #[test]
    fn sharers_take_turns() {
        let lane = Lane::new("test", Bounds { threads: 1, threads_each: 1, waiting: 9, waiting_each: 9 });
        let first = stuck(&lane, ANN).unwrap();
        while lane.0.state().waiting > 0 {
            thread::yield_now();
        }
        let (say, said) = channel();
        let tell = |sharer, word: &'static str| {
            let say = say.clone();
            lane.run(sharer, word, move |word| say.send(word).unwrap()).ok().unwrap()
        };
        let works = [tell(ANN, "ann"), tell(ANN, "ann"), tell(ANN, "ann"), tell(BOB, "bob")];
        drop(first);
        works.into_iter().for_each(|work| work.wait().unwrap());
        assert_eq!(said.try_iter().collect::<Vec<_>>(), ["ann", "bob", "ann", "ann"]);
    }

    #[test]
    fn a_panic_ends_its_own_work_only() {
        let lane = Lane::new("test", Bounds { threads: 1, threads_each: 1, waiting: 9, waiting_each: 9 });
        #[allow(clippy::panic, reason = "it is what is tested")]
        let work = lane.run(ANN, (), |()| panic!("a fault")).ok().unwrap();
        let after = lane.run(ANN, (), |()| 3).ok().unwrap();
        assert_eq!(work.wait(), Err::<(), _>(Panicked));
        assert_eq!(after.wait(), Ok(3));
    }
}
