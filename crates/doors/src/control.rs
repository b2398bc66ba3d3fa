//! The control door: how the command line reaches a running node.
//!
//! A Unix socket in the node's own directory, readable by the node's user alone. One request per connection: a line of
//! JSON in, then lines of JSON out ([`Reply`]): any number of `progress`, at last one `ok` or `error`. What may be asked is
//! the table of operations; when no node runs, the command line opens the node's directory itself and asks the same table.
//!
//! Passphrases pass through this socket, never through a command line or the environment. It belongs to the node's parent, which reads
//! nothing that strangers send (docs/processes.md).

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use operations::error::{OperationError, RequestError};
use operations::table::{Answer, Reply, Request};
use terms::Secret;
use zeroize::{Zeroize, Zeroizing};

/// The longest request: a demand's text is the longest thing in one (see [`DEMAND_BYTES_MAX`](operations::cases::DEMAND_BYTES_MAX)),
/// and JSON may double it.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a request may take to arrive, and one line of an answer to be taken: the command line asks people for everything before it
/// connects, and only reads then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Conversations at a time, each with a thread: more than the people and scripts of one house have. Others wait to be accepted.
const CONVERSATIONS_MAX: usize = 64;

/// Binds the control socket at `path`, replacing one that a dead process left, with mode 0600.
///
/// # Errors
/// The operating system's; a path over about 100 bytes is refused by it, and the error says so.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    // 108 bytes with the final NUL: `sun_path` in unix(7).
    if path.as_os_str().len() > 107 {
        return Err(io::Error::other(format!(
            "the path of the control socket is longer than 107 bytes, which the system does not allow: {}. \
             Use a shorter directory",
            path.display()
        )));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers requests, each on a thread of its own, until the process ends. Blocks.
pub fn serve<A: Answer + 'static>(listener: &UnixListener, node: &Arc<A>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) if open.load(Ordering::SeqCst) < CONVERSATIONS_MAX => stream,
            // Out of descriptors, or of threads: wait for some to be closed rather than spin.
            accepted => {
                thread::sleep(Duration::from_millis(100));
                match accepted {
                    Ok((stream, _)) => stream,
                    Err(_) => continue,
                }
            }
        };
        let (node, guard) = (node.clone(), Open::one_of(&open));
        // A client that went away in mid-answer does not concern the node: the job itself is done or not done.
        let _ = thread::Builder::new().name("control".to_owned()).spawn(move || {
            let _guard = guard;
            let _ = answer(stream, &*node);
        });
    }
}

/// A conversation, counted while it lasts.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn one_of(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Reads a line, or what comes before the end. Bytes: a request that is not text is told so.
fn line(stream: &mut UnixStream, patience: Duration) -> io::Result<Secret<Vec<u8>>> {
    let ends = Instant::now() + patience;
    let mut line = Vec::new();
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let mut bytes = [0; 4096];
        let read = match stream.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            read => read?,
        };
        let end = bytes[..read].iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&bytes[..end.unwrap_or(read)]);
        bytes.zeroize();
        if end.is_some() || read == 0 || line.len() > REQUEST_BYTES_MAX {
            line.truncate(REQUEST_BYTES_MAX);
            return Ok(Secret::new(line));
        }
    }
}

fn answer<A: Answer>(mut stream: UnixStream, node: &A) -> io::Result<()> {
    let line = line(&mut stream, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut say = |reply: &Reply| -> io::Result<()> {
        let mut text = Zeroizing::new(serde_json::to_vec(reply).map_err(io::Error::other)?);
        text.push(b'\n');
        stream.write_all(&text)
    };
    let request = serde_json::from_slice::<Request>(line.expose());
    drop(line);
    let result = request
        .map_err(|error| OperationError::from(RequestError::NotUnderstood(error.to_string())))
        // Progress is news, not a duty.
        .and_then(|request| node.answer(request, &mut |progress| drop(say(&Reply::Progress(progress)))));
    say(&match result {
        Ok(response) => Reply::Ok(Box::new(response)),
        Err(error) => Reply::Error(error),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;

    use operations::backup::DeskOpened;
    use operations::operation::Progress;
    use operations::table::Response;

    use super::*;

    struct Nothing;

    impl Answer for Nothing {
        fn answer(&self, _: Request, _: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
            Ok(Response::OpenDesk(DeskOpened { entry: 7, by: Vec::new() }))
        }
    }

    #[test]
    fn who_asks_nothing_is_not_waited_for() {
        let (mut client, mut node) = UnixStream::pair().unwrap();
        client.write_all(b"{\"show").unwrap();
        let ended = line(&mut node, Duration::from_millis(50)).map(drop);
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn whatever_is_asked_is_answered() {
        let done = r#"{"ok":{"open_desk":{"entry":7,"by":[]}}}"#;
        let odd = r#"{"error":{"subject":"request","error":{"not_understood":"#;
        for (asked, said) in [
            (&b"{\"show_status\":{}}\n"[..], done),
            (b"{\"show_status\":{}}", done),
            (b"\n", odd),
            (b"", odd),
            (b"{\"show_everything\":{}}\n", odd),
            (b"\xff\xfe\n", odd),
            (&b"[".repeat(1_000_000), odd),
        ] {
            let (mut client, node) = UnixStream::pair().unwrap();
            let node = thread::spawn(move || answer(node, &Nothing));
            client.write_all(asked).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answered = String::new();
            client.read_to_string(&mut answered).unwrap();
            assert!(answered.starts_with(said) && answered.ends_with('\n'), "{answered}");
            node.join().unwrap().unwrap();
        }
    }
}
