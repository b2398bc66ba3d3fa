//! The control door: how the command line reaches a running node.
//!
//! A Unix socket in the node's own directory, readable by the node's user alone. One request per connection: a line of
//! JSON in, then lines of JSON out ([`Reply`]): any number of `progress`, at last one `ok` or `error`. What may be asked is
//! the table of operations; when no node runs, the command line opens the node's directory itself and asks the same table.
//!
//! Passphrases pass through this socket, never through a command line or the environment.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use operations::error::{OperationError, RequestError};
use operations::table::{Answer, Reply, Request};
use terms::Secret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

/// The longest request: a demand's text is the longest thing in one (see [`DEMAND_BYTES_MAX`](operations::cases::DEMAND_BYTES_MAX)),
/// and JSON may double it.
const REQUEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How long a request may take to arrive, and one line of an answer to be taken: the command line asks people for everything before it
/// connects, and only reads then.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Answers requests until `shutdown` turns true.
pub async fn serve<A: Answer + 'static>(listener: UnixListener, node: Arc<A>, mut shutdown: watch::Receiver<bool>) {
    loop {
        let stream = tokio::select! {
            () = crate::told(&mut shutdown) => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // Out of descriptors: wait for some to be closed rather than spin.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let node = node.clone();
        tokio::spawn(async move {
            // A client that went away in mid-answer does not concern the node: the job itself is done or not done.
            let _ = answer(stream, node).await;
        });
    }
}

async fn answer<A: Answer + 'static>(stream: UnixStream, node: Arc<A>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    // Bytes: a request that is not text is told so.
    let mut line = Vec::new();
    let mut request = BufReader::new(read.take(REQUEST_BYTES_MAX));
    tokio::time::timeout(PATIENCE, request.read_until(b'\n', &mut line)).await??;
    let line = Secret::new(line);
    let (replies, mut inbox) = mpsc::channel::<Reply>(16);
    tokio::task::spawn_blocking(move || {
        let result = serde_json::from_slice::<Request>(line.expose())
            .map_err(|error| OperationError::from(RequestError::NotUnderstood(error.to_string())))
            .and_then(|request| {
                // Progress is news, not a duty: a full channel drops it.
                node.answer(request, &mut |progress| drop(replies.try_send(Reply::Progress(progress))))
            });
        let _ = replies.blocking_send(match result {
            Ok(response) => Reply::Ok(Box::new(response)),
            Err(error) => Reply::Error(error),
        });
    });
    while let Some(reply) = inbox.recv().await {
        let mut text = serde_json::to_vec(&reply).map_err(io::Error::other)?;
        text.push(b'\n');
        tokio::time::timeout(PATIENCE, write.write_all(&text)).await??;
    }
    write.shutdown().await
}

#[cfg(test)]
mod tests {
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

    #[tokio::test(start_paused = true)]
    async fn who_asks_nothing_is_not_waited_for() {
        let (mut client, node) = UnixStream::pair().unwrap();
        client.write_all(b"{\"show").await.unwrap();
        let ended = answer(node, Arc::new(Nothing)).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whatever_is_asked_is_answered() {
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
            let node = tokio::spawn(answer(node, Arc::new(Nothing)));
            client.write_all(asked).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answered = String::new();
            client.read_to_string(&mut answered).await.unwrap();
            assert!(answered.starts_with(said) && answered.ends_with('\n'), "{answered}");
            node.await.unwrap().unwrap();
        }
    }
}
