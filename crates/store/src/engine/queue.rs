//! The bounded queue in front of the commit thread: callers wait while it is full. This back-pressure slows senders
//! down instead of filling memory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs that may wait. Each waiter is a connection's thread; a node has about a thousand connections at most in a burst.
const JOBS_MAX: usize = 4096;

/// Bytes that the waiting jobs may hold together: 64 MiB, two seconds of a slow disk. One job may exceed it alone.
const BYTES_MAX: usize = 64 << 20;

/// A bounded queue with one taker.
pub(crate) struct Queue<J> {
    inner: Mutex<Inner<J>>,
    came: Condvar,
    went: Condvar,
}

struct Inner<J> {
    jobs: Vec<J>,
    bytes: usize,
    /// No job is accepted any more.
    closed: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let inner = Inner { jobs: Vec::new(), bytes: 0, closed: false };
        Self { inner: Mutex::new(inner), came: Condvar::new(), went: Condvar::new() }
    }
}

impl<J> Queue<J> {
    fn inner(&self) -> MutexGuard<'_, Inner<J>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job of `bytes` bytes at the end; waits while the queue is full. Returns the job if the queue is closed.
    pub(crate) fn put(&self, job: J, bytes: usize) -> Result<(), J> {
        let full = |inner: &mut Inner<J>| {
            let has_capacity = inner.jobs.len() < JOBS_MAX && inner.bytes.saturating_add(bytes) <= BYTES_MAX;
            !(has_capacity || inner.closed || inner.jobs.is_empty())
        };
        let mut inner = self.went.wait_while(self.inner(), full).unwrap_or_else(PoisonError::into_inner);
        if inner.closed {
            return Err(job);
        }
        inner.jobs.push(job);
        inner.bytes += bytes;
        drop(inner);
        self.came.notify_one();
        Ok(())
    }

    /// Whether a job of `bytes` bytes would not have to wait now. Other jobs may come first.
    pub(crate) fn has_capacity(&self, bytes: usize) -> bool {
        let inner = self.inner();
        inner.closed || (inner.jobs.len() < JOBS_MAX / 2 && inner.bytes.saturating_add(bytes) <= BYTES_MAX / 2)
    }

    /// Whether no job is accepted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Waits for jobs and takes all of them. `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Vec<J>> {
        let idle = |inner: &mut Inner<J>| inner.jobs.is_empty() && !inner.closed;
        let mut inner = self.came.wait_while(self.inner(), idle).unwrap_or_else(PoisonError::into_inner);
        let jobs = std::mem::take(&mut inner.jobs);
        inner.bytes = 0;
        drop(inner);
        self.went.notify_all();
        if jobs.is_empty() { None } else { Some(jobs) }
    }

    /// Refuses further jobs; those in the queue are still processed.
    pub(crate) fn close(&self) {
        self.inner().closed = true;
        self.came.notify_all();
        self.went.notify_all();
    }

    /// Refuses further jobs and drops those in the queue: their callers learn that no answer will come.
    pub(crate) fn abort(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.jobs.clear();
        drop(inner);
        self.came.notify_all();
        self.went.notify_all();
    }
}
