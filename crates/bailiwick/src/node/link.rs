//! The way from the node's own process to its parent.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::doors::tls::{Identity, InUse};
use mailroom::lanes::Sharer;
use operations::error::{OperationError, RequestError};
use operations::places::Through;
use operations::table::{Answer, Reply, Request};

use super::running::Running;
use crate::channel::{Message, receive, send};
use crate::files_process::FarFiles;
use crate::words::{FromNode, ToNode};

/// Those who wait for a process with the places for backups.
type Waiting = HashMap<u64, Sender<io::Result<OwnedFd>>>;

/// The socket to the parent.
pub(super) struct ParentLink {
    reading: UnixStream,
    writing: Mutex<UnixStream>,
    waiting: Mutex<Waiting>,
    next: AtomicU64,
}

impl ParentLink {
    pub(super) fn over(socket: UnixStream) -> io::Result<Self> {
        let writing = Mutex::new(socket.try_clone()?);
        Ok(Self { reading: socket, writing, waiting: Mutex::default(), next: AtomicU64::new(1) })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the parent something.
    pub(super) fn tell(&self, number: u64, what: &FromNode) -> io::Result<()> {
        send(&self.writing.lock().unwrap_or_else(PoisonError::into_inner), number, what, &[], &[])
    }

    /// The places for backups, by a process that the parent starts.
    pub(super) fn places(&self) -> io::Result<Through> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, socket) = mpsc::channel();
        self.waiting().insert(number, sender);
        self.tell(number, &FromNode::Places)?;
        let gone = |_| io::Error::other("the node's parent has ended");
        Ok(Through::other(Arc::new(FarFiles::over(socket.recv().map_err(gone)??))))
    }

    /// Hears what the parent says, until it says stop or is gone.
    pub(super) fn listen(self: &Arc<Self>, running: &Arc<Running>, identity: &InUse) {
        while let Ok(Some(mut message)) = receive(&self.reading) {
            let value = message.value::<ToNode>();
            let file = message.files.pop();
            match value {
                Ok(ToNode::Request(request)) => self.answer(running, &message, *request, file),
                Ok(ToNode::Places(said)) => {
                    let socket = said
                        .map_err(io::Error::other)
                        .and_then(|()| file.ok_or_else(|| io::Error::other("no socket came")));
                    if let Some(sender) = self.waiting().remove(&message.number) {
                        let _ = sender.send(socket);
                    }
                }
                Ok(ToNode::Vault { process }) => {
                    let moved = file.map(|file| running.handle.closed.gate.moved(file, process));
                    if let Some(Err(error)) = moved {
                        tracing::error!("the vault cannot be reached: {error}");
                    }
                }
                Ok(ToNode::Identity(parts)) => {
                    let replaced = Identity::of_parts(&parts).and_then(|next| identity.replace(&next));
                    if let Err(error) = replaced {
                        tracing::error!("the certificate stays: {error}");
                    }
                }
                Ok(ToNode::Settings(settings)) => running.settings_are(settings),
                Ok(ToNode::Stop) => return,
                Ok(ToNode::Start(_)) | Err(_) => {
                    tracing::error!("the node's parent says what this process does not understand")
                }
            }
        }
    }

    fn answer(
        self: &Arc<Self>,
        running: &Arc<Running>,
        message: &Message,
        mut request: Request,
        file: Option<OwnedFd>,
    ) {
        let (link, running, number) = (self.clone(), running.clone(), message.number);
        let lane = running.mail.lanes().operations.clone();
        let taken = lane.run(Sharer::Node, (), move |()| {
            let has_places = file.is_some();
            if let Some(file) = file {
                request.go_through(&Through::other(Arc::new(FarFiles::over(file))));
            }
            let answered = if !has_places && !request.places(&running.handle.closed.config).is_empty() {
                Err(OperationError::from(RequestError::NoProcess("none came with the request".to_owned())))
            } else {
                // Progress is news, not a duty.
                running.answer(request, &mut |progress| {
                    drop(link.tell(number, &FromNode::Reply(Reply::Progress(progress))))
                })
            };
            let reply = match answered {
                Ok(response) => Reply::Ok(Box::new(response)),
                Err(error) => Reply::Error(error),
            };
            if let Err(error) = link.tell(number, &FromNode::Reply(reply)) {
                // The answer may be too long for a message; the caller hears that.
                let told = OperationError::from(RequestError::NotUnderstood(error.to_string()));
                let _ = link.tell(number, &FromNode::Reply(Reply::Error(told)));
            }
        });
        if taken.is_err() {
            let _ = self.tell(number, &FromNode::Reply(Reply::Error(RequestError::Busy.into())));
        }
    }
}
