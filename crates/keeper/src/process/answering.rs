//! The threads that answer. Each reads a request and answers it, one reading while the others work. What takes long
//! (Argon2id) goes to threads of its own, so that a crowd of guessers does not stand before the mail.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use vault::inside::frame;
use vault::{MailError, VaultError, calls};
use zeroize::{Zeroize, Zeroizing};

use crate::server::VaultServer;

/// How many slow requests wait at most: twice as many as there are slow threads, which is what the node's lane for sign-ins sends at
/// once, and 16 from its lane for operations (`mailroom::lanes`). Others wait there. More are refused as busy.
fn slow_waiting_max(processors: usize) -> usize {
    2 * (processors + 1) + 16
}

/// A request that waits for a thread that may be slow: who asked, its number and its bytes.
type Slow = (Arc<Answering>, u64, Zeroizing<Vec<u8>>);

/// One asker.
struct Answering {
    server: Arc<VaultServer>,
    reading: Mutex<UnixStream>,
    writing: Mutex<UnixStream>,
}

/// Answers at these sockets until the other end of one of them closes.
///
/// # Errors
/// The socket's own.
pub(super) fn serve(sockets: Vec<UnixStream>, server: &Arc<VaultServer>) -> io::Result<()> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let (slow, queue) = sync_channel(slow_waiting_max(processors));
    let queue = Arc::new(Mutex::new(queue));
    // One more than compute at a time: while one waits for the disk, the next computes.
    for _ in 0..=processors {
        let queue = queue.clone();
        thread::Builder::new().name("slow".to_owned()).spawn(move || work_slowly(&queue))?;
    }
    let mut busy = processors.clamp(2, 8);
    let mut workers = Vec::new();
    // The last one is the node's own process, which asks much; its parent asks little, one at a time.
    for socket in sockets.into_iter().rev() {
        let writing = Mutex::new(socket.try_clone()?);
        let answering = Arc::new(Answering { server: server.clone(), reading: Mutex::new(socket), writing });
        for _ in 0..busy {
            let (answering, slow) = (answering.clone(), slow.clone());
            workers.push(thread::Builder::new().name("vault".to_owned()).spawn(move || answering.work(&slow))?);
        }
        busy = 1;
    }
    for worker in workers {
        let _ = worker.join();
    }
    Ok(())
}

fn work_slowly(queue: &Mutex<Receiver<Slow>>) {
    let _guard = EndOnPanic;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((answering, number, request)) = next else { return };
        answering.answer(number, &request);
        drop(request);
        scrub_stack::<SLOW_STACK>();
    }
}

/// How deep a quick call's stack goes, generously: a key derivation or an X25519.
const QUICK_STACK: usize = 32 * 1024;

/// How deep a slow call's stack goes, generously: Argon2id keeps the password in a buffer of BLAKE2 on it.
const SLOW_STACK: usize = 256 * 1024;

/// Overwrites what the calls that have returned left on this thread's stack: primitives copy keys and passwords there, and
/// no wipe of ours reaches those copies.
#[inline(never)]
fn scrub_stack<const N: usize>() {
    let mut area = [0xff_u8; N];
    area.zeroize();
    std::hint::black_box(&area);
}

/// Ends the process when a thread panics: an asker would wait permanently, and what the panic left behind is not to be
/// trusted with keys.
struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}

impl Answering {
    fn work(self: &Arc<Self>, slow: &SyncSender<Slow>) {
        let _guard = EndOnPanic;
        loop {
            let read = frame::read(&mut *self.reading.lock().unwrap_or_else(PoisonError::into_inner));
            // The node has ended, or what it sends is not a frame: nothing more is to be done here.
            let Ok(Some((number, request))) = read else { std::process::exit(0) };
            if !calls::is_slow(&request) {
                self.answer(number, &request);
                scrub_stack::<QUICK_STACK>();
                continue;
            }
            match slow.try_send((self.clone(), number, request)) {
                Ok(()) => {}
                Err(TrySendError::Full((_, number, _)) | TrySendError::Disconnected((_, number, _))) => {
                    self.send(number, calls::refusal(VaultError::Busy));
                }
            }
        }
    }

    fn answer(&self, number: u64, request: &[u8]) {
        self.send(number, calls::answer(&*self.server, request));
    }

    fn send(&self, number: u64, answer: Zeroizing<Vec<u8>>) {
        // 0 wants no answer.
        if number == 0 {
            return;
        }
        let written = frame::write(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner), number, answer);
        if let Err(error) = written {
            if error.kind() == io::ErrorKind::InvalidInput {
                // Too long to be said: the asker hears that.
                return self.send(number, calls::refusal(VaultError::Mail(MailError::TooLong)));
            }
            std::process::exit(0);
        }
    }
}
